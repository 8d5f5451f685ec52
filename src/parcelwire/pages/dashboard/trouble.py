"""What is wrong with carriers, as far as it concerns one account and world."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from parcelwire.accounts.ports import ConnectorTransport
from parcelwire.domain.account import Connection
from parcelwire.domain.clock import Instant
from parcelwire.pages.dashboard.visit import Visit


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """A connector that cannot be asked at the moment, or one of its connections."""

    connector: str
    name: str
    courier_codes: tuple[str, ...]
    why: str
    since: Instant | None = None
    until: Instant | None = None
    connection_id: str = ""


async def connections_of(visit: Visit) -> list[Connection]:
    """Return the account's connections, which belong to the live world: in the test one, none."""
    if visit.session.is_test:
        return []
    return await visit.house.connections.list_connections(visit.session.account.number)


async def troubles_of(visit: Visit, connections: Sequence[Connection]) -> list[Trouble]:
    """Return what keeps this world's parcels from being asked about.

    ``connections``: see ``connections_of``.
    """
    store, is_test = visit.house.store, visit.session.is_test
    ways = {one.connector: one for one in visit.house.connections.transports()}
    own = {one.id: one for one in connections}
    found = [
        Trouble(
            connector=one.connector,
            name=_name(ways, one.connector),
            courier_codes=_couriers(ways, one.connector),
            why=f"The carrier refuses the credentials: {one.broken_reason or 'no reason given'}",
            since=one.broken_since,
            connection_id=one.id,
        )
        for one in connections
        if one.broken_since is not None and one.is_enabled
    ]
    for key, pause in sorted((await store.pauses()).items()):
        if pause.until <= visit.now:
            continue
        connector, _, rest = key.partition(":")
        couriers = _couriers(ways, connector)
        if connector == "simulated":
            world, _, courier_code = rest.partition(":")
            if world != str(visit.world_id):
                continue
            couriers = (courier_code,)
        elif is_test or (rest not in own and rest not in _transports(visit, connector)):
            # Another account's connection is not this one's business.
            continue
        found.append(
            Trouble(
                connector=connector,
                name=_name(ways, connector),
                courier_codes=couriers,
                why=pause.reason,
                since=pause.since,
                until=pause.until,
                connection_id=rest if rest in own else "",
            )
        )
    return found


def _name(ways: dict[str, ConnectorTransport], connector: str) -> str:
    return ways[connector].name if connector in ways else connector


def _couriers(ways: dict[str, ConnectorTransport], connector: str) -> tuple[str, ...]:
    return ways[connector].courier_codes if connector in ways else ()


def _transports(visit: Visit, connector: str) -> set[str]:
    return {
        one.transport for one in visit.house.connections.transports() if one.connector == connector
    }
