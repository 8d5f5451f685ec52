"""Times as carriers print them: what is certain of each, and what nobody knows."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.reading.times import (
    LocalTime,
    TimeFormat,
    find_time,
    read_epoch,
    read_time,
    read_times,
)
from parcelwire.domain.checkpoint import Checkpoint, TimeSource

CARRIER, HOME, PLACE, UNKNOWN = (
    TimeSource.CARRIER,
    TimeSource.HOME,
    TimeSource.PLACE,
    TimeSource.UNKNOWN,
)
ROME = TimeFormat(home="Europe/Rome")
SWISS = TimeFormat(home="Europe/Zurich", home_countries=frozenset({"CH", "LI"}))
NOW = round(datetime(2026, 1, 10, 12, tzinfo=ZoneInfo("UTC")).timestamp() * 1000)


def told(time: LocalTime | None) -> tuple[str, int | None, TimeSource] | None:
    return None if time is None else (time.local_time, time.offset_minutes, time.source)


@pytest.mark.parametrize(
    ("value", "local_time", "offset"),
    [
        (1_767_200_000_000, "2025-12-31T17:53:20", 60),
        ("1767200000000", "2025-12-31T17:53:20", 60),
        (1_767_200_000_999, "2025-12-31T17:53:20", 60),
        (1_767_200_000_000.0, "2025-12-31T17:53:20", 60),
        (1_752_573_600_000, "2025-07-15T12:00:00", 120),
        # One second before and after the end of summer time, 2025-10-26T01:00:00Z.
        (1_761_440_399_000, "2025-10-26T02:59:59", 120),
        (1_761_440_400_000, "2025-10-26T02:00:00", 60),
    ],
)
def test_an_epoch_is_the_carriers_instant(value: Any, local_time: str, offset: int) -> None:
    assert told(read_time(value, ROME)) == (local_time, offset, CARRIER)


def test_an_epoch_in_seconds_is_one_only_where_the_carrier_counts_seconds() -> None:
    seconds = TimeFormat(home="Europe/Rome", epoch="seconds")
    for value in (1_767_200_000, "1767200000", 1_767_200_000.9):
        assert told(read_time(value, seconds)) == ("2025-12-31T17:53:20", 60, CARRIER)
        assert read_time(value, ROME) is None
    assert read_time(1_767_200_000_000, seconds) is None


@given(st.integers(946_684_800_000, 4_102_444_799_999))
def test_an_instant_survives_its_clothes(instant: int) -> None:
    time = read_epoch(instant, ROME)
    assert time is not None
    checkpoint = Checkpoint(local_time=time.local_time, text="", offset_minutes=time.offset_minutes)
    assert checkpoint.occurred_at == instant // 1000 * 1000


@pytest.mark.parametrize(
    ("value", "country", "expected"),
    [
        ("2026-04-17T06:37:12+02:00", "CH", ("2026-04-17T06:37:12", 120, CARRIER)),
        ("2026-04-17T06:37:12Z", "CH", ("2026-04-17T06:37:12", 0, CARRIER)),
        ("2026-04-17T06:37:12.9-04:00", "US", ("2026-04-17T06:37:12", -240, CARRIER)),
        ("2026-04-17T06:37:12", "CH", ("2026-04-17T06:37:12", 120, HOME)),
        ("2026-01-17T06:37:12", None, ("2026-01-17T06:37:12", 60, HOME)),
        ("2026-01-17 06:37", "LI", ("2026-01-17T06:37:00", 60, HOME)),
        # The hour that comes twice, and the hour that never comes.
        ("2025-10-26T02:30:00", "CH", ("2025-10-26T02:30:00", None, UNKNOWN)),
        ("2026-03-29T02:30:00", "CH", ("2026-03-29T02:30:00", None, UNKNOWN)),
        ("2026-04-17T06:37:12", "US", ("2026-04-17T06:37:12", None, UNKNOWN)),
        ("2026-04-17", "CH", ("2026-04-17", None, UNKNOWN)),
        ("2026/04/17 06.37", "CH", ("2026-04-17T06:37:00", 120, HOME)),
    ],
)
def test_an_offset_says_where_it_comes_from(
    value: str, country: str | None, expected: tuple[str, int | None, TimeSource]
) -> None:
    assert told(read_time(value, SWISS, country=country)) == expected


@pytest.mark.parametrize(
    ("order", "value", "local_time"),
    [
        ("dmy", "15.04.2026 07.42", "2026-04-15T07:42:00"),
        ("dmy", "15/04/26 07:42", "2026-04-15T07:42:00"),
        ("dmy", "29/04/2026, 08:46:00", "2026-04-29T08:46:00"),
        ("dmy", "14-04-2026 12:00:00", "2026-04-14T12:00:00"),
        ("dmy", "12:00 14.04.2026", "2026-04-14T12:00:00"),
        ("dmy", "2026-04-14 12:00", "2026-04-14T12:00:00"),
        ("dmy", "05.04.2026", "2026-04-05"),
        ("mdy", "04/05/2026 1:07 PM", "2026-04-05T13:07:00"),
        ("mdy", "04/05/2026 12:07 a.m.", "2026-04-05T00:07:00"),
        ("mdy", "04/05/2026 12:07 pm", "2026-04-05T12:07:00"),
        ("compact", "20260405", "2026-04-05"),
        ("compact", "20260405 130700", "2026-04-05T13:07:00"),
        ("compact", "20260405130700", "2026-04-05T13:07:00"),
        ("compact", "20260405T1307", "2026-04-05T13:07:00"),
        ("compact", "20260405 13:07", "2026-04-05T13:07:00"),
    ],
)
def test_dates_stand_in_the_carriers_order(order: Any, value: str, local_time: str) -> None:
    time = read_time(value, TimeFormat(home="Europe/Rome", order=order))
    assert time is not None
    assert time.local_time == local_time
    assert time.has_clock == ("T" in local_time)
    assert time.source is (HOME if time.has_clock else UNKNOWN)


@pytest.mark.parametrize(
    ("value", "local_time"),
    [
        ("09.01. 10:57", "2026-01-09T10:57:00"),
        ("11.01 10:57", "2026-01-11T10:57:00"),  # the clocks of two machines, or a time zone
        ("24.12. 10:57", "2025-12-24T10:57:00"),
        ("29.02. 10:57", "2024-02-29T10:57:00"),
    ],
)
def test_a_missing_year_is_the_latest_that_can_be(value: str, local_time: str) -> None:
    form = TimeFormat(home="Europe/Zurich", order="dmy")
    time = read_time(value, form, now=NOW)
    assert time is not None
    assert time.local_time == local_time
    assert read_time(value, form) is None


def test_a_false_z_is_no_offset() -> None:
    local = TimeFormat(
        home="Europe/Amsterdam",
        home_countries=frozenset({"NL"}),
        asks_places=True,
        has_false_z=True,
    )
    printed = "2026-05-11T06:10:00Z"
    assert told(read_time(printed, local, country="NL")) == ("2026-05-11T06:10:00", 120, HOME)
    assert told(read_time(printed, local, country="JP")) == ("2026-05-11T06:10:00", 540, PLACE)
    assert told(read_time(printed, ROME)) == ("2026-05-11T06:10:00", 0, CARRIER)
    # Another offset than Z is no habit.
    with_offset = read_time("2026-05-11T06:10:00+02:00", local, country="JP")
    assert told(with_offset) == ("2026-05-11T06:10:00", 120, CARRIER)


@pytest.mark.parametrize(
    ("country", "offset"),
    [
        ("DE", 120),  # two zones, one time
        ("CN", 480),
        ("IN", 330),
        ("US", None),
        ("ES", None),  # the Canary Islands
        ("XX", None),
        ("CH", 120),
    ],
)
def test_a_place_tells_its_zone_where_all_its_clocks_agree(
    country: str, offset: int | None
) -> None:
    form = TimeFormat(home="Asia/Tokyo", home_countries=frozenset({"JP"}), asks_places=True)
    time = read_time("2026-05-11 06:10", form, country=country)
    assert told(time) == ("2026-05-11T06:10:00", offset, UNKNOWN if offset is None else PLACE)


def test_order_tells_the_second_round_of_the_long_hour() -> None:
    printed = [
        "2025-10-26 01:59:00",
        "2025-10-26 02:20:00",
        "2025-10-26 02:40:00",
        None,
        "2025-10-26 02:05:00",
        "2025-10-26 02:50:00",
        "2025-10-26 03:01:00",
    ]
    times = read_times(printed, ROME)
    assert [time and time.offset_minutes for time in times] == [120, 120, 120, None, 60, 60, 60]
    assert [time.source for time in times if time is not None] == [HOME] * 6


def test_each_zone_has_a_long_hour_of_its_own() -> None:
    form = TimeFormat(home="Europe/Rome", home_countries=frozenset({"IT"}), asks_places=True)
    printed = ["2025-10-26 02:40", "2025-10-26 01:45", "2025-10-26 02:05", "2025-10-26 01:15"]
    times = read_times(printed, form, countries=["IT", "PT", "IT", "IE"])
    # Portugal has the Azores; Ireland's clock went back once before 01:15 or not at all.
    assert [time and time.offset_minutes for time in times] == [120, None, 60, None]


def test_a_country_of_two_clocks_has_no_common_long_hour() -> None:
    """A quarter of an hour is shown twice in Auckland and on the Chatham Islands alike."""
    form = TimeFormat(home="Europe/Rome", home_countries=frozenset({"IT"}), asks_places=True)
    printed = ["2026-04-05 02:58", "2026-04-05 02:46"]
    times = read_times(printed, form, countries=["NZ", "NZ"])
    assert [time and time.offset_minutes for time in times] == [None, None]


@pytest.mark.parametrize(
    ("text", "local_time"),
    [
        ("La spedizione è stata consegnata in data 25-01-2021 11:42", "2021-01-25T11:42:00"),
        ("consegnata in data 5/1/2021 alle ore 9.05", "2021-01-05T09:05:00"),
        ("consegnata in data 25-01-2021", "2021-01-25"),
        ("", None),
        ("ieri", None),
        ("in data 45-45-2021", None),
        ("in data 31-02-2021 10:00", None),
        ("il 25-01 alle 11:42", None),
        ("consegnata il 25-01-21 alle ore 11:42", "2021-01-25T11:42:00"),
        ("in 24/48 ore, consegnata il 25-01-2021 alle 11:42", "2021-01-25T11:42:00"),
        ("n. 25-01-20215", None),
    ],
)
def test_a_time_in_a_sentence(text: str, local_time: str | None) -> None:
    time = find_time(text, TimeFormat(home="Europe/Rome", order="dmy"))
    assert (time and time.local_time) == local_time


def test_half_a_day_is_not_lost_in_a_sentence() -> None:
    form = TimeFormat(home="America/New_York", order="mdy")
    for text in ("Delivered on 04/05/2026 at 6:05 PM", "4/5/26, 6:05\u202fPM: at the door"):
        time = find_time(text, form)
        assert told(time) == ("2026-04-05T18:05:00", -240, HOME)
    assert told(read_time("4/5/26, 6:05\u202fPM", form)) == ("2026-04-05T18:05:00", -240, HOME)


UNREADABLE: list[Any] = [
    *(None, True, False, "", "   ", "yesterday", [], {}, [1], {"a": 1}, 1.5, float("inf")),
    *(float("nan"), 0, -1, 17, 10**30, "-5", "१२३", "२०२६-०१-०२"),
    *("2026-13-01 10:00:00", "2026-02-30", "2026-04-31", "2026-01-02 25:00:00", "2026-01-02 10:60"),
    *("2026-W16-5", "2026-04-17T", "2026-04-1706:37", "2026-04/17", "0000-01-01 00:00:00"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-04-17T06:37:12+99:00"),
    *("2026-04-17T06:37:12+15:00", "2026-04-17T06:37:12" + "0" * 50, "2026-04-17 06:37 XM"),
    *("2026-04-17 13:07 PM", "2026-04-17 0:07 AM", 17764006320000000, 20260102),
]


@pytest.mark.parametrize("value", UNREADABLE, ids=repr)
@pytest.mark.parametrize("order", ["ymd", "dmy", "mdy"])
def test_what_is_no_time(value: Any, order: Any) -> None:
    assert read_time(value, TimeFormat(home="Europe/Rome", order=order)) is None


@given(st.text(max_size=80))
def test_reading_never_raises(text: str) -> None:
    orders: tuple[Any, ...] = ("ymd", "dmy", "mdy", "compact")
    for order in orders:
        form = TimeFormat(home="Europe/Rome", order=order)
        read_time(text, form, now=NOW)
        find_time(text, form)
