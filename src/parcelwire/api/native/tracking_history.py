"""What happened to one tracking: its events, and how its carrier was asked."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from parcelwire.api.house import House
from parcelwire.api.native import examples
from parcelwire.api.native.events import EventObject, event_object
from parcelwire.api.native.operations import Asked, Operation
from parcelwire.api.native.paging import (
    Page,
    PageQuery,
    PlaceInstant,
    make_cursor,
    page_of,
    read_cursor,
)
from parcelwire.api.native.trackings import PATH_TEXTS, load
from parcelwire.domain.access import WorldRule
from parcelwire.domain.clock import iso_utc
from parcelwire.domain.report import Outcome
from parcelwire.tracking.ports import DEFERRED, PastPoll

_KIND: Final = "tracking-events"


class PollOutcome(StrEnum):
    """What came of a poll: what a carrier may answer, or that nobody was asked."""

    FOUND = Outcome.FOUND
    UNKNOWN_NUMBER = Outcome.UNKNOWN_NUMBER
    INVALID_NUMBER = Outcome.INVALID_NUMBER
    AUTH_FAILED = Outcome.AUTH_FAILED
    RATE_LIMITED = Outcome.RATE_LIMITED
    UNAVAILABLE = Outcome.UNAVAILABLE
    NOT_UNDERSTOOD = Outcome.NOT_UNDERSTOOD
    NO_CONNECTION = Outcome.NO_CONNECTION
    DEFERRED = DEFERRED


class PollObject(msgspec.Struct, frozen=True, kw_only=True):
    """One time that the carrier was asked about the tracking, or was not although it was due."""

    attempted_at: datetime
    outcome: Annotated[
        PollOutcome, Meta(description="`deferred`: nobody was asked, and `reason` says why not")
    ]
    has_changes: Annotated[bool, Meta(description="The answer changed something")]
    reason: Annotated[str, Meta(description="Why then; of a deferred one: why it was")]
    connector: Annotated[str | None, Meta(description="Who was asked")]
    duration_ms: Annotated[
        int | None, Meta(description="How long the exchange with the carrier took")
    ]
    detail: str | None


class PollHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The last polls, newest first, and the next one."""

    items: list[PollObject]
    check_count: Annotated[int, Meta(description="How often the carrier was asked in all")]
    next_check_at: Annotated[datetime | None, Meta(description="null: never by itself")]
    next_check_reason: str


async def list_tracking_events(house: House, asked: Asked) -> Page[Any]:
    """Answer one page of a tracking's events, newest first."""
    query: PageQuery = asked.query
    stored = await load(house, asked)
    before = None
    if query.cursor:
        (before,) = read_cursor(query.cursor, _KIND, tuple[PlaceInstant])
    rows = await house.store.events_of(
        asked.world_id, stored.tracking.id, before=before, limit=query.limit + 1
    )
    return page_of(
        rows,
        query.limit,
        lambda row: event_object(row[1]),
        lambda row: make_cursor(_KIND, row[0]),
    )


async def list_tracking_polls(house: House, asked: Asked) -> Any:
    """Answer how the carrier was asked of late, and when it will be."""
    stored = await load(house, asked)
    poll = stored.poll
    return {
        "items": [_poll_object(one) for one in await house.store.past_polls(stored.tracking.id)],
        "check_count": poll.checks,
        "next_check_at": None if poll.due_at is None else iso_utc(poll.due_at),
        "next_check_reason": poll.due_reason,
    }


def _poll_object(past: PastPoll) -> dict[str, Any]:
    return {
        "attempted_at": iso_utc(past.at),
        "outcome": past.outcome,
        "has_changes": past.has_changes,
        "reason": past.reason,
        "connector": past.connector or None,
        "duration_ms": None if past.outcome == DEFERRED else past.duration_ms,
        "detail": past.detail or None,
    }


OPERATIONS: Final = (
    Operation(
        name="list_tracking_events",
        method="GET",
        path="/trackings/{id}/events",
        summary="What changed of one tracking, newest first",
        text="The events of this tracking alone, in pages. Events are kept for 30 days at least;"
        " where the last page does not end with number 1, older ones are gone.",
        handler=list_tracking_events,
        scope="read",
        world=WorldRule.OWN,
        answer=Page[EventObject],
        answer_example={**examples.FEED, "next_cursor": None},
        query=PageQuery,
        path_texts=PATH_TEXTS,
        problems=("tracking-not-found", "invalid-cursor"),
    ),
    Operation(
        name="list_tracking_polls",
        method="GET",
        path="/trackings/{id}/polls",
        summary="How the carrier was asked of late, newest first, and when it will be",
        text="Some twenty of the last polls, and between them the last few that were deferred for"
        " want of budget or because the carrier is paused.",
        handler=list_tracking_polls,
        scope="read",
        world=WorldRule.OWN,
        answer=PollHistory,
        answer_example=examples.POLLS,
        path_texts=PATH_TEXTS,
        problems=("tracking-not-found",),
    ),
)
