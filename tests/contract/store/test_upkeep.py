"""Forgetting what is old: events and messages."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, HOUR, SECOND, Instant
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    advance,
    create,
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
    finish,
    result_of,
    state_of,
)

# -- events ------------------------------------------------------------------------------------


async def tell(store: Store, number: str, at: Instant, world_id: int = WORLD) -> str:
    """Make one event; return its tracking."""
    tracking = await create(store, number, world_id=world_id, created_at=at - SECOND)
    await advance(store, tracking, status=Status.TRANSIT, updated_at=at)
    return tracking.id


async def test_old_events_go_and_the_feed_goes_on(store: Store) -> None:
    assert await store.first_cursor(WORLD) is None
    assert await store.pruned_cursor(WORLD) == 0
    assert await store.prune_events(NOW + DAY) == 0
    told = [await tell(store, f"NR{index}", NOW + index * HOUR) for index in range(10)]
    theirs = await tell(store, "NR10", NOW, OTHER_WORLD)
    feed = await store.events_after(WORLD, 0, 99)
    assert await store.first_cursor(WORLD) == feed[0][0]

    assert await store.prune_events(NOW) == 0
    assert await store.pruned_cursor(WORLD) == 0
    assert await store.prune_events(NOW + 4 * HOUR, limit=3) == 3
    assert await store.first_cursor(WORLD) == feed[3][0]
    assert await store.pruned_cursor(WORLD) == feed[2][0]
    assert await store.pruned_cursor(OTHER_WORLD) == 0
    # One more of this world and one of the other, both older: the bound itself stays.
    assert await store.prune_events(NOW + 4 * HOUR, limit=3) == 2
    assert await store.prune_events(NOW + 4 * HOUR, limit=3) == 0

    assert await store.events_after(WORLD, 0, 99) == feed[4:]
    assert await store.events_after(WORLD, feed[6][0], 99) == feed[7:]
    assert await store.first_cursor(WORLD) == feed[4][0]
    assert await store.first_cursor(OTHER_WORLD) is None
    # The trackings are as they were.
    assert await store.load(WORLD, told[0]) is not None
    assert await store.load(OTHER_WORLD, theirs) is not None

    last = feed[-1][0]
    assert await store.pruned_cursor(WORLD) == feed[3][0]
    assert await store.pruned_cursor(OTHER_WORLD) > 0
    assert await store.prune_events(NOW + DAY) == 6
    assert await store.first_cursor(WORLD) is None
    assert await store.pruned_cursor(WORLD) == last
    # No cursor is given twice, whatever was deleted.
    await tell(store, "NR11", NOW + 2 * DAY)
    ((cursor, _),) = await store.events_after(WORLD, last, 99)
    assert cursor > last


async def test_events_of_a_clock_that_was_ahead_do_not_keep_older_ones(store: Store) -> None:
    for index, at in enumerate([NOW + 3650 * DAY, NOW, NOW + 3650 * DAY, NOW, NOW, NOW + DAY]):
        await tell(store, f"NR{index}", at)
    assert await store.prune_events(NOW + SECOND, limit=2) == 2
    assert await store.prune_events(NOW + SECOND, limit=2) == 1
    assert len(await store.events_after(WORLD, 0, 99)) == 3


async def test_events_are_pruned_while_others_are_made(store: Store) -> None:
    for index in range(40):
        await tell(store, f"NR{index}", NOW)
    making = asyncio.gather(*(tell(store, f"NX{index}", NOW + DAY) for index in range(10)))
    counts = await asyncio.gather(*(store.prune_events(NOW + HOUR) for _ in range(2)))
    await making
    assert sum(counts) == 40
    assert len(await store.events_after(WORLD, 0, 99)) == 10


async def test_events_of_a_clock_that_was_ahead_do_not_hide_the_old_behind_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parcelwire.store.postgres import feed as postgres_feed
    from parcelwire.store.sqlite import feed as sqlite_feed

    for feed in (sqlite_feed, postgres_feed):
        monkeypatch.setattr(feed, "WINDOW", 5)
    for index in range(60):
        await tell(store, f"AHEAD{index:03d}", NOW + 3_650 * DAY)
    for index in range(20):
        await tell(store, f"OLD{index:03d}", NOW - 100 * DAY)
    await tell(store, "YOUNG000", NOW)
    counts = [await store.prune_events(NOW - 90 * DAY, limit=7) for _ in range(10)]
    assert sum(counts) == 20
    assert max(counts) == 7
    assert len(await store.events_after(WORLD, 0, 99)) == 61


# -- messages ----------------------------------------------------------------------------------


async def test_old_messages_go_with_all_that_is_theirs_but_never_pending_ones(store: Store) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    old = await add(store, endpoint, parcel, 1, 2, 3, at=NOW - 2 * DAY)
    young = await add(store, endpoint, parcel, 4, at=NOW)
    assert await claimed(store) == [1]
    await finish(store, old[0], DELIVERED)
    assert await claimed(store) == [2]
    await finish(store, old[1], DEAD)

    assert await store.prune_messages(NOW - 2 * DAY) == 0
    assert await store.prune_messages(NOW - DAY) == 2

    left = (await store.list_messages(WORLD, MessageFilter())).messages
    assert [one.id for one in left] == [young[0].id, old[2].id]
    assert await store.load_message(WORLD, old[0].id) is None
    assert await store.list_attempts(old[0].id) == []
    assert await store.list_attempts(old[1].id) == []
    assert not await store.resend(WORLD, old[0].id, NOW)
    # A late answer about one that is gone changes nothing, and the line goes on.
    await finish(store, old[0], DELIVERED)
    (one,) = await claim(store)
    assert (one.message.id, one.skipped) == (old[2].id, ())
    await finish(store, old[2], DELIVERED)
    assert await claimed(store) == [4]
    assert await store.prune_messages(NOW - DAY) == 1
    assert await store.prune_messages(NOW + DAY) == 0
    await finish(store, young[0], DELIVERED)
    assert await store.prune_messages(NOW + DAY) == 1
    assert (await store.list_messages(WORLD, MessageFilter())).messages == []


async def test_a_backlog_that_waits_does_not_hide_what_may_go(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parcelwire.store.postgres import message_log as postgres_log
    from parcelwire.store.sqlite import message_log as sqlite_log

    for log in (sqlite_log, postgres_log):
        monkeypatch.setattr(log, "WINDOW", 10)
    ill, well = await add_endpoint(store), await add_endpoint(store, OTHER_WORLD)
    await store.add_messages([make_message(ill, new_id(), 1, NOW) for _ in range(35)])
    done = [make_message(well, new_id(), 1, NOW + 1) for _ in range(35)]
    await store.add_messages(done)
    await store.save_endpoint(replace(ill, is_enabled=False))
    assert len(await claim(store, NOW + 1)) == 35
    await store.finish_attempts([result_of(one.id, DELIVERED) for one in done])

    counts = [await store.prune_messages(NOW + HOUR, limit=12) for _ in range(5)]
    assert counts == [12, 12, 11, 0, 0]
    assert await store.count_waiting(ill.id) == 35
    # What has been passed over is found again when it no longer waits.
    await store.save_endpoint(ill)
    waiting = await claim(store, NOW + 1)
    await store.finish_attempts([result_of(one.message.id, DEAD) for one in waiting])
    assert await store.prune_messages(NOW + HOUR) == 35


async def test_messages_of_a_clock_that_was_ahead_do_not_hide_the_old_behind_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from parcelwire.store.postgres import message_log as postgres_log
    from parcelwire.store.sqlite import message_log as sqlite_log

    for log in (sqlite_log, postgres_log):
        monkeypatch.setattr(log, "WINDOW", 10)
    endpoint = await add_endpoint(store)
    ahead = [make_message(endpoint, new_id(), 1, NOW + 3_650 * DAY) for _ in range(120)]
    old = [make_message(endpoint, new_id(), 1, NOW - 100 * DAY) for _ in range(20)]
    await store.add_messages(ahead)
    await store.add_messages(old)
    assert len(await claim(store, NOW)) == 20
    await store.finish_attempts([result_of(one.id, DELIVERED) for one in old])
    counts = [await store.prune_messages(NOW - 90 * DAY, limit=7) for _ in range(10)]
    assert sum(counts) == 20
    assert max(counts) == 7
    assert len((await store.list_messages(WORLD, MessageFilter(), limit=500)).messages) == 120


async def test_what_is_sent_again_meanwhile_is_not_pruned(store: Store) -> None:
    endpoint = await add_endpoint(store)
    messages = [make_message(endpoint, new_id(), 1, NOW) for _ in range(60)]
    await store.add_messages(messages)
    await claim(store)
    await store.finish_attempts([result_of(one.id, DELIVERED) for one in messages])
    resending = asyncio.gather(*(store.resend(WORLD, one.id, NOW) for one in messages[::2]))
    gone = await store.prune_messages(NOW + HOUR, limit=60)
    answers = await resending
    kept = [one for one, was_there in zip(messages[::2], answers, strict=True) if was_there]
    assert gone == 60 - len(kept)
    for message in kept:
        assert await state_of(store, message) is PENDING
    batch = await claim(store)
    assert sorted(one.message.id for one in batch) == sorted(one.id for one in kept)
    assert await store.count_waiting(endpoint.id) == len(kept)
