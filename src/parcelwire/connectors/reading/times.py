"""Times as carriers print them, and how their offset is known.

Everything a connector has to say about its carrier's times stands in one ``TimeFormat``; after that
the same spelling has the same meaning for every carrier:

============================================  ==================================  ================
printed                                       read as                             ``source``
============================================  ==================================  ================
epoch (a number, or its digits)               the instant, on the home clock      CARRIER
with an offset (``Z``, ``+0200``, ``+02``)    as printed, with that offset        CARRIER
without one, at home or at no known place     as printed, with the home offset    HOME
without one, in another country               offset of the country's clocks      PLACE
... whose clocks differ, or are not asked     as printed, no offset               UNKNOWN
in the hour shown twice, or never             no offset, unless the order of the  UNKNOWN, or HOME
                                              carrier's events tells it
a date without a time of day                  the date, no offset                 UNKNOWN
``Z`` of a carrier that prints it falsely     as if it were not there
a year with two digits                        20YY
no year                                       the latest that is not in the future of ``now``
============================================  ==================================  ================

An offset is never invented. What cannot be read is None.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from babel.core import get_global

from parcelwire.connectors.reading.wall_clock import offset_at, offsets_at, offsets_in_order
from parcelwire.domain.checkpoint import TimeSource
from parcelwire.domain.clock import DAY, SECOND, Instant

_FIRST_YEAR, _LAST_YEAR = 2000, 2099
_FIRST_EPOCH: Final[Instant] = 946_684_800_000
_LAST_EPOCH: Final[Instant] = 4_102_444_800_000
"""Instants outside of 2000 to 2099 are no scan of a parcel but a number in another unit."""
_FUTURE: Final = 2 * DAY
"""A time without a year may lie a day or two ahead: clocks differ, and so do days."""
_LONGEST: Final = 60
_MOST_DIGITS: Final = 16
_OFFICIAL: Final = {"CN": "Asia/Shanghai"}
"""Countries with one time by law, whatever else some of their clocks show."""
_LARGEST_OFFSET: Final = 14 * 60

_DATES: Final = {
    "ymd": r"(?P<year>\d{4})(?P<mark>[-/.])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})",
    "dmy": r"(?P<day>\d{1,2})(?P<mark>[-/.])(?P<month>\d{1,2})(?:(?P=mark)(?P<year>\d{4}|\d{2})?)?",
    "mdy": r"(?P<month>\d{1,2})(?P<mark>[-/.])(?P<day>\d{1,2})(?:(?P=mark)(?P<year>\d{4}|\d{2})?)?",
    "compact": r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
}
_CLOCK: Final = (
    r"(?P<hour>\d{1,2})[:.](?P<minute>\d{2})(?:[:.](?P<second>\d{2})(?:[.,]\d{1,9})?)?"
    r"(?:\s?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_COMPACT_CLOCK: Final = r"(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?(?P<half>(?!))?"
_OFFSET: Final = r"\s?(?P<offset>[Zz]|[+-]\d{2}(?::?\d{2})?)"


class LocalTime(msgspec.Struct, frozen=True):
    """A time as the carrier printed it.

    ``local_time`` is ISO 8601 without an offset, ``2026-04-15T10:57:24`` or ``2026-04-15``;
    ``offset_minutes`` is what to subtract to get UTC, None where nobody knows.
    """

    local_time: str
    offset_minutes: int | None
    source: TimeSource

    @property
    def has_clock(self) -> bool:
        """Whether there is a time of day."""
        return "T" in self.local_time

    @property
    def order(self) -> datetime:
        """For sorting: the wall clock moved to UTC, or as it stands where the offset is unknown."""
        moment = datetime.fromisoformat(self.local_time)
        return moment - timedelta(minutes=self.offset_minutes or 0)


class TimeFormat(msgspec.Struct, frozen=True, kw_only=True):
    """How one carrier prints its times; one such object per carrier, or per transport."""

    home: str
    """The carrier's own zone (``Europe/Zurich``): of its clocks, and to print its epochs in."""
    home_countries: frozenset[str] | None = None
    """Where the clocks show home time (ISO 3166 alpha-2); None: on every wall, wherever it is."""
    asks_places: bool = False
    """Whether events elsewhere are printed in the local time of their country."""
    order: Literal["ymd", "dmy", "mdy", "compact"] = "ymd"
    """Of day, month and year; ``ymd`` with separators is understood in any case."""
    has_false_z: bool = False
    """Whether a ``Z`` stands behind local times."""
    epoch: Literal["milliseconds", "seconds"] = "milliseconds"

    @property
    def zone(self) -> ZoneInfo:
        """The zone of ``home``."""
        return ZoneInfo(self.home)


def read_time(
    value: Any, form: TimeFormat, *, country: str | None = None, now: Instant | None = None
) -> LocalTime | None:
    """Return the time that ``value`` prints.

    ``country``: where the event happened, None where nobody says. ``now``: to complete a date
    without a year, which is None without it.
    """
    if not isinstance(value, str):
        return read_epoch(value, form)
    if len(value) > _LONGEST:
        return None
    return _read_text(value, form, country, None if now is None else now // DAY * DAY)


@lru_cache(maxsize=4_096)
def _read_text(
    text: str, form: TimeFormat, country: str | None, now: Instant | None
) -> LocalTime | None:
    """Carriers tell the same events at every poll, so the latest texts are remembered."""
    epoch = read_epoch(text, form)
    if epoch is not None:
        return epoch
    printed = _read_printed(text, form, now)
    if printed is None:
        return None
    moment, offset = printed
    if not isinstance(moment, datetime):
        return LocalTime(moment.isoformat(), None, TimeSource.UNKNOWN)
    if offset is not None:
        return LocalTime(moment.isoformat(), offset, TimeSource.CARRIER)
    zone = _zone_of(moment, form, country)
    return _in_zone(moment, None if zone is None else offset_at(moment, zone), zone, form)


def read_times(
    values: Iterable[Any],
    form: TimeFormat,
    *,
    countries: Sequence[str | None] | None = None,
    now: Instant | None = None,
) -> list[LocalTime | None]:
    """Return the times of a carrier's events, oldest first, each as by ``read_time``.

    In the night in which summer time ends, their order can tell the second round of the hour that
    is shown twice.
    """
    kept = list(values)
    places = [None] * len(kept) if countries is None else countries
    times = [
        read_time(value, form, country=country, now=now)
        for value, country in zip(kept, places, strict=True)
    ]
    if any(one is not None and one.has_clock and one.offset_minutes is None for one in times):
        _tell_by_order(times, form, places)
    return times


def _tell_by_order(
    times: list[LocalTime | None], form: TimeFormat, countries: Sequence[str | None]
) -> None:
    """Give their offsets to times of the hour that is shown twice, where the order tells them."""
    clocks: dict[str, list[datetime | None]] = {}
    for index, (one, country) in enumerate(zip(times, countries, strict=True)):
        if one is None or one.source is TimeSource.CARRIER or not one.has_clock:
            continue
        moment = datetime.fromisoformat(one.local_time)
        zone = _zone_of(moment, form, country)
        if zone is not None:
            clocks.setdefault(zone.key, [None] * len(times))[index] = moment
    for key, moments in clocks.items():
        zone = ZoneInfo(key)
        offsets = offsets_in_order(moments, zone)
        for index, (shown, offset) in enumerate(zip(moments, offsets, strict=True)):
            if shown is not None:
                times[index] = _in_zone(shown, offset, zone, form)


def read_epoch(value: Any, form: TimeFormat) -> LocalTime | None:
    """Return the instant that ``value`` counts since 1970, as the clocks at home showed it.

    The instant is the carrier's; only the zone that it is printed in is ours.
    """
    if isinstance(value, str):
        digits = value.strip()
        if len(digits) > _MOST_DIGITS or not (digits.isascii() and digits.isdigit()):
            return None
        value = int(digits)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    milliseconds = value * SECOND if form.epoch == "seconds" else value
    if not _FIRST_EPOCH <= milliseconds < _LAST_EPOCH:
        return None
    moment = datetime.fromtimestamp(milliseconds // SECOND, tz=form.zone)
    return LocalTime(
        moment.replace(tzinfo=None, fold=0).isoformat(),
        round((moment.utcoffset() or timedelta()).total_seconds() / 60),
        TimeSource.CARRIER,
    )


def find_time(text: str, form: TimeFormat) -> LocalTime | None:
    """Return the first date in a sentence, with the time of day that soon follows, at home.

    As in ``La spedizione è stata consegnata in data 25-01-2021 alle ore 11:42``.
    """
    found = _sentence_pattern(form.order).search(" ".join(text[:1_000].split()))
    if found is None:
        return None
    # Spelled with four digits of the year: two would be read in the carrier's own order again.
    year = f"20{found['year']}" if len(found["year"]) == 2 else found["year"]
    clock = "" if found["clock"] is None else f" {found['clock']}"
    return read_time(f"{year}-{found['month']}-{found['day']}{clock}", form)


def _in_zone(
    moment: datetime, offset: int | None, zone: ZoneInfo | None, form: TimeFormat
) -> LocalTime:
    if zone is None or offset is None:
        return LocalTime(moment.isoformat(), None, TimeSource.UNKNOWN)
    source = TimeSource.HOME if zone.key == form.home else TimeSource.PLACE
    return LocalTime(moment.isoformat(), offset, source)


def _zone_of(moment: datetime, form: TimeFormat, country: str | None) -> ZoneInfo | None:
    """Return the zone whose clock printed a time without an offset; None where nobody knows."""
    if form.home_countries is None or country is None or country in form.home_countries:
        return form.zone
    return _common_zone(country, moment) if form.asks_places else None


def _common_zone(country: str, moment: datetime) -> ZoneInfo | None:
    """Return a zone of ``country`` if all its clocks showed ``moment`` at one offset."""
    zones = _zones_of(country)
    # Both offsets of each: New Zealand's two zones have a part of their long hour in common.
    offsets = {offsets_at(moment, zone) for zone in zones}
    return zones[0] if len(offsets) == 1 else None


@cache
def _zones_of(country: str) -> tuple[ZoneInfo, ...]:
    territories: dict[str, str] = get_global("zone_territories")  # type: ignore[assignment]
    names = (
        [_OFFICIAL[country]]
        if country in _OFFICIAL
        else sorted(name for name, territory in territories.items() if territory == country)
    )
    return tuple(ZoneInfo(name) for name in names)


def _read_printed(
    text: str, form: TimeFormat, now: Instant | None
) -> tuple[datetime | date, int | None] | None:
    """Return a time as it is printed, naive, and the offset behind it where there is one."""
    text = " ".join(text.split())  # some put a narrow blank before "PM"
    found = next((one for p in _patterns(form.order) if (one := p.fullmatch(text))), None)
    if found is None:
        return None
    parts = found.groupdict()
    day = _date(parts, now, form.zone)
    if day is None or parts["hour"] is None:
        return None if day is None else (day, None)
    hour = _hour(int(parts["hour"]), parts["half"])
    try:
        moment = datetime(  # noqa: DTZ001  # printed without a zone
            day.year, day.month, day.day, hour, int(parts["minute"]), int(parts["second"] or 0)
        )
    except ValueError:
        return None
    offset = parts["offset"]
    if offset is None or (form.has_false_z and offset in "Zz"):
        return moment, None
    minutes = _offset_minutes(offset)
    return None if minutes is None else (moment, minutes)


def _date(parts: dict[str, Any], now: Instant | None, zone: ZoneInfo) -> date | None:
    month, day, printed = int(parts["month"]), int(parts["day"]), parts["year"]
    if printed is None:
        return None if now is None else _latest(month, day, now, zone)
    year = int(printed) + (2000 if len(printed) == 2 else 0)
    try:
        return date(year, month, day) if _FIRST_YEAR <= year <= _LAST_YEAR else None
    except ValueError:
        return None


def _latest(month: int, day: int, now: Instant, zone: ZoneInfo) -> date | None:
    """Return the latest such date that is not in the future."""
    last = datetime.fromtimestamp((now + _FUTURE) / SECOND, tz=zone).date()
    for year in range(last.year, last.year - 9, -1):  # a 29 February is rare
        try:
            read = date(year, month, day)
        except ValueError:
            continue
        if read <= last:
            return read
    return None


def _hour(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if not 1 <= hour <= 12:
        return 99
    return hour % 12 + (12 if half in "Pp" else 0)


def _offset_minutes(offset: str) -> int | None:
    if offset in "Zz":
        return 0
    hours, minutes = int(offset[1:3]), int(offset[3:].lstrip(":") or 0)
    total = hours * 60 + minutes
    if minutes > 59 or total > _LARGEST_OFFSET:
        return None
    return -total if offset[0] == "-" else total


@cache
def _patterns(order: str) -> tuple[re.Pattern[str], ...]:
    """Return the patterns that a whole text may be of: the date first, or the time of day first."""
    texts = []
    for name in dict.fromkeys((order, "ymd")):
        day = _DATES[name]
        texts.append(rf"{day}(?:(?:[Tt]|,?\s{{1,3}}){_CLOCK}(?:{_OFFSET})?)?")
        texts.append(rf"{_CLOCK}(?:{_OFFSET})?,?\s{{1,3}}{day}")
        if name == "compact":
            texts.append(rf"{day}[Tt\s]?{_COMPACT_CLOCK}(?:{_OFFSET})?")
    return tuple(re.compile(text, re.ASCII) for text in texts)


@cache
def _sentence_pattern(order: str) -> re.Pattern[str]:
    # A date without a year is none here: "24/48 hours" looks like one.
    return re.compile(
        rf"\b{_DATES[order]}(?<=\d)(?!\d)(?(year)|(?!))(?:\D{{1,12}}?(?P<clock>{_CLOCK})(?!\d))?",
        re.ASCII,
    )
