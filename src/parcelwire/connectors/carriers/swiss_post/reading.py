"""Read untrusted values out of Swiss Post's answers.

Each function returns None for what it cannot use. Whatever type or nonsense a field holds, nothing
here raises; that is what keeps the parsers short.
"""

import html
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from parcelwire.connectors.base import Response, is_html
from parcelwire.connectors.wall_clock import offset_at
from parcelwire.domain.checkpoint import TimeSource
from parcelwire.domain.clock import DAY, SECOND, Instant
from parcelwire.domain.json_limits import decode_json

HOME: Final = ZoneInfo("Europe/Zurich")
_HOME_COUNTRIES: Final = frozenset({"CH", "LI"})
"""Countries that keep the time of ``HOME``."""

_TEXT_LIMIT: Final = 500
_RAW_LIMIT: Final = 20_000
_SPACES: Final = re.compile(r"\s+")
_TAG: Final = re.compile(r"<[^<>]{0,200}>")
_ISO: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}.*)?")
_CLOCK: Final = re.compile(r"\b(?:[01]\d|2[0-3]):[0-5]\d\b")
_LONGEST_MM: Final = 20_000
_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_FIRST_EPOCH, _LAST_EPOCH = 30 * 365 * DAY, 129 * 365 * DAY

_Kept = TypeVar("_Kept")


class Moment(msgspec.Struct, frozen=True):
    """A time as the carrier printed it, and how its offset is known."""

    local_time: str
    offset_minutes: int | None
    source: TimeSource

    @property
    def order(self) -> datetime:
        """For sorting: the wall clock moved to UTC, or as it stands where the offset is unknown."""
        moment = datetime.fromisoformat(self.local_time)
        return moment - timedelta(minutes=self.offset_minutes or 0)


def read_json(response: Response) -> Any:
    """Return the decoded JSON body, or None for anything that is no JSON."""
    if is_html(response) or not response.body.strip():
        return None
    try:
        return decode_json(response.body)
    except msgspec.DecodeError:
        return None


def read_mapping(value: Any) -> Mapping[str, Any]:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def read_text(value: Any, limit: int = _TEXT_LIMIT) -> str | None:
    """Return a string or whole number as clean text of one line; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    # Cut before it is cleaned: far more than any text needs, markup included.
    text = _SPACES.sub(" ", html.unescape(_TAG.sub(" ", str(value)[:_RAW_LIMIT]))).strip()
    return text[:limit] or None


def read_handle(value: Any) -> str | None:
    """Return an opaque value that goes back to the carrier exactly as it came; else None.

    The page's user names begin with ``<[anonymous]>``, which must not be taken for markup.
    """
    is_handle = isinstance(value, str) and 0 < len(value) <= _TEXT_LIMIT and value.isprintable()
    return value if is_handle else None


def recall(memory: Mapping[str, Any], name: str, kind: type[_Kept]) -> _Kept | None:
    """Return what an earlier conversation kept under ``name``; None for nothing, or nonsense."""
    try:
        return msgspec.convert(memory[name], kind)
    except (KeyError, msgspec.ValidationError):
        return None


def read_number(value: Any) -> str:
    """Return a shipment number without dots, blanks and dashes, upper case; else an empty text."""
    return re.sub(r"[\s.\-]", "", read_text(value, 64) or "").upper()


def read_country(value: Any) -> str | None:
    """Return an ISO 3166 alpha-2 code; None for anything else, and for ``ZZ`` (unknown)."""
    code = (read_text(value, 10) or "").upper()
    return code if re.fullmatch("[A-Z]{2}", code) and code != "ZZ" else None


def read_postal_code(value: Any, country: str | None) -> str | None:
    """Return a postal code. Swiss Post's own sites carry six digits: the code, then the site."""
    code = read_text(value, 16)
    if code is not None and country in {None, "CH"} and re.fullmatch(r"\d{6}", code):
        return code[:4]
    return code


def read_flag(value: Any) -> bool | None:
    """Return a JSON true or false, None for everything else."""
    return value if isinstance(value, bool) else None


def read_measure(value: Any, largest: int) -> int | None:
    """Return a positive measure as a whole number; Swiss Post sends 0 for what was not measured."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 < value <= largest else None


def read_sizes(values: Sequence[Any]) -> tuple[int | None, int | None, int | None]:
    """Return length, width and height in millimetres from three values without axes.

    The order in the answer says nothing (the carrier's own page sorts them before it shows
    them), so the largest is the length and the smallest the height. Two or less are no size.
    """
    sizes = sorted(
        (size for value in values if (size := read_measure(value, _LONGEST_MM)) is not None),
        reverse=True,
    )
    return (sizes[0], sizes[1], sizes[2]) if len(sizes) == 3 else (None, None, None)


def read_moment(value: Any, country: str | None = None) -> Moment | None:
    """Return the time of an event that happened in ``country`` (None: not said).

    With an offset it is the carrier's. Without one, home time counts for events at home or of
    unknown place, unless the clocks showed this time twice or never (``connectors.wall_clock``);
    elsewhere the offset stays unknown. Epoch milliseconds are the carrier's instant, printed in
    home time.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if not _FIRST_EPOCH <= value <= _LAST_EPOCH:
            return None
        moment = datetime.fromtimestamp(value // SECOND, tz=HOME)
        printed = moment.replace(tzinfo=None, fold=0).isoformat()
        return Moment(printed, _minutes(moment), TimeSource.CARRIER)
    moment_or_date = _parse(value)
    if moment_or_date is None:
        return None
    if not isinstance(moment_or_date, datetime):
        return Moment(moment_or_date.isoformat(), None, TimeSource.UNKNOWN)
    wall_clock = moment_or_date.replace(tzinfo=None, microsecond=0).isoformat()
    if moment_or_date.tzinfo is not None:
        return Moment(wall_clock, _minutes(moment_or_date), TimeSource.CARRIER)
    if country is not None and country not in _HOME_COUNTRIES:
        return Moment(wall_clock, None, TimeSource.UNKNOWN)
    offset = offset_at(moment_or_date, HOME)
    return Moment(wall_clock, offset, TimeSource.UNKNOWN if offset is None else TimeSource.HOME)


def read_date(value: Any) -> str | None:
    """Return the date part of a date or time, as printed."""
    parsed = _parse(value)
    return parsed.isoformat()[:10] if parsed is not None else None


def read_promise(value: Any) -> str | None:
    """Return a promised time as local ISO 8601; a midnight stands for its whole day."""
    parsed = _parse(value)
    if parsed is None:
        return None
    if not isinstance(parsed, datetime) or (parsed.hour, parsed.minute) == (0, 0):
        return parsed.isoformat()[:10]
    return parsed.replace(tzinfo=None).isoformat(timespec="minutes")


def read_clocks(value: Any) -> tuple[str, str] | None:
    """Return the two clock times of a text such as ``13:00-15:00``; None when there are not two."""
    found = _CLOCK.findall(value[:100]) if isinstance(value, str) else []
    return (found[0], found[1]) if len(found) == 2 else None


def read_epoch(value: Any, now: Instant) -> Instant:
    """Return ``now`` plus a lifetime in seconds (``expires_in``), 300 s when it is missing."""
    seconds = read_measure(value, 31 * 24 * 3600)
    if seconds is None and isinstance(value, str) and value.isdecimal():
        seconds = read_measure(int(value[:9]), 31 * 24 * 3600)
    return now + (seconds or 300) * SECOND


def _parse(value: Any) -> datetime | date | None:
    if not isinstance(value, str) or len(value) > 40 or not _ISO.fullmatch(value.strip()):
        return None
    text = value.strip()
    try:
        parsed = date.fromisoformat(text) if len(text) == 10 else datetime.fromisoformat(text)
    except ValueError:
        return None
    return parsed if _FIRST_YEAR <= parsed.year <= _LAST_YEAR else None


def _minutes(moment: datetime) -> int:
    offset = moment.utcoffset() or timedelta()
    return round(offset.total_seconds() / 60)
