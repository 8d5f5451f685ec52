"""Suspended accounts: nothing of their worlds is claimed, and it stands in nobody's way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec.structs import replace

from parcelwire.domain.account import ApiKey, without_failures
from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.store.port import Store
from parcelwire.store.rules import HOLD_ROUNDS, HOLD_WINDOW
from parcelwire.tracking.suspension import HELD_REASON, LONGEST_HOLD
from parcelwire.webhooks.failing import note_failure
from tests.contract.store.samples import NOW, OTHER_WORLD, TEST_WORLD, WORLD, create, make_new
from tests.contract.store.sending import (
    DELIVERED,
    PENDING,
    add,
    add_endpoint,
    claim,
    failure_at,
    finish,
)
from tests.contract.store.sending import state_of as message_state


async def two_accounts(store: Store) -> None:
    await store.add_account("a@shop.example", name="A", now=NOW - DAY)
    await store.add_account("b@shop.example", now=NOW - DAY)


async def claimed(store: Store, now: int = NOW, limit: int = 100) -> list[str]:
    claims = await store.claim_polls(now, lease_until=now + 30 * SECOND, limit=limit)
    return [one.tracking_id for one in claims]


async def test_a_suspension_is_kept_with_its_reason(store: Store) -> None:
    await two_accounts(store)
    key = ApiKey(
        digest=b"d" * 32, prefix="pw_live_aaaaaaaa", account_number=1, is_test=False, created_at=NOW
    )
    await store.add_key(key)
    before = await store.load_account(1)
    assert before is not None
    assert (before.suspended_at, before.suspended_reason, before.is_suspended) == (None, "", False)
    assert await store.suspended_accounts() == frozenset()

    await store.suspend_account(1, reason="unpaid since März", now=NOW)
    await store.suspend_account(1, reason="unpaid, and spam", now=NOW + HOUR)

    found = await store.find_key(key.digest)
    assert found is not None
    for account in (
        await store.load_account(1),
        await store.find_account("A@shop.example"),
        (await store.list_accounts())[0],
        found[1],
    ):
        assert account is not None
        assert (account.suspended_at, account.suspended_reason) == (NOW, "unpaid, and spam")
    assert await store.suspended_accounts() == {1}
    # What is changed of the account otherwise leaves it suspended.
    await store.save_account(before)
    assert await store.suspended_accounts() == {1}

    await store.resume_account(1)
    assert await store.load_account(1) == before
    assert await store.suspended_accounts() == frozenset()


async def test_polls_of_a_suspended_account_are_not_claimed(
    store: Store, open_another: Callable[[], Awaitable[Store]]
) -> None:
    await two_accounts(store)
    theirs = [
        await create(store, "A1", due_at=NOW - 9),
        await create(store, "A2", due_at=NOW - 9, world_id=TEST_WORLD),
    ]
    mine = await create(store, "A3", due_at=NOW, world_id=OTHER_WORLD)
    worker = await open_another()

    await store.suspend_account(1, now=NOW)

    assert await claimed(worker) == [mine.id]
    assert await claimed(worker) == []
    for one in theirs:
        stored = await store.load(one.world_id, one.id)
        assert stored is not None
        assert (stored.poll.due_reason, stored.poll.leased_until) == (HELD_REASON, 0)
        assert stored.poll.due_at is not None
        assert NOW + LONGEST_HOLD // 2 <= stored.poll.due_at <= NOW + LONGEST_HOLD
    # Nothing due is left behind that would have the worker look again at once.
    due_at = await worker.next_poll_due()
    assert due_at is not None
    assert due_at > NOW

    later = NOW + LONGEST_HOLD + SECOND
    assert await claimed(worker, later) == [mine.id]
    await store.resume_account(1)
    latest = later + LONGEST_HOLD + SECOND
    assert sorted(await claimed(worker, latest)) == sorted([mine.id, *(one.id for one in theirs)])


async def test_a_long_queue_of_a_suspended_account_stands_in_nobodys_way(store: Store) -> None:
    await two_accounts(store)
    count = HOLD_WINDOW * HOLD_ROUNDS + 1_500
    for start in range(0, count, 1_000):
        await store.create_trackings(
            [
                make_new(f"A{number}", due_at=NOW - 9)
                for number in range(start, min(count, start + 1_000))
            ]
        )
    mine = await create(store, "B1", due_at=NOW, world_id=OTHER_WORLD)
    await store.suspend_account(1, now=NOW)

    # One claim puts a bounded number off; two see the front free.
    claims = [await claimed(store, limit=200) for _ in range(2)]

    assert claims == [[], [mine.id]]
    held = await store.next_poll_due()
    assert held is not None
    assert held > NOW
    # They come back spread, not all at once.
    await store.resume_account(1)
    quarter = [
        len(await claimed(store, NOW + LONGEST_HOLD // 2 + share * LONGEST_HOLD // 8, 100_000))
        for share in (1, 2, 3, 4)
    ]
    assert sum(quarter) >= count
    assert min(quarter) > count / 6


async def test_messages_of_a_suspended_account_wait_in_their_order(
    store: Store, open_another: Callable[[], Awaitable[Store]]
) -> None:
    await two_accounts(store)
    endpoint, other = await add_endpoint(store), await add_endpoint(store, OTHER_WORLD)
    tracking, theirs = await create(store, "A1"), await create(store, "B1", world_id=OTHER_WORLD)
    messages = await add(store, endpoint, tracking.id, 1, 2)
    await add(store, other, theirs.id, 1)
    worker = await open_another()

    await store.suspend_account(1, now=NOW)

    assert [one.endpoint.id for one in await claim(worker)] == [other.id]
    due_at = await worker.next_message_due()
    assert due_at is None or due_at > NOW
    assert [await message_state(store, one) for one in messages] == [PENDING, PENDING]

    await store.resume_account(1)
    for message in messages:
        found = await claim(worker)
        assert [one.message.id for one in found if one.endpoint.id == endpoint.id] == [message.id]
        assert found[0].message.attempts == 0
        await finish(worker, message, DELIVERED)


async def test_after_a_suspension_everything_is_claimed_as_before(store: Store) -> None:
    await two_accounts(store)
    first = await create(store, "A1", due_at=NOW - 9)
    second = await create(store, "B1", due_at=NOW - 5, world_id=OTHER_WORLD)
    await store.suspend_account(1, now=NOW)
    await store.resume_account(1)
    assert await claimed(store) == [first.id, second.id]


async def test_endpoints_do_not_fail_on_while_nothing_is_sent(store: Store) -> None:
    await two_accounts(store)
    failing = replace(
        note_failure(await add_endpoint(store), failure_at(NOW - DAY)),
        failing_ms=DAY,
        failing_reported_at=NOW - HOUR,
    )
    theirs = replace(await add_endpoint(store, OTHER_WORLD), failing_since=NOW - DAY)
    for one in (failing, theirs):
        assert await store.save_endpoint(one)
    await store.resume_account(1)
    assert await store.list_endpoints(WORLD) == [failing]

    await store.suspend_account(1, now=NOW)
    await store.resume_account(1)

    assert await store.list_endpoints(WORLD) == [
        replace(without_failures(failing), failing_reported_at=None)
    ]
    assert await store.list_endpoints(OTHER_WORLD) == [theirs]
