"""The keeper on real stores: what was there before, what happens after, who else keeps."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import world_of
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, FrozenClock, Instant
from parcelwire.domain.report import DeliveryWindow
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Milestones, Tracking
from parcelwire.store.port import Store
from parcelwire.tracking.following import KIND
from parcelwire.tracking.journeys import JourneyFilter, JourneyKeeper
from parcelwire.tracking.ports import NewTracking, Save
from tests.contract.store import conftest as places
from tests.contract.store.damaging import damage
from tests.contract.store.samples import make_event, make_tracking

# The same engines as the store's own suite.
place, store, open_another = places.place, places.store, places.open_another
clock = places.clock

ALL = JourneyFilter()
SCAN = Checkpoint(local_time="2026-03-01T10:00:00", text="x", status=Status.TRANSIT)


async def new(store: Store, world_id: int, number: int, **fields: Any) -> Tracking:
    tracking = make_tracking(f"N{number:08}", world_id=world_id, **fields)
    await store.create_trackings([NewTracking(tracking=tracking, due_at=None, due_reason="")])
    return tracking


async def deliver(store: Store, tracking: Tracking, at: Instant) -> Tracking:
    after = replace(
        tracking,
        version=tracking.version + 1,
        sequence=tracking.sequence + 1,
        status=Status.DELIVERED,
        checkpoints=(SCAN,),
        updated_at=at,
    )
    assert await store.save(
        Save(tracking=after, expected_version=tracking.version, event=make_event(after))
    )
    return after


async def statuses(store: Store, world_id: int) -> dict[Any, int]:
    counted = await store.count_journeys(world_id, ALL, ["status"])
    return {value: total for (value,), total in counted}


async def finish(keeper: JourneyKeeper) -> int:
    rounds = 0
    while await keeper.step():
        rounds += 1
        assert rounds < 200
    return rounds


@pytest.fixture
async def world_id(store: Store, clock: FrozenClock) -> int:
    account = await store.add_account("shop@example.com", now=clock.now())
    return world_of(account.number, is_test=False)


async def test_old_and_new_parcels_are_taken_in(
    store: Store, clock: FrozenClock, world_id: int
) -> None:
    old = [
        await new(store, world_id, number, status=Status.TRANSIT, checkpoints=(SCAN,))
        for number in range(25)
    ]
    silent = await new(store, world_id, 99)
    keeper = JourneyKeeper(store, clock=clock, batch=10)
    await finish(keeper)
    await finish(keeper)
    assert await statuses(store, world_id) == {"transit": 25}
    clock.advance(60)
    await deliver(store, old[3], clock.now())
    await deliver(store, silent, clock.now())
    assert await statuses(store, world_id) == {"transit": 25}
    assert await finish(keeper) > 0
    assert await statuses(store, world_id) == {"transit": 24, "delivered": 2}
    assert await keeper.step() == 0


@pytest.mark.parametrize("days", [1, 3_650])
async def test_a_clock_that_was_ahead_at_the_beginning_loses_no_journey(
    store: Store, clock: FrozenClock, world_id: int, days: int
) -> None:
    parcel = await new(store, world_id, 1)
    keeper = JourneyKeeper(store, clock=clock, batch=10)
    await finish(keeper)
    clock.advance(-days * DAY / 1_000)
    await deliver(store, parcel, clock.now())
    await finish(keeper)
    assert await statuses(store, world_id) == {"delivered": 1}


@pytest.mark.parametrize("bad", [0, 4, 9, 10, 24])
async def test_a_parcel_that_cannot_be_read_is_left_out(
    store: Store, clock: FrozenClock, world_id: int, bad: int
) -> None:
    old = [
        await new(store, world_id, number, status=Status.TRANSIT, checkpoints=(SCAN,))
        for number in range(25)
    ]
    await damage(store, old[bad].id)
    keeper = JourneyKeeper(store, clock=clock, batch=5)
    await finish(keeper)
    assert await statuses(store, world_id) == {"transit": 24}
    clock.advance(60)
    for one in (old[bad - 1], old[(bad + 1) % 25]):
        await deliver(store, one, clock.now())
    await finish(keeper)
    assert await statuses(store, world_id) == {"transit": 22, "delivered": 2}


async def test_a_window_that_cannot_be_read_stops_nobody(
    store: Store, clock: FrozenClock, world_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    window = DeliveryWindow(earliest="tomorrow", latest="tomorrow", source="plug-in")
    first = await new(store, world_id, 1, status=Status.TRANSIT, checkpoints=(SCAN,), window=window)
    # Nor does one whose milestone is no time: it alone is left out.
    await new(
        store,
        world_id,
        2,
        status=Status.DELIVERED,
        checkpoints=(SCAN,),
        milestones=Milestones(delivered="the day before"),
    )
    later = world_of(
        (await store.add_account("later@example.com", now=clock.now())).number, is_test=False
    )
    for number in (3, 4):
        await new(store, later, number, status=Status.TRANSIT, checkpoints=(SCAN,))
    keeper = JourneyKeeper(store, clock=clock, batch=10)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await finish(keeper)
        assert await statuses(store, world_id) == {"transit": 1}
        assert await statuses(store, later) == {"transit": 2}
        clock.advance(60)
        await deliver(store, first, clock.now())
        await finish(keeper)
    assert await statuses(store, world_id) == {"delivered": 1}
    assert len(caplog.records) == 1
    assert await keeper.step() == 0


async def test_a_world_whose_mark_cannot_be_read_is_left_out_alone(
    store: Store, clock: FrozenClock, world_id: int
) -> None:
    later = world_of(
        (await store.add_account("later@example.com", now=clock.now())).number, is_test=False
    )
    for world in (world_id, later):
        await new(store, world, 1, status=Status.TRANSIT, checkpoints=(SCAN,))
    await store.change_record(KIND, str(world_id), "journeys", lambda _: b"no mark", at=clock.now())
    await finish(JourneyKeeper(store, clock=clock, batch=10))
    assert await statuses(store, later) == {"transit": 1}


async def test_another_process_takes_over_where_the_first_stopped(
    store: Store, clock: FrozenClock, world_id: int
) -> None:
    trackings = [await new(store, world_id, number) for number in range(8)]
    first = JourneyKeeper(store, clock=clock, batch=3)
    await finish(first)
    await finish(first)
    for tracking in trackings:
        await deliver(store, tracking, clock.now())
    assert await first.step() == 3
    second = JourneyKeeper(store, clock=clock, batch=3)
    assert await second.step() == 3
    await finish(first)
    await finish(second)
    assert await statuses(store, world_id) == {"delivered": 8}


async def test_worlds_are_kept_apart_and_later_accounts_are_found(
    store: Store, clock: FrozenClock, world_id: int
) -> None:
    keeper = JourneyKeeper(store, clock=clock)
    await finish(keeper)
    await deliver(store, await new(store, world_id + 1, 1), clock.now())
    other = await store.add_account("other@example.com", now=clock.now())
    foreign = world_of(other.number, is_test=False)
    await new(store, foreign, 1, status=Status.TRANSIT, checkpoints=(SCAN,))
    for _ in range(3):
        await finish(keeper)
    assert await statuses(store, world_id) == {}
    assert await statuses(store, world_id + 1) == {"delivered": 1}
    assert await statuses(store, foreign) == {"transit": 1}


async def test_events_from_before_are_passed_over_cheaply(
    store: Store, clock: FrozenClock, world_id: int
) -> None:
    tracking = await new(store, world_id, 1, created_at=clock.now() - 30 * DAY)
    await deliver(store, tracking, clock.now() - 29 * DAY)
    keeper = JourneyKeeper(store, clock=clock)
    loaded: list[str] = []
    load_many = store.load_many

    async def spy(ids: Any) -> Any:
        loaded.extend(ids)
        return await load_many(ids)

    store.load_many = spy  # type: ignore[method-assign,assignment]  # counts what is loaded, and loads it
    for _ in range(3):
        await finish(keeper)
    assert await statuses(store, world_id) == {"delivered": 1}
    assert loaded == []
