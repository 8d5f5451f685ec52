from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, SECOND
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import (
    MessageFilter,
    MessageState,
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
    result_of,
    state_of,
    walk,
)

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
    await store.finish_attempts([result_of(gone.id, DEAD, disable_reason="410 Gone")])
    loaded = await store.load_endpoint(WORLD, endpoint.id)
    assert loaded == replace(endpoint, is_enabled=False, disabled_reason="410 Gone")
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

    async def ids_of(**where: Any) -> list[str]:
        return [one.id for one in await walk(store, MessageFilter(**where))]

    assert await ids_of() == [one.id for one in messages]
    assert await ids_of(endpoint_id=other.id) == [
        one.id for one in messages if one.endpoint_id == other.id
    ]
    assert await ids_of(tracking_id=parcel) == [
        one.id for one in messages if one.tracking_id == parcel
    ]
    assert await ids_of(states=(PENDING,)) == [
        one.id for one in messages if one.id not in delivered
    ]
    assert await ids_of(states=(DELIVERED,), endpoint_id=endpoint.id, tracking_id=parcel) == [
        one.id for one in messages if one.id in delivered and one.endpoint_id == endpoint.id
    ]
    assert await ids_of(states=(DEAD,)) == []
    assert await ids_of(endpoint_id=new_id()) == []
    assert (await store.list_messages(WORLD, MessageFilter(), before=new_id())).messages == []
    first = (await store.list_messages(WORLD, MessageFilter(), limit=1)).messages
    assert first == [await store.load_message(WORLD, messages[0].id)]
