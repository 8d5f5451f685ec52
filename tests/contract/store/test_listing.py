from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details, Tracking
from parcelwire.store.port import Store
from parcelwire.tracking.ports import TrackingFilter
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    advance,
    create,
    make_new,
    render,
)

EVERYTHING = TrackingFilter()


async def ids_of(
    store: Store, where: TrackingFilter, offset: int = 0, limit: int = 100
) -> list[str]:
    """List by documents and by renditions, which must be the same trackings in the same order."""
    stored = await store.list_trackings(WORLD, where, offset=offset, limit=limit)
    renditions = await store.list_renditions(WORLD, where, offset=offset, limit=limit)
    assert renditions == [render(one.tracking) for one in stored]
    return [one.tracking.id for one in stored]


@pytest.fixture
async def shelf(store: Store) -> list[Tracking]:
    """Sixty trackings of many kinds, newest first, beside others in another world."""
    dice = random.Random(7)
    shelf = []
    for index in range(60):
        created_at = NOW - index // 3 * HOUR
        tracking = await create(
            store,
            f"N{index:08d}",
            created_at=created_at,
            courier_code=dice.choice(["dhl", "swiss-post"]),
            ordered_at=dice.choice([None, NOW - dice.randrange(9) * DAY]),
            details=Details(
                order_id=dice.choice([None, f"id-{index % 7}"]),
                order_number=dice.choice([None, f"#{index % 5}", f"id-{index % 7}"]),
            ),
        )
        if dice.random() < 0.6:
            tracking = await advance(
                store,
                tracking,
                status=dice.choice(list(Status)),
                is_archived=dice.random() < 0.4,
                updated_at=created_at + dice.randrange(9) * HOUR,
            )
        shelf.append(tracking)
        await create(store, f"N{index:08d}", world_id=OTHER_WORLD, created_at=created_at)
    return sorted(shelf, key=lambda one: (one.created_at, one.id), reverse=True)


def matches(tracking: Tracking, where: TrackingFilter) -> bool:
    """Say it once more, in plain words, to compare the engines' SQL with."""

    def between(value: int | None, least: int | None, most: int | None) -> bool:
        if least is None and most is None:
            return True
        return value is not None and (least or 0) <= value <= (most or 1 << 60)

    details = tracking.details
    return all(
        (
            not where.numbers or tracking.number in where.numbers,
            where.courier_code in (None, tracking.courier_code),
            not where.statuses or tracking.status in where.statuses,
            not where.order_ids
            or details.order_id in where.order_ids
            or details.order_number in where.order_ids,
            between(tracking.created_at, where.created_min, where.created_max),
            between(tracking.updated_at, where.updated_min, where.updated_max),
            between(tracking.ordered_at, where.ordered_min, where.ordered_max),
            where.is_archived in (None, tracking.is_archived),
        )
    )


FILTERS: dict[str, dict[str, Any]] = {
    "everything": {},
    "not archived": {"is_archived": False},
    "archived": {"is_archived": True},
    "one status": {"statuses": (Status.TRANSIT,)},
    "statuses": {"statuses": (Status.PENDING, Status.DELIVERED, Status.TRANSIT, Status.PENDING)},
    "status, archived": {"statuses": (Status.PENDING, Status.DELIVERED), "is_archived": True},
    "one number": {"numbers": ("N00000007",)},
    "numbers": {"numbers": ("N00000007", "N00000021", "N00000022", "N99999999", "N00000007")},
    "unknown number": {"numbers": ("N99999999",)},
    "numbers, status": {"numbers": ("N00000001", "N00000002"), "statuses": (Status.PENDING,)},
    "courier": {"courier_code": "dhl"},
    "courier, status": {"courier_code": "dhl", "statuses": (Status.PENDING,)},
    "order id": {"order_ids": ("id-3",)},
    "order ids and numbers": {"order_ids": ("#1", "id-2", "none")},
    "order id, not archived": {"order_ids": ("id-3",), "is_archived": False},
    "created from": {"created_min": NOW - 9 * HOUR},
    "created until": {"created_max": NOW - 9 * HOUR},
    "created between": {"created_min": NOW - 9 * HOUR, "created_max": NOW - 2 * HOUR},
    "created in no time": {"created_min": NOW, "created_max": NOW - 1},
    "updated from": {"updated_min": NOW - 3 * HOUR},
    "updated between": {"updated_min": NOW - 9 * HOUR, "updated_max": NOW - 3 * HOUR},
    "ordered from": {"ordered_min": NOW - 4 * DAY},
    "ordered until": {"ordered_max": NOW - 4 * DAY},
    "all at once": {
        "courier_code": "dhl",
        "statuses": (Status.PENDING, Status.TRANSIT, Status.DELIVERED),
        "created_min": NOW - 18 * HOUR,
        "updated_max": NOW,
        "is_archived": False,
    },
}


@pytest.mark.parametrize("name", FILTERS)
async def test_a_filter_keeps_what_it_says(store: Store, shelf: list[Tracking], name: str) -> None:
    where = TrackingFilter(**FILTERS[name])
    expected = [one for one in shelf if matches(one, where)]
    assert (len(expected) > 0) == (name not in ("unknown number", "created in no time"))

    assert await ids_of(store, where) == [one.id for one in expected]
    assert await store.count_trackings(WORLD, where) == len(expected)
    assert await store.count_by_status(WORLD, where) == {
        status: sum(one.status is status for one in expected) for status in Status
    }


@pytest.mark.parametrize("name", ["everything", "not archived", "statuses", "courier"])
@pytest.mark.parametrize("size", [1, 7, 100])
async def test_pages_put_together_are_the_whole(
    store: Store, shelf: list[Tracking], name: str, size: int
) -> None:
    where = TrackingFilter(**FILTERS[name])
    walked: list[str] = []
    while page := await ids_of(store, where, offset=len(walked), limit=size):
        assert len(page) <= size
        walked += page
    assert walked == [one.id for one in shelf if matches(one, where)]


async def test_a_page_beyond_the_end_and_a_page_of_none_are_empty(
    store: Store, shelf: list[Tracking]
) -> None:
    assert await ids_of(store, EVERYTHING, offset=len(shelf)) == []
    assert await ids_of(store, EVERYTHING, offset=10_000_000, limit=200) == []
    assert await ids_of(store, EVERYTHING, limit=0) == []


async def test_trackings_of_one_instant_have_one_order(store: Store) -> None:
    items = [make_new(f"N{index:08d}") for index in range(30)]
    await store.create_trackings(items)
    expected = [item.tracking.id for item in reversed(items)]
    walked = [
        one for offset in range(30) for one in await ids_of(store, EVERYTHING, offset, limit=1)
    ]
    assert walked == expected


async def test_walking_with_a_bound_loses_nothing_while_rows_come_and_go(store: Store) -> None:
    # New rows come in front; a walker that bounds created_max at its start sees each old row once.
    old = [await create(store, f"O{index:08d}", created_at=NOW - index) for index in range(50)]
    where = TrackingFilter(created_max=NOW)
    walked: list[str] = []
    for step in range(10):
        walked += await ids_of(store, where, offset=len(walked), limit=5)
        await create(store, f"N{step:08d}", created_at=NOW + 1 + step)
    assert walked == [one.id for one in old]


async def test_a_rendition_is_that_of_the_last_save(store: Store) -> None:
    tracking = await create(store)
    tracking = await advance(store, tracking, status=Status.TRANSIT)
    tracking = await advance(store, tracking, status=Status.PICKUP)
    (rendition,) = await store.list_renditions(WORLD, EVERYTHING, offset=0, limit=9)
    assert msgspec.json.decode(rendition) == {
        "id": tracking.id,
        "version": 3,
        "number": tracking.number,
        "status": "pickup",
    }


async def test_order_ids_follow_the_details(store: Store) -> None:
    tracking = await create(store, details=Details(order_id="old"))
    await advance(store, tracking, details=Details(order_number="new"))
    assert await ids_of(store, TrackingFilter(order_ids=("old",))) == []
    assert await ids_of(store, TrackingFilter(order_ids=("new",))) == [tracking.id]


async def test_an_update_is_seen_by_the_updated_filter(store: Store) -> None:
    tracking = await create(store)
    where = TrackingFilter(updated_min=NOW + SECOND)
    assert await ids_of(store, where) == []
    await advance(store, tracking, updated_at=NOW + SECOND)
    assert await ids_of(store, where) == [tracking.id]


async def test_two_hundred_numbers_are_found_at_once(store: Store) -> None:
    items = [make_new(f"N{index:08d}") for index in range(200)]
    await store.create_trackings(items)
    numbers = tuple(item.tracking.number for item in items)
    where = TrackingFilter(numbers=numbers)
    assert len(await ids_of(store, where, limit=200)) == 200
    assert await store.count_trackings(WORLD, where) == 200
