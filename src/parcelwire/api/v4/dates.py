"""Dates as v4's clients write them, read tolerantly.

Understood: ``2023-08-23T06:00:00+00:00`` (also ``Z``, ``+0000``, fractions of a second, a blank
between date and time), ``2023-08-23 06:00``, ``2023/8/23 6:00``, ``2023-08-23``, ``20230823``
and unix seconds (ten digits, what v3's clients send). Some clients put a raw ``+`` into the query,
which arrives as a blank: a blank where a sign belongs is a plus. Without an offset a time is UTC.
"""

from __future__ import annotations

import re
from typing import Final

from parcelwire.api.trackingmore.timestamps import expand_compact_date, parse_timestamp
from parcelwire.domain.clock import DAY, MINUTE, SECOND, Instant

_FORM: Final = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"(?:[Tt ]\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,9}))?)?"
    r"(?:\s*(?P<utc>[Zz])|(?P<sign>\s*[-+]|\s+)(?P<off_hour>[0-9]{2}):?(?P<off_minute>[0-9]{2}))?"
    r")?"
)
_UNIX: Final = re.compile(r"[0-9]{10}")


def read_instant(text: str, *, is_end: bool = False) -> Instant | None:
    """Return the instant that ``text`` means, or None when it means none.

    ``is_end``: the last millisecond of what was named (of the day, of the minute, of the second),
    for the upper end of a period. So "until 2023-08-23" includes that day, and "until" a time that
    an answer showed includes the tracking that showed it.
    """
    text = text.strip()
    if _UNIX.fullmatch(text):
        return int(text) * SECOND + (SECOND - 1 if is_end else 0)
    match = _FORM.fullmatch(expand_compact_date(text))
    begins_at = parse_timestamp(match) if match is not None else None
    if match is None or begins_at is None:
        return None
    if match["fraction"]:
        return begins_at + int(f"{match['fraction']:0<3}"[:3])
    return begins_at + (_unit(match) - 1 if is_end else 0)


def _unit(match: re.Match[str]) -> int:
    if match["hour"] is None:
        return DAY
    return MINUTE if match["second"] is None else SECOND
