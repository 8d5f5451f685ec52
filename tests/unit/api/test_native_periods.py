"""Until when a period lasts that a query or a body of the native API names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from parcelwire.api.native.tracking_requests import end_of
from parcelwire.domain.clock import SECOND, from_datetime

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_whole_second_lasts_to_its_last_millisecond() -> None:
    assert end_of(NOON) == from_datetime(NOON) + SECOND - 1
    finer = NOON + timedelta(milliseconds=250)
    assert end_of(finer) == from_datetime(finer)
