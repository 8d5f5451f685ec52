"""Connectors by their folders: built in, or being written somewhere else."""

from __future__ import annotations

import importlib
import sys
from importlib.resources import files
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec

from parcelwire.connectors.base import Connector, Manifest
from parcelwire.connectors.fixtures import comparable, encode, list_cases, load_fixture, replay
from parcelwire.connectors.mock_servers.description import FILE, load_description
from parcelwire.connectors.mock_servers.trial import try_out
from parcelwire.connectors.package import find_module, package_of
from parcelwire.connectors.quality import (
    UNREADABLE,
    Problem,
    check_connector,
    problem_of,
    unreadable,
)
from parcelwire.connectors.status_table import read_manifest, read_status_table

CARRIERS: Final = "parcelwire.connectors.carriers"
_ROOT: Final = Path(str(files(CARRIERS)))


class FolderError(Exception):
    """A folder holds no connector; the text says why."""


def built_in_folders() -> list[Path]:
    """Return the folders of all built-in carriers, sorted."""
    return sorted(one.parent for one in _ROOT.glob("*/manifest.toml"))


def find_folder(name: str) -> Path:
    """Return the folder that ``name`` means: a path, or the code of a built-in carrier.

    Raises:
        FolderError: there is none.
    """
    path = Path(name)
    if path.is_dir():
        resolved = path.resolve()
        own = _ROOT / resolved.name
        return own if own.resolve() == resolved else resolved
    own = _ROOT / name.replace("-", "_")
    if own.is_dir() and own.parent == _ROOT:
        return own
    msg = f"{name} is neither a folder nor the code of a built-in carrier"
    raise FolderError(msg)


def load_folder(folder: Path) -> Connector:
    """Import the connector of a folder, from where it is.

    Raises:
        FolderError: it cannot be imported, or holds none.
    """
    if not (folder / "__init__.py").is_file():
        msg = f"there is no {folder / '__init__.py'}"
        raise FolderError(msg)
    is_built_in = folder.parent == _ROOT
    name = f"{CARRIERS}.{folder.name}" if is_built_in else folder.name
    try:
        module = importlib.import_module(name) if is_built_in else _import_from(folder)
        connector = getattr(module, "CONNECTOR", None)
        manifest = None if connector is None else connector.manifest
    except FolderError:
        raise
    except (Exception, SystemExit) as error:
        msg = f"it cannot be imported: {type(error).__name__}: {error}"
        raise FolderError(msg) from error
    if connector is None or not isinstance(manifest, Manifest):
        msg = "__init__.py does not name a CONNECTOR"
        raise FolderError(msg)
    found: Connector = connector
    try:
        package = package_of(found)
    except LookupError as error:
        raise FolderError(str(error)) from None
    if package != name:
        # Or somebody else's files would be checked, and written.
        msg = f"the CONNECTOR of __init__.py is that of {package}"
        raise FolderError(msg)
    return found


def _import_from(folder: Path) -> ModuleType:
    """Import a folder under its own name, without a look at what else stands beside it."""
    name, path = folder.name, folder / "__init__.py"
    found = find_module(name)
    if found is not None and Path(found.origin or "").resolve() != path.resolve():
        msg = f"a module called {name} exists already: {found.origin}"
        raise FolderError(msg)
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, path, submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        msg = f"{path} is no module"
        raise FolderError(msg)
    module = module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        for one in [one for one in sys.modules if f"{one}.".startswith(f"{name}.")]:
            del sys.modules[one]
        raise
    return module


def check_folder(folder: Path) -> list[Problem]:
    """Return what is wrong with the connector of a folder; empty when it is sound."""
    try:
        connector = load_folder(folder)
        problems = check_connector(connector)
        # Over HTTP, too, once it is worth trying: prose may still be missing.
        is_worth_it = all(one.file == "README.md" for one in problems)
        return problems + check_mock_server(connector, is_tried=is_worth_it)
    except FolderError as error:
        cause = error.__cause__
        problems = [] if cause is None else _check_readable(folder)
        if problems and isinstance(cause, UNREADABLE):
            # It was imported to where it reads one of them.
            return problems
        place = None if cause is None else problem_of(cause, folder, str(error))
        return [place or Problem("__init__.py", 1, str(error)), *problems]


def check_mock_server(connector: Connector, *, is_tried: bool = True) -> list[Problem]:
    """Return what is wrong with a connector's ``mock_server.toml``; nothing where there is none.

    ``is_tried``: the connector asks it over HTTP.
    """
    try:
        description = load_description(package_of(connector))
    except FileNotFoundError:
        return []
    except (*UNREADABLE, LookupError) as error:
        return [unreadable(FILE, error)]
    return [Problem(FILE, 1, why) for why in try_out(connector, description)] if is_tried else []


def _check_readable(folder: Path) -> list[Problem]:
    """Return which of the files that a connector reads itself cannot be read."""
    problems = []
    for file, read in (("manifest.toml", read_manifest), ("status.toml", read_status_table)):
        try:
            read((folder / file).read_text("utf-8"))
        except UNREADABLE as error:
            problems.append(unreadable(file, error))
    return problems


def missing_cases(connector: Connector) -> list[str]:
    """Return the cases that have no ``<case>.out.json``."""
    package = package_of(connector)
    fixtures = files(package) / "fixtures"
    return [one for one in list_cases(package) if not (fixtures / f"{one}.out.json").is_file()]


def record_case(connector: Connector, case: str) -> Path:
    """Write ``<case>.out.json`` from what the connector makes of ``<case>.in.json``.

    For review: what it says is only as right as the connector is.

    Raises:
        FolderError: there is no such case.
        OSError: it cannot be read, or the other not be written.
        msgspec.MsgspecError: it is not of the form.
        ReplayError: the connector asks something else than is written there.
    """
    package = package_of(connector)
    if case not in list_cases(package):  # nor is it the name of a file somewhere else
        msg = f"there is no fixtures/{case}.in.json"
        raise FolderError(msg)
    fixture = load_fixture(package, case)
    reports = [comparable(report) for report in replay(connector, fixture)]
    path = Path(str(files(package))) / "fixtures" / f"{case}.out.json"
    text = msgspec.json.format(encode({"reports": reports}), indent=1)
    path.write_bytes(text + b"\n")
    return path
