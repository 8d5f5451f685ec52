"""What Swiss Post's answers hold in a form of their own; the rest is read by ``reading``."""

import re
from typing import Any, Final

from parcelwire.connectors.base import Response
from parcelwire.connectors.reading.times import LocalTime, TimeFormat, read_time
from parcelwire.connectors.reading.values import UnreadableError, read_json, read_text

TIMES: Final = TimeFormat(home="Europe/Zurich", home_countries=frozenset({"CH", "LI"}))
"""Without an offset, home time counts at home and where no country is said."""

_CLOCK: Final = re.compile(r"\b(?:[01]\d|2[0-3]):[0-5]\d\b")


def read_answer(response: Response) -> Any:
    """Return what a JSON body holds, whatever the status; None for anything that is no JSON."""
    try:
        return read_json(response, statuses=None)
    except UnreadableError:
        return None


def read_moment(value: Any, country: str | None = None) -> LocalTime | None:
    """Return the time of an event that happened in ``country`` (None: not said)."""
    return read_time(value, TIMES, country=country)


def read_postal_code(value: Any, country: str | None) -> str | None:
    """Return a postal code. Swiss Post's own sites carry six digits: the code, then the site."""
    code = read_text(value, 16)
    if code is not None and country in {None, "CH"} and re.fullmatch(r"\d{6}", code):
        return code[:4]
    return code


def read_date(value: Any) -> str | None:
    """Return the date part of a date or time, as printed."""
    time = read_moment(value)
    return None if time is None else time.local_time[:10]


def read_promise(value: Any) -> str | None:
    """Return a promised time as local ISO 8601; a midnight stands for its whole day."""
    time = read_moment(value)
    if time is None:
        return None
    return time.local_time[: 10 if time.local_time[11:16] in {"", "00:00"} else 16]


def read_clocks(value: Any) -> tuple[str, str] | None:
    """Return the two clock times of a text such as ``13:00-15:00``; None when there are not two."""
    found = _CLOCK.findall(value[:100]) if isinstance(value, str) else []
    return (found[0], found[1]) if len(found) == 2 else None
