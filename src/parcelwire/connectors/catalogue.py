"""Which connectors there are, and which courier codes each answers for.

Three sources: the folders in ``carriers/``, the simulated carrier, and installed packages that
name a module under the entry point group ``parcelwire.connectors``. A built-in connector's code is
imported when it is first asked; only its manifest is read before.
"""

import tomllib
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.connectors.base import Connector, Manifest
from parcelwire.couriers.refresh import refreshed_registry
from parcelwire.couriers.registry import Registry, default_registry

ENTRY_POINT_GROUP: Final = "parcelwire.connectors"
_CARRIERS: Final = "parcelwire.connectors.carriers"


class CatalogueError(Exception):
    """The connectors that are installed cannot stand together, or one of them is no connector."""


class Entry:
    """One connector of the catalogue, imported when it is first needed."""

    def __init__(self, manifest: Manifest, source: str, load: Callable[[], Connector]) -> None:
        """Keep the manifest, where the connector comes from (for people), and how to get it."""
        self.manifest = manifest
        self.source = source
        self._load = load
        self._connector: Connector | None = None

    @property
    def connector(self) -> Connector:
        """The connector itself.

        Raises:
            Exception: whatever the connector's own code does when it is imported.
        """
        if self._connector is None:
            self._connector = self._load()
        return self._connector


class Catalogue:
    """All connectors, found by their own code or by the code of a courier."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Index the entries.

        Raises:
            CatalogueError: when two connectors have one code, or answer for one courier.
        """
        self._by_code: dict[str, Entry] = {}
        self._by_courier: dict[str, Entry] = {}
        for entry in entries:
            _claim(self._by_code, entry.manifest.code, entry, "the connector code")
            for courier_code in entry.manifest.courier_codes:
                _claim(self._by_courier, courier_code, entry, "the courier code")

    def get(self, code: str) -> Entry | None:
        """Return the connector with exactly this code."""
        return self._by_code.get(code)

    def for_courier(self, courier_code: str) -> Entry | None:
        """Return the connector that answers for a courier."""
        return self._by_courier.get(courier_code)

    def check_names(self, codes: Iterable[str]) -> None:
        """Check that somebody who named connectors named real ones.

        Raises:
            CatalogueError: there is none with one of these codes.
        """
        for code in codes:
            if code not in self._by_code:
                msg = f"there is no connector {code}; there are {', '.join(sorted(self._by_code))}"
                raise CatalogueError(msg)

    def check_steps(self, code: str, steps: Iterable[str]) -> None:
        """Check that somebody who named hosts of a connector named those that it asks.

        Raises:
            CatalogueError: there is no such connector, or it has no host of one of these names.
        """
        self.check_names([code])
        transports = self._by_code[code].manifest.transports
        known = sorted({name for transport in transports for name in transport.base_urls})
        for step in steps:
            if step not in known:
                msg = f"{code} has no host named {step}; it has {', '.join(known) or 'none'}"
                raise CatalogueError(msg)

    def all(self) -> list[Entry]:
        """Return every connector, sorted by code."""
        return [entry for _, entry in sorted(self._by_code.items())]


def load_catalogue(
    simulated: Connector, *, installed: Iterable[EntryPoint] | None = None
) -> Catalogue:
    """Return the catalogue of this installation.

    ``simulated`` is the simulated carrier, made with the operator's time scale. ``installed``
    replaces the entry points that are found (None: all of the group).

    Raises:
        CatalogueError: when something that should be a connector is none, or two claim one code.
    """
    if installed is None:
        installed = entry_points(group=ENTRY_POINT_GROUP)
    return Catalogue(
        [
            Entry(simulated.manifest, "built in", lambda: simulated),
            *built_in_carriers(),
            *(_installed(point) for point in sorted(installed, key=lambda p: p.name)),
        ]
    )


def known_couriers(catalogue: Catalogue, refreshed: Path) -> Registry:
    """Return the couriers of the package, those that connectors declare, and the refreshed ones.

    ``refreshed``: the file of a list that was refreshed, if there is one. It comes last: a courier
    that is listed by now was none when its connector was written, which is no fault.

    Raises:
        CatalogueError: what a connector declares is in the registry, or another declares it, too.
        CourierListError: the file cannot be used.
    """
    registry = default_registry()
    for entry in catalogue.all():
        try:
            registry = registry.with_declared(entry.manifest.couriers)
        except ValueError as error:
            msg = f"the connector {entry.manifest.code} ({entry.source}) cannot be used: {error}"
            raise CatalogueError(msg) from error
    return refreshed_registry(registry, refreshed)


def built_in_carriers() -> list[Entry]:
    """Return an entry for each folder of ``carriers/`` that holds a manifest."""
    entries = []
    for folder in sorted(files(_CARRIERS).iterdir(), key=lambda folder: folder.name):
        path = folder / "manifest.toml"
        if not path.is_file():
            continue
        try:
            manifest = msgspec.convert(tomllib.loads(path.read_text("utf-8")), Manifest)
        except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            msg = f"the manifest of the connector {folder.name} is wrong: {error}"
            raise CatalogueError(msg) from error
        entries.append(Entry(manifest, "built in", _loader(f"{_CARRIERS}.{folder.name}")))
    return entries


def _loader(module: str) -> Callable[[], Connector]:
    def load() -> Connector:
        connector: Connector = import_module(module).CONNECTOR
        return connector

    return load


def _installed(point: EntryPoint) -> Entry:
    """Import an installed connector: its manifest is only reachable through its own code."""
    package = f" of the package {point.dist.name}" if point.dist is not None else ""
    source = f"the entry point {point.name}{package}"
    try:
        loaded = point.load()
        connector: Connector = getattr(loaded, "CONNECTOR", loaded)
        manifest: object = connector.manifest
    except Exception as error:
        msg = f"{source} gives no connector: {type(error).__name__}: {error}"
        raise CatalogueError(msg) from error
    if not isinstance(manifest, Manifest):
        msg = f"{source} gives no connector: its manifest is of type {type(manifest).__name__}"
        raise CatalogueError(msg)
    return Entry(manifest, source, lambda: connector)


def _claim(index: dict[str, Entry], code: str, entry: Entry, what: str) -> None:
    holder = index.get(code)
    if holder is not None:
        msg = (
            f"two connectors claim {what} {code}: "
            f"{holder.manifest.code} ({holder.source}) and {entry.manifest.code} ({entry.source}); "
            "take one of them out"
        )
        raise CatalogueError(msg)
    index[code] = entry
