"""How long a parcel has been under way, and how long it took, counted as people count."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.lane import days_between, days_under_way, lane_of
from parcelwire.domain.merge import merge
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Milestones
from tests.support.carriers import report
from tests.support.v4 import point
from tests.unit.domain.test_merge import tracking
from tests.unit.webhooks.builders import make_tracking

ANNOUNCED = point("2026-02-20T08:00:00", "Data received", Substatus.INFORECEIVED)
AGAIN = point("2026-02-24T08:00:00", "Label printed", Substatus.INFORECEIVED)
NOTE = point("2026-02-25T08:00:00", "A note", None)
SORTED = point("2026-02-26T08:00:00", "Sorted", Substatus.TRANSIT)
MOVED = point("2026-02-28T08:00:00", "Sorted", Substatus.TRANSIT_AT_HUB)
OUT = point("2026-02-27T08:00:00", "Out for delivery", Substatus.PICKUP_OUT_FOR_DELIVERY)
DELIVERED = point("2026-03-01T08:00:00", "Delivered", Substatus.DELIVERED)


@pytest.mark.parametrize(
    ("scans", "days"),
    [
        ((), None),
        ((ANNOUNCED,), None),
        ((ANNOUNCED, AGAIN), None),
        ((ANNOUNCED, AGAIN, NOTE), None),
        ((NOTE, DELIVERED), 0),
        ((ANNOUNCED, AGAIN, SORTED), 0),
        ((ANNOUNCED, SORTED, MOVED), 2),
        ((ANNOUNCED, OUT, DELIVERED), 2),
        ((ANNOUNCED, NOTE, SORTED, MOVED, DELIVERED), 3),
    ],
)
def test_days_count_from_where_the_carrier_has_the_parcel(
    scans: tuple[Checkpoint, ...], days: int | None
) -> None:
    merged = merge(make_tracking(checkpoints=()), report("", *scans)).tracking
    assert days_under_way(merged.milestones, merged.visible_checkpoints) == days


@pytest.mark.parametrize(
    ("began", "ended", "days"),
    [
        ("2026-03-02T10:00:00+01:00", "2026-03-02T18:00:00+01:00", 0),
        ("2026-03-02T23:00:00+01:00", "2026-03-03T01:00:00+01:00", 1),
        ("2026-03-02T10:00:00+01:00", "2026-03-04T09:00:00+01:00", 2),
        ("2026-03-02T10:00:00", "2026-03-04T09:00:00", 2),
        ("2026-03-02", "2026-03-04T09:00:00+01:00", 2),
        # Zurich to New York: the calendars that were printed.
        ("2026-03-02T10:00:00+01:00", "2026-03-06T15:00:00-05:00", 4),
        # Tokyo to Los Angeles: printed with one date, a day and an hour later.
        ("2026-03-05T10:00:00+09:00", "2026-03-05T18:00:00-08:00", 1),
        # Auckland to Honolulu: it arrives on the day before.
        ("2026-03-05T08:00:00+13:00", "2026-03-04T20:00:00-10:00", 0),
        ("2026-03-05T08:00:00+13:00", "2026-03-06T08:00:00-10:00", 1),
        ("2026-03-05T08:00:00+13:00", "2026-03-07T08:00:00-10:00", 2),
        # Los Angeles to Tokyo: seventeen hours are no two days.
        ("2026-03-02T20:00:00-08:00", "2026-03-04T06:00:00+09:00", 1),
    ],
)
def test_days_as_people_count_them(began: str, ended: str, days: int) -> None:
    assert days_between(began, ended) == days
    delivered = tracking(
        status=Status.DELIVERED, milestones=Milestones(accepted=began, delivered=ended)
    )
    assert lane_of(delivered).transit_days == days


def test_a_delivery_before_the_first_scan_took_no_time_that_is_known() -> None:
    mixed_up = Milestones(
        accepted="2026-03-05T10:00:00+01:00", delivered="2026-03-02T10:00:00+01:00"
    )
    assert lane_of(tracking(status=Status.DELIVERED, milestones=mixed_up)).transit_days is None


OFFSETS = st.integers(-12 * 60, 14 * 60)


@given(st.integers(0, 20 * 24 * 60), OFFSETS, OFFSETS)
def test_the_days_are_near_the_time_that_passed(minutes: int, here: int, there: int) -> None:
    start = datetime(2026, 3, 1, 12, tzinfo=UTC)
    began = start.astimezone(timezone(timedelta(minutes=here)))
    ended = (start + timedelta(minutes=minutes)).astimezone(timezone(timedelta(minutes=there)))
    days = days_between(began.isoformat(), ended.isoformat())
    assert abs(days - minutes / (24 * 60)) <= 1
    if here == there:
        assert days == (ended.date() - began.date()).days
