"""Every call of the store's ports, with the arguments of the workers, the APIs and the dashboard.

``test_flat`` measures each with 20,000 rows and with 200,000.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from parcelwire.domain.clock import DAY
from parcelwire.domain.report import UnmappedCode
from parcelwire.tracking.journeys import JourneyFilter
from parcelwire.tracking.ports import TrackingPlace
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store import flat_calls as calls
from tests.contract.store.bulk_rows import (
    BIG,
    COURIER,
    KIND,
    OFF,
)
from tests.contract.store.flat_calls import Shop, once_of
from tests.contract.store.flat_filters import MESSAGE_FILTERS, TRACKING_FILTERS, WIDE
from tests.contract.store.samples import (
    NOW,
)

DEEP: Final = 10_000
"""Trackings before the deepest page that a client may ask for by its number."""


class Bound(NamedTuple):
    """How much work a query may come to at any number of rows, by design."""

    sqlite: int
    postgres: int
    why: str


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    run: Callable[[Shop], Awaitable[Any]]
    bound: Bound | None = None
    """None: it may not grow."""


_COLLECTED: Final = Bound(600_000, 60_000, "up to 10,000 that satisfy a condition are sorted")
_COUNTED: Final = Bound(1_600_000, 250_000, "of each walk 10,000 are counted, more estimated")
_SKIPPED: Final = Bound(500_000, 15_000, "the trackings before a page are passed over")
_CHART: Final = Bound(
    3_000_000, 300_000, "the newest 100,000 parcels of the chosen days are counted"
)

_STRETCH: Final = Bound(90_000, 10_000, "a stretch of 2,000 messages is looked at for a page")
_HELD: Final = Bound(60_000, 0, "2,000 polls at the front of the queue are looked at")
_REPLAYED: Final = Bound(
    600_000, 60_000, "an endpoint's messages are looked through, in stretches of 2,000"
)
_JUMPED: Final = Bound(
    12_000_000,
    700_000,
    "a clock has jumped: all that waits is looked through, in portions of 5,000",
)

_THIN: Final = frozenset(
    {
        "endpoint and state, few",
        "endpoint and dead, none there",
        "switched off endpoint, not pending",
    }
)
"""Filters of messages of which a stretch holds fewer than a page, or none, that satisfy them."""
_THIN_WHEN_FEW: Final = frozenset({"dead", "states", "created in 30 days"})
"""The same for a replay, as long as there are fewer messages than a stretch holds."""

_NARROW: Final = ("updated", "ordered", "beginning")
"""Conditions that no walk along an index is in the order of."""


def _journeys_of(where: JourneyFilter) -> Query:
    async def run(shop: Shop) -> None:
        await shop.store.count_journeys(BIG, where, ("courier_code", "status", "transit_days"))

    return Query(run=run, bound=_CHART)


def _pages(world_id: int, name: str) -> dict[str, Query]:
    where = TRACKING_FILTERS[name][1]
    collected = _COLLECTED if name.startswith(_NARROW) else None
    counted = None if where.is_plain else collected or _COUNTED
    if name in WIDE:
        counted = _COUNTED

    async def page(shop: Shop) -> None:
        await shop.store.page_trackings(world_id, where, limit=51)
        place = TrackingPlace(shop.parcel().created_at, shop.parcel().id)
        await shop.store.page_trackings(world_id, where, after=place, limit=51)

    def queried(call: Callable[[Shop], Awaitable[Any]], bound: Bound | None) -> Query:
        return Query(run=call, bound=bound)

    found = {
        f"list of {name}": queried(
            lambda shop: shop.store.list_trackings(world_id, where, offset=0, limit=50), collected
        ),
        f"renditions of {name}": queried(
            lambda shop: shop.store.list_renditions(world_id, where, offset=0, limit=50), collected
        ),
        f"page of {name}": queried(page, collected),
        f"count of {name}": queried(
            lambda shop: shop.store.count_trackings(world_id, where), counted
        ),
        f"statuses of {name}": queried(
            lambda shop: shop.store.count_by_status(world_id, where), counted
        ),
    }
    if name not in WIDE:
        found[f"deep list of {name}"] = queried(
            lambda shop: shop.store.list_trackings(world_id, where, offset=DEEP, limit=50),
            collected or _SKIPPED,
        )
    return found


def _messages(name: str, where: MessageFilter) -> dict[str, Query]:
    async def read(shop: Shop) -> None:
        old = shop.parcel(endpoint=OFF if where.endpoint_id == OFF.id else None)
        mine = replace(where, tracking_id=old.id) if where.tracking_id else where
        await shop.store.list_messages(BIG, mine, limit=50)
        await shop.store.list_messages(BIG, mine, before=old.id, limit=50)

    async def replay(shop: Shop) -> None:
        old = shop.parcel(skip=50)
        mine = replace(where, tracking_id=old.id) if where.tracking_id else where
        await shop.store.replay(BIG, mine, NOW, limit=20)

    async def replay_at_once(shop: Shop) -> None:
        await shop.store.replay(BIG, where, NOW, limit=20, once=once_of(f"replay {name}"))

    stretch = _STRETCH if name in _THIN else None
    replayed = _STRETCH if name in _THIN | _THIN_WHEN_FEW else None
    if where.endpoint_id == OFF.id:
        replayed = _REPLAYED
    return {
        f"messages: {name}": Query(run=read, bound=stretch),
        f"replay: {name}": Query(run=replay, bound=replayed),
        f"replay at once: {name}": Query(run=replay_at_once, bound=replayed),
    }


QUERIES: Final[dict[str, Query]] = {
    "load": Query(run=lambda shop: shop.store.load(BIG, shop.parcel().id)),
    "load many": Query(
        run=lambda shop: shop.store.load_many([shop.parcel(skip=skip).id for skip in range(50)])
    ),
    "find": Query(run=lambda shop: shop.store.find(BIG, shop.parcel().text)),
    "find with courier": Query(
        run=lambda shop: shop.store.find(BIG, shop.parcel().text, shop.parcel().courier)
    ),
    "find by page": Query(run=lambda shop: shop.store.find_by_page_token(shop.parcel().page_token)),
    "raw answers": Query(run=lambda shop: shop.store.raw_responses(shop.parcel(skip=1).id)),
    "past polls": Query(run=lambda shop: shop.store.past_polls(shop.parcel().id)),
    "create": Query(run=calls.create_some),
    "create many": Query(run=calls.fold),
    "count created": Query(run=lambda shop: shop.store.count_created(BIG)),
    "save and delete": Query(run=calls.save),
    "save old polls": Query(run=calls.save_old),
    "change courier": Query(run=calls.change_courier),
    "delete old": Query(run=calls.delete),
    "courier counts": Query(run=lambda shop: shop.store.courier_counts(BIG, recent=200)),
    "lane history": Query(
        run=lambda shop: shop.store.lane_history(COURIER, "CH", "DE", is_test=False),
        bound=Bound(200_000, 25_000, "the newest 10,000 parcels of a lane are looked at"),
    ),
    "claim polls": Query(run=calls.claim_polls),
    "suspended": Query(run=calls.suspended, bound=_HELD),
    "recall polls": Query(run=partial(calls.recall_polls, far_only=True)),
    "recall polls after a jump": Query(
        run=partial(calls.recall_polls, far_only=False), bound=_JUMPED
    ),
    "budget": Query(run=calls.budget),
    "feed": Query(run=calls.feed),
    "events of a tracking": Query(run=calls.events_of),
    "prune events": Query(run=lambda shop: shop.store.prune_events(NOW - 399 * DAY, limit=10)),
    "prune events, none": Query(run=lambda shop: shop.store.prune_events(NOW - 500 * DAY)),
    "prune done": Query(
        run=lambda shop: shop.store.prune_idempotency_records(NOW - 399 * DAY, limit=10)
    ),
    "prune done, none": Query(
        run=lambda shop: shop.store.prune_idempotency_records(NOW - 500 * DAY)
    ),
    "endpoint": Query(run=calls.endpoint),
    "send": Query(run=calls.send),
    "skipped": Query(run=calls.skipped),
    "recall messages": Query(run=partial(calls.recall_messages, far_only=True)),
    "recall messages after a jump": Query(
        run=partial(calls.recall_messages, far_only=False), bound=_JUMPED
    ),
    "count waiting": Query(run=lambda shop: shop.store.count_waiting(OFF.id, most=1_000)),
    "once only": Query(run=calls.once_only),
    "once only, refused": Query(run=calls.refused),
    "resend": Query(run=calls.resend),
    "give up waiting": Query(
        run=lambda shop: shop.store.give_up_waiting(NOW, before=NOW - 350 * DAY, limit=10)
    ),
    "give up waiting, none": Query(
        run=lambda shop: shop.store.give_up_waiting(NOW, before=NOW - 500 * DAY)
    ),
    "prune messages": Query(run=lambda shop: shop.store.prune_messages(NOW - 399 * DAY, limit=10)),
    "prune messages, none": Query(run=lambda shop: shop.store.prune_messages(NOW - 500 * DAY)),
    "record": Query(run=calls.record),
    "records": Query(run=lambda shop: shop.store.list_records(KIND, str(BIG), limit=50)),
    "scopes": Query(run=lambda shop: shop.store.list_scopes(KIND, limit=10)),
    "prune records": Query(
        run=lambda shop: shop.store.prune_records(KIND, NOW - 399 * DAY, limit=10)
    ),
    "journeys": Query(run=calls.journeys),
    "count journeys": _journeys_of(JourneyFilter(since_on="2026-02-01", until_on="2026-02-28")),
    "count journeys of a lane": _journeys_of(
        JourneyFilter(since_on="2026-02-01", origin="CH", destination="DE", courier_code=COURIER)
    ),
    "account": Query(run=calls.account),
    "everybody": Query(run=calls.everybody),
    "gaps": Query(run=lambda shop: shop.store.list_unmapped_codes(limit=100)),
    "add gaps": Query(
        run=lambda shop: shop.store.add_unmapped_codes(
            "dhl", [UnmappedCode(kind="code", value="9")], NOW
        )
    ),
    "remote area": Query(run=lambda shop: shop.store.remote_area("CH", "0000007")),
    "has remote areas": Query(run=lambda shop: shop.store.has_remote_areas()),
    "ready": Query(run=calls.ready),
}
for _name, (_world_id, _) in TRACKING_FILTERS.items():
    QUERIES.update(_pages(_world_id, _name))
for _name, _where in MESSAGE_FILTERS.items():
    QUERIES.update(_messages(_name, _where))
