"""What attempts do to endpoints, and what the next message of a line tells of those given up."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE
from parcelwire.store.port import Store
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.failing import note_failure
from parcelwire.webhooks.ports import AttemptResult, MessageFilter, MessageState, Skipped
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    make_endpoint,
    make_message,
    new_id,
)
from tests.contract.store.sending import (
    DEAD,
    DELIVERED,
    PENDING,
    add,
    add_endpoint,
    claim,
    claimed,
    failure_at,
    finish,
    result_of,
    state_of,
)


def told(message: NewMessage, state: MessageState = PENDING, **more: Any) -> AttemptResult:
    return replace(result_of(message.id, state, next_at=NOW), **more)


async def endpoint_now(store: Store, endpoint: Endpoint) -> Endpoint:
    loaded = await store.load_endpoint(endpoint.world_id, endpoint.id)
    assert loaded is not None
    return loaded


# -- endpoints whole ---------------------------------------------------------------------------


async def test_an_endpoint_is_kept_with_all_its_fields(store: Store) -> None:
    endpoint = make_endpoint(
        statuses=("transit", "delivered"),
        event_types=("tracking.updated",),
        is_enabled=False,
        is_paused=True,
        disabled_reason="owner's wish",
        description="größe \N{DELIVERY TRUCK}",
        previous_secret="whsec_b2xk",
        previous_secret_until=NOW + DAY,
        headers={"x-shop": 'a "b" ü', "x-empty": ""},
        rate_per_second=2.5,
        concurrency=7,
        failing_since=NOW - HOUR,
        failing_until=NOW - MINUTE,
        failing_ms=MINUTE,
        failing_count=4,
        failing_reported_at=NOW,
    )
    await store.add_endpoint(endpoint)
    assert await store.list_endpoints(WORLD) == [endpoint]
    changed = make_endpoint(id=endpoint.id)
    assert await store.save_endpoint(changed)
    assert await endpoint_now(store, endpoint) == changed
    assert await store.save_endpoint(endpoint)
    await add(store, replace(endpoint), new_id(), 1)
    await store.save_endpoint(replace(endpoint, is_enabled=True))
    (one,) = await claim(store)
    assert one.endpoint == replace(endpoint, is_enabled=True)


# -- what an attempt says ----------------------------------------------------------------------


async def test_failing_is_noted_from_the_first_failure_until_the_next_success(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)

    await store.finish_attempts([told(message, failure=failure_at(NOW + MINUTE))])
    failing = replace(
        endpoint, failing_since=NOW + MINUTE, failing_until=NOW + MINUTE, failing_count=1
    )
    assert await endpoint_now(store, endpoint) == failing
    await store.finish_attempts([told(message, failure=failure_at(NOW + HOUR))])
    failing = replace(failing, failing_until=NOW + HOUR, failing_ms=HOUR - MINUTE, failing_count=2)
    assert await endpoint_now(store, endpoint) == failing
    # Another worker's failure was earlier, and is heard of later.
    await store.finish_attempts([told(message, failure=failure_at(NOW))])
    failing = replace(failing, failing_since=NOW, failing_count=3)
    assert await endpoint_now(store, endpoint) == failing
    await store.finish_attempts([told(message, failing_reported_at=NOW + DAY)])
    assert await endpoint_now(store, endpoint) == replace(failing, failing_reported_at=NOW + DAY)
    await store.finish_attempts([told(message, DELIVERED, has_recovered=True)])
    assert await endpoint_now(store, endpoint) == endpoint


async def test_a_receiver_that_is_gone_disables_its_endpoint(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await store.save_endpoint(replace(endpoint, is_enabled=False, is_paused=True))
    await store.finish_attempts([told(message, DEAD, disable_endpoint_reason="410 Gone")])
    # No longer paused: its owner may only enable it anew.
    assert await endpoint_now(store, endpoint) == replace(
        endpoint, is_enabled=False, is_paused=False, disabled_reason="410 Gone"
    )


async def test_notices_are_stored_with_the_attempt_that_gives_rise_to_them(store: Store) -> None:
    ill, friend, theirs = (
        await add_endpoint(store),
        await add_endpoint(store),
        await add_endpoint(store, OTHER_WORLD),
    )
    parcel = new_id()
    first, second = await add(store, ill, parcel, 1), await add(store, ill, new_id(), 1)
    notices = tuple(
        replace(make_message(one, "", 0), event_type="endpoint.failing") for one in (friend, theirs)
    )
    await claim(store)
    result = told(
        first[0],
        failure=failure_at(NOW),
        failing_reported_at=NOW,
        notices=notices,
        next_at=NOW + DAY,
    )
    await store.finish_attempts([result, told(second[0], DELIVERED, has_recovered=True)])

    assert [one.message.id for one in await claim(store)] != []
    for notice in notices:
        (message,) = (
            await store.list_messages(
                notice.world_id, MessageFilter(event_types=("endpoint.failing",))
            )
        ).messages
        assert message.id == notice.id
        assert message.endpoint_id == notice.endpoint_id
        assert message.tracking_id == ""


async def test_an_attempt_told_twice_counts_once(store: Store) -> None:
    endpoint, friend, parcel = await add_endpoint(store), await add_endpoint(store), new_id()
    first, second = await add(store, endpoint, parcel, 1, 2)
    assert await claimed(store) == [1]
    notice = make_message(friend, "", 0)
    result = told(
        first, DEAD, failure=failure_at(NOW), disable_endpoint_reason="410", notices=(notice,)
    )
    await store.finish_attempts([result])
    # Meanwhile the owner has seen to it, and sent it again.
    await store.save_endpoint(endpoint)
    assert await store.resend(WORLD, first.id, NOW)
    batch = await claim(store)
    assert sorted(one.message.id for one in batch) == sorted([first.id, notice.id])

    await store.finish_attempts([result])
    await asyncio.gather(*(store.finish_attempts([result]) for _ in range(3)))

    loaded = await store.load_message(WORLD, first.id)
    assert loaded is not None
    assert (loaded.state, loaded.attempts) == (PENDING, 0)
    assert len(await store.list_attempts(first.id)) == 1
    assert await endpoint_now(store, endpoint) == endpoint
    assert len((await store.list_messages(WORLD, MessageFilter(), limit=99)).messages) == 3
    # It is still under way: its lease was not ended, nor was the next one sent beside it.
    assert await claimed(store) == []
    await finish(store, first, DELIVERED)
    (one,) = await claim(store)
    assert (one.message.id, one.skipped) == (second.id, ())


async def test_an_attempt_for_an_endpoint_that_is_gone_is_kept(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await claim(store)
    await store.delete_endpoint(WORLD, endpoint.id)
    await store.finish_attempts(
        [told(message, DEAD, failure=failure_at(NOW), disable_endpoint_reason="x")]
    )
    assert len(await store.list_attempts(message.id)) == 1
    assert await store.list_endpoints(WORLD) == []


# -- saving what one has read ------------------------------------------------------------------


async def test_a_save_leaves_alone_what_its_caller_did_not_change(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await store.finish_attempts(
        [
            told(
                message,
                DEAD,
                failure=failure_at(NOW),
                failing_reported_at=NOW,
                disable_endpoint_reason="410",
            )
        ]
    )
    # The caller has read it before that.
    renamed = replace(endpoint, description="new", headers={"x-a": "1"})
    assert await store.save_endpoint(renamed, expected=endpoint)
    now = await endpoint_now(store, endpoint)
    assert now == replace(
        note_failure(renamed, failure_at(NOW)),
        is_enabled=False,
        disabled_reason="410",
        failing_reported_at=NOW,
    )
    # What it does change is written, also when somebody else wrote it.
    enabled = replace(now, is_enabled=True, disabled_reason="", failing_since=None)
    assert await store.save_endpoint(enabled, expected=now)
    assert await endpoint_now(store, endpoint) == enabled
    assert await store.save_endpoint(endpoint, expected=endpoint)
    assert await endpoint_now(store, endpoint) == enabled
    # Without what it expects, all is replaced.
    assert await store.save_endpoint(endpoint)
    assert await endpoint_now(store, endpoint) == endpoint
    assert not await store.save_endpoint(replace(endpoint, id=new_id()), expected=endpoint)
    theirs = replace(endpoint, world_id=OTHER_WORLD)
    assert not await store.save_endpoint(theirs, expected=endpoint)


async def test_changes_of_many_to_one_endpoint_all_stay(store: Store) -> None:
    endpoint = await add_endpoint(store)
    messages = await add(store, endpoint, new_id(), 1)
    changes: list[dict[str, Any]] = [
        {"url": "https://new.example/"},
        {"description": "new"},
        {"concurrency": 3},
        {"rate_per_second": 0.5},
        {"statuses": ("transit",)},
        {"event_types": ("tracking.updated",)},
        {"secret": "whsec_bmV3", "previous_secret": endpoint.secret},
    ]
    await asyncio.gather(
        *(store.save_endpoint(replace(endpoint, **one), expected=endpoint) for one in changes),
        store.finish_attempts([told(messages[0], failure=failure_at(NOW))]),
    )
    expected = note_failure(endpoint, failure_at(NOW))
    for one in changes:
        expected = replace(expected, **one)
    assert await endpoint_now(store, endpoint) == expected


# -- what was given up -------------------------------------------------------------------------


async def test_the_message_after_given_up_ones_names_them(store: Store) -> None:
    endpoint, other, parcel = await add_endpoint(store), await add_endpoint(store), new_id()
    messages = await add(store, endpoint, parcel, 1, 2, 3, 4, 5)
    await add(store, other, parcel, 1, 2)
    await add(store, endpoint, new_id(), 9)

    async def next_one() -> tuple[int, tuple[Skipped, ...]]:
        for one in await claim(store):
            if (one.endpoint.id, one.message.tracking_id) == (endpoint.id, parcel):
                return one.message.sequence, one.skipped
            assert one.skipped == ()
        raise AssertionError("nothing of this line is due")

    named = [Skipped(one.id, one.sequence) for one in messages]
    assert await next_one() == (1, ())
    await finish(store, messages[0], DEAD)
    assert await next_one() == (2, (named[0],))
    await finish(store, messages[1], PENDING, NOW)
    assert await next_one() == (2, (named[0],))
    await finish(store, messages[1], DEAD)
    assert await next_one() == (3, (named[0], named[1]))
    await finish(store, messages[2], DELIVERED)
    assert await next_one() == (4, ())
    await finish(store, messages[3], DEAD)
    assert await next_one() == (5, (named[3],))


async def test_one_that_is_sent_again_and_arrives_is_named_no_more(store: Store) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    messages = await add(store, endpoint, parcel, 1, 2, 3, 4)
    for message in messages[:3]:
        assert await claimed(store) == [message.sequence]
        await finish(store, message, DEAD)
    assert await store.resend(WORLD, messages[1].id, NOW)
    (one,) = await claim(store)
    # It names those before it, not itself nor what comes later.
    assert (one.message.sequence, one.skipped) == (2, (Skipped(messages[0].id, 1),))
    await finish(store, messages[1], DELIVERED)
    (one,) = await claim(store)
    assert (one.message.sequence, one.skipped) == (4, (Skipped(messages[2].id, 3),))
    await finish(store, messages[3], PENDING, NOW)
    # Given up a second time, it is named once.
    assert await store.resend(WORLD, messages[2].id, NOW)
    assert await claimed(store) == [3]
    await finish(store, messages[2], DEAD)
    (one,) = await claim(store)
    assert (one.message.sequence, one.skipped) == (4, (Skipped(messages[2].id, 3),))


async def test_the_newest_twenty_are_named(store: Store) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    messages = await add(store, endpoint, parcel, *range(1, 27))
    for message in messages[:25]:
        await claim(store)
        await finish(store, message, DEAD)
    (one,) = await claim(store)
    assert [skipped.sequence for skipped in one.skipped] == list(range(6, 26))


async def test_a_late_failure_of_a_delivered_message_is_no_gap(store: Store) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    first, _ = await add(store, endpoint, parcel, 1, 2)
    await claim(store)
    await finish(store, first, DELIVERED)
    await finish(store, first, DEAD)
    await finish(store, first, PENDING, NOW + DAY)
    (one,) = await claim(store)
    assert (one.message.sequence, one.skipped) == (2, ())


async def test_what_was_given_up_goes_with_its_endpoint(store: Store) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    (first,) = await add(store, endpoint, parcel, 1)
    await claim(store)
    await finish(store, first, DEAD)
    assert await store.delete_endpoint(WORLD, endpoint.id)
    await store.add_endpoint(endpoint)  # as from a backup
    await add(store, endpoint, parcel, 2)
    (one,) = await claim(store)
    assert (one.message.sequence, one.skipped) == (2, ())
    assert await state_of(store, first) is DEAD
