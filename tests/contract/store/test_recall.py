"""Messages that a clock has put off which was ahead, and has been set back since."""

from __future__ import annotations

import pytest

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.store.port import Store
from parcelwire.store.rules import RECALLED_AT_ONCE
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import Message
from tests.contract.store.samples import NOW, WORLD, make_message
from tests.contract.store.sending import PENDING, add, add_endpoint, claim, claimed, result_of

AHEAD = NOW + 365 * DAY
BEYOND = NOW + 2 * DAY
T1, T2, T3, T4 = (f"{number:032x}" for number in (1, 2, 3, 4))


async def due_at_of(store: Store, message_id: str) -> int:
    message = await store.load_message(WORLD, message_id)
    assert isinstance(message, Message)
    return message.due_at


async def tried(
    store: Store, endpoint: Endpoint, tracking_id: str, *, at: int, wait: int
) -> NewMessage:
    """Store a message that was tried in vain at ``at``, and is to be tried again after ``wait``."""
    (message,) = await add(store, endpoint, tracking_id, 1)
    failed = result_of(message.id, PENDING, at=at, next_at=at + wait)
    await store.finish_attempts([failed])
    return message


async def test_what_a_clock_ahead_has_put_off_comes_back(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (fresh,) = await add(store, endpoint, T1, 1, at=NOW + HOUR)
    soon = await tried(store, endpoint, T2, at=AHEAD, wait=30 * SECOND)
    later = await tried(store, endpoint, T3, at=AHEAD, wait=DAY)
    lost = await tried(store, endpoint, T4, at=NOW - HOUR, wait=365 * DAY)
    assert await claimed(store) == []

    assert await store.recall_messages(NOW, beyond=BEYOND) == 4
    assert await store.recall_messages(NOW, beyond=BEYOND) == 0

    assert await due_at_of(store, fresh.id) == NOW
    assert await due_at_of(store, soon.id) == NOW + 30 * SECOND
    assert await due_at_of(store, later.id) == NOW + DAY
    assert await due_at_of(store, lost.id) == NOW
    assert await store.next_message_due() == NOW
    assert {one.message.id for one in await claim(store)} == {fresh.id, lost.id}
    assert {one.message.id for one in await claim(store, NOW + 30 * SECOND)} >= {soon.id}


async def test_what_rests_by_the_present_clock_rests_on(store: Store) -> None:
    endpoint = await add_endpoint(store)
    resting = await tried(store, endpoint, T1, at=NOW - HOUR, wait=DAY)
    # Set back by less than it was to wait, a clock does not double the wait.
    nearly = await tried(store, endpoint, T2, at=NOW + HOUR, wait=DAY)

    assert await store.recall_messages(NOW, beyond=BEYOND) == 0

    assert await due_at_of(store, resting.id) == NOW + 23 * HOUR
    assert await due_at_of(store, nearly.id) == NOW + 25 * HOUR


async def test_after_two_jumps_the_last_attempt_counts_not_the_newest_by_its_time(
    store: Store,
) -> None:
    endpoint = await add_endpoint(store)
    message = await tried(store, endpoint, T1, at=AHEAD, wait=30 * SECOND)
    assert await store.recall_messages(NOW, beyond=BEYOND) == 1
    again = result_of(message.id, PENDING, at=NOW + HOUR, next_at=NOW + HOUR + 2 * SECOND)
    await store.finish_attempts([again])

    assert await store.recall_messages(NOW, beyond=BEYOND) == 1

    assert await due_at_of(store, message.id) == NOW + 2 * SECOND


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


async def test_the_far_end_alone_is_looked_at_when_no_more_is_asked(store: Store) -> None:
    endpoint = await add_endpoint(store)
    near = await tried(store, endpoint, T1, at=NOW + DAY, wait=SECOND)
    far = await tried(store, endpoint, T2, at=AHEAD, wait=30 * SECOND)
    (behind,) = await add(store, endpoint, T2, 2, at=AHEAD)
    lost = await tried(store, endpoint, T3, at=NOW - HOUR, wait=365 * DAY)

    assert await store.recall_messages(NOW, beyond=BEYOND, far_only=True) == 3
    assert await store.recall_messages(NOW, beyond=BEYOND, far_only=True) == 0

    assert await due_at_of(store, near.id) == NOW + DAY + SECOND
    assert await due_at_of(store, far.id) == NOW + 30 * SECOND
    assert await due_at_of(store, behind.id) == NOW
    assert await due_at_of(store, lost.id) == NOW
    assert await store.recall_messages(NOW, beyond=BEYOND) == 1
    assert await due_at_of(store, near.id) == NOW + SECOND


async def test_a_wait_that_would_still_be_too_long_ends_at_once(store: Store) -> None:
    endpoint = await add_endpoint(store)
    message = await tried(store, endpoint, T1, at=AHEAD, wait=30 * DAY)

    assert await store.recall_messages(NOW, beyond=BEYOND) == 1

    assert await due_at_of(store, message.id) == NOW
    assert await store.recall_messages(NOW, beyond=BEYOND) == 0


@pytest.mark.parametrize("far_only", [True, False])
async def test_any_number_is_brought_back_in_portions(store: Store, *, far_only: bool) -> None:
    endpoint = await add_endpoint(store)
    count = 2 * RECALLED_AT_ONCE + 1
    await store.add_messages(
        [make_message(endpoint, f"{number:032x}", 1, AHEAD) for number in range(1, count + 1)]
    )

    assert await store.recall_messages(NOW, beyond=BEYOND, far_only=far_only) == count
    assert await store.recall_messages(NOW, beyond=BEYOND, far_only=far_only) == 0

    assert await store.next_message_due() == NOW
