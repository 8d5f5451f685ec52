"""Where a connector's files are."""

from __future__ import annotations

from importlib.machinery import ModuleSpec
from importlib.resources import files
from importlib.util import find_spec

from parcelwire.connectors.base import Connector


def package_of(connector: Connector) -> str:
    """Return the package that holds a connector's files: the nearest one with a manifest.

    Raises:
        LookupError: when there is none.
    """
    name = str(type(connector).__module__)
    while name:
        spec = find_module(name)
        is_package = spec is not None and spec.submodule_search_locations is not None
        if is_package and (files(name) / "manifest.toml").is_file():
            return name
        name = name.rpartition(".")[0]
    msg = f"no manifest.toml beside {type(connector).__module__}"
    raise LookupError(msg)


def find_module(name: str) -> ModuleSpec | None:
    """Return where a module is found, imported or not; None: nowhere."""
    try:
        return find_spec(name)
    except (ImportError, AttributeError, ValueError):
        return None
