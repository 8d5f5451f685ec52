"""A test world holds so many trackings and no more."""

from __future__ import annotations

import asyncio

import pytest

from parcelwire.tracking.errors import AlreadyExistsError, OverQuotaError
from tests.contract.poll_yard import Yard, draft
from tests.contract.store.samples import TEST_WORLD, WORLD


async def test_a_full_test_world_takes_no_more_until_some_are_deleted(yard: Yard) -> None:
    service = yard.service(test_trackings=5)
    made = [await service.create(TEST_WORLD, draft(f"A1B2C3D{n}")) for n in range(5)]
    with pytest.raises(OverQuotaError):
        await service.create(TEST_WORLD, draft("A1B2C3D5"))
    # What is followed already is still that.
    with pytest.raises(AlreadyExistsError):
        await service.create(TEST_WORLD, draft("A1B2C3D0"))
    await service.delete(TEST_WORLD, [made[0].tracking.id])
    await service.create(TEST_WORLD, draft("A1B2C3D5"))
    with pytest.raises(OverQuotaError):
        await service.create(TEST_WORLD, draft("A1B2C3D6"))


async def test_live_worlds_are_not_meant(yard: Yard) -> None:
    service = yard.service(test_trackings=2)
    for n in range(4):
        await service.create(WORLD, draft(f"A1B2C3D{n}"))


async def test_a_batch_that_has_no_room_is_refused_number_by_number(yard: Yard) -> None:
    service = yard.service(test_trackings=3)
    first = await service.create_many(TEST_WORLD, [draft("A1B2C3D0"), draft("A1B2C3D1")])
    assert all(one.error is None for one in first)
    second = await service.create_many(
        TEST_WORLD, [draft("A1B2C3D1"), draft("A1B2C3D2"), draft("A1B2C3D3")]
    )
    assert [type(one.error) for one in second] == [
        AlreadyExistsError,
        OverQuotaError,
        OverQuotaError,
    ]


async def test_many_at_once_exceed_it_by_a_few_at_most(yard: Yard) -> None:
    service = yard.service(test_trackings=50)
    answers = await asyncio.gather(
        *(service.create(TEST_WORLD, draft(f"A1B2C3D{n}")) for n in range(200)),
        return_exceptions=True,
    )
    made = sum(not isinstance(one, Exception) for one in answers)
    assert 50 <= made <= 100
    assert all(isinstance(one, OverQuotaError) for one in answers if isinstance(one, Exception))
