"""Parcels that somebody should look at, the most urgent first, and carriers that give no answer."""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.responses import Response

from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import Instant
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.dashboard.registry import Page
from parcelwire.pages.dashboard.trouble import Trouble, connections_of, troubles_of
from parcelwire.pages.dashboard.visit import Visit
from parcelwire.pages.dashboard.words import ago, days_until, plural
from parcelwire.tracking.ports import TrackingFilter, TrackingPlace

LOOKED_AT: Final = 500
LOOKED_AT_WAITING: Final = 2_000
"""Most parcels at the last step are out for delivery, so more are looked through."""
SHOWN: Final = 200
SOON_DAYS: Final = 3

KINDS: Final = {
    "waiting": "Waiting to be collected",
    "exception": "Exception",
    "undelivered": "Undelivered",
    "expired": "Expired",
}


class Urgent(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel, why it needs somebody, and how much."""

    tracking: Tracking
    kind: str
    why: str
    rank: tuple[int, int]
    """Less is more urgent."""
    since: Instant


_UNDER_WAY: Final = tuple(
    status for status in Status if status not in (Status.DELIVERED, Status.EXPIRED)
)


class Silent(msgspec.Struct, frozen=True):
    """A carrier in trouble, and how many parcels under way wait for it."""

    trouble: Trouble
    waiting: int
    is_estimate: bool = False
    """There are too many to be counted: more than 10,000."""


async def show(visit: Visit) -> Response:
    """Show what needs attention."""
    kind = visit.query("kind")
    found: list[Urgent] = []
    is_cut = False
    for name in KINDS if kind not in KINDS else (kind,):
        urgent, was_cut = await _find(visit, name)
        found.extend(urgent)
        is_cut = is_cut or was_cut
    found.sort(key=lambda one: one.rank)
    return await visit.show(
        "attention.html",
        kinds=KINDS,
        kind=kind if kind in KINDS else "",
        rows=found[:SHOWN],
        is_cut=is_cut or len(found) > SHOWN,
        silent=await _silent(visit),
        couriers=visit.courier_name,
    )


async def _find(visit: Visit, kind: str) -> tuple[list[Urgent], bool]:
    is_waiting = kind == "waiting"
    status = Status.PICKUP if is_waiting else Status(kind)
    where = TrackingFilter(statuses=(status,), is_archived=False)
    most = LOOKED_AT_WAITING if is_waiting else LOOKED_AT
    found: list[Urgent] = []
    after: TrackingPlace | None = None
    looked_at = 0
    while looked_at < most:
        rows = await visit.house.store.page_trackings(
            visit.world_id, where, after=after, limit=LOOKED_AT
        )
        looked_at += len(rows)
        for row in rows:
            tracking = row.tracking
            if not is_waiting or tracking.substatus is Substatus.PICKUP_READY_FOR_COLLECTION:
                found.append(_urgent(tracking, kind, visit.now))
        if len(rows) < LOOKED_AT:
            return found, False
        last = rows[-1].tracking
        after = TrackingPlace(last.created_at, last.id)
    return found, True


def _urgent(tracking: Tracking, kind: str, now: Instant) -> Urgent:
    latest = tracking.latest_checkpoint
    since = latest.occurred_at if latest is not None else tracking.updated_at
    until = tracking.facts.pickup_until_on if tracking.facts is not None else None
    left = days_until(until, now) if kind == "waiting" else None
    if kind == "waiting":
        why = "waits to be collected"
        if left is not None:
            why = (
                f"goes back in {plural(left, 'day')}, on {until}"
                if left > 0
                else f"the last day was today: {until}"
                if left == 0
                else f"its last day is over: {until}"
            )
        # Soon gone back comes before everything; without a date, the longest waiting first.
        rank = (0, left) if left is not None and left <= SOON_DAYS else (2, since)
    elif kind == "expired":
        why, rank = f"the last news came {ago(since, now)}", (3, -since)
        if latest is None:
            why = "the carrier never said anything"
    else:
        why = latest.text if latest is not None else "the carrier says no more"
        is_returning = tracking.substatus in {
            Substatus.EXCEPTION_RETURNING,
            Substatus.EXCEPTION_RETURNED,
        }
        # What is on its way back can hardly be helped any more.
        rank = (2 if is_returning else 1, since)
    return Urgent(tracking=tracking, kind=kind, why=why, rank=rank, since=since)


async def _silent(visit: Visit) -> list[Silent]:
    found = []
    for trouble in await troubles_of(visit, await connections_of(visit)):
        waiting, is_estimate = 0, False
        for courier_code in trouble.courier_codes[:10]:
            where = TrackingFilter(
                courier_code=courier_code, statuses=_UNDER_WAY, is_archived=False
            )
            counts = await visit.house.store.count_by_status(visit.world_id, where)
            waiting += counts.total
            is_estimate = is_estimate or counts.is_estimate
        found.append(Silent(trouble, waiting, is_estimate))
    return found


PAGE: Final = Page(
    path="/attention",
    title="Needs attention",
    section="Parcels",
    order=20,
    scope="read",
    world=WorldRule.OWN,
    handler=show,
    shortcut="a",
)
