"""The timeline of a tracking page: days with their entries, in the parcel's own local times."""

from __future__ import annotations

from datetime import date, datetime
from itertools import groupby

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.status import Status
from parcelwire.pages.words import Words

TROUBLE = frozenset({Status.UNDELIVERED, Status.EXCEPTION, Status.EXPIRED})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    time: str
    """``14:05``, or empty when the carrier gave only a date."""
    zone: str
    """``UTC+01:00``, or that it is unknown."""
    machine_time: str
    line: str
    """What it means, in the reader's language; empty where the carrier's words are all there is."""
    text: str
    """The carrier's own words."""
    place: str
    language: str | None
    """Of the carrier's words, where known."""
    is_trouble: bool


class Day(msgspec.Struct, frozen=True):
    """The entries of one local date, newest first."""

    title: str
    entries: tuple[Entry, ...]


def days(checkpoints: list[Checkpoint], say: Words) -> tuple[Day, ...]:
    """Return days and entries, newest first; ``checkpoints`` are oldest first."""
    newest_first = list(reversed(checkpoints))
    return tuple(
        Day(
            say.full_day(date.fromisoformat(local_date)),
            tuple(_entry(one, say) for one in group),
        )
        for local_date, group in groupby(newest_first, key=lambda one: one.local_time[:10])
    )


def _entry(checkpoint: Checkpoint, say: Words) -> Entry:
    moment = datetime.fromisoformat(checkpoint.local_time)
    has_time = "T" in checkpoint.local_time
    place = checkpoint.location or ", ".join(
        part for part in (checkpoint.postal_code, checkpoint.city, checkpoint.country) if part
    )
    return Entry(
        time=say.clock(moment) if has_time else "",
        zone=_zone(checkpoint.offset_minutes, say) if has_time else "",
        machine_time=checkpoint.iso_time,
        line=_line(checkpoint, say),
        text=checkpoint.text,
        place=place,
        language=checkpoint.language,
        is_trouble=checkpoint.status in TROUBLE,
    )


def _line(checkpoint: Checkpoint, say: Words) -> str:
    """Return our own words for what happened, to a reader of another language than the carrier's.

    A reader who understands the carrier's words needs none beside them.
    """
    if checkpoint.status is None or checkpoint.language == say.language:
        return ""
    finer = f"finer.{checkpoint.substatus.value}" if checkpoint.substatus else ""
    return say.find(finer, f"headline.{checkpoint.status.value}")


def _zone(offset_minutes: int | None, say: Words) -> str:
    if offset_minutes is None:
        return say.say("history.zone_unknown")
    hours, minutes = divmod(abs(offset_minutes), 60)
    return f"UTC{'-' if offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}"
