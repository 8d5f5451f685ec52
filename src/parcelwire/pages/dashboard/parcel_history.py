"""What happened to one parcel, in words: its events, and how its carrier was asked."""

from __future__ import annotations

from typing import Final, assert_never

import msgspec

from parcelwire.domain.changes import (
    Change,
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
    CourierCorrected,
    DeliveryWindowChanged,
    Event,
    StatusChanged,
)
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.report import DeliveryWindow, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.dashboard.visit import Visit
from parcelwire.pages.dashboard.words import (
    reason_word,
    status_word,
    substatus_word,
    tone,
)
from parcelwire.tracking.ports import DEFERRED

FIRST: Final = 8
"""Events on the parcel's own page; the others are a page away."""

MOST: Final = 50
"""Events on a page of them."""

_WORDS: Final[dict[str, tuple[str, str]]] = {
    Outcome.FOUND: ("quiet", "nothing new"),
    Outcome.UNKNOWN_NUMBER: ("warn", "number unknown"),
    Outcome.INVALID_NUMBER: ("trouble", "no such number"),
    Outcome.AUTH_FAILED: ("trouble", "credentials refused"),
    Outcome.RATE_LIMITED: ("warn", "asks for patience"),
    Outcome.UNAVAILABLE: ("trouble", "out of order"),
    Outcome.NOT_UNDERSTOOD: ("trouble", "not understood"),
    Outcome.NO_CONNECTION: ("warn", "no connection"),
    DEFERRED: ("warn", "deferred"),
}
"""Outcome of a poll -> tone and words."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that changed: ``before``, if there was something, then ``after``."""

    what: str
    before: str = ""
    after: str = ""
    language: str = ""
    """Of a carrier's own words."""
    tone: str = "quiet"
    why: str = ""


class Happened(msgspec.Struct, frozen=True):
    """One event."""

    sequence: int
    at: Instant
    lines: list[Line]


class Changes(msgspec.Struct, frozen=True):
    """Some events of a parcel, newest first."""

    items: list[Happened]
    following: int | None
    """The cursor behind which older ones begin; None: there are none."""

    @property
    def forgotten(self) -> int:
        """How many before the oldest one are no longer kept."""
        if self.following is not None or not self.items:
            return 0
        return self.items[-1].sequence - 1


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One poll, or a deferred one."""

    at: Instant
    whom: str
    what: str
    tone: str
    why: str
    detail: str
    took: str


async def changes_of(
    visit: Visit, tracking: Tracking, *, before: int | None = None, most: int = FIRST
) -> Changes:
    """Return the events of a parcel before a cursor, or the newest."""
    rows = await visit.house.store.events_of(
        visit.world_id, tracking.id, before=before, limit=most + 1
    )
    shown = rows[:most]
    return Changes(
        [_happened(visit, event) for _, event in shown],
        shown[-1][0] if len(rows) > most else None,
    )


async def polls_of(visit: Visit, tracking: Tracking) -> list[Asked]:
    """Return how a parcel's carrier was asked of late, newest first."""
    found = []
    for past in await visit.house.store.past_polls(tracking.id):
        is_deferred = past.outcome == DEFERRED
        how, what = _WORDS.get(past.outcome, ("quiet", past.outcome))
        if past.has_changes:
            how, what = "good", "brought news"
        found.append(
            Asked(
                at=past.at,
                whom="nobody" if is_deferred else past.connector or "nobody",
                what=what,
                tone=how,
                why=past.reason,
                detail=past.detail,
                took="" if is_deferred or not past.connector else _took(past.duration_ms),
            )
        )
    return found


def _took(milliseconds: int) -> str:
    if milliseconds < SECOND:
        return f"{milliseconds} ms"
    return f"{milliseconds / SECOND:.1f} s"


def _happened(visit: Visit, event: Event) -> Happened:
    return Happened(event.sequence, event.at, [_line(visit, one) for one in event.changes])


def _line(visit: Visit, change: Change) -> Line:
    match change:
        case StatusChanged():
            return Line(
                what="Status",
                before=_standing(change.from_status, change.from_substatus),
                after=_standing(change.to_status, change.to_substatus),
                tone=tone(change.to_status),
                why=reason_word(change.reason),
            )
        case CheckpointAdded():
            return _of_checkpoint("New event", change.checkpoint)
        case CheckpointCorrected():
            before = _of_checkpoint("", change.before)
            after = _of_checkpoint("Event corrected", change.after)
            return msgspec.structs.replace(after, before=before.after)
        case CheckpointWithdrawn():
            return _of_checkpoint("Event withdrawn", change.checkpoint)
        case DeliveryWindowChanged():
            return Line(what="Expected", before=_days(change.before), after=_days(change.after))
        case CourierCorrected():
            return Line(
                what="Courier",
                before=visit.courier_name(change.from_courier),
                after=visit.courier_name(change.to_courier),
                why=change.reason,
            )
        case _:
            assert_never(change)


def _standing(status: Status, substatus: Substatus | None) -> str:
    return substatus_word(substatus) or status_word(status)


def _of_checkpoint(what: str, point: Checkpoint) -> Line:
    place = point.location or ", ".join(filter(None, (point.city, point.country)))
    said = (point.local_time.replace("T", " "), point.text, place)
    return Line(what=what, after=" · ".join(filter(None, said)), language=point.language or "")


def _days(window: DeliveryWindow | None) -> str:
    if window is None:
        return "not said"
    ends = dict.fromkeys(one.replace("T", " ") for one in (window.earliest, window.latest))
    return " to ".join(ends)
