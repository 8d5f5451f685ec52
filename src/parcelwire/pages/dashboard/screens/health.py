"""How each connector does: whether it is on, in trouble, and what it answered last."""

from __future__ import annotations

from collections import Counter
from typing import Final

import msgspec
from starlette.responses import Response

from parcelwire.accounts.ports import ConnectorTransport
from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import Instant
from parcelwire.pages.dashboard.registry import Page
from parcelwire.pages.dashboard.trouble import Trouble, connections_of, troubles_of
from parcelwire.pages.dashboard.visit import Visit
from parcelwire.tracking.ports import TrackingFilter

LOOKED_AT: Final = 50
"""Parcels of a courier whose last check is looked at."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """One connector."""

    code: str
    name: str
    ways: list[ConnectorTransport]
    troubles: list[Trouble]
    outcomes: list[tuple[str, int]]
    """How the last checks of the newest parcels ended, most frequent first."""
    last_checked_at: Instant | None
    connections: int
    gaps: int


async def show(visit: Visit) -> Response:
    """Show all connectors."""
    store = visit.house.store
    is_test = visit.session.is_test
    by_code: dict[str, list[ConnectorTransport]] = {}
    for way in visit.house.connections.transports():
        if (way.connector == "simulated") == is_test:
            by_code.setdefault(way.connector, []).append(way)
    own = await connections_of(visit)
    troubles = await troubles_of(visit, own)
    connections = Counter(one.connector for one in own)
    gaps: Counter[str] = Counter()
    if visit.session.is_operator:
        for connector, _, _, number, _, _ in await store.list_unmapped_codes(1_000):
            gaps[connector] += number
    rows = []
    for code, ways in by_code.items():
        outcomes, last = await _answers(visit, () if is_test else ways[0].courier_codes)
        rows.append(
            Health(
                code=code,
                name=ways[0].name,
                ways=ways,
                troubles=[one for one in troubles if one.connector == code],
                outcomes=outcomes,
                last_checked_at=last,
                connections=connections[code],
                gaps=gaps[code],
            )
        )
    return await visit.show("health.html", rows=rows, looked_at=LOOKED_AT)


async def _answers(
    visit: Visit, courier_codes: tuple[str, ...]
) -> tuple[list[tuple[str, int]], Instant | None]:
    """Return how the last checks of the newest parcels ended, and when the newest was."""
    outcomes: Counter[str] = Counter()
    last: Instant | None = None
    for code in courier_codes[:10] or (None,):
        for row in await visit.house.store.page_trackings(
            visit.world_id, TrackingFilter(courier_code=code), limit=LOOKED_AT
        ):
            outcomes[row.poll.last_outcome] += 1
            if row.poll.checked_at is not None:
                last = max(last or 0, row.poll.checked_at)
    return outcomes.most_common(), last


PAGE: Final = Page(
    path="/connectors",
    title="Connectors",
    section="Carriers",
    order=30,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
)
