"""What is deleted after its time, on both engines, and what is not."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from parcelwire.domain.clock import DAY, SECOND, FrozenClock, Instant
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.housekeeping import Housekeeper, KeepingSettings
from parcelwire.webhooks.ports import MessageState
from tests.contract import webhook_receivers as receivers
from tests.contract.store.places import PLACES
from tests.contract.webhook_office import Office, open_office
from tests.contract.webhook_receivers import receiver


@pytest.fixture(params=sorted(PLACES))
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(request.param, request) as one:
        yield one


def days(count: float) -> float:
    return count * DAY / SECOND


async def test_what_is_over_goes_and_what_waits_stays(office: Office) -> None:
    keeper = Housekeeper(
        office.store,
        clock=office.clock,
        settings=KeepingSettings(message_days=90, waiting_days=0, batch=7),
    )
    async with receiver(receivers.answer(200)) as shop:
        endpoint = await office.add_endpoint(shop.url)
        await office.post(endpoint, parcels=20)
        worker = office.worker()
        while await worker.step():
            pass
        off = await office.add_endpoint(shop.url, is_enabled=False)
        await office.post(off, parcels=5)
        office.clock.advance(days(89))
        assert await keeper.step() == 0
        office.clock.advance(days(1.001))
        young = await office.add_endpoint(shop.url)
        await office.post(young, parcels=3)
        while await worker.step():
            pass
        gone = []
        while count := await keeper.step():
            gone.append(count)
    assert (sum(gone), max(gone)) == (20, 7)
    left = await office.messages()
    assert sorted((one.endpoint_id, one.state) for one in left) == sorted(
        [(off.id, MessageState.PENDING)] * 5 + [(young.id, MessageState.DELIVERED)] * 3
    )


async def test_an_endpoint_that_is_off_collects_no_more_than_a_month(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Housekeeper(office.store, clock=office.clock, settings=KeepingSettings(batch=50))
    async with receiver(receivers.answer(200)) as shop:
        off = await office.add_endpoint(shop.url, is_enabled=False)
        most = 0
        for day in range(100):
            await office.post(off, parcels=10, first=day + 1)
            office.clock.advance(days(1))
            while await keeper.step():
                pass
            most = max(most, await office.store.count_waiting(off.id))
        assert most == 10 * 30
        assert len(await office.messages()) <= 10 * 91
        # Enabled again, it gets what still waits, and the first of each parcel names the others.
        await office.switch(off, is_enabled=True)
        await office.settle(office.worker(), steps=100)
    assert {tuple(line) for line in shop.lines.values()} == {tuple(range(71, 101))}
    named = [one.headers.get("parcelwire-skipped", "") for one in shop.received]
    assert named.count(",".join(map(str, range(51, 71)))) == 10
    assert named.count("") == len(named) - 10
    assert "messages given up that had waited for 30 days" in caplog.text


async def test_idempotency_records_go_after_their_hours(office: Office) -> None:
    keeper = Housekeeper(office.store, clock=office.clock)
    once = Once(
        world_id=office.world_id,
        key="k",
        fingerprint=b"f" * 32,
        at=office.clock.now(),
        answer=lambda result: (204, b""),
    )
    await office.store.add_messages([], once=once)
    office.clock.advance(23 * 3_600)
    assert await keeper.step() == 0
    assert await office.store.find_idempotency_record(office.world_id, "k") is not None
    office.clock.advance(3_601)
    assert await keeper.step() == 1
    assert await office.store.find_idempotency_record(office.world_id, "k") is None


class Recorder:
    """A store that has ``left`` rows of each kind to delete, and can be away."""

    def __init__(self, left: int = 0) -> None:
        self.left = {"messages": left, "events": left, "done": left, "waiting": 0}
        self.calls: list[tuple[str, Instant, int]] = []
        self.is_away = False
        self.called = asyncio.Event()

    async def _prune(self, kind: str, before: Instant, limit: int) -> int:
        self.calls.append((kind, before, limit))
        self.called.set()
        if self.is_away:
            raise ConnectionError
        gone = min(limit, self.left[kind])
        self.left[kind] -= gone
        return gone

    async def prune_messages(self, before: Instant, *, limit: int = 1_000) -> int:
        return await self._prune("messages", before, limit)

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        return await self._prune("events", before, limit)

    async def prune_idempotency_records(self, before: Instant, *, limit: int = 1_000) -> int:
        return await self._prune("done", before, limit)

    async def give_up_waiting(self, now: Instant, *, before: Instant, limit: int = 1_000) -> int:
        return await self._prune("waiting", before, limit)


class SteppingClock(FrozenClock):
    """Lets the others run whenever somebody sleeps, and remembers for how long."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.advance(seconds)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - time here passes by being slept away
        await asyncio.sleep(0)


async def run_for(keeper: Housekeeper, clock: SteppingClock, sleeps: int) -> None:
    running = asyncio.create_task(keeper.run())
    await until(lambda: not (len(clock.slept) < sleeps))
    keeper.stop()
    await running


async def test_each_kind_has_its_own_time() -> None:
    store, clock = Recorder(), FrozenClock()
    settings = KeepingSettings(
        message_days=10, event_days=30, waiting_days=20, idempotency_hours=2, batch=5
    )
    assert await Housekeeper(store, clock=clock, settings=settings).step() == 0
    now = clock.now()
    assert store.calls == [
        ("messages", now - 10 * DAY, 5),
        ("events", now - 30 * DAY, 5),
        ("done", now - 7_200 * SECOND, 5),
        ("waiting", now - 20 * DAY, 5),
    ]
    store.calls.clear()
    settings = KeepingSettings(waiting_days=0)
    await Housekeeper(store, clock=clock, settings=settings).step()
    assert "waiting" not in {kind for kind, _, _ in store.calls}


async def test_it_rests_between_batches_and_long_when_there_is_nothing() -> None:
    store, clock = Recorder(left=1_200), SteppingClock()
    await run_for(Housekeeper(store, clock=clock), clock, 7)
    assert clock.slept[:6] == [600, 0.2, 0.2, 0.2, 3_600, 3_600]
    assert set(store.left.values()) == {0}


async def test_a_slow_store_gets_longer_rests() -> None:
    clock = SteppingClock()

    class Slow(Recorder):
        async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
            clock.advance(2)
            return await super().prune_events(before, limit=limit)

    await run_for(Housekeeper(Slow(left=10_000), clock=clock), clock, 4)
    assert clock.slept[:4] == [600, 18, 18, 18]


async def test_an_outage_is_sat_out_and_told_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    store, clock = Recorder(left=10), SteppingClock()
    store.is_away = True
    keeper = Housekeeper(store, clock=clock)
    running = asyncio.create_task(keeper.run())
    await until(lambda: not (len(clock.slept) < 4))
    store.is_away = False
    await until(lambda: not (store.left["done"]))
    keeper.stop()
    await running
    told = [one.getMessage() for one in caplog.records if "housekeeping" in one.getMessage()]
    assert told == [
        "housekeeping: the store fails (ConnectionError); it waits",
        "housekeeping: the store works again",
    ]


async def test_a_clock_that_jumps_ahead_deletes_nothing_for_a_day() -> None:
    store, clock = Recorder(), SteppingClock()
    keeper = Housekeeper(store, clock=clock)
    running = asyncio.create_task(keeper.run())
    await store.called.wait()
    store.left |= {"messages": 10, "events": 10, "done": 10}
    ahead = len(clock.slept)
    clock.advance(days(3_650))
    await until(lambda: not (len(clock.slept) < ahead + 20))
    assert store.left["messages"] == 10
    await until(lambda: not (store.left["messages"] and len(clock.slept) < ahead + 60))
    assert store.left["messages"] == 0
    keeper.stop()
    await running


async def test_a_clock_that_is_set_right_soon_after_the_start_deletes_nothing() -> None:
    clock = SteppingClock()
    right = clock.now()
    clock.advance(days(3_650))

    class Corrected(Recorder):
        async def prune_messages(self, before: Instant, *, limit: int = 1_000) -> int:
            assert before < right
            return await super().prune_messages(before, limit=limit)

    store = Corrected(left=10)
    keeper = Housekeeper(store, clock=clock)
    running = asyncio.create_task(keeper.run())
    await until(lambda: len(clock.slept) == 1)
    clock.set(right)
    await until(lambda: len(clock.slept) == 4)
    keeper.stop()
    await running
    assert store.calls


async def test_a_clock_that_is_set_right_again_ends_the_waiting() -> None:
    store, clock = Recorder(), SteppingClock()
    keeper = Housekeeper(store, clock=clock)
    running = asyncio.create_task(keeper.run())
    await store.called.wait()
    clock.advance(days(3_650))
    await until(lambda: not (len(clock.slept) < 5))
    clock.advance(-days(3_650))
    store.left |= {"messages": 10, "events": 10, "done": 10}
    now = len(clock.slept)
    await until(lambda: not (store.left["messages"] and len(clock.slept) < now + 5))
    assert store.left["messages"] == 0
    keeper.stop()
    await running


@pytest.mark.parametrize(
    "figures",
    [
        {"message_days": 0},
        {"event_days": 29},
        {"waiting_days": -1},
        {"idempotency_hours": 0},
        {"batch": 0},
    ],
)
def test_figures_that_make_no_sense_are_refused(figures: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(figures))):
        KeepingSettings(**figures)
