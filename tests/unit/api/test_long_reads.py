"""Which reads wait for their turn, and which are always quick."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from parcelwire.api.shares import LongReads, ShareSettings
from parcelwire.domain.status import Status
from parcelwire.tracking.ports import TrackingFilter

WORLD = 2
ALL = TrackingFilter()
DELIVERED = TrackingFilter(statuses=(Status.DELIVERED,))
OF_A_COURIER = TrackingFilter(courier_code="dhl")
BY_NUMBER = TrackingFilter(numbers=("RA123456785CH",), courier_code="dhl")


@pytest.mark.parametrize(
    ("where", "limit", "offset", "is_long"),
    [
        (ALL, 50, 0, False),
        (ALL, 51, 0, True),
        (ALL, 50, 5_000, False),
        (ALL, 50, 5_001, True),
        (DELIVERED, 50, 0, False),
        (OF_A_COURIER, 50, 0, True),
        (BY_NUMBER, 50, 0, False),
    ],
)
async def test_a_page(where: TrackingFilter, limit: int, offset: int, is_long: bool) -> None:
    reads = LongReads(ShareSettings())
    turn = reads.for_page(WORLD, where, limit, offset)
    assert isinstance(turn, nullcontext) is not is_long


@pytest.mark.parametrize(("where", "is_long"), [(ALL, False), (OF_A_COURIER, True)])
async def test_a_count(where: TrackingFilter, is_long: bool) -> None:
    turn = LongReads(ShareSettings()).for_count(WORLD, where)
    assert isinstance(turn, nullcontext) is not is_long
