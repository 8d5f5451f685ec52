"""What a world's parcels say of the couriers it uses, the same on every engine."""

from __future__ import annotations

import pytest

from parcelwire.domain.clock import SECOND
from parcelwire.domain.status import CONFIRMED_STATUSES, Status
from parcelwire.store.port import Store
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    TEST_WORLD,
    WORLD,
    advance,
    create,
    make_change,
)


async def test_only_couriers_that_know_the_number_count(store: Store) -> None:
    for status in Status:
        tracking = await create(store, f"A-{status}", courier_code=f"of-{status}")
        if status is not Status.PENDING:
            await advance(store, tracking, status=status)

    counts = await store.courier_counts(WORLD)

    assert counts == {f"of-{status}": 1 for status in CONFIRMED_STATUSES}
    assert len(counts) == 6


async def test_worlds_count_apart_and_archived_trackings_count(store: Store) -> None:
    for number, code, world_id, is_archived in (
        ("B1", "dpd", WORLD, False),
        ("B2", "dpd", WORLD, True),
        ("B3", "ups", WORLD, True),
        ("B4", "gls", OTHER_WORLD, False),
        ("B5", "dhl", TEST_WORLD, False),
    ):
        tracking = await create(store, number, courier_code=code, world_id=world_id)
        await advance(store, tracking, status=Status.DELIVERED, is_archived=is_archived)

    assert await store.courier_counts(WORLD) == {"dpd": 2, "ups": 1}
    assert await store.courier_counts(OTHER_WORLD) == {"gls": 1}
    assert await store.courier_counts(TEST_WORLD) == {"dhl": 1}
    assert await store.courier_counts(4711) == {}


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        (0, {}),
        (1, {"ups": 1}),
        (3, {"ups": 2, "dpd": 1}),
        (5, {"ups": 3, "dpd": 2}),
        (20, {"ups": 3, "dpd": 3}),
    ],
)
async def test_the_newest_count_whatever_their_status(
    store: Store, recent: int, expected: dict[str, int]
) -> None:
    """Two couriers by turns, in all statuses; unconfirmed ones between them take no place."""
    statuses = (Status.TRANSIT, Status.DELIVERED, Status.EXCEPTION)
    for index in range(6):
        at = NOW + index * SECOND
        code = "ups" if index % 2 else "dpd"
        tracking = await create(store, f"C{index}", courier_code=code, created_at=at)
        await advance(store, tracking, status=statuses[index % 3], is_archived=index > 3)
        await create(store, f"D{index}", courier_code="gls", created_at=at + 1)

    assert await store.courier_counts(WORLD, recent=recent) == expected


async def test_a_corrected_courier_counts_as_the_right_one(store: Store) -> None:
    tracking = await create(store, "E1", courier_code="dpd")
    tracking = await advance(store, tracking, status=Status.NOTFOUND)
    assert await store.courier_counts(WORLD) == {}

    change = make_change(tracking, courier_code="gls", status=Status.TRANSIT)
    assert await store.change_courier(change) == "saved"

    assert await store.courier_counts(WORLD) == {"gls": 1}
