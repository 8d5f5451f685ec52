"""One thing that happened to a parcel, as its carrier reported it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from functools import lru_cache
from unicodedata import combining

import msgspec

from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.text import decompose


class TimeSource(StrEnum):
    """How the offset of a checkpoint's time is known."""

    CARRIER = "carrier"
    """The carrier gave the offset with the time."""
    PLACE = "place"
    """Derived from the place of the event."""
    HOME = "home"
    """The carrier's home time zone was taken."""
    UNKNOWN = "unknown"
    """Nobody knows: only the wall clock is certain."""


class Leg(StrEnum):
    """Which part of the way reported the event."""

    ORIGIN = "origin"
    DESTINATION = "destination"


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One event of a parcel's way.

    ``local_time`` is the wall clock as printed by the carrier, ISO 8601 without offset:
    ``2026-04-15T10:57:24``,
    ``2026-04-15T10:57`` or only ``2026-04-15``. ``offset_minutes`` is what to subtract to get UTC,
    or None when it
    is unknown; a local time is never shown with an invented offset. ``status`` None marks a note
    (an order of the
    recipient, a delay message) that leaves the stage as it is. ``raw_code`` and ``text`` are the
    carrier's own.
    """

    local_time: str
    text: str
    offset_minutes: int | None = None
    time_source: TimeSource = TimeSource.UNKNOWN
    status: Status | None = None
    substatus: Substatus | None = None
    reason: Reason | None = None
    raw_code: str | None = None
    event_id: str | None = None
    """The carrier's own identity of the event, where it has one that stays."""
    leg: Leg = Leg.ORIGIN
    location: str | None = None
    """The place as the carrier printed it."""
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None
    """ISO 3166 alpha-2."""
    language: str | None = None
    """Language of ``text`` (ISO 639-1), where known."""
    is_withdrawn: bool = False
    """The carrier took the event back.

    It stays, hidden, so that an older answer cannot bring it back.
    """
    received_at: Instant = 0
    """When we learned this wording of the event."""

    @property
    def occurred_at(self) -> Instant:
        """The instant of the event.

        Where the offset is unknown, the wall clock read as UTC (for sorting only).
        """
        zone = (
            UTC if self.offset_minutes is None else timezone(timedelta(minutes=self.offset_minutes))
        )
        return round(
            datetime.fromisoformat(self.local_time).replace(tzinfo=zone).timestamp() * SECOND
        )

    @property
    def iso_time(self) -> str:
        """ISO 8601 time, with the offset only where it is known."""
        moment = datetime.fromisoformat(self.local_time)
        if self.offset_minutes is not None and "T" in self.local_time:
            moment = moment.replace(tzinfo=timezone(timedelta(minutes=self.offset_minutes)))
        elif "T" not in self.local_time:
            return self.local_time
        return moment.isoformat(timespec="seconds")

    @property
    def event_key(self) -> tuple[str, ...]:
        """What all reports of one event have in common: the carrier's id, else leg, wall clock,
        code (or folded text) and place.

        A carrier that corrects the wording of a coded event keeps it; one without codes that
        rewrites a text at the same minute reports, as far as anyone can tell, a different event.
        """
        if self.event_id is not None:
            return (self.leg, "id", self.event_id)
        what = self.raw_code if self.raw_code is not None else fold(self.text)
        return (self.leg, self.local_time, what, fold(self.location or self.city or ""))

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells the event from all others of its parcel: ``event_key``, and the offset.

        In the night in which the clocks go back, two events an hour apart differ in nothing else.
        Two that differ only in whether the offset is known are still one event: ``merge`` keeps
        one of them.
        """
        if self.event_id is not None:
            return (self.leg, "id", self.event_id)
        # Not put together of ``event_key``: merge asks for it again and again.
        what = self.raw_code if self.raw_code is not None else fold(self.text)
        place = fold(self.location or self.city or "")
        offset = self.offset_minutes
        return (self.leg, self.local_time, what, place, "" if offset is None else str(offset))


_SPACES = re.compile(r"\s+")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018`\u00b4", "'"))


@lru_cache(maxsize=4_096)
def fold(text: str) -> str:
    """Return ``text`` for comparing.

    Lower case, without accents, one kind of apostrophe, single blanks. Carriers use few places and
    phrases again and again, so the latest ones are remembered.
    """
    decomposed = decompose(text.translate(_APOSTROPHES)).casefold()
    bare = "".join(char for char in decomposed if not combining(char))
    return _SPACES.sub(" ", bare.replace("'", " ' ")).strip()
