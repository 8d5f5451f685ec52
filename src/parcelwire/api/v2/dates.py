"""Times as v2's clients write them, read tolerantly.

Filters hold unix seconds, also as a float, and ``""``, ``0`` or null for "none". An order's time is
written like ``2017/8/27 16:51`` or ``2018-05-20 12:00``; ISO 8601 with an offset, a bare date and
unix seconds are understood as well. Without an offset a time is UTC (open in the sources: the
vendor may have meant the account's own zone, which nothing on the wire tells).
"""

from __future__ import annotations

import re
from typing import Final

from parcelwire.api.trackingmore.timestamps import parse_timestamp
from parcelwire.domain.clock import SECOND, Instant

_TIME: Final = re.compile(
    r"(?P<year>[0-9]{4})(?P<mark>[-/.])(?P<month>[0-9]{1,2})(?P=mark)(?P<day>[0-9]{1,2})"
    r"(?:[Tt ]\s*(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2})(?:\.[0-9]+)?)?"
    r"(?:\s*(?P<utc>[Zz])|\s*(?P<sign>[-+])(?P<off_hour>[0-9]{2}):?(?P<off_minute>[0-9]{2}))?)?"
)
_UNIX: Final = re.compile(r"[0-9]{1,11}(?:\.[0-9]+)?")
_NOTHING: Final = frozenset({"", "0", "0.0", "null", "none", "undefined"})
"""What clients in several languages put into a query for "no value"."""


def is_nothing(text: str) -> bool:
    """Tell whether a filter's text means that no value is given."""
    return text.strip().lower() in _NOTHING


def read_unix(text: str, *, is_end: bool = False) -> Instant | None:
    """Return unix seconds as an instant; None when ``text`` is no such number.

    ``is_end``: the last millisecond of that second, so that "until" a time that an answer showed
    includes what it showed. Milliseconds (13 digits) are refused: taken as seconds they would be
    the year 50000.
    """
    text = text.strip()
    if _UNIX.fullmatch(text) is None:
        return None
    instant = round(float(text) * SECOND)
    return instant + SECOND - 1 if is_end and instant % SECOND == 0 else instant


def read_time(text: str) -> Instant | None:
    """Return when an order was made; None when ``text`` is no time."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{9,11}", text):
        return int(text) * SECOND
    match = _TIME.fullmatch(text)
    return parse_timestamp(match) if match is not None else None
