"""Times printed without an offset: one rule for all connectors, in the two odd nights of a year."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.reading.wall_clock import offset_at, offsets_in_order

ROME = ZoneInfo("Europe/Rome")


def autumn(*clocks: str) -> list[datetime | None]:
    return [datetime.fromisoformat(f"2025-10-26T{clock}") for clock in clocks]


@pytest.mark.parametrize(
    ("zone", "clock", "offset"),
    [
        ("Europe/Rome", "2025-10-26T01:59:59", 120),
        ("Europe/Rome", "2025-10-26T02:00:00", None),
        ("Europe/Rome", "2025-10-26T02:59:59", None),
        ("Europe/Rome", "2025-10-26T03:00:00", 60),
        ("Europe/Rome", "2026-03-29T02:30:00", None),
        ("Europe/London", "2025-10-26T01:30:00", None),
        ("Europe/London", "2025-10-26T02:30:00", 0),
        ("America/New_York", "2025-11-02T01:30:00", None),
        ("Australia/Lord_Howe", "2026-04-05T01:45:00", None),
        ("Australia/Lord_Howe", "2026-04-05T01:15:00", 660),
        ("Asia/Tokyo", "2025-10-26T02:30:00", 540),
    ],
)
def test_a_time_that_a_clock_shows_twice_or_never_has_no_offset(
    zone: str, clock: str, offset: int | None
) -> None:
    assert offset_at(datetime.fromisoformat(clock), ZoneInfo(zone)) == offset


@pytest.mark.parametrize(
    ("clocks", "offsets"),
    [
        (["02:30"], [None]),
        (["01:50", "02:10", "02:40", "03:10"], [120, None, None, 60]),
        (["02:30", "02:30"], [None, None]),
        (["02:40", "02:10"], [120, 60]),
        (["02:30", "02:10", "02:30"], [120, 60, 60]),
        (["01:50", "02:20", "02:40", "02:05", "02:50", "03:01"], [120, 120, 120, 60, 60, 60]),
        # Twice back: these stand in no order.
        (["02:40", "02:10", "02:50", "02:20"], [None] * 4),
        # Newest first: the last was the first to happen.
        (["03:10", "02:50", "02:20", "02:40", "01:50"], [60, None, None, None, 120]),
    ],
)
def test_the_order_of_events_tells_the_second_round(
    clocks: list[str], offsets: list[int | None]
) -> None:
    assert offsets_in_order(autumn(*clocks), ROME) == offsets


def test_each_night_is_looked_at_by_itself() -> None:
    night, year_before = autumn("02:10")[0], datetime.fromisoformat("2024-10-27T02:40")
    assert offsets_in_order([year_before, None, night], ROME) == [None, None, None]


@given(st.lists(st.integers(0, 6 * 3600), min_size=1, max_size=8).map(sorted))
def test_an_offset_that_is_told_is_the_true_one(seconds: list[int]) -> None:
    """Real instants of that night, printed without their offsets."""
    began = datetime(2025, 10, 25, 22, tzinfo=UTC)
    true = [(began + timedelta(seconds=one)).astimezone(ROME) for one in seconds]
    printed = [one.replace(tzinfo=None, fold=0) for one in true]
    for told, one in zip(offsets_in_order(printed, ROME), true, strict=True):
        is_certain = not 120 <= one.hour * 60 + one.minute < 180
        assert told is not None or not is_certain
        assert told in (None, (one.utcoffset() or timedelta()).total_seconds() / 60)
