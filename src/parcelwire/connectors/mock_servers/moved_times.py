"""Dates of a written answer, moved by whole days, so that a fixture tells of today's parcels.

Moved are ``2026-04-16``, ``2026/04/16``, ``20260416`` and ``20260416180500``, ``16.04.2026`` and
``16/4/26`` in the order of the carrier, and epochs of 10 or 13 digits. The hour stays as it is: an
offset beside it stays true, if not always that of the season. Names of months are left alone, and
so is what is more than 400 days away from the fixture's own time: it is a number, and no date.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, Literal

from parcelwire.domain.clock import DAY, SECOND, Instant, to_datetime

_NEAR_DAYS: Final = 400
_YEAR_FIRST: Final = re.compile(r"(?<!\d)(20\d\d)([-/.]?)(\d\d)\2(\d\d)(?=(?:\d{4}|\d{6})?(?!\d))")
_YEAR_LAST: Final = re.compile(r"(?<!\d)(\d{1,2})([-/.])(\d{1,2})\2(20\d\d|\d\d)(?!\d)")
_EPOCH: Final = re.compile(r"(?<!\d)(\d{10}|\d{13})(?!\d)")


def move_times(
    text: str, days: int, around: Instant, order: Literal["ymd", "dmy", "mdy"] = "ymd"
) -> str:
    """Return a text whose dates near ``around`` are ``days`` later."""

    def epoch(found: re.Match[str]) -> str:
        unit = SECOND if len(found[0]) == 10 else 1
        is_near = abs(int(found[0]) * unit - around) <= _NEAR_DAYS * DAY
        return str(int(found[0]) + days * DAY // unit) if is_near else found[0]

    def year_first(found: re.Match[str]) -> str:
        moved = _moved(found[1], found[3], found[4], days, around)
        return found[0] if moved is None else moved.strftime(f"%Y{found[2]}%m{found[2]}%d")

    def year_last(found: re.Match[str]) -> str:
        year = found[4] if len(found[4]) == 4 else f"20{found[4]}"
        day, month = (found[3], found[1]) if order == "mdy" else (found[1], found[3])
        moved = _moved(year, month, day, days, around)
        if moved is None:
            return found[0]
        first, second = (moved.month, moved.day) if order == "mdy" else (moved.day, moved.month)
        parts = (
            f"{first:0{len(found[1])}}",
            f"{second:0{len(found[3])}}",
            f"{moved.year % 10 ** len(found[4]):0{len(found[4])}}",
        )
        return found[2].join(parts)

    moves: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
        (_EPOCH, epoch),
        (_YEAR_FIRST, year_first),
        (_YEAR_LAST, year_last),
    ]
    for pattern, move in moves:
        text = pattern.sub(move, text)
    return text


def _moved(year: str, month: str, day: str, days: int, around: Instant) -> date | None:
    try:
        read = date(int(year), int(month), int(day))
    except ValueError:
        return None
    is_near = abs(read - to_datetime(around).date()) <= timedelta(days=_NEAR_DAYS)
    return read + timedelta(days=days) if is_near else None


def days_between(begun_at: Instant, now: Instant) -> int:
    """Return by how many whole days what was written at ``begun_at`` can be moved until ``now``."""
    return (now - begun_at) // DAY


__all__ = ["days_between", "move_times"]
