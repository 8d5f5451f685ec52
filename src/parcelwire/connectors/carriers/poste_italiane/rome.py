"""Time at Poste Italiane: Europe/Rome on every wall, whether the answer says so or not."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from parcelwire.connectors.wall_clock import offsets_in_order
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


def from_epoch(value: Any) -> WallTime | None:
    """Return the wall time in Rome of ``value``, milliseconds since 1970 (a number or digits)."""
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
        value = int(value.strip()[:16])
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not _EARLIEST <= value < _LATEST:
        return None
    moment = datetime.fromtimestamp(value // SECOND, tz=UTC).astimezone(ROME)
    offset = moment.utcoffset() or timedelta()
    # The instant is the carrier's; only its clothes are ours.
    return WallTime(
        moment.replace(tzinfo=None, fold=0).isoformat(),
        int(offset.total_seconds()) // 60,
        TimeSource.CARRIER,
    )


def from_wall(value: Any) -> WallTime | None:
    """Return the wall time that ``value`` prints (``2013-06-27 18:51:00``), None when unreadable.

    Its offset is unknown when the clocks in Rome showed this time twice or never, see
    ``connectors.wall_clock``. A date without time has no offset.
    """
    return read_in_order([value])[0]


def read_in_order(values: Iterable[Any]) -> list[WallTime | None]:
    """Return the wall times of ``values``, oldest first.

    In the night in which summer time ends, their order can tell the second round of the hour that
    is shown twice.
    """
    printed = [_printed(value) for value in values]
    offsets = offsets_in_order(
        [
            None
            if one is None or one.source is not TimeSource.HOME
            else datetime.fromisoformat(one.local_time)
            for one in printed
        ],
        ROME,
    )
    return [
        _at_home(one, offset) if one is not None and one.source is TimeSource.HOME else one
        for one, offset in zip(printed, offsets, strict=True)
    ]


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


def _printed(value: Any) -> WallTime | None:
    """Return ``value`` as it is printed; a time without an offset is one of ``HOME``."""
    if not isinstance(value, str):
        return None
    found = _WALL_TIME.fullmatch(value.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, offset = found.groups()
    try:
        moment = datetime(  # noqa: DTZ001  # printed without zone
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError:
        return None
    if hour is None:
        return WallTime(f"{year}-{month}-{day}", None, TimeSource.UNKNOWN)
    if offset is None:
        return WallTime(moment.isoformat(), None, TimeSource.HOME)
    minutes = _offset_minutes(offset)
    return None if minutes is None else WallTime(moment.isoformat(), minutes, TimeSource.CARRIER)


def _at_home(printed: WallTime, offset: int | None) -> WallTime:
    source = TimeSource.UNKNOWN if offset is None else TimeSource.HOME
    return WallTime(printed.local_time, offset, source)


def _offset_minutes(offset: str) -> int | None:
    if offset == "Z":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 14 or minutes > 59:
        return None
    return (hours * 60 + minutes) * (-1 if offset[0] == "-" else 1)
