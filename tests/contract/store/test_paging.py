"""Pages by place, and numbers by their beginning."""

from __future__ import annotations

import random

import pytest

from parcelwire.domain.clock import SECOND
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store import walks
from parcelwire.store.port import Store
from parcelwire.tracking.ports import TrackingFilter, TrackingPlace
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    advance,
    create,
    make_new,
    render,
)

FILTERS = {
    "everything": TrackingFilter(),
    "status": TrackingFilter(statuses=(Status.TRANSIT,)),
    "statuses": TrackingFilter(statuses=(Status.TRANSIT, Status.PENDING, Status.DELIVERED)),
    "courier": TrackingFilter(courier_code="dhl"),
    "archived": TrackingFilter(is_archived=True),
    "not archived": TrackingFilter(is_archived=False),
    "status, courier, archived": TrackingFilter(
        statuses=(Status.TRANSIT,), courier_code="dhl", is_archived=True
    ),
    "created": TrackingFilter(created_min=NOW + SECOND, created_max=NOW + 5 * SECOND),
    "updated": TrackingFilter(updated_min=NOW + 2 * SECOND),
    "prefix": TrackingFilter(number_prefix="NR1"),
    "prefix, status": TrackingFilter(number_prefix="NR1", statuses=(Status.TRANSIT,)),
    "numbers": TrackingFilter(numbers=("NR1004", "NR2003", "NR1006")),
}


def matches(one: Tracking, where: TrackingFilter) -> bool:
    return (
        (not where.statuses or one.status in where.statuses)
        and where.courier_code in (None, one.courier_code)
        and where.is_archived in (None, one.is_archived)
        and (where.created_min is None or one.created_at >= where.created_min)
        and (where.created_max is None or one.created_at <= where.created_max)
        and (where.updated_min is None or one.updated_at >= where.updated_min)
        and one.number.startswith(where.number_prefix)
        and (not where.numbers or one.number in where.numbers)
    )


async def populate(store: Store, dice: random.Random) -> list[Tracking]:
    """Make 60 trackings, many of one moment and stored in no order of time."""
    made: list[Tracking] = []
    for index in range(60):
        tracking = await create(
            store,
            f"NR{1 + index % 2}{index:03d}",
            created_at=NOW + dice.randrange(8) * SECOND,
            courier_code=dice.choice(["dhl", "swiss-post"]),
        )
        if dice.random() < 0.7:
            tracking = await advance(
                store,
                tracking,
                status=dice.choice([Status.TRANSIT, Status.DELIVERED, Status.PICKUP]),
                is_archived=dice.random() < 0.4,
            )
        made.append(tracking)
    await create(store, "NR1000", world_id=OTHER_WORLD)
    return made


def place_of(tracking: Tracking) -> TrackingPlace:
    return TrackingPlace(tracking.created_at, tracking.id)


@pytest.mark.parametrize("name", FILTERS)
async def test_pages_by_place_go_through_all_once(store: Store, name: str) -> None:
    where = FILTERS[name]
    made = await populate(store, random.Random(name))
    expected = sorted(
        (one for one in made if matches(one, where)),
        key=lambda one: (one.created_at, one.id),
        reverse=True,
    )
    assert expected
    for limit in (1, 4, 1_000):
        seen: list[Tracking] = []
        after: TrackingPlace | None = None
        while page := await store.page_trackings(WORLD, where, after=after, limit=limit):
            assert len(page) <= limit
            seen += [one.tracking for one in page]
            after = place_of(seen[-1])
        assert seen == expected


async def test_a_place_stays_when_its_tracking_is_deleted(store: Store) -> None:
    # All of one moment: only their ids keep them in order.
    made = [await create(store, f"NR{index:03d}") for index in range(30)]
    dice = random.Random(3)
    dice.shuffle(made)
    rest = {one.id for one in made}
    seen: list[str] = []
    after: TrackingPlace | None = None
    while page := await store.page_trackings(WORLD, TrackingFilter(), after=after, limit=3):
        seen += [one.tracking.id for one in page]
        after = place_of(page[-1].tracking)
        # The one that the place names goes, and one that may be before or behind.
        gone = [page[-1].tracking.id, dice.choice(sorted(rest))]
        rest -= set(await store.delete_trackings(WORLD, gone))
        # What comes meanwhile at the same moment stands before or behind, but is never seen twice.
        await create(store, f"NX{len(seen):03d}")
    assert len(seen) == len(set(seen))
    assert rest <= set(seen)


async def test_a_place_is_of_no_world_and_need_not_be_anybodys(store: Store) -> None:
    mine = await create(store, "NR1", created_at=NOW)
    theirs = await create(store, "NR2", created_at=NOW + SECOND, world_id=OTHER_WORLD)
    assert [
        one.tracking.id
        for one in await store.page_trackings(WORLD, TrackingFilter(), after=place_of(theirs))
    ] == [mine.id]
    early = TrackingPlace(NOW - SECOND, "0" * 32)
    assert await store.page_trackings(WORLD, TrackingFilter(), after=early) == []
    late = TrackingPlace(2**62, "f" * 32)
    page = await store.page_trackings(WORLD, TrackingFilter(), after=late)
    assert [one.tracking for one in page] == [mine]
    assert page[0].poll.due_at == NOW


async def test_numbers_are_found_by_their_beginning(store: Store) -> None:
    numbers = ["AB1", "AB12", "AB2", "ABC", "AC1", "AÉ1", "B", "AB\uffff9", "AB\U0010ffff9", "ab1"]
    made = {}
    for index, number in enumerate(numbers):
        made[number] = await create(store, number, created_at=NOW + index)
    await create(store, "AB1", world_id=OTHER_WORLD)
    await advance(store, made["AB12"], status=Status.TRANSIT)

    async def found(prefix: str, **more: object) -> list[str]:
        where = TrackingFilter(number_prefix=prefix, **more)  # type: ignore[arg-type]  # fields
        listed = await store.list_trackings(WORLD, where, offset=0, limit=99)
        paged = await store.page_trackings(WORLD, where, limit=99)
        drawn = await store.list_renditions(WORLD, where, offset=0, limit=99)
        assert listed == paged
        assert drawn == [render(one.tracking) for one in listed]
        assert await store.count_trackings(WORLD, where) == len(listed)
        return [one.tracking.number for one in reversed(listed)]

    assert await found("AB") == ["AB1", "AB12", "AB2", "ABC", "AB\uffff9", "AB\U0010ffff9"]
    assert await found("AB1") == ["AB1", "AB12"]
    assert await found("AB1", statuses=(Status.TRANSIT,)) == ["AB12"]
    assert await found("AB\U0010ffff") == ["AB\U0010ffff9"]
    assert await found("AÉ") == ["AÉ1"]
    assert await found("AB1%") == []
    assert await found("AB_") == []
    assert await found("A", numbers=("AC1", "B")) == ["AC1"]


async def test_a_beginning_that_most_numbers_have_is_paged_through(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(walks, "FEW", 10)  # another way is chosen from there on
    new = [make_new(f"NR{index:03d}", created_at=NOW + index // 4) for index in range(50)]
    await store.create_trackings(new)
    where = TrackingFilter(number_prefix="NR0")
    seen: list[str] = []
    after: TrackingPlace | None = None
    while page := await store.page_trackings(WORLD, where, after=after, limit=7):
        seen += [one.tracking.number for one in page]
        after = place_of(page[-1].tracking)
    assert seen == [item.tracking.number for item in reversed(new)]
