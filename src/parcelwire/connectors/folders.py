"""Connectors by their folders: built in, or being written somewhere else."""

from __future__ import annotations

import importlib
import sys
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.connectors.base import Connector, Manifest
from parcelwire.connectors.fixtures import comparable, encode, list_cases, load_fixture, replay
from parcelwire.connectors.quality import (
    Problem,
    check_connector,
    package_of,
    problem_of,
    unreadable,
)

CARRIERS: Final = "parcelwire.connectors.carriers"


class FolderError(Exception):
    """A folder holds no connector; the text says why."""


def built_in_folders() -> list[Path]:
    """Return the folders of all built-in carriers, sorted."""
    root = Path(str(files(CARRIERS)))
    return sorted(one.parent for one in root.glob("*/manifest.toml"))


def find_folder(name: str) -> Path:
    """Return the folder that ``name`` means: a path, or the code of a built-in carrier.

    Raises:
        FolderError: there is none.
    """
    path = Path(name)
    if path.is_dir():
        return path.resolve()
    own = Path(str(files(CARRIERS))) / name.replace("-", "_")
    if own.is_dir() and own.parent == Path(str(files(CARRIERS))):
        return own
    msg = f"{name} is neither a folder nor the code of a built-in carrier"
    raise FolderError(msg)


def load_folder(folder: Path) -> Connector:
    """Import the connector of a folder, from where it is.

    Raises:
        FolderError: it cannot be imported, or holds none.
    """
    is_built_in = folder.parent == Path(str(files(CARRIERS)))
    name = f"{CARRIERS}.{folder.name}" if is_built_in else folder.name
    if not is_built_in and str(folder.parent) not in sys.path:
        sys.path.insert(0, str(folder.parent))
        importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
    except Exception as error:
        msg = f"it cannot be imported: {type(error).__name__}: {error}"
        raise FolderError(msg) from error
    if Path(module.__file__ or "").parent != folder:
        msg = f"a module called {folder.name} exists already: {module.__file__}"
        raise FolderError(msg)
    connector = getattr(module, "CONNECTOR", None)
    try:
        manifest = connector.manifest if connector is not None else None
    except Exception as error:
        msg = f"its manifest cannot be read: {type(error).__name__}: {error}"
        raise FolderError(msg) from error
    if connector is None or not isinstance(manifest, Manifest):
        msg = "__init__.py does not name a CONNECTOR"
        raise FolderError(msg)
    found: Connector = connector
    return found


def check_folder(folder: Path) -> list[Problem]:
    """Return what is wrong with the connector of a folder; empty when it is sound."""
    try:
        return check_connector(load_folder(folder))
    except FolderError as error:
        cause = error.__cause__
        if isinstance(cause, tomllib.TOMLDecodeError | msgspec.ValidationError):
            return [unreadable("manifest.toml", cause)]
        place = None if cause is None else problem_of(cause, folder, str(error))
        return [place or Problem("__init__.py", 1, str(error))]


def missing_cases(connector: Connector) -> list[str]:
    """Return the cases that have no ``<case>.out.json``."""
    package = package_of(connector)
    fixtures = files(package) / "fixtures"
    return [one for one in list_cases(package) if not (fixtures / f"{one}.out.json").is_file()]


def record_case(connector: Connector, case: str) -> Path:
    """Write ``<case>.out.json`` from what the connector makes of ``<case>.in.json``.

    For review: what it says is only as right as the connector is.

    Raises:
        OSError: there is no such case.
        msgspec.MsgspecError: it is not of the form.
        ReplayError: the connector asks something else than is written there.
    """
    package = package_of(connector)
    fixture = load_fixture(package, case)
    reports = [comparable(report) for report in replay(connector, fixture)]
    path = Path(str(files(package))) / "fixtures" / f"{case}.out.json"
    text = msgspec.json.format(encode({"reports": reports}), indent=1)
    path.write_bytes(text + b"\n")
    return path
