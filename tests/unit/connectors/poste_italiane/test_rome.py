"""Wall clocks in Rome, with the two odd nights of a year."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.carriers.poste_italiane.parcel import read_parcel
from parcelwire.connectors.carriers.poste_italiane.rome import (
    from_epoch,
    from_sentence,
    from_wall,
    read_in_order,
)
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from tests.unit.domain.test_merge import after, found


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
def test_epoch_to_wall_clock(value: Any, local_time: str, offset: int) -> None:
    time = from_epoch(value)
    assert time is not None
    assert (time.local_time, time.offset_minutes) == (local_time, offset)
    assert time.source is TimeSource.CARRIER


@pytest.mark.parametrize(
    "value",
    [None, True, "", "ieri", "-5", 0, 17, -1, 1_767_200_000, 10**30, float("inf"), [], {}, "१२३"],
)
def test_what_is_no_instant(value: Any) -> None:
    assert from_epoch(value) is None


@given(st.integers(946_684_800_000, 4_102_444_799_999))
def test_the_instant_survives_its_clothes(instant: int) -> None:
    time = from_epoch(instant)
    assert time is not None
    checkpoint = Checkpoint(local_time=time.local_time, text="", offset_minutes=time.offset_minutes)
    assert checkpoint.occurred_at == instant // 1000 * 1000


@pytest.mark.parametrize(
    ("value", "local_time", "offset", "source"),
    [
        ("2013-06-27 18:51:00", "2013-06-27T18:51:00", 120, TimeSource.HOME),
        ("2013-12-27 18:51:00", "2013-12-27T18:51:00", 60, TimeSource.HOME),
        ("2013-12-27T18:51", "2013-12-27T18:51:00", 60, TimeSource.HOME),
        (" 2013-12-27 18:51:00.123 ", "2013-12-27T18:51:00", 60, TimeSource.HOME),
        ("2013-12-27T18:51:00Z", "2013-12-27T18:51:00", 0, TimeSource.CARRIER),
        ("2013-12-27T18:51:00-0330", "2013-12-27T18:51:00", -210, TimeSource.CARRIER),
        ("2013-12-27", "2013-12-27", None, TimeSource.UNKNOWN),
        # The hour that summer time skips, and the hour that is lived twice: alone, nothing tells.
        ("2026-03-29 02:30:00", "2026-03-29T02:30:00", None, TimeSource.UNKNOWN),
        ("2026-03-29 03:30:00", "2026-03-29T03:30:00", 120, TimeSource.HOME),
        ("2025-10-26 01:59:59", "2025-10-26T01:59:59", 120, TimeSource.HOME),
        ("2025-10-26 02:30:00", "2025-10-26T02:30:00", None, TimeSource.UNKNOWN),
        ("2025-10-26 03:00:00", "2025-10-26T03:00:00", 60, TimeSource.HOME),
    ],
)
def test_printed_time(value: str, local_time: str, offset: int | None, source: TimeSource) -> None:
    time = from_wall(value)
    assert time is not None
    assert (time.local_time, time.offset_minutes, time.source) == (local_time, offset, source)


@pytest.mark.parametrize(
    "value",
    [
        None,
        20260102,
        "",
        "2026-13-01 10:00:00",
        "2026-02-30",
        "2026-01-02 25:00:00",
        "02/01/2026",
        "2026-01-02 10:00:00+99:00",
        "0000-01-01 00:00:00",
        "२०२६-०१-०२",
    ],
)
def test_unreadable_time(value: Any) -> None:
    assert from_wall(value) is None


def test_order_tells_the_second_round_of_the_long_hour() -> None:
    printed = [
        "2025-10-26 01:59:00",
        "2025-10-26 02:20:00",
        "2025-10-26 02:40:00",
        "2025-10-26 02:05:00",
        "2025-10-26 02:50:00",
        "2025-10-26 03:01:00",
    ]
    offsets = [time.offset_minutes for time in read_in_order(printed) if time is not None]
    assert offsets == [120, 120, 120, 60, 60, 60]


def test_an_unreadable_time_does_not_break_the_order() -> None:
    times = read_in_order(["2025-10-26 02:40:00", None, "2025-10-26 02:05:00"])
    assert [time and time.offset_minutes for time in times] == [120, None, 60]


@pytest.mark.parametrize(
    ("text", "local_time"),
    [
        ("La spedizione è stata consegnata in data 25-01-2021 11:42", "2021-01-25T11:42:00"),
        ("consegnata in data 5/1/2021 alle ore 9.05", "2021-01-05T09:05:00"),
        ("consegnata in data 25-01-2021", "2021-01-25"),
    ],
)
def test_time_in_a_sentence(text: str, local_time: str) -> None:
    time = from_sentence(text)
    assert time is not None
    assert time.local_time == local_time


@pytest.mark.parametrize("text", ["", "ieri", "in data 45-45-2021", "in data 31-02-2021 10:00"])
def test_no_time_in_a_sentence(text: str) -> None:
    assert from_sentence(text) is None


@given(st.text(max_size=40))
def test_reading_never_raises(text: str) -> None:
    from_wall(text)
    from_sentence(text)
    from_epoch(text)


def test_two_scans_of_one_office_an_hour_apart_stay_two() -> None:
    """The web answers with instants: in the night in which summer time ends, they differ in the
    offset alone.
    """
    movements = [
        {"dataOra": instant, "statoLavorazione": "la spedizione è in transito", "luogo": "Bologna"}
        for instant in (1_761_438_600_000, 1_761_442_200_000)
    ]
    checkpoints, *_ = read_parcel({"listaMovimenti": movements}, 1_761_500_000_000)
    known = after(found(*checkpoints)).checkpoints
    assert [one.iso_time for one in known] == [
        "2025-10-26T02:30:00+02:00",
        "2025-10-26T02:30:00+01:00",
    ]
    assert after(found(*checkpoints), found(*reversed(checkpoints))).checkpoints == known
