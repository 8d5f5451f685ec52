"""Finding the courier follows what the world really used, on both engines."""

from __future__ import annotations

import asyncio

import pytest

from parcelwire.couriers.detection import detect
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.store.port import Store
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.history import KEPT_FOR, CourierHistory
from tests.contract.poll_yard import Unreliable, Yard
from tests.contract.store.samples import OTHER_WORLD, TEST_WORLD, WORLD, advance, create

NUMBER = "14882345678902"
"""Fourteen digits: DPD's by its volume, BRT's (bartolini) as well, and some others'."""

PLACE = Details(postal_code="8000")
"""DPD asks for the postal code; this one could be in many countries."""


async def use(store: Store, code: str, times: int, *, world_id: int = WORLD) -> None:
    """Let a world have had ``times`` delivered parcels with a courier."""
    for index in range(times):
        number = f"{code}{world_id}{index}"
        tracking = await create(store, number, courier_code=code, world_id=world_id)
        await advance(store, tracking, status=Status.DELIVERED)


class Counting:
    """A real store that counts how often it is read, and answers when it may."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads = 0
        self.open = asyncio.Event()
        self.open.set()

    async def courier_counts(self, world_id: int, *, recent: int = 20_000) -> dict[str, int]:
        self.reads += 1
        await self.open.wait()
        return await self._store.courier_counts(world_id, recent=recent)


async def test_an_ambiguous_number_goes_to_the_courier_in_use(yard: Yard) -> None:
    first, *others = [one.courier_code for one in detect(NUMBER)]
    assert first == "dpd"
    assert "bartolini" in others
    await use(yard.store, "bartolini", 30)
    service = yard.service()

    best, *_ = await service.drafting.candidates(WORLD, NUMBER)
    assert best.courier_code == "bartolini"
    assert "you used this courier 30 times" in best.reasons
    stored = await service.create(WORLD, Draft(number=NUMBER))
    assert stored.tracking.courier_code == "bartolini"
    (outcome,) = await service.create_many(WORLD, [Draft(number="14882345678903")])
    assert outcome.tracking is not None
    assert outcome.tracking.courier_code == "bartolini"
    # What the caller says is not overruled.
    given = await service.create(WORLD, Draft(number=NUMBER, courier_code="dpd", details=PLACE))
    assert given.tracking.courier_code == "dpd"
    await service.drain()


async def test_who_is_asked_next_about_an_unknown_number_follows_it_too(yard: Yard) -> None:
    await use(yard.store, "xpressbees", 30)
    for code in ("poste-italiane", "bartolini", "xpressbees"):
        yard.carriers.connect(code)
    asked = {}
    for world_id in (WORLD, OTHER_WORLD):
        draft = Draft(number=NUMBER, courier_code="poste-italiane")
        stored = await yard.service().create(world_id, draft)
        probe = await yard.finder.next_probe(stored.tracking, yard.clock.now())
        assert probe is not None
        asked[world_id] = probe.courier_code
    assert asked == {WORLD: "xpressbees", OTHER_WORLD: "bartolini"}


async def test_worlds_do_not_see_each_others_history(yard: Yard) -> None:
    await use(yard.store, "bartolini", 30)
    service = yard.service()
    for world_id in (OTHER_WORLD, TEST_WORLD):
        candidates = await service.drafting.candidates(world_id, NUMBER)
        assert candidates == detect(NUMBER)
        stored = await service.create(world_id, Draft(number=NUMBER, details=PLACE))
        assert stored.tracking.courier_code == "dpd"
    await service.drain()


async def test_parcels_nobody_confirmed_teach_nothing(yard: Yard) -> None:
    """Else a wrong guess would make the next wrong guess more likely."""
    for index in range(30):
        await create(yard.store, f"F{index}", courier_code="bartolini")
    assert await yard.service().drafting.candidates(WORLD, NUMBER) == detect(NUMBER)


async def test_counts_are_read_once_in_ten_minutes(store: Store, clock: FrozenClock) -> None:
    counting = Counting(store)
    history = CourierHistory(counting, clock)
    await use(store, "dpd", 1)
    answers = await asyncio.gather(*(history.of(WORLD) for _ in range(20)))
    assert answers == [{"dpd": 1}] * 20
    await use(store, "ups", 2)
    clock.advance(KEPT_FOR / 1000 - 1)
    assert await history.of(WORLD) == {"dpd": 1}
    assert counting.reads == 1

    # Too old: still answered at once, and read anew behind the answer.
    clock.advance(1)
    counting.open.clear()
    assert await history.of(WORLD) == {"dpd": 1}
    assert await history.of(WORLD) == {"dpd": 1}
    counting.open.set()
    await history.drain()
    assert await history.of(WORLD) == {"dpd": 1, "ups": 2}
    assert counting.reads == 2

    # A clock that jumped back does not keep old counts for ever.
    clock.advance(-86_400)
    await history.of(WORLD)
    await history.drain()
    assert counting.reads == 3


async def test_a_slow_store_holds_nobody_up(store: Store, clock: FrozenClock) -> None:
    await use(store, "dpd", 1)
    counting = Counting(store)
    counting.open.clear()
    history = CourierHistory(counting, clock)
    async with asyncio.timeout(5):
        assert await history.of(WORLD) == {}
    counting.open.set()
    await history.drain()
    assert await history.of(WORLD) == {"dpd": 1}
    assert counting.reads == 1


async def test_a_store_that_fails_means_no_news(
    store: Store, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    await use(store, "dpd", 1)
    away = Unreliable(store)
    away.is_away = True
    history = CourierHistory(away, clock)
    assert await history.of(WORLD) == {}
    assert "cannot read which couriers" in caplog.text

    away.is_away = False
    clock.advance(KEPT_FOR / 1000)
    await history.of(WORLD)
    await history.drain()
    assert await history.of(WORLD) == {"dpd": 1}

    away.is_away = True
    clock.advance(KEPT_FOR / 1000)
    await history.of(WORLD)
    await history.drain()
    assert await history.of(WORLD) == {"dpd": 1}
    assert away.fired == 2
