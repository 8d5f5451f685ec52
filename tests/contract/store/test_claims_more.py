"""Several processes at once: nothing is claimed twice, and messages keep their order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import HOUR, SECOND, FrozenClock, Instant
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.ports import PollResult, PollState
from parcelwire.webhooks.ports import Attempt, AttemptResult, ClaimedMessage, MessageState
from tests.contract.store.samples import (
    NOW,
    WORLD,
    create,
    make_change,
    make_endpoint,
    make_message,
    make_new,
    new_id,
)

OpenAnother = Callable[[], Awaitable[Store]]


async def add_trackings(store: Store, count: int, start: int = 0) -> list[str]:
    ids = []
    for first in range(start, start + count, 500):
        items = [
            make_new(f"NR{index:07d}", due_at=NOW + index)
            for index in range(first, min(first + 500, start + count))
        ]
        await store.create_trackings(items)
        ids += [item.tracking.id for item in items]
    return ids


def finished(
    claimed: ClaimedMessage, at: Instant, state: MessageState, next_at: Instant | None = None
) -> AttemptResult:
    attempt = Attempt(
        id=new_id(at),
        message_id=claimed.message.id,
        at=at,
        duration_ms=7,
        status=200 if state is MessageState.DELIVERED else 503,
    )
    return AttemptResult(attempt=attempt, state=state, next_at=next_at)


async def test_one_of_two_processes_gets_a_lease_that_both_saw_free(
    store: Store, open_another: OpenAnother
) -> None:
    (tracking_id,) = await add_trackings(store, 1)
    other = await open_another()
    (before,) = await store.load_many([tracking_id])
    until = NOW + HOUR
    got = await asyncio.gather(
        *(one.lease_poll(tracking_id, lease=0, until=until) for one in (store, other, store))
    )
    assert sorted(got) == [False, False, True]
    (leased,) = await other.load_many([tracking_id])
    # Nothing but the lease is written.
    assert leased.poll == replace(before.poll, leased_until=until)
    assert await store.claim_polls(until - 1, lease_until=until + HOUR, limit=10) == []
    assert not await other.lease_poll(tracking_id, lease=0, until=0)
    assert await other.lease_poll(tracking_id, lease=until, until=0)
    (free,) = await store.load_many([tracking_id])
    assert free == before


@pytest.mark.parametrize("word", ["", "0" * 32, "no id", "z" * 32])
async def test_what_is_not_there_is_not_leased(store: Store, word: str) -> None:
    assert not await store.lease_poll(word, lease=0, until=NOW)


async def test_two_processes_never_claim_the_same_tracking(
    store: Store, open_another: OpenAnother
) -> None:
    ids = await add_trackings(store, 3000)
    now = NOW + HOUR
    claimed: list[str] = []

    async def claim_all(one: Store) -> int:
        mine = 0
        while claims := await one.claim_polls(now, lease_until=now + 30 * SECOND, limit=40):
            claimed.extend(claim.tracking_id for claim in claims)
            mine += len(claims)
        return mine

    other = await open_another()
    shares = await asyncio.gather(*(claim_all(one) for one in (store, other) for _ in range(3)))

    assert Counter(claimed) == Counter(ids)
    assert sum(shares) == len(ids)


async def test_a_claimed_tracking_comes_back_when_its_lease_ends_or_when_it_is_saved(
    store: Store, open_another: OpenAnother
) -> None:
    ids = await add_trackings(store, 3)
    other = await open_another()
    now = NOW + HOUR
    assert len(await store.claim_polls(now, lease_until=now + 30 * SECOND, limit=10)) == 3
    assert await other.claim_polls(now + 29 * SECOND, lease_until=now + HOUR, limit=10) == []

    done = PollState(due_at=now + 10 * SECOND, due_reason="again", checked_at=now, checks=1)
    await other.save_polls([PollResult(tracking_id=ids[0], poll=done)])

    again = now + 10 * SECOND
    claims = await store.claim_polls(again, lease_until=again + 30 * SECOND, limit=10)
    assert [claim.tracking_id for claim in claims] == ids[:1]
    later = now + 30 * SECOND
    claims = await other.claim_polls(later, lease_until=later + 30 * SECOND, limit=10)
    assert {claim.tracking_id for claim in claims} == set(ids[1:])


@pytest.mark.parametrize("jump", [HOUR, 24 * HOUR, 3650 * 24 * HOUR])
async def test_a_lease_given_by_a_clock_that_jumped_back_does_not_last(
    store: Store, jump: Instant
) -> None:
    await add_trackings(store, 5)
    ahead = NOW + jump
    claims = await store.claim_polls(ahead, lease_until=ahead + 30 * SECOND, limit=10)
    assert len(claims) == 5
    # The clock is put right again.
    now = NOW + 5
    claims = await store.claim_polls(now, lease_until=now + 30 * SECOND, limit=10)
    assert len(claims) == 5


async def queue_messages(
    store: Store, endpoint_ids: int, tracking_count: int, per_tracking: int
) -> int:
    endpoints = [make_endpoint() for _ in range(endpoint_ids)]
    for endpoint in endpoints:
        await store.add_endpoint(endpoint)
    trackings = [new_id() for _ in range(tracking_count)]
    await store.add_messages(
        [
            make_message(endpoint, tracking_id, sequence)
            for sequence in range(1, per_tracking + 1)
            for endpoint in endpoints
            for tracking_id in trackings
        ]
    )
    return endpoint_ids * tracking_count * per_tracking


@pytest.mark.parametrize("seed", [1, 2])
async def test_order_holds_with_many_workers_failures_and_lost_workers(
    store: Store, open_another: OpenAnother, clock: FrozenClock, seed: int
) -> None:
    chance = random.Random(seed)
    total = await queue_messages(store, 4, 25, 6)
    stores = [store, await open_another()]
    delivered: dict[tuple[str, str], list[int]] = defaultdict(list)
    under_way: dict[tuple[str, str], Instant] = {}
    faults = Counter[str]()

    async def work(one: Store) -> None:
        now = clock.now()
        lease_until = now + 30 * SECOND
        batch = await one.claim_messages(now, lease_until=lease_until, limit=20, per_endpoint=7)
        per_endpoint = Counter(item.endpoint.id for item in batch)
        assert all(count <= 7 for count in per_endpoint.values())
        results = []
        for item in batch:
            lane = (item.endpoint.id, item.message.tracking_id)
            assert under_way.get(lane, 0) <= now, "two messages of one lane under way"
            under_way[lane] = lease_until
            luck = chance.random()
            if luck < 0.1:
                faults["worker lost"] += 1  # never finished: the lease has to end
                continue
            if luck < 0.3:
                faults["receiver failed"] += 1
                results.append(finished(item, now, MessageState.PENDING, now + SECOND))
            else:
                delivered[lane].append(item.message.sequence)
                results.append(finished(item, now, MessageState.DELIVERED))
        await asyncio.sleep(0)
        for item in batch:
            if any(result.attempt.message_id == item.message.id for result in results):
                under_way[item.endpoint.id, item.message.tracking_id] = 0
        await one.finish_attempts(results)

    for _ in range(1000):
        # Workers run at once within a round; time passes between rounds only, so that no lease
        # ends because the machine is slow.
        await asyncio.gather(*(work(one) for one in stores for _ in range(2)))
        if sum(map(len, delivered.values())) >= total:
            break
        clock.advance(0.5)

    assert faults["worker lost"] > 10
    assert faults["receiver failed"] > 50
    assert len(delivered) == 100
    assert all(sequences == [1, 2, 3, 4, 5, 6] for sequences in delivered.values())
    assert await store.next_message_due() is None


async def test_messages_queued_while_others_are_delivered_are_not_forgotten(
    store: Store, open_another: OpenAnother
) -> None:
    other = await open_another()
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    trackings = [await create(store, f"NR{index:07d}") for index in range(5)]
    sent: dict[str, list[int]] = defaultdict(list)
    is_done = False

    async def change(index: int) -> None:
        tracking = trackings[index]
        for turn in range(30):
            status = Status.TRANSIT if turn % 2 else Status.PICKUP
            message = make_message(endpoint, tracking.id, tracking.sequence + 1)
            save = make_change(tracking, status=status, messages=(message,))
            assert await store.save(save)
            tracking = save.tracking

    async def deliver() -> None:
        while True:
            was_done = is_done
            batch = await other.claim_messages(
                NOW, lease_until=NOW + 30 * SECOND, limit=3, per_endpoint=10
            )
            if not batch and was_done:
                return
            for item in batch:
                sent[item.message.tracking_id].append(item.message.sequence)
            await other.finish_attempts(
                [finished(item, NOW, MessageState.DELIVERED) for item in batch]
            )

    worker = asyncio.create_task(deliver())
    await asyncio.gather(*(change(index) for index in range(5)))
    is_done = True
    await worker

    assert sent == {tracking.id: list(range(1, 31)) for tracking in trackings}


async def test_events_read_while_many_write_come_once_and_in_order(
    store: Store, open_another: OpenAnother
) -> None:
    other = await open_another()
    trackings = [await create(store, f"NR{index:07d}") for index in range(12)]
    seen: list[tuple[int, str, int]] = []
    is_done = False

    async def change(index: int) -> None:
        tracking = trackings[index]
        writer = store if index % 2 else other
        for turn in range(15):
            save = make_change(tracking, status=Status.TRANSIT if turn % 2 else Status.PICKUP)
            assert await writer.save(save)
            tracking = save.tracking

    async def read() -> None:
        cursor = 0
        while True:
            was_done = is_done
            page = await other.events_after(WORLD, cursor, 7)
            if not page and was_done:
                return
            for cursor, event in page:
                seen.append((cursor, event.tracking_id, event.sequence))
            await asyncio.sleep(0)

    reader = asyncio.create_task(read())
    await asyncio.gather(*(change(index) for index in range(12)))
    is_done = True
    await reader

    cursors = [cursor for cursor, _, _ in seen]
    assert cursors == sorted(set(cursors))
    sequences: dict[str, list[int]] = defaultdict(list)
    for _, tracking_id, sequence in seen:
        sequences[tracking_id].append(sequence)
    assert sequences == {tracking.id: list(range(1, 16)) for tracking in trackings}


async def test_of_changes_of_one_version_exactly_one_is_stored(
    store: Store, open_another: OpenAnother
) -> None:
    other = await open_another()
    tracking = await create(store)
    for turn in range(1, 11):
        status = Status.TRANSIT if turn % 2 else Status.PICKUP
        changes = [make_change(tracking, status=status) for _ in range(8)]
        answers = await asyncio.gather(
            *((store, other)[index % 2].save(change) for index, change in enumerate(changes))
        )
        assert sorted(answers) == [False] * 7 + [True]
        winner = changes[answers.index(True)]
        tracking = winner.tracking
        events = await store.events_after(WORLD, 0, 100)
        assert [event.sequence for _, event in events] == list(range(1, turn + 1))
        assert events[-1][1] == winner.event


async def test_a_dead_endpoint_with_very_many_messages_holds_nobody_up(
    store: Store, clock: FrozenClock
) -> None:
    dead, disabled, healthy = make_endpoint(), make_endpoint(is_enabled=False), make_endpoint()
    for endpoint in (dead, disabled, healthy):
        await store.add_endpoint(endpoint)
    for endpoint in (dead, disabled):
        for _ in range(4):
            await store.add_messages([make_message(endpoint, new_id(), 1) for _ in range(1000)])
    await store.add_messages([make_message(healthy, new_id(), 1, NOW + 1) for _ in range(10)])
    now = NOW + SECOND

    batch = await store.claim_messages(
        now, lease_until=now + 30 * SECOND, limit=20, per_endpoint=10
    )
    counts = Counter(item.endpoint.id for item in batch)
    assert counts == {dead.id: 10, healthy.id: 10}

    batch = await store.claim_messages(
        now, lease_until=now + 30 * SECOND, limit=20, per_endpoint=10, skip_endpoints={dead.id}
    )
    assert batch == []
