"""Slots go to their owners round robin."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.tracking.fair_slots import FairSlots, NoSlotError, share_out


async def test_who_waits_is_served_in_turn_by_owner() -> None:
    slots = FairSlots(1)
    order: list[str] = []

    async def visit(owner: str) -> None:
        async with slots.slot(owner):
            order.append(owner)
            await asyncio.sleep(0)

    await asyncio.gather(*(visit(owner) for owner in "AAAAAAAABBC"))
    assert "".join(order) == "AABCABAAAAA"
    assert slots.is_idle


async def test_an_owner_holds_no_more_than_its_share() -> None:
    slots = FairSlots(3, per_owner=2)
    for _ in range(2):
        await slots.acquire("A")
    waiting = asyncio.create_task(slots.acquire("A"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await slots.acquire("B")
    slots.release("B")
    await asyncio.sleep(0)
    assert not waiting.done()
    slots.release("A")
    await asyncio.wait_for(waiting, 5)


async def test_who_has_waited_long_enough_has_no_slot_and_takes_none() -> None:
    slots = FairSlots(1)
    async with slots.slot("A"):
        with pytest.raises(NoSlotError):
            await slots.acquire("B", 0.01)
    assert slots.is_idle
    await slots.acquire("C", 0.01)


async def test_only_so_many_of_an_owner_may_wait() -> None:
    slots = FairSlots(1, waiting_per_owner=2)
    await slots.acquire("A")
    waiting = [asyncio.create_task(slots.acquire("A")) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(NoSlotError):
        await slots.acquire("A")
    other = asyncio.create_task(slots.acquire("B"))
    await asyncio.sleep(0)
    for task in (waiting[0], other, waiting[1]):
        slots.release("A" if task is not waiting[1] else "B")
        await asyncio.wait_for(task, 5)


async def test_a_slot_that_is_handed_to_somebody_who_just_left_goes_on() -> None:
    slots = FairSlots(1)
    await slots.acquire("A")
    leaving, next_one = (
        asyncio.create_task(slots.acquire("B")),
        asyncio.create_task(slots.acquire("C")),
    )
    await asyncio.sleep(0)
    slots.release("A")
    leaving.cancel()
    await asyncio.wait_for(next_one, 5)
    slots.release("C")
    assert leaving.cancelled()
    assert slots.is_idle


@pytest.mark.parametrize("seed", range(20))
async def test_no_slot_is_ever_lost_or_given_twice(seed: int) -> None:
    dice = random.Random(seed)
    slots = FairSlots(3, per_owner=2)
    held: Counter[str] = Counter()

    async def visit(owner: str) -> None:
        async with slots.slot(owner):
            held[owner] += 1
            try:
                assert held.total() <= 3
                assert held[owner] <= 2
                for _ in range(dice.randrange(3)):
                    await asyncio.sleep(0)
            finally:
                held[owner] -= 1

    tasks = []
    for _ in range(200):
        tasks.append(asyncio.create_task(visit(dice.choice("ABCD"))))
        if dice.random() < 0.3:
            dice.choice(tasks).cancel()
        if dice.random() < 0.5:
            await asyncio.sleep(0)
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        assert result is None or isinstance(result, asyncio.CancelledError)
    assert slots.is_idle
    for owner in "ABC":
        await asyncio.wait_for(slots.acquire(owner), 5)


@given(st.lists(st.integers(0, 50), max_size=8), st.integers(0, 120))
def test_shares_are_as_equal_as_can_be(wants: list[int], total: int) -> None:
    given_out = share_out(wants, total)
    assert sum(given_out) == min(total, sum(wants))
    assert all(0 <= got <= want for got, want in zip(given_out, wants, strict=True))
    least = min(
        (got for got, want in zip(given_out, wants, strict=True) if got < want), default=None
    )
    if least is not None:
        assert max(given_out) <= least + 1
