"""The events feed: everything that changed, in one order, for those who missed a webhook.

A cursor holds the number of the last event read and a time up to which everything was read then.
Events are kept for ``KEPT_DAYS`` at least, so a cursor that was given later than that has missed
none, however few of its world's events are left. One that is older has missed some when the newest
event that is gone came after it.

It holds a mark of that event, too. A database that was restored from a backup gives the numbers
that came after the backup again, to other events: whoever had read further would pass these over.
"""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parcelwire.api.house import House
from parcelwire.api.native.event_places import place_before
from parcelwire.api.native.examples import FEED
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.paging import (
    CURSOR_PATTERN,
    MOST,
    USUAL,
    PlaceInstant,
    make_cursor,
    read_cursor,
)
from parcelwire.api.native.problems import ProblemError
from parcelwire.api.native.tracking_requests import When
from parcelwire.api.native.tracking_shapes import CheckpointObject, DeliveryWindowObject
from parcelwire.domain.access import WorldRule
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import DAY, SECOND, Instant, from_datetime, iso_utc
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.tracking.ports import TrackingStore
from parcelwire.webhooks.native import change_to_wire

KEPT_DAYS: Final = 30
MOST_WAIT_SECONDS: Final = 30

_KIND: Final = "events"


class EventQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which events."""

    after: Annotated[
        str,
        Meta(
            max_length=500,
            pattern=CURSOR_PATTERN,
            description="`next_cursor` of the answer before; empty: from the oldest event kept",
        ),
    ] = ""
    since: Annotated[
        When | UnsetType,
        Meta(description="While `after` is empty: from this time on, instead of the oldest"),
    ] = UNSET
    limit: Annotated[int, Meta(ge=1, le=MOST, description="Events at most")] = USUAL
    wait_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=MOST_WAIT_SECONDS,
            description="Seconds to wait for an event when there is none yet",
        ),
    ] = 0


class StatusChangedObject(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="status_changed",
):
    """The parcel stands elsewhere, or its finer code moved."""

    from_status: Status
    to_status: Status
    from_substatus: Substatus | UnsetType = UNSET
    to_substatus: Substatus | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET


class CheckpointAddedObject(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="checkpoint_added",
):
    """A checkpoint that nobody had told before."""

    checkpoint: CheckpointObject


class CheckpointCorrectedObject(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="checkpoint_corrected",
):
    """The carrier words a known checkpoint differently now."""

    before: CheckpointObject
    after: CheckpointObject


class CheckpointWithdrawnObject(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="checkpoint_withdrawn",
):
    """The carrier took a checkpoint back."""

    checkpoint: CheckpointObject


class DeliveryWindowChangedObject(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="delivery_window_changed",
):
    """The promised time appeared (no ``before``), moved, or went away (no ``after``)."""

    before: DeliveryWindowObject | UnsetType = UNSET
    after: DeliveryWindowObject | UnsetType = UNSET


class CourierCorrectedObject(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="type",
    tag="courier_corrected",
):
    """The number turned out to be another courier's."""

    from_courier: str
    to_courier: str
    reason: str


ChangeObject = (
    StatusChangedObject
    | CheckpointAddedObject
    | CheckpointCorrectedObject
    | CheckpointWithdrawnObject
    | DeliveryWindowChangedObject
    | CourierCorrectedObject
)


class EventData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the parcel stood after the event, and what changed."""

    status: Status
    changes: list[ChangeObject]
    substatus: Substatus | UnsetType = UNSET


class EventObject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One event, as native webhooks tell it."""

    id: str
    type: Annotated[str, Meta(description="tracking.status_changed or tracking.updated")]
    timestamp: datetime
    tracking_id: str
    sequence: Annotated[
        int, Meta(description="Number among the tracking's events: 1, 2, 3 ... without a gap")
    ]
    data: EventData


class EventFeed(msgspec.Struct, frozen=True, kw_only=True):
    """Events in the order in which they were stored."""

    items: list[EventObject]
    next_cursor: Annotated[
        str, Meta(description="What to send as `after` next time; given also when nothing is new")
    ]
    has_more: bool


async def list_events(house: House, asked: Asked) -> Any:
    """Answer the events after a cursor, oldest first; wait for the first one if wanted."""
    query: EventQuery = asked.query
    number, read_until, mark = 0, 0, 0
    if query.after:
        number, read_until, mark = _read_place(query.after)
        place = (number, read_until)
        await check_kept(house.store, asked.world_id, place, house.clock.now())
        await _check_history(house, asked.world_id, number, mark)
    elif query.since is not UNSET:
        number = await place_before(house.store, asked.world_id, from_datetime(query.since))
        mark = await _mark_at(house, asked.world_id, number)
    # Taken before the look: what is stored during it is not among "everything until then".
    now = began = house.clock.now()
    deadline = began + query.wait_seconds * SECOND
    rows = await house.store.events_after(asked.world_id, number, query.limit + 1)
    if not rows and now < deadline and not house.is_closing:
        with house.events.slot(asked.world_id):
            # A clock that was set back would make the wait as long as the jump: it ends it.
            while not rows and began <= now < deadline and not house.is_closing:
                await house.events.wait(asked.world_id, number, deadline)
                now = house.clock.now()
                rows = await house.store.events_after(asked.world_id, number, query.limit + 1)
    shown, has_more = rows[: query.limit], len(rows) > query.limit
    if shown:
        number, last = shown[-1]
        mark = _mark_of(last)
        read_until = last.at if has_more else now
    else:
        read_until = now
    return {
        "items": [event_object(event) for _, event in shown],
        "next_cursor": make_cursor(_KIND, number, read_until, mark),
        "has_more": has_more,
    }


def event_object(event: Event) -> dict[str, Any]:
    """Return an event as ``EventObject`` describes it, ready to be encoded."""
    data: dict[str, Any] = {"status": event.status}
    if event.substatus is not None:
        data["substatus"] = event.substatus
    data["changes"] = [change_to_wire(change) for change in event.changes]
    return {
        "id": event.id,
        "type": event.type,
        "timestamp": iso_utc(event.at),
        "tracking_id": event.tracking_id,
        "sequence": event.sequence,
        "data": data,
    }


async def check_kept(
    store: TrackingStore, world_id: int, place: tuple[int, Instant], now: Instant
) -> None:
    """Check that no event after a cursor is gone. ``place``: what the cursor holds.

    Raises:
        ProblemError: one is; the problem names the oldest place that is kept.
    """
    number, read_until = place
    if read_until >= now - KEPT_DAYS * DAY:
        return
    pruned = await store.pruned_cursor(world_id)
    if number >= pruned:
        return
    raise ProblemError(
        "events-pruned",
        f"events are kept for {KEPT_DAYS} days; go on after first_cursor, and read the trackings"
        " anew",
        first_cursor=await _first_place(store, world_id, pruned, now),
    )


async def _check_history(house: House, world_id: int, number: int, mark: int) -> None:
    """Check that the event of a cursor is the one that was read then.

    Raises:
        ProblemError: it is not there, or another has its number.
    """
    if not mark or await _mark_at(house, world_id, number) == mark:
        return
    pruned = await house.store.pruned_cursor(world_id)
    if number <= pruned:
        return
    raise ProblemError(
        "database-restored",
        "the database was restored from a backup that is older than this cursor; read the trackings"
        " anew, and go on after first_cursor, or with since= the time of the backup",
        first_cursor=await _first_place(house.store, world_id, pruned, house.clock.now()),
    )


async def _mark_at(house: House, world_id: int, number: int) -> int:
    """Return the mark of the event with this number; 0 where there is none."""
    rows = await house.store.events_after(world_id, number - 1, 1) if number else []
    return _mark_of(rows[0][1]) if rows and rows[0][0] == number else 0


def _mark_of(event: Event) -> int:
    return zlib.crc32(event.id.encode()) or 1


async def _first_place(store: TrackingStore, world_id: int, pruned: int, now: Instant) -> str:
    """Return a cursor before the oldest event that is kept."""
    first = await store.first_cursor(world_id)
    before_first = pruned if first is None else first - 1
    return make_cursor(_KIND, before_first, now, 0)


def _read_place(typed: str) -> tuple[int, Instant, int]:
    """Return number, time and mark of a cursor; those of versions before have no mark (0).

    Raises:
        ProblemError: it is none of this list.
    """
    number, read_until, *marks = read_cursor(typed, _KIND, _Place)
    return number, read_until, marks[0] if marks else 0


_Place = Annotated[list[PlaceInstant], Meta(min_length=2, max_length=3)]


OPERATIONS: Final = (
    Operation(
        name="list_events",
        method="GET",
        path="/events",
        summary="Everything that changed after a cursor, oldest first",
        text="With `wait_seconds`, an answer without events comes only after that many seconds."
        " `sequence` counts the events of one tracking, so that a gap left by webhooks can be seen"
        " and closed. Events are kept for 30 days at least.",
        handler=list_events,
        scope="read",
        world=WorldRule.OWN,
        answer=EventFeed,
        answer_example=FEED,
        query=EventQuery,
        problems=("invalid-cursor", "events-pruned", "database-restored"),
    ),
)
