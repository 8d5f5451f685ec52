"""The timeline of a tracking page: days with their entries, in the parcel's own local times."""

from __future__ import annotations

from datetime import date, datetime
from itertools import groupby

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.languages import language_of
from parcelwire.domain.status import Status, Substatus
from parcelwire.pages.words import Words

TROUBLE = frozenset({Status.UNDELIVERED, Status.EXCEPTION, Status.EXPIRED})


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the timeline."""

    time: str
    """``14:05``, or empty when the carrier gave only a date."""
    zone: str
    """``UTC+01:00``, or that it is unknown; empty without a time."""
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


def days(checkpoints: list[Checkpoint], say: Words, accepted: str | None = None) -> tuple[Day, ...]:
    """Return days and entries, newest first; ``checkpoints`` are oldest first.

    ``accepted``: time (ISO 8601) of the checkpoint with which the carrier took the parcel.
    """
    newest_first = list(reversed(checkpoints))
    return tuple(
        Day(
            say.full_day(date.fromisoformat(local_date)),
            tuple(_entry(one, say, accepted) for one in group),
        )
        for local_date, group in groupby(newest_first, key=lambda one: one.local_time[:10])
    )


def zone_of_all(days: tuple[Day, ...]) -> str:
    """Return what is said of the zone of every time, where it is the same; else an empty text."""
    zones = {entry.zone for day in days for entry in day.entries if entry.time}
    return zones.pop() if len(zones) == 1 else ""


def _entry(checkpoint: Checkpoint, say: Words, accepted: str | None) -> Entry:
    moment = datetime.fromisoformat(checkpoint.local_time)
    has_time = "T" in checkpoint.local_time
    town = " ".join(part for part in (checkpoint.postal_code, checkpoint.city) if part)
    country = say.country(checkpoint.country) if checkpoint.country else ""
    place = checkpoint.location or ", ".join(part for part in (town, country) if part)
    return Entry(
        time=say.clock(moment) if has_time else "",
        zone=_zone(checkpoint.offset_minutes, say) if has_time else "",
        machine_time=checkpoint.iso_time,
        line=_line(checkpoint, say, accepted),
        text=checkpoint.text,
        place=place,
        language=checkpoint.language,
        is_trouble=checkpoint.status in TROUBLE,
    )


def _line(checkpoint: Checkpoint, say: Words, accepted: str | None) -> str:
    """Return our own words for what happened, to a reader of another language than the carrier's.

    A reader who understands the carrier's words needs none beside them.
    """
    if checkpoint.status is None or language_of(checkpoint.language) == say.language:
        return ""
    names = [f"headline.{checkpoint.status.value}"]
    if checkpoint.substatus is not None:
        names[:0] = [f"line.{checkpoint.substatus.value}", f"finer.{checkpoint.substatus.value}"]
    is_plain = checkpoint.substatus in (None, Substatus.TRANSIT)
    if checkpoint.status is Status.TRANSIT and is_plain and checkpoint.iso_time == accepted:
        names.insert(0, "line.accepted")
    return say.find(*names)


def _zone(offset_minutes: int | None, say: Words) -> str:
    if offset_minutes is None:
        return say.say("history.zone_unknown")
    hours, minutes = divmod(abs(offset_minutes), 60)
    return f"UTC{'-' if offset_minutes < 0 else '+'}{hours:02d}:{minutes:02d}"
