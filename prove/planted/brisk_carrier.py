"""No bug, but a carrier that lets itself be asked more often than the real one."""

from __future__ import annotations

from msgspec.structs import replace

from parcelwire.connectors import catalogue
from parcelwire.connectors.catalogue import Entry
from prove.clocks import CARRIER, PER_MINUTE

_honest = catalogue.built_in_carriers


def _brisk(entry: Entry) -> Entry:
    transports = [replace(one, requests_per_minute=PER_MINUTE) for one in entry.manifest.transports]
    manifest = replace(entry.manifest, transports=tuple(transports))
    return Entry(manifest, entry.source, lambda: entry.connector)


def _carriers() -> list[Entry]:
    return [_brisk(one) if one.manifest.code == CARRIER else one for one in _honest()]


catalogue.built_in_carriers = _carriers
