from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, SECOND, Instant
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import (
    Attempt,
    AttemptResult,
    ClaimedMessage,
    Message,
    MessageState,
)
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    create,
    make_change,
    make_endpoint,
    make_message,
    new_id,
)

LEASE = NOW + 30 * SECOND
DELIVERED, DEAD, PENDING = MessageState.DELIVERED, MessageState.DEAD, MessageState.PENDING


async def add_endpoint(store: Store, world_id: int = WORLD) -> Endpoint:
    endpoint = make_endpoint(world_id)
    await store.add_endpoint(endpoint)
    return endpoint


async def add(
    store: Store, endpoint: Endpoint, tracking_id: str, *sequences: int, at: Instant = NOW
) -> list[NewMessage]:
    messages = [make_message(endpoint, tracking_id, sequence, at) for sequence in sequences]
    await store.add_messages(messages)
    return messages


async def claim(
    store: Store, now: Instant = NOW, *, limit: int = 100, per_endpoint: int = 100
) -> list[ClaimedMessage]:
    return await store.claim_messages(
        now, lease_until=now + 30 * SECOND, limit=limit, per_endpoint=per_endpoint
    )


async def claimed(store: Store, now: Instant = NOW) -> list[int]:
    """Claim all and return their sequence numbers."""
    return sorted(one.message.sequence for one in await claim(store, now))


def result_of(
    message_id: str,
    state: MessageState,
    *,
    at: Instant = NOW,
    next_at: Instant | None = None,
    disable_why: str = "",
) -> AttemptResult:
    attempt = Attempt(
        id=new_id(at),
        message_id=message_id,
        at=at,
        duration_ms=42,
        status=204 if state is DELIVERED else 0,
        error="" if state is DELIVERED else "connection refused",
        answer="« ça va »",
    )
    return AttemptResult(
        attempt=attempt, state=state, next_at=next_at, disable_endpoint_why=disable_why
    )


async def finish(
    store: Store, message: NewMessage, state: MessageState, next_at: Instant | None = None
) -> None:
    await store.finish_attempts([result_of(message.id, state, next_at=next_at)])


async def state_of(store: Store, message: NewMessage) -> MessageState:
    loaded = await store.load_message(message.world_id, message.id)
    assert loaded is not None
    return loaded.state


# -- endpoints ---------------------------------------------------------------------------------


async def test_endpoints_are_kept_by_world_oldest_first(store: Store) -> None:
    first, second = await add_endpoint(store), await add_endpoint(store)
    theirs = await add_endpoint(store, OTHER_WORLD)
    changed = replace(first, url="https://shop.example/größe", is_enabled=False, statuses=("x",))

    assert await store.save_endpoint(changed)

    assert await store.list_endpoints(WORLD) == [changed, second]
    assert await store.load_endpoint(WORLD, first.id) == changed
    assert await store.load_endpoint(WORLD, theirs.id) is None
    assert await store.delete_endpoint(WORLD, theirs.id) is False
    assert await store.delete_endpoint(WORLD, first.id) is True
    assert await store.delete_endpoint(WORLD, first.id) is False
    assert await store.save_endpoint(first) is False
    assert await store.list_endpoints(WORLD) == [second]
    assert await store.list_endpoints(OTHER_WORLD) == [theirs]


# -- claiming ----------------------------------------------------------------------------------


async def test_a_message_is_claimed_whole_with_its_endpoint_as_it_is_now(store: Store) -> None:
    endpoint = await add_endpoint(store)
    tracking = await create(store)
    message = replace(make_message(endpoint, tracking.id, 1), payload=b'{"x":"' + b"y" * 9999)
    assert await store.save(make_change(tracking, status=Status.TRANSIT, messages=(message,)))
    endpoint = replace(endpoint, url="https://moved.example/")
    assert await store.save_endpoint(endpoint)

    (one,) = await claim(store)

    assert one.endpoint == endpoint
    assert one.message == Message(
        id=message.id,
        endpoint_id=endpoint.id,
        world_id=WORLD,
        tracking_id=tracking.id,
        sequence=1,
        event_id=message.event_id,
        event_type=message.event_type,
        payload=message.payload,
        created_at=NOW,
        state=PENDING,
        attempts=0,
        due_at=NOW,
    )
    assert await store.load_message(WORLD, message.id) == one.message
    assert await store.load_message(OTHER_WORLD, message.id) is None


async def test_a_refused_save_sends_no_message(store: Store) -> None:
    endpoint = await add_endpoint(store)
    tracking = await create(store)
    await store.delete_trackings(WORLD, [tracking.id])
    message = make_message(endpoint, tracking.id, 1)
    assert not await store.save(make_change(tracking, status=Status.TRANSIT, messages=(message,)))
    assert await store.load_message(WORLD, message.id) is None
    assert await claimed(store) == []


async def test_only_the_first_undelivered_message_of_a_tracking_is_claimed(store: Store) -> None:
    endpoint, tracking = await add_endpoint(store), new_id()
    messages = await add(store, endpoint, tracking, 1, 2, 3)
    assert await claimed(store) == [1]
    assert await claimed(store) == []
    await finish(store, messages[0], DELIVERED)
    assert await claimed(store) == [2]
    await finish(store, messages[1], PENDING, NOW + 9 * SECOND)
    assert await claimed(store, NOW + 8 * SECOND) == []
    assert await claimed(store, NOW + 9 * SECOND) == [2]
    await finish(store, messages[1], DEAD)
    assert await claimed(store) == [3]
    await finish(store, messages[2], DELIVERED)
    assert await claimed(store, NOW + DAY) == []
    assert await store.next_message_due() is None


async def test_messages_stored_out_of_order_are_claimed_in_order(store: Store) -> None:
    endpoint, tracking = await add_endpoint(store), new_id()
    third, first, second = await add(store, endpoint, tracking, 3, 1, 2)
    for message in (first, second, third):
        (one,) = await claim(store)
        assert one.message.id == message.id
        await finish(store, message, DELIVERED)


async def test_trackings_and_endpoints_do_not_wait_for_each_other(store: Store) -> None:
    slow, quick = await add_endpoint(store), await add_endpoint(store, OTHER_WORLD)
    parcel, other = new_id(), new_id()
    blocked = await add(store, slow, parcel, 1, 2)
    await add(store, slow, other, 5)
    await add(store, quick, parcel, 1)
    assert await claimed(store) == [1, 1, 5]
    await finish(store, blocked[0], PENDING, NOW + DAY)
    assert await claimed(store) == []


async def test_a_lease_ends_by_time(store: Store) -> None:
    endpoint = await add_endpoint(store)
    await add(store, endpoint, new_id(), 1, 2)
    assert await claimed(store) == [1]
    assert await claimed(store, LEASE - 1) == []
    assert await store.next_message_due() == LEASE
    assert await claimed(store, LEASE) == [1]


@pytest.mark.parametrize("jump", [DAY, 3650 * DAY])
async def test_a_lease_from_before_the_clock_jumped_back_counts_as_ended(
    store: Store, jump: int
) -> None:
    endpoint = await add_endpoint(store)
    await add(store, endpoint, new_id(), 1)
    assert await claimed(store, NOW + jump) == [1]
    assert await claimed(store, NOW) == [1]
    assert await claimed(store, NOW) == []


async def test_a_retry_far_ahead_is_not_taken_for_an_old_lease(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    assert await claimed(store) == [1]
    await finish(store, message, PENDING, NOW + 3 * DAY)
    assert await claimed(store, NOW + 2 * DAY) == []
    assert await store.next_message_due() == NOW + 3 * DAY
    assert await claimed(store, NOW + 3 * DAY) == [1]


async def test_no_more_are_claimed_than_asked_for(store: Store) -> None:
    endpoints = [await add_endpoint(store) for _ in range(3)]
    for endpoint in endpoints:
        await store.add_messages([make_message(endpoint, new_id(), 1) for _ in range(10)])
    batch = await claim(store, limit=100, per_endpoint=4)
    assert Counter(one.endpoint.id for one in batch) == {one.id: 4 for one in endpoints}
    assert len(await claim(store, limit=5, per_endpoint=4)) == 5
    assert await claim(store, limit=0, per_endpoint=4) == []
    left = await claim(store)
    assert len(left) == 30 - 12 - 5


async def test_skipped_endpoints_wait(store: Store) -> None:
    skipped, other = await add_endpoint(store), await add_endpoint(store)
    await add(store, skipped, new_id(), 1)
    await add(store, other, new_id(), 2)
    batch = await store.claim_messages(
        NOW, lease_until=LEASE, limit=9, per_endpoint=9, skip_endpoints=[skipped.id]
    )
    assert [one.message.sequence for one in batch] == [2]
    assert await claimed(store) == [1]


async def test_a_disabled_endpoint_waits_and_goes_on_in_order(store: Store) -> None:
    endpoint, tracking = await add_endpoint(store), new_id()
    (first,) = await add(store, endpoint, tracking, 1)
    assert await store.save_endpoint(replace(endpoint, is_enabled=False))
    (second,) = await add(store, endpoint, tracking, 2)
    assert await claimed(store) == []
    assert await store.next_message_due() is None
    assert await store.save_endpoint(endpoint)
    assert await claimed(store) == [1]
    await finish(store, first, DELIVERED)
    assert await claimed(store) == [2]
    assert await state_of(store, second) is PENDING


async def test_a_backlog_of_one_endpoint_does_not_hide_another(store: Store) -> None:
    ill, well = await add_endpoint(store), await add_endpoint(store)
    await store.add_messages([make_message(ill, new_id(), 1, NOW - HOUR) for _ in range(300)])
    await add(store, well, new_id(), 7, at=NOW)
    batch = await claim(store, limit=20, per_endpoint=10)
    assert 7 in [one.message.sequence for one in batch]


async def test_no_message_is_claimed_twice(store: Store) -> None:
    endpoint = await add_endpoint(store)
    messages = [make_message(endpoint, new_id(), 1) for _ in range(60)]
    await store.add_messages(messages)
    batches = await asyncio.gather(*(claim(store, limit=9) for _ in range(12)))
    taken = [one.message.id for batch in batches for one in batch]
    assert sorted(taken) == sorted(message.id for message in messages)


# -- finishing ---------------------------------------------------------------------------------


async def test_every_attempt_is_kept_and_counted(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    results = [
        result_of(message.id, PENDING, at=NOW, next_at=NOW + 1),
        result_of(message.id, PENDING, at=NOW + 1, next_at=NOW + 2),
        result_of(message.id, DELIVERED, at=NOW + 2),
    ]
    for count, result in enumerate(results, 1):
        (one,) = await claim(store, result.attempt.at)
        assert one.message.attempts == count - 1
        await store.finish_attempts([result])
    assert await store.list_attempts(message.id) == [result.attempt for result in results]
    loaded = await store.load_message(WORLD, message.id)
    assert loaded is not None
    assert (loaded.state, loaded.attempts) == (DELIVERED, 3)


async def test_gone_disables_the_endpoint_with_the_attempt(store: Store) -> None:
    endpoint = await add_endpoint(store)
    gone, waiting = await add(store, endpoint, new_id(), 1, 2)
    await claim(store)
    await store.finish_attempts([result_of(gone.id, DEAD, disable_why="410 Gone")])
    loaded = await store.load_endpoint(WORLD, endpoint.id)
    assert loaded == replace(endpoint, is_enabled=False, disabled_why="410 Gone")
    assert await claimed(store, NOW + DAY) == []
    assert await store.save_endpoint(endpoint)
    assert await claimed(store, NOW + DAY) == [2]
    assert await state_of(store, gone) is DEAD
    assert await state_of(store, waiting) is PENDING


async def test_a_late_failure_does_not_bring_a_delivered_message_back(store: Store) -> None:
    # A worker was away for longer than its lease; meanwhile another one delivered.
    endpoint, tracking = await add_endpoint(store), new_id()
    first, second = await add(store, endpoint, tracking, 1, 2)
    assert await claimed(store) == [1]
    assert await claimed(store, LEASE) == [1]
    await finish(store, first, DELIVERED)
    assert await claimed(store, LEASE) == [2]
    await finish(store, first, PENDING, NOW)
    assert await state_of(store, first) is DELIVERED
    # And it does not free the one that is on its way.
    assert await claimed(store, LEASE + SECOND) == []
    await finish(store, second, DELIVERED)
    assert len(await store.list_attempts(first.id)) == 2


async def test_attempts_of_an_unknown_message_are_passed_over(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await claim(store)
    await store.finish_attempts([result_of(new_id(), DELIVERED), result_of(message.id, DELIVERED)])
    await store.finish_attempts([])
    await store.add_messages([])
    assert await state_of(store, message) is DELIVERED


# -- deleting ----------------------------------------------------------------------------------


async def test_deleting_an_endpoint_gives_its_pending_messages_up(store: Store) -> None:
    endpoint, other = await add_endpoint(store), await add_endpoint(store)
    done, *waiting = await add(store, endpoint, new_id(), 1, 2, 3)
    elsewhere = await add(store, other, new_id(), 4)
    await claim(store)
    await finish(store, done, DELIVERED)
    await claim(store)

    assert await store.delete_endpoint(WORLD, endpoint.id)

    assert await state_of(store, done) is DELIVERED
    assert [await state_of(store, one) for one in waiting] == [DEAD, DEAD]
    # The one that was on its way comes back as failed: it stays dead.
    await finish(store, waiting[0], PENDING, NOW)
    assert await state_of(store, waiting[0]) is DEAD
    assert await claimed(store, NOW + DAY) == [4]
    await finish(store, elsewhere[0], DELIVERED)
    assert await store.next_message_due() is None
    assert await store.resend(WORLD, done.id, NOW) is False
    assert await state_of(store, done) is DELIVERED


async def test_a_message_to_a_deleted_endpoint_is_dead_from_the_start(store: Store) -> None:
    endpoint = await add_endpoint(store)
    tracking = await create(store)
    message = make_message(endpoint, tracking.id, 1)
    await store.delete_endpoint(WORLD, endpoint.id)
    assert await store.save(make_change(tracking, status=Status.TRANSIT, messages=(message,)))
    assert await state_of(store, message) is DEAD
    assert await claimed(store) == []
    assert await store.next_message_due() is None


async def test_messages_of_a_deleted_tracking_are_still_sent(store: Store) -> None:
    endpoint = await add_endpoint(store)
    tracking = await create(store)
    message = make_message(endpoint, tracking.id, 1)
    assert await store.save(make_change(tracking, status=Status.TRANSIT, messages=(message,)))
    await store.delete_trackings(WORLD, [tracking.id])
    assert await claimed(store) == [1]


# -- sending again -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", [DELIVERED, DEAD])
async def test_a_message_is_sent_again_with_its_id_and_no_attempts_counted(
    store: Store, state: MessageState
) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await claim(store)
    await finish(store, message, state)
    assert await store.resend(OTHER_WORLD, message.id, NOW) is False
    assert await store.resend(WORLD, message.id, NOW + DAY) is True
    assert await claimed(store, NOW + DAY - 1) == []
    (one,) = await claim(store, NOW + DAY)
    assert (one.message.id, one.message.attempts) == (message.id, 0)
    assert one.message.due_at == NOW + DAY
    assert len(await store.list_attempts(message.id)) == 1


async def test_a_message_sent_again_goes_before_later_ones(store: Store) -> None:
    endpoint, tracking = await add_endpoint(store), new_id()
    first, second, third = await add(store, endpoint, tracking, 1, 2, 3)
    await claim(store)
    await finish(store, first, DELIVERED)
    assert await store.resend(WORLD, first.id, NOW)
    assert await claimed(store) == [1]
    await finish(store, first, DELIVERED)
    # Now the second is on its way: the first waits for it, for one at a time may be under way.
    assert await claimed(store) == [2]
    assert await store.resend(WORLD, first.id, NOW)
    assert await claimed(store) == []
    await finish(store, second, PENDING, NOW)
    assert await claimed(store) == [1]
    await finish(store, first, DELIVERED)
    assert await claimed(store) == [2]
    await finish(store, second, DELIVERED)
    assert await claimed(store) == [3]
    assert await state_of(store, third) is PENDING


async def test_a_message_sent_again_waits_for_the_end_of_another_ones_lease(store: Store) -> None:
    endpoint, tracking = await add_endpoint(store), new_id()
    first, second = await add(store, endpoint, tracking, 1, 2)
    await claim(store)
    await finish(store, first, DELIVERED)
    assert await claimed(store) == [2]
    assert await store.resend(WORLD, first.id, NOW)
    # The worker that had the second is lost.
    assert await claimed(store, LEASE - 1) == []
    assert await claimed(store, LEASE) == [1]
    await finish(store, first, DELIVERED)
    assert await claimed(store, LEASE) == [2]
    assert await state_of(store, second) is PENDING


async def test_a_pending_message_sent_again_is_due_at_once(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await claim(store)
    await finish(store, message, PENDING, NOW + DAY)
    assert await store.resend(WORLD, message.id, NOW + 1)
    (one,) = await claim(store, NOW + 1)
    assert one.message.attempts == 0


# -- looking back ------------------------------------------------------------------------------


async def test_messages_are_listed_newest_first_page_by_page(store: Store) -> None:
    endpoint, other = await add_endpoint(store), await add_endpoint(store)
    theirs = await add_endpoint(store, OTHER_WORLD)
    parcel = new_id()
    messages: list[NewMessage] = []
    for step in range(12):
        messages += await add(store, endpoint, parcel, step + 1, at=NOW + step)
        messages += await add(store, other, parcel, step + 1, at=NOW + step)
        messages += await add(store, other, new_id(), 1, at=NOW + step)
        await add(store, theirs, parcel, step + 1, at=NOW + step)
    delivered = {one.message.id for one in await claim(store, NOW + DAY)}
    await store.finish_attempts([result_of(one, DELIVERED) for one in sorted(delivered)])
    messages.reverse()

    async def walk(**where: object) -> list[str]:
        walked: list[str] = []
        before: str | None = None
        while page := await store.list_messages(
            WORLD,
            before=before,
            limit=5,
            **where,  # type: ignore[arg-type]  # the names are checked by the call
        ):
            walked += [one.id for one in page]
            before = walked[-1]
        return walked

    assert await walk() == [one.id for one in messages]
    assert await walk(endpoint_id=other.id) == [
        one.id for one in messages if one.endpoint_id == other.id
    ]
    assert await walk(tracking_id=parcel) == [
        one.id for one in messages if one.tracking_id == parcel
    ]
    assert await walk(state=PENDING) == [one.id for one in messages if one.id not in delivered]
    assert await walk(state=DELIVERED, endpoint_id=endpoint.id, tracking_id=parcel) == [
        one.id for one in messages if one.id in delivered and one.endpoint_id == endpoint.id
    ]
    assert await walk(state=DEAD) == []
    assert await walk(endpoint_id=new_id()) == []
    assert await store.list_messages(WORLD, before=new_id()) == []
    first = await store.list_messages(WORLD, limit=1)
    assert first == [await store.load_message(WORLD, messages[0].id)]
