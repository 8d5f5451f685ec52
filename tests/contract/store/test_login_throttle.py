"""How often logging in may be tried, counted in either store, by several processes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from parcelwire.accounts.login_throttle import (
    ACCOUNT_KIND,
    DEVICE_KIND,
    MOST_DEVICES,
    MOST_SOURCES_OF_A_SLOT,
    SCOPE,
    SLOTS,
    SOURCE_KIND,
    LoginLimits,
    LoginThrottle,
)
from parcelwire.domain.clock import DAY, HOUR, SECOND, FrozenClock
from parcelwire.store.port import Store

EMAIL = "shop@example.com"
OpenAnother = Callable[[], Awaitable[Store]]


def throttle_of(store: Store, clock: FrozenClock, **limits: int) -> LoginThrottle:
    return LoginThrottle(store, clock, LoginLimits(**limits))


async def written(store: Store) -> list[tuple[str, bytes]]:
    """Return all that is kept of tries."""
    return [
        record
        for kind in (SOURCE_KIND, ACCOUNT_KIND)
        for record in await store.list_records(kind, SCOPE, limit=100_000)
    ]


async def test_a_wait_doubles_from_a_minute_to_an_hour_and_ends_with_the_day(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock, failures_per_source_per_hour=1_000)
    assert [await throttle.take(EMAIL, "a") for _ in range(5)] == [0] * 5
    waits = []
    for _ in range(9):
        wait = await throttle.take(EMAIL, "a")
        waits.append(wait)
        clock.advance(wait - 1)
        assert await throttle.take(EMAIL, "a") == 1
        clock.advance(1)
        assert await throttle.take(EMAIL, "a") == 0
    assert waits == [60, 120, 240, 480, 960, 1_920, 3_600, 3_600, 3_600]
    clock.advance(DAY / SECOND)
    assert [await throttle.take(EMAIL, "a") for _ in range(6)] == [0] * 5 + [60]


async def test_a_thousand_sources_keep_neither_known_browser_nor_new_source_out(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock, failures_per_account_per_day=100)
    await throttle.remember(1, "owner's browser")
    taken = 0
    for number in range(500):
        source = f"198.51.{number // 100}.{number % 100}"
        for _ in range(2):
            taken += await throttle.take(EMAIL, source) == 0
    # Two of each until there were a hundred, then one of each.
    assert taken == 100 + 450
    assert await throttle.is_known(1, "owner's browser")
    assert await throttle.take_of_device(1, "owner's browser") == 0
    assert await throttle.take(EMAIL, "203.0.113.7") == 0
    # Guessing goes no further than that, however many sources there are.
    refused = [await throttle.take(EMAIL, f"198.51.200.{number}") for number in range(450)]
    assert refused.count(0) == 1_000 - 551
    assert 0 < refused[-1] <= DAY // SECOND
    # What is refused writes nothing.
    before = await written(store)
    assert await throttle.take(EMAIL, "198.51.201.1") > 0
    assert await written(store) == before
    assert await throttle.take_of_device(1, "owner's browser") == 0
    clock.advance(DAY / SECOND)
    assert await throttle.take(EMAIL, "198.51.200.250") == 0


async def test_one_customers_ipv6_networks_do_not_use_up_an_account(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock, failures_per_account_per_day=10)
    waits = [await throttle.take(EMAIL, f"2001:db8:7:{number:x}::/64") for number in range(200)]
    # Ten until the account is slowed, and by then more than eight: the network's share of a day.
    assert [wait == 0 for wait in waits] == [True] * 10 + [False] * 190
    assert await throttle.take(EMAIL, "2001:db8:8:1::/64") == 0
    await throttle.take_back(EMAIL, "2001:db8:8:1::/64", was_right=True)
    other = "other@example.com"
    waits = [await throttle.take(other, f"2001:db8:8:{n // 4:x}::/64") for n in range(60)]
    assert waits.count(0) == 10
    keys = [await throttle.note_wrong_key(f"2001:db8:9:{n:x}::/64") for n in range(300)]
    assert keys.count(0) == 240


async def test_tries_of_two_processes_at_one_moment_are_all_counted(
    store: Store, open_another: OpenAnother, clock: FrozenClock
) -> None:
    sides = [throttle_of(one, clock) for one in (store, await open_another())]
    waits = await asyncio.gather(
        *(side.take(EMAIL, "203.0.113.7") for _ in range(20) for side in sides)
    )
    assert waits.count(0) == 5
    await sides[0].remember(1, "token")
    waits = await asyncio.gather(
        *(side.take_of_device(1, "token") for _ in range(20) for side in sides)
    )
    assert waits.count(0) == 5


async def test_who_guesses_others_passwords_gains_nothing_by_logging_in_between(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock, failures_per_source_per_hour=30)
    tried = 0
    for number in range(100):
        if await throttle.take(f"victim{number % 20}@example.com", "a") == 0:
            tried += 1
        if await throttle.take("mine@example.com", "a") == 0:
            await throttle.take_back("mine@example.com", "a", was_right=True)
    assert tried == 30
    clock.advance(HOUR / SECOND)
    assert await throttle.take("victim99@example.com", "a") == 0


async def test_success_clears_the_failures_of_its_own_source_only(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock)
    for source in ("a", "b"):
        for _ in range(4):
            assert await throttle.take(EMAIL, source) == 0
    assert await throttle.take(EMAIL, "a") == 0
    await throttle.take_back(EMAIL, "a", was_right=True)
    assert [await throttle.take(EMAIL, "a") for _ in range(6)] == [0] * 5 + [60]
    assert [await throttle.take(EMAIL, "b") for _ in range(2)] == [0, 60]


async def test_wrong_keys_count_for_their_source_and_write_no_more_when_refused(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock, failures_per_source_per_hour=3)
    waits = [await throttle.note_wrong_key("a") for _ in range(5)]
    assert waits == [0, 0, 0, 3_600, 3_600]
    records = await store.list_records(SOURCE_KIND, SCOPE)
    await throttle.note_wrong_key("a")
    assert await store.list_records(SOURCE_KIND, SCOPE) == records
    assert await throttle.take(EMAIL, "a") == 3_600
    assert await throttle.take(EMAIL, "b") == 0


async def test_sources_by_the_thousand_fill_no_table(
    store: Store, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("parcelwire.accounts.login_throttle.SLOTS", 4)
    monkeypatch.setattr("parcelwire.accounts.login_throttle.ACCOUNT_SLOTS", 16)
    assert SLOTS * MOST_SOURCES_OF_A_SLOT <= 10_000
    throttle = throttle_of(store, clock)
    for number in range(400):
        clock.advance(1)
        await throttle.take(f"nobody{number}@example.com", f"198.51.{number // 256}.{number % 256}")
    records = await store.list_records(SOURCE_KIND, SCOPE)
    assert len(records) == 4
    assert max(len(document) for _, document in records) < MOST_SOURCES_OF_A_SLOT * 250
    assert len(await store.list_records(ACCOUNT_KIND, SCOPE)) == 16
    # The newest are those that are remembered.
    for _ in range(4):
        assert await throttle.take("nobody399@example.com", "198.51.1.143") == 0
    assert await throttle.take("nobody399@example.com", "198.51.1.143") == 60
    clock.advance(2 * DAY / SECOND)
    await throttle.prune()
    for kind in (SOURCE_KIND, ACCOUNT_KIND):
        assert await store.list_records(kind, SCOPE) == []


async def test_one_source_that_tries_many_accounts_keeps_a_small_record(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock, failures_per_source_per_hour=1_000)
    for number in range(200):
        clock.advance(1)
        assert await throttle.take(f"nobody{number}@example.com", "a") == 0
    ((_, document),) = await store.list_records(SOURCE_KIND, SCOPE)
    assert len(document) < 4_000


async def test_browsers_of_an_account_are_few_and_forgotten_in_time(
    store: Store, clock: FrozenClock
) -> None:
    throttle = throttle_of(store, clock)
    for number in range(MOST_DEVICES + 5):
        clock.advance(1)
        await throttle.remember(1, f"token {number}")
    assert len(await store.list_records(DEVICE_KIND, "1")) == MOST_DEVICES
    assert not await throttle.is_known(1, "token 4")
    assert await throttle.is_known(1, "token 5")
    assert not await throttle.is_known(2, "token 5")
    assert not await throttle.is_known(1, "")
    clock.advance(180 * DAY / SECOND)
    assert not await throttle.is_known(1, "token 24")


async def test_a_clock_that_was_wrong_locks_nobody_out(store: Store, clock: FrozenClock) -> None:
    throttle = throttle_of(store, clock, failures_per_account_per_day=6)
    await throttle.remember(1, "token")
    right = clock.now()
    clock.advance(10 * 365 * DAY / SECOND)
    for _ in range(10):
        await throttle.take(EMAIL, "a")
        await throttle.take_of_device(1, "token")
    clock.set(right)
    assert await throttle.take(EMAIL, "a") == 0
    assert await throttle.take_of_device(1, "token") == 0
