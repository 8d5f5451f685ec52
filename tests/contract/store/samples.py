"""Made-up (synthetic) trackings, events, endpoints and messages for the store's tests."""

from __future__ import annotations

import itertools
import os
from typing import Any

import msgspec
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint, world_of
from parcelwire.domain.changes import Event, StatusChanged
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import SECOND, FrozenClock, Instant
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status, Substatus
from parcelwire.domain.tracking import Tracking, make_page_token
from parcelwire.store.port import Store
from parcelwire.tracking.ports import (
    NewMessage,
    NewTracking,
    PastPoll,
    PollState,
    RawResponse,
    Save,
)

WORLD = world_of(1, is_test=False)
OTHER_WORLD = world_of(2, is_test=False)
TEST_WORLD = world_of(1, is_test=True)

NOW: Instant = FrozenClock().now()

_ids = itertools.count(1)


def new_id(at: Instant = NOW) -> str:
    """Return an id as the house makes them: 12 hex digits of time, then 20 that only go up.

    The process's number keeps apart what two test processes make.
    """
    return f"{at:012x}{os.getpid():08x}{next(_ids):012x}"


def render(tracking: Tracking) -> bytes:
    """Make a rendition that shows which version of which tracking it was made from."""
    return msgspec.json.encode(
        {
            "id": tracking.id,
            "version": tracking.version,
            "number": tracking.number,
            "status": tracking.status,
        }
    )


def make_tracking(number: str = "RA123456785CH", **fields: Any) -> Tracking:
    """Make a pending tracking of ``WORLD``."""
    created_at = fields.pop("created_at", NOW)
    identity = new_id(created_at)
    defaults: dict[str, Any] = {
        "id": identity,
        "world_id": WORLD,
        "typed_number": number,
        "courier_code": "swiss-post",
        "updated_at": created_at,
        "page_token": make_page_token(identity, f"secret-{identity[-8:]}"),
    }
    return Tracking(number=number, created_at=created_at, **{**defaults, **fields})


def make_new(number: str = "RA123456785CH", **fields: Any) -> NewTracking:
    """Make a tracking to create, due at once unless ``due_at`` says otherwise."""
    due_at = fields.pop("due_at", NOW)
    leased_until = fields.pop("leased_until", 0)
    return NewTracking(
        tracking=make_tracking(number, **fields),
        due_at=due_at,
        due_reason="new",
        leased_until=leased_until,
    )


async def create(store: Store, number: str = "RA123456785CH", **fields: Any) -> Tracking:
    """Create one tracking and return it."""
    new = make_new(number, **fields)
    (creation,) = await store.create_trackings([new])
    assert creation.result == "created"
    return new.tracking


def make_checkpoints(count: int) -> tuple[Checkpoint, ...]:
    """Make a way through ``count`` sorting centres."""
    return tuple(
        Checkpoint(
            local_time=f"2026-02-{index % 28 + 1:02d}T{index % 24:02d}:57:24",
            text=f"Arrivée au centre de tri n° {index}",
            offset_minutes=60,
            time_source=TimeSource.CARRIER,
            status=Status.TRANSIT,
            substatus=Substatus.TRANSIT_AT_HUB,
            raw_code=f"LETTER.*.88.{index}",
            location=f"Zürich {index}",
            country="CH",
            received_at=NOW + index,
        )
        for index in range(count)
    )


def make_event(tracking: Tracking, before: Status = Status.PENDING) -> Event:
    """Make the event of a tracking's present sequence number."""
    return Event(
        id=new_id(tracking.updated_at),
        world_id=tracking.world_id,
        tracking_id=tracking.id,
        sequence=tracking.sequence,
        at=tracking.updated_at,
        status=tracking.status,
        substatus=tracking.substatus,
        changes=(
            StatusChanged(
                from_status=before,
                from_substatus=None,
                to_status=tracking.status,
                to_substatus=tracking.substatus,
            ),
        ),
    )


def make_endpoint(world_id: int = WORLD, **fields: Any) -> Endpoint:
    """Make an enabled endpoint."""
    return Endpoint(
        **{
            "id": new_id(),
            "world_id": world_id,
            "url": "https://shop.example/hooks",
            "dialect": "native",
            "secret": "whsec_c3ludGhldGlj",
            "created_at": NOW,
            **fields,
        }
    )


def make_message(
    endpoint: Endpoint, tracking_id: str, sequence: int, at: Instant = NOW
) -> NewMessage:
    """Make a message to ``endpoint`` about event ``sequence`` of a tracking."""
    return NewMessage(
        id=new_id(at),
        endpoint_id=endpoint.id,
        world_id=endpoint.world_id,
        tracking_id=tracking_id,
        sequence=sequence,
        event_id=new_id(at),
        event_type="tracking.updated",
        payload=f'{{"tracking":"{tracking_id}","sequence":{sequence}}}'.encode(),
        created_at=at,
    )


def make_past(at: Instant = NOW) -> PastPoll:
    """Make what is remembered of a poll as most are."""
    return PastPoll(
        at=at,
        outcome="found",
        duration_ms=412,
        connector="swiss-post",
        reason="on its way: every 4 hours",
    )


def make_change(
    before: Tracking,
    *,
    messages: tuple[NewMessage, ...] = (),
    poll: PollState | None = None,
    raw: RawResponse | None = None,
    tells: bool = True,
    **fields: Any,
) -> Save:
    """Make the next version of a tracking: ``fields`` change, and an event tells it."""
    fields.setdefault("updated_at", before.updated_at + SECOND)
    if "status" in fields:
        fields.setdefault("substatus", DEFAULT_SUBSTATUS[fields["status"]])
    after = replace(
        before, version=before.version + 1, sequence=before.sequence + int(tells), **fields
    )
    return Save(
        tracking=after,
        expected_version=before.version,
        event=make_event(after, before.status) if tells else None,
        messages=messages,
        poll=poll,
        raw=raw,
    )


async def advance(store: Store, before: Tracking, **fields: Any) -> Tracking:
    """Save the next version of a tracking and return it."""
    change = make_change(before, **fields)
    assert await store.save(change)
    return change.tracking
