"""Claims are fair between worlds: nobody's crowd keeps another's tracking waiting."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from parcelwire.domain.account import is_test_world, world_of
from parcelwire.domain.clock import MINUTE, SECOND
from parcelwire.polling.ports import Claim
from parcelwire.store.port import Store
from parcelwire.tracking.ports import PollResult, PollState
from tests.contract.store.samples import NOW, OTHER_WORLD, TEST_WORLD, WORLD, create, make_new

LIMIT = 40


async def add(store: Store, count: int, world_id: int = WORLD, due_at: int = NOW) -> list[str]:
    items = [
        make_new(f"W{world_id:04d}{index:06d}", world_id=world_id, due_at=due_at)
        for index in range(count)
    ]
    for start in range(0, count, 500):
        await store.create_trackings(items[start : start + 500])
    return [item.tracking.id for item in items]


async def claim(store: Store, now: int = NOW, limit: int = LIMIT) -> list[Claim]:
    return await store.claim_polls(now, lease_until=now + 30 * SECOND, limit=limit)


async def claims_until(store: Store, wanted: str, now: int = NOW) -> int:
    """Return which claim brings a tracking."""
    for number in range(1, 1_000):
        claims = await claim(store, now)
        assert claims, "everything was claimed, but not that one"
        if any(one.tracking_id == wanted for one in claims):
            return number
    raise AssertionError


async def asked(store: Store, ids: list[str], due_at: int) -> None:
    """Have ``ids`` asked about once, and due again."""
    poll = PollState(due_at=due_at, checks=1, checked_at=NOW - MINUTE)
    await store.save_polls([PollResult(tracking_id=one, poll=poll) for one in ids])


async def test_a_crowd_does_not_keep_another_worlds_tracking_waiting(store: Store) -> None:
    await add(store, 3_000, TEST_WORLD, due_at=NOW - MINUTE)
    one = await create(store, "B1", world_id=OTHER_WORLD)
    assert await claims_until(store, one.id) == 1


async def test_nor_one_that_comes_when_the_crowd_is_being_claimed(store: Store) -> None:
    await add(store, 500, TEST_WORLD, due_at=NOW - MINUTE)
    for index in range(4):
        await claim(store)
        one = await create(store, f"B{index}", world_id=OTHER_WORLD)
        assert await claims_until(store, one.id) <= 2


async def test_nor_one_that_was_asked_about_before(store: Store) -> None:
    await add(store, 500, TEST_WORLD, due_at=NOW - MINUTE)
    one = await create(store, "B1", world_id=OTHER_WORLD)
    await asked(store, [one.id], due_at=NOW)
    assert await claims_until(store, one.id) == 1


async def test_worlds_have_equal_shares_of_the_second_half(store: Store) -> None:
    crowd = world_of(9, is_test=False)
    await add(store, 200, crowd, due_at=NOW - MINUTE)
    for world_id in (WORLD, OTHER_WORLD):
        await add(store, 100, world_id)
    counts = Counter(one.world_id for one in await claim(store, limit=60))
    assert counts == {crowd: 40, WORLD: 10, OTHER_WORLD: 10}


async def test_what_one_world_leaves_the_others_take(store: Store) -> None:
    await add(store, 100, WORLD, due_at=NOW - MINUTE)
    await add(store, 1, OTHER_WORLD)
    counts = Counter(one.world_id for one in await claim(store))
    assert counts == {WORLD: LIMIT - 1, OTHER_WORLD: 1}


async def test_every_one_of_many_worlds_has_its_turn(store: Store) -> None:
    await add(store, 300, WORLD, due_at=NOW - MINUTE)
    worlds = [world_of(account, is_test=False) for account in range(10, 60)]
    for world_id in worlds:
        await add(store, 3, world_id)
    seen: Counter[int] = Counter()
    for _ in range(3):
        seen.update(one.world_id for one in await claim(store))
    # 20 of each claim go round the 51 worlds.
    assert set(worlds) <= set(seen)
    assert max(seen[world_id] for world_id in worlds) <= 2


async def test_live_worlds_have_their_turn_before_test_worlds(store: Store) -> None:
    await add(store, 200, world_of(9, is_test=True), due_at=NOW - MINUTE)
    for account in range(10, 40):
        await add(store, 1, world_of(account, is_test=False))
        await add(store, 1, world_of(account, is_test=True))
    of_the_first = [one.world_id for one in await claim(store) if one.world_id // 2 != 9]
    assert len(of_the_first) == 20
    assert not any(map(is_test_world, of_the_first))


async def test_a_world_is_first_asked_about_what_was_never_asked(store: Store) -> None:
    await add(store, 100, OTHER_WORLD, due_at=NOW - 2 * MINUTE)
    old = await add(store, 100, WORLD, due_at=NOW - MINUTE)
    await asked(store, old, due_at=NOW - MINUTE)
    new = await create(store, "NEW1", due_at=NOW)
    assert new.id in {one.tracking_id for one in await claim(store)}


@pytest.mark.parametrize("worlds", [3, 30])
async def test_nothing_waits_more_than_twice_as_long_as_first_come_would_give(
    store: Store, worlds: int
) -> None:
    """However the shares fall, half of every claim goes by the time of arrival."""
    first = await add(store, 60, WORLD, due_at=NOW - MINUTE)
    for account in range(10, 10 + worlds):
        await add(store, 300 // worlds, world_of(account, is_test=False), due_at=NOW - SECOND)
    left, claimed = set(first), 0
    while left:
        claims = await claim(store, limit=10)
        claimed += len(claims)
        left -= {one.tracking_id for one in claims}
    assert claimed <= 2 * len(first)


async def test_everything_due_is_claimed_once(store: Store) -> None:
    ids = [*await add(store, 150, TEST_WORLD), *await add(store, 70), *await add(store, 9, 40)]
    taken: list[str] = []
    for _ in range(20):
        both = await asyncio.gather(claim(store, limit=7), claim(store, limit=12))
        taken += [one.tracking_id for claims in both for one in claims]
    assert sorted(taken) == sorted(ids)


async def test_what_is_not_due_or_leased_is_nobodys_turn(store: Store) -> None:
    await add(store, 50, WORLD, due_at=NOW - MINUTE)
    await add(store, 50, OTHER_WORLD, due_at=NOW + 1)
    leased = make_new("L1", world_id=TEST_WORLD, leased_until=NOW + SECOND)
    await store.create_trackings([leased])
    counts = Counter(one.world_id for one in await claim(store, limit=100))
    assert counts == {WORLD: 50}
