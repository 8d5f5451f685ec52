"""Messages that a clock has put off which was ahead, and has been set back since."""

from __future__ import annotations

from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.store.port import Store
from parcelwire.webhooks.ports import Message
from tests.contract.store.samples import NOW, WORLD
from tests.contract.store.sending import PENDING, add, add_endpoint, claim, claimed, finish

AHEAD = NOW + 365 * DAY
BEYOND = NOW + 2 * DAY
T1, T2, T3 = (f"{number:032x}" for number in (1, 2, 3))


async def due_at_of(store: Store, message_id: str) -> int:
    message = await store.load_message(WORLD, message_id)
    assert isinstance(message, Message)
    return message.due_at


async def test_what_a_clock_ahead_has_put_off_is_due_now(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (retried,) = await add(store, endpoint, T1, 1)
    await claim(store)
    await finish(store, retried, PENDING, next_at=AHEAD)
    (fresh,) = await add(store, endpoint, T2, 1, at=NOW + HOUR)
    (resting,) = await add(store, endpoint, T3, 1)
    await claim(store)
    await finish(store, resting, PENDING, next_at=NOW + DAY)
    assert await claimed(store) == []

    assert await store.recall_messages(NOW, beyond=BEYOND) == 2
    assert await store.recall_messages(NOW, beyond=BEYOND) == 0

    assert await due_at_of(store, retried.id) == NOW
    assert await due_at_of(store, fresh.id) == NOW
    assert await due_at_of(store, resting.id) == NOW + DAY
    assert await store.next_message_due() == NOW
    assert {one.message.id for one in await claim(store)} == {retried.id, fresh.id}


async def test_those_behind_a_head_that_is_due_are_brought_back_too(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (head,) = await add(store, endpoint, T1, 1)
    (behind,) = await add(store, endpoint, T1, 2, at=AHEAD)

    assert await store.recall_messages(NOW, beyond=BEYOND) == 1

    assert await due_at_of(store, behind.id) == NOW
    (first,) = await claim(store)
    assert first.message.id == head.id


async def test_a_message_under_way_stays_so(store: Store) -> None:
    endpoint = await add_endpoint(store)
    await add(store, endpoint, T1, 1)
    assert await claimed(store) == [1]
    await add(store, endpoint, T1, 2, at=AHEAD)

    assert await store.recall_messages(NOW, beyond=BEYOND) == 1

    assert await claimed(store, NOW + SECOND) == []
