"""Time at Poste Italiane: Europe/Rome on every wall, whether the answer says so or not."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from parcelwire.domain.checkpoint import TimeSource
from parcelwire.domain.clock import SECOND, Instant

ROME: Final = ZoneInfo("Europe/Rome")

# Instants outside of 2000 to 2100 are no scan of a parcel but a number in another unit.
_EARLIEST: Final = 946_684_800_000
_LATEST: Final = 4_102_444_800_000

_WALL_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?)?"
    r"\s*(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
_ITALIAN_TIME = re.compile(
    r"\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})(?:\D{1,12}?(\d{1,2})[:.](\d{2}))?",
    re.ASCII,
)


class WallTime(NamedTuple):
    """What the clock on the wall showed, its offset where known, and how that is known."""

    local_time: str
    offset_minutes: int | None
    source: TimeSource
    is_second_pass: bool = False
    """The hour that is lived twice in October: True in its second round."""


def from_epoch(value: Any) -> WallTime | None:
    """Return the wall time in Rome of ``value``, milliseconds since 1970 (a number or digits)."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:16])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not _EARLIEST <= value < _LATEST:
        return None
    moment = datetime.fromtimestamp(value // SECOND, tz=UTC).astimezone(ROME)
    # The instant is the carrier's; only its clothes are ours.
    return _wall_time(moment, TimeSource.CARRIER)


def from_wall(value: Any, before: WallTime | None = None) -> WallTime | None:
    """Return the wall time that ``value`` prints (``2013-06-27 18:51:00``), None when unreadable.

    ``before`` is the event before it: in the night in which summer time ends, an hour is lived
    twice, and only the order of events can tell the second round. A wall time that summer time
    skips keeps the offset of the hour before it. A date without time has no offset.
    """
    if not isinstance(value, str):
        return None
    found = _WALL_TIME.fullmatch(value.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, offset = found.groups()
    try:
        moment = datetime(  # noqa: DTZ001  # printed without zone; it gets one below
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError:
        return None
    if hour is None:
        return WallTime(f"{year}-{month}-{day}", None, TimeSource.UNKNOWN)
    if offset is not None:
        minutes = _offset_minutes(offset)
        if minutes is None:
            return None
        return WallTime(moment.isoformat(), minutes, TimeSource.CARRIER)
    is_second_pass = (
        before is not None
        and _is_lived_twice(moment)
        and before.local_time[:13] == moment.isoformat()[:13]
        and (before.is_second_pass or before.local_time > moment.isoformat())
    )
    return _wall_time(moment.replace(tzinfo=ROME, fold=int(is_second_pass)), TimeSource.HOME)


def read_in_order(values: Iterable[Any]) -> list[WallTime | None]:
    """Return the wall times of ``values``, oldest first, each read with the one before it."""
    times: list[WallTime | None] = []
    before: WallTime | None = None
    for value in values:
        time = from_wall(value, before)
        before = time or before
        times.append(time)
    return times


def from_sentence(text: str) -> WallTime | None:
    """Return the time in a sentence such as "… in data 25-01-2021 11:42", day first, in Rome."""
    found = _ITALIAN_TIME.search(text)
    if found is None:
        return None
    day, month, year, hour, minute = found.groups()
    clock = "" if hour is None else f" {int(hour):02}:{minute}"
    return from_wall(f"{year}-{int(month):02}-{int(day):02}{clock}")


def date_in_rome(instant: Instant) -> datetime:
    """Return ``instant`` as an aware ``datetime`` in Rome."""
    return datetime.fromtimestamp(instant / SECOND, tz=ROME)


def _wall_time(moment: datetime, source: TimeSource) -> WallTime:
    offset = moment.utcoffset() or timedelta(0)
    return WallTime(
        moment.replace(tzinfo=None).isoformat(),
        int(offset.total_seconds()) // 60,
        source,
        is_second_pass=bool(moment.fold),
    )


def _is_lived_twice(moment: datetime) -> bool:
    first = moment.replace(tzinfo=ROME, fold=0).utcoffset() or timedelta(0)
    second = moment.replace(tzinfo=ROME, fold=1).utcoffset() or timedelta(0)
    return first > second


def _offset_minutes(offset: str) -> int | None:
    if offset == "Z":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 14 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if offset[0] == "-" else 1)
