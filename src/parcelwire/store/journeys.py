"""What both engines do alike with journeys: days as numbers, columns checked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from parcelwire.tracking import journeys
from parcelwire.tracking.journeys import (
    JOURNEY_COLUMNS,
    Journey,
    JourneyColumn,
    JourneyCounts,
    JourneyFilter,
)

_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAYS: Final = frozenset({"created_on", "ended_on", "promised_on"})
_TRUTHS: Final = frozenset({"is_on_time", "is_first_attempt", "had_exception"})

FIRST_DAY: Final = -(2**31)
LAST_DAY: Final = 2**31 - 1


def day_number(day: str | None) -> int | None:
    """Return a day as days since 1970-01-01.

    Raises:
        ValueError: it is none.
    """
    return None if day is None else date.fromisoformat(day).toordinal() - _EPOCH


def day_of(number: int) -> str:
    """Return the day behind a number."""
    return date.fromordinal(number + _EPOCH).isoformat()


def bounds(where: JourneyFilter) -> tuple[int, int]:
    """Return the first and the last day of a filter as numbers.

    Raises:
        ValueError: one is no day.
    """
    since, until = day_number(where.since_on), day_number(where.until_on)
    return FIRST_DAY if since is None else since, LAST_DAY if until is None else until


def check_columns(by: Sequence[JourneyColumn]) -> list[str]:
    """Return the names of the columns, which may stand in a statement.

    Raises:
        ValueError: there is none, one twice, or one that does not exist.
    """
    names: list[str] = list(by)
    if not names or len(set(names)) != len(names) or not set(names) <= set(JOURNEY_COLUMNS):
        msg = f"journeys cannot be counted by {names}"
        raise ValueError(msg)
    return names


def newest(rows: Sequence[Journey]) -> list[Journey]:
    """Return the newest row of each tracking, by id."""
    found: dict[str, Journey] = {}
    for row in rows:
        known = found.get(row.tracking_id)
        if known is None or known.version <= row.version:
            found[row.tracking_id] = row
    return sorted(found.values(), key=lambda row: row.tracking_id)


def counts_of(rows: Sequence[Sequence[Any]], names: Sequence[str]) -> JourneyCounts:
    """Return what a database counted, as the port wants it: rows of values, how many journeys with
    these are wanted, and how many there are.
    """
    counts = [
        (tuple(_value(name, value) for name, value in zip(names, row, strict=False)), row[-2])
        for row in rows
        if row[-2]
    ]
    looked_at = sum(row[-1] for row in rows)
    return JourneyCounts(counts, is_cut=looked_at >= journeys.MOST_COUNTED)


def _value(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name in _DAYS:
        return day_of(value)
    return bool(value) if name in _TRUTHS else value
