"""What all versions read alike of times and dates.

Which forms each of them takes is its own affair.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Final

from parcelwire.domain.clock import SECOND, Instant

_COMPACT: Final = re.compile(r"[0-9]{8}")


def parse_timestamp(match: re.Match[str]) -> Instant | None:
    """Return the second that a match means; None for a day or an hour that there is not.

    The groups are ``year``, ``month``, ``day``, and, where given, ``hour``, ``minute``, ``second``,
    ``sign``, ``off_hour`` and ``off_minute``. Without an offset it is UTC; a blank for a sign is a
    plus (a raw ``+`` in a query).
    """
    try:
        moment = datetime(
            int(match["year"]),
            int(match["month"]),
            int(match["day"]),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=_zone(match),
        )
        return round(moment.timestamp()) * SECOND
    except (ValueError, OverflowError):
        return None


def expand_compact_date(text: str) -> str:
    """Return ``YYYYMMDD`` as ``YYYY-MM-DD``, and any other text as it is."""
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if _COMPACT.fullmatch(text) else text


def read_ship_date(text: str) -> str | None:
    """Return a date of despatch as ``YYYYMMDD``, from that form or from an ISO date; else None."""
    try:
        return date.fromisoformat(expand_compact_date(text.strip())[:10]).strftime("%Y%m%d")
    except ValueError:
        return None


def _zone(match: re.Match[str]) -> timezone:
    if match["off_hour"] is None:
        return UTC
    offset = timedelta(hours=int(match["off_hour"]), minutes=int(match["off_minute"]))
    # timezone() refuses a day or more with ValueError, which the caller takes as "no time".
    return timezone(-offset if match["sign"].strip() == "-" else offset)
