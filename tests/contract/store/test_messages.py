from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.webhooks.ports import (
    Message,
)
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    create,
    make_change,
    make_message,
    new_id,
)
from tests.contract.store.sending import (
    DEAD,
    DELIVERED,
    LEASE,
    PENDING,
    add,
    add_endpoint,
    claim,
    claimed,
    finish,
    state_of,
)

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
