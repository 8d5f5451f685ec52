"""Who is asked now and whose turn comes when, at one carrier."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, MINUTE, SECOND, FrozenClock
from parcelwire.polling.budget import refill
from parcelwire.polling.concurrency import HORIZON, CarrierConcurrency
from parcelwire.tracking.ports import CarrierPolicy
from tests.unit.polling.test_plan import policy

NOW = FrozenClock().now()
POLICY = policy(requests_per_minute=60, batch_size=1)
FIRST_PACE = 125
"""Milliseconds from one conversation to the next at an unknown carrier: 0.5 s in 4 slots."""


def concurrency(
    clock: FrozenClock | None = None, slots: int = 4, patience: float = 4.0
) -> CarrierConcurrency:
    return CarrierConcurrency(slots, patience, clock or FrozenClock())


def capacity(turned: CarrierConcurrency, chosen: CarrierPolicy, account: int = 1) -> int:
    """Return how many conversations an account that wants very many may begin."""
    return turned.capacity(chosen, {account: 1_000_000})[account]


def flat(turns: list[tuple[int, Sequence[str]]]) -> list[int]:
    return [at for at, group in turns for _ in group]


@given(
    st.integers(1, 6000),
    st.integers(1, 50),
    st.lists(st.integers(0, 400), min_size=1, max_size=5),
)
def test_turns_keep_the_order_and_the_budget(
    per_minute: int, batch: int, crowds: list[int]
) -> None:
    chosen = replace(POLICY, requests_per_minute=per_minute, batch_size=batch)
    turned = concurrency()
    given_turns: list[int] = []
    for number, crowd in enumerate(crowds):
        ids = [f"{number}-{index}" for index in range(crowd)]
        turns = turned.schedule_deferred(chosen, ids, NOW, account=1)
        assert [one for _, group in turns for one in group] == ids
        given_turns += flat(turns)
    if given_turns and max(given_turns) < NOW + HORIZON:
        assert given_turns == sorted(given_turns)
        assert given_turns[0] > NOW
        # Never more than the budget (or the carrier's pace) allows, and not much less.
        conversations = sum(-(-crowd // batch) for crowd in crowds)
        width = max(1.1 * MINUTE / refill(per_minute), FIRST_PACE)
        assert conversations * width * 0.9 <= given_turns[-1] - NOW + len(crowds) * width
        # The first slot may be one and a half away.
        assert given_turns[-1] - NOW <= (conversations + 0.5) * (width + 1) + 1


def test_turns_begin_anew_when_the_clock_went_back() -> None:
    turned = concurrency()
    turned.schedule_deferred(POLICY, ["a"] * 100, NOW + 3650 * DAY, account=1)
    assert flat(turned.schedule_deferred(POLICY, ["b"], NOW, account=1))[0] <= NOW + 2 * SECOND


def test_carriers_have_turns_of_their_own() -> None:
    turned = concurrency()
    turned.schedule_deferred(POLICY, ["a"] * 1000, NOW, account=1)
    other = replace(POLICY, budget_key="other")
    assert flat(turned.schedule_deferred(other, ["b"], NOW, account=1))[0] <= NOW + 2 * SECOND


async def test_a_slow_carrier_gets_few_at_a_time_and_a_fast_one_many() -> None:
    clock = FrozenClock()
    turned = concurrency(clock)
    slow, fast = replace(POLICY, budget_key="slow"), replace(POLICY, budget_key="fast")
    for _ in range(30):
        async with turned.slot(slow, 1):
            clock.advance(20)
        async with turned.slot(fast, 1):
            clock.advance(0.002)
    assert capacity(turned, slow) == 4
    assert capacity(turned, fast) > 1_000
    assert capacity(turned, replace(slow, batch_size=10)) == 4


async def test_no_more_conversations_than_slots() -> None:
    turned = concurrency(slots=3)
    inside = most = 0

    async def run_exchange() -> None:
        nonlocal inside, most
        async with turned.slot(POLICY, 1):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    before = capacity(turned, POLICY)
    waiting = [asyncio.create_task(run_exchange()) for _ in range(20)]
    await asyncio.sleep(0)
    assert capacity(turned, POLICY, 2) == max(1, before - 20)
    await asyncio.gather(*waiting)
    assert most == 3
    assert capacity(turned, POLICY) >= before


async def test_a_lane_that_broke_has_its_place_back() -> None:
    turned = concurrency(slots=1)
    for _ in range(3):
        try:
            async with turned.slot(POLICY, 1):
                raise ValueError
        except ValueError:
            pass
    async with asyncio.timeout(1), turned.slot(POLICY, 1):
        pass


def test_a_crowd_does_not_stand_in_front_of_another_accounts_parcel() -> None:
    turned = concurrency()
    turned.schedule_deferred(POLICY, ["a"] * 12_000, NOW, account=1)
    (at,) = flat(turned.schedule_deferred(POLICY, ["b"], NOW, account=2))
    assert at <= NOW + 5 * SECOND


def test_accounts_that_wait_take_every_second_turn() -> None:
    turned = concurrency()
    turned.schedule_deferred(POLICY, ["a"] * 100, NOW, account=1)
    alone = flat(concurrency().schedule_deferred(POLICY, ["b"] * 60, NOW, account=2))
    beside = flat(turned.schedule_deferred(POLICY, ["b"] * 60, NOW, account=2))
    assert 1.7 < (beside[-1] - NOW) / (alone[-1] - NOW) < 2.3


async def test_room_is_shared_out_equally_and_a_newcomer_has_one_place() -> None:
    turned = concurrency(slots=8, patience=0)
    assert turned.capacity(POLICY, {1: 100, 2: 100, 3: 1}) == {1: 4, 2: 3, 3: 1}
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(8):
            await stack.enter_async_context(turned.slot(POLICY, 1))
        assert turned.capacity(POLICY, {1: 100, 2: 100}) == {2: 1, 1: 0}


async def test_what_cannot_be_shared_goes_to_who_was_not_served_for_longest() -> None:
    turned = concurrency(slots=1, patience=0)
    async with turned.slot(POLICY, 1):
        pass
    assert list(turned.capacity(POLICY, {1: 5, 2: 5})) == [2, 1]
    async with turned.slot(POLICY, 2):
        pass
    assert list(turned.capacity(POLICY, {1: 5, 2: 5})) == [1, 2]


async def test_of_very_many_newcomers_only_some_begin() -> None:
    turned = concurrency(slots=4, patience=0)
    chosen = turned.capacity(POLICY, dict.fromkeys(range(1_000), 1))
    assert sum(chosen.values()) == 8


def test_who_missed_a_turn_does_not_wait_for_all_others() -> None:
    turned = concurrency()
    turned.schedule_deferred(POLICY, ["a"] * 1_000, NOW, account=1)
    (at,) = flat(turned.schedule_deferred(POLICY, ["b"], NOW, account=1, is_again=True))
    assert at <= NOW + 3 * 1.1 * MINUTE / refill(POLICY.requests_per_minute)


def test_turns_of_accounts_do_not_fall_together() -> None:
    chosen = replace(POLICY, requests_per_minute=6)
    turned = concurrency()
    # Their first ones tell that there are two.
    for account in (1, 2):
        turned.schedule_deferred(chosen, ["first"], NOW, account=account)
    later = [
        set(flat(turned.schedule_deferred(chosen, ["x"] * 20, NOW, account=account)))
        for account in (1, 2)
    ]
    assert not later[0] & later[1]


def test_who_missed_turns_again_and_again_has_the_very_next_ones() -> None:
    turned = concurrency()
    for account in (1, 2):
        turned.schedule_deferred(POLICY, ["a"] * 1_000, NOW, account=account)
    slot = 1.1 * MINUTE / refill(POLICY.requests_per_minute)
    now = NOW
    for _ in range(5):
        # Both miss theirs: however many others wait for a first turn, theirs are the next two.
        for account in (1, 2):
            (at,) = flat(
                turned.schedule_deferred(POLICY, ["b"], now, account=account, is_again=True)
            )
            assert now < at <= now + 3 * slot
        now = at
