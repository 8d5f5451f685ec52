"""Counts under conditions: exact where few trackings are there, else estimated."""

from __future__ import annotations

import pytest

from parcelwire.domain.clock import DAY, HOUR
from parcelwire.domain.status import Status
from parcelwire.store import walks
from parcelwire.store.port import Store
from parcelwire.store.walks import counts_of
from parcelwire.tracking.ports import TrackingFilter
from tests.contract.store.samples import NOW, OTHER_WORLD, WORLD, make_new

DHL = TrackingFilter(courier_code="dhl")


async def fill(store: Store, count: int) -> None:
    """Create a tracking an hour, of two couriers by turns; every fourth is on its way."""
    for world_id in (WORLD, OTHER_WORLD):
        await store.create_trackings(
            [
                make_new(
                    f"NR{index:04d}",
                    world_id=world_id,
                    courier_code="ups" if index % 2 else "dhl",
                    created_at=NOW - index * HOUR,
                    ordered_at=NOW - 90 * DAY - index * HOUR,
                    status=Status.TRANSIT if index % 4 == 0 else Status.PENDING,
                )
                for index in range(count)
            ]
        )


async def test_up_to_the_most_counted_all_are_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "FEW", 5)
    monkeypatch.setattr(walks, "MOST_COUNTED", 20)
    await fill(store, 80)
    for where, total, on_their_way in (
        (DHL, 40, 20),
        (TrackingFilter(created_min=NOW - 9 * HOUR), 10, 3),
        (TrackingFilter(courier_code="dhl", ordered_max=NOW - 90 * DAY - 40 * HOUR), 20, 10),
        (TrackingFilter(courier_code="dhl", number_prefix="NR000"), 5, 3),
        (TrackingFilter(courier_code="gls"), 0, 0),
    ):
        counts = await store.count_by_status(WORLD, where)
        assert not counts.is_estimate, where
        assert counts.total == await store.count_trackings(WORLD, where) == total, where
        assert counts[Status.TRANSIT] == on_their_way, where


async def test_beyond_the_most_counted_the_newest_tell_how_many_there_are(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "FEW", 5)
    monkeypatch.setattr(walks, "MOST_COUNTED", 12)
    await fill(store, 120)

    counts = await store.count_by_status(WORLD, DHL)
    assert counts.is_estimate
    # They came evenly: then the estimate is right but for one at the ends.
    assert abs(counts[Status.TRANSIT] - 30) <= 2
    assert abs(counts[Status.PENDING] - 30) <= 2
    assert counts[Status.DELIVERED] == 0

    half = await store.count_by_status(
        WORLD, TrackingFilter(created_min=NOW - 59 * HOUR, number_prefix="NR")
    )
    assert half.is_estimate
    assert abs(half.total - 60) <= 4

    # Without conditions, counters know.
    plain = await store.count_by_status(WORLD, TrackingFilter(statuses=(Status.TRANSIT,)))
    assert (plain.total, plain.is_estimate) == (30, False)


def test_an_estimate_never_falls_below_what_was_seen() -> None:
    seen = walks.MOST_COUNTED + 1
    counts = counts_of([("transit", seen, 7, 100, 100, 100), ("pending", 3, 2, 9, 1, 1)])
    assert counts.is_estimate
    assert (counts[Status.TRANSIT], counts[Status.PENDING], counts.total) == (7, 2, 9)
    assert counts_of([("transit", 0, 0, None, None, None)]).total == 0
