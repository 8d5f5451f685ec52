"""Transactions that cross each other on purpose."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import asyncpg
from msgspec.structs import replace

from parcelwire.domain.clock import HOUR, SECOND, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.store.postgres import PostgresStore, open_store
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageFilter, MessageState
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import (
    NOW,
    WORLD,
    advance,
    create,
    make_change,
    make_endpoint,
    make_message,
    make_new,
    new_id,
    render,
)
from tests.unit.store.postgres.holding import holding

# A queue counts its pending messages, and every pending message has its queue; what was given up is
# there and was not delivered; attempts are of messages that are there.
DRIFT = """
select count(*) from delivery_queue l full join (
    select endpoint_id, tracking_id, count(*) as n from pending_message group by 1, 2
) w using (endpoint_id, tracking_id)
where l.pending_count is distinct from w.n
union all
select count(*) from message m full join pending_message w on w.message_id = m.id
where (coalesce(m.state, '') = 'pending') <> (w.message_id is not null)
union all
select count(*) from skipped k left join message m on m.id = k.message_id
where coalesce(m.state, 'delivered') = 'delivered'
union all
select count(*) from attempt a left join message m on m.id = a.message_id where m.id is null
union all
select count(*) from message where is_dead <> (state = 'dead')
"""


async def test_a_message_queued_while_the_one_before_is_delivered_gets_its_turn(
    store: PostgresStore, dsn: str
) -> None:
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    tracking = await create(store)
    first = make_message(endpoint, tracking.id, 1)
    tracking = await advance(store, tracking, status=Status.TRANSIT, messages=(first,))
    assert len(await _claim(store)) == 1

    other: Any = await asyncpg.connect(dsn)
    transaction = other.transaction()
    await transaction.start()
    held = holding(other)
    second = make_message(endpoint, tracking.id, 2)
    assert await held.save(make_change(tracking, status=Status.PICKUP, messages=(second,)))
    # Begins before the second message is committed, and has to wait for its queue.
    finishing = asyncio.create_task(store.finish_attempts([_delivered(first.id)]))
    await asyncio.sleep(0.2)
    assert not finishing.done()
    await transaction.commit()
    await finishing

    assert await _claim(store) == [second.id]
    assert [row[0] for row in await other.fetch(DRIFT)] == [0] * 5
    await other.close(timeout=2)


async def test_a_failure_that_comes_after_the_delivery_does_not_put_off_the_next(
    store: PostgresStore, dsn: str
) -> None:
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    first, second = (make_message(endpoint, new_id(), 1) for _ in range(2))
    second = replace(second, tracking_id=first.tracking_id, sequence=2)
    await store.add_messages([first, second])
    assert await _claim(store) == [first.id]

    other: Any = await asyncpg.connect(dsn)
    transaction = other.transaction()
    await transaction.start()
    held = holding(other)
    # Another worker, after this one's lease, has delivered it.
    await held.finish_attempts([_delivered(first.id)])
    # Begins before that is committed: to this statement the message seems to wait still.
    late = _delivered(first.id, MessageState.PENDING)
    failing = asyncio.create_task(store.finish_attempts([replace(late, next_at=NOW + HOUR)]))
    await asyncio.sleep(0.2)
    assert not failing.done()
    await transaction.commit()
    await failing

    assert await store.next_message_due() == NOW
    assert await _claim(store) == [second.id]
    assert [row[0] for row in await other.fetch(DRIFT)] == [0] * 5
    delivered = await store.load_message(WORLD, first.id)
    assert delivered is not None
    assert (delivered.state, delivered.attempts) == (MessageState.DELIVERED, 2)
    await other.close(timeout=2)


async def test_a_message_queued_just_after_its_endpoint_was_deleted_does_not_stay(
    store: PostgresStore, dsn: str
) -> None:
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    tracking = await create(store)
    other: Any = await asyncpg.connect(dsn)
    transaction = other.transaction()
    await transaction.start()
    held = holding(other)
    message = make_message(endpoint, tracking.id, 1)
    assert await held.save(make_change(tracking, status=Status.TRANSIT, messages=(message,)))
    assert await store.delete_endpoint(WORLD, endpoint.id)
    await transaction.commit()

    assert await _claim(store) == []
    assert await store.next_message_due() is None
    orphan = await store.load_message(WORLD, message.id)
    assert orphan is not None
    assert orphan.state is MessageState.DEAD
    assert [row[0] for row in await other.fetch(DRIFT)] == [0] * 5
    await other.close(timeout=2)


async def test_queues_never_drift_whatever_happens_at_once(dsn: str, cluster: Cluster) -> None:
    stores = [
        await open_store(dsn, render=render, clock=FrozenClock(), pool_size=4) for _ in range(2)
    ]
    chance = random.Random(7)
    endpoints = [make_endpoint() for _ in range(3)]
    for endpoint in endpoints:
        await stores[0].add_endpoint(endpoint)
    trackings = [await create(stores[0], f"NR{index:07d}") for index in range(6)]
    known: list[str] = []
    taken: list[int] = []
    done = 0

    async def change(index: int) -> None:
        tracking = trackings[index]
        for turn in range(25):
            status = Status.TRANSIT if turn % 2 else Status.PICKUP
            messages = tuple(
                make_message(endpoint, tracking.id, tracking.sequence + 1) for endpoint in endpoints
            )
            save = make_change(tracking, status=status, messages=messages)
            assert await stores[index % 2].save(save)
            known.extend(message.id for message in messages)
            tracking = save.tracking

    async def deliver(worker: int) -> None:
        nonlocal done
        for _ in range(60):
            store = stores[worker % 2]
            batch = await store.claim_messages(
                NOW, lease_until=NOW + 30 * SECOND, limit=8, per_endpoint=4
            )
            done += len(batch)
            states = [MessageState.PENDING, MessageState.DELIVERED, MessageState.DEAD]
            await store.finish_attempts(
                [_delivered(item.message.id, chance.choice(states)) for item in batch]
            )

    async def meddle() -> None:
        for turn in range(60):
            await asyncio.sleep(0.002)
            if not known:
                continue
            store = stores[turn % 2]
            await store.resend(WORLD, chance.choice(known), NOW)
            if turn % 5 == 0:
                where = MessageFilter(states=(MessageState.DEAD, MessageState.DELIVERED))
                taken.append(await store.replay(WORLD, where, NOW, limit=5))
            elif turn % 5 == 3:
                taken.append(await store.prune_messages(NOW + HOUR, limit=3))
        await stores[0].delete_endpoint(WORLD, endpoints[0].id)

    await asyncio.gather(*map(change, range(6)), *map(deliver, range(4)), meddle())
    await stores[0].next_message_due()

    assert done > 100
    assert sum(taken) > 10
    assert cluster.sql(DRIFT, dsn).split() == ["0"] * 5
    for store in stores:
        await store.close()


async def test_counters_agree_when_everybody_writes_and_folds(dsn: str, cluster: Cluster) -> None:
    stores = [await open_store(dsn, render=render, clock=FrozenClock()) for _ in range(3)]

    async def work(worker: int) -> None:
        store = stores[worker % 3]
        for turn in range(20):
            item = make_new(f"NR{worker:03d}{turn:04d}")
            await store.create_trackings([item])
            await advance(store, item.tracking, status=Status.TRANSIT)
            if turn % 4 == 0:
                await store.delete_trackings(WORLD, [item.tracking.id])
            if turn % 5 == 0:
                await store._counters.fold()

    await asyncio.gather(*map(work, range(9)))

    assert await stores[0].count_created(WORLD) == 180
    counted = "select count(*) from tracking where status = 'transit'"
    assert cluster.sql(counted, dsn).strip() == "135"
    totals = await stores[1]._counters.totals(WORLD)
    assert totals.pop((Status.TRANSIT, False)) == 135
    assert set(totals.values()) <= {0}
    await stores[2]._counters.fold()
    assert cluster.sql("select count(*) from counter_change", dsn).strip() == "0"
    for store in stores:
        assert await store.count_created(WORLD) == 180
        await store.close()


async def test_a_quota_holds_for_processes_that_create_at_once(dsn: str) -> None:
    stores = [await open_store(dsn, render=render, clock=FrozenClock()) for _ in range(3)]
    answers = await asyncio.gather(
        *(
            stores[index % 3].create_trackings(
                [make_new(f"NR{index:04d}{part}") for part in range(3)], quota=50
            )
            for index in range(40)
        )
    )
    results = [creation.result for answer in answers for creation in answer]
    assert results.count("created") == 50
    assert results.count("over_quota") == 70
    assert await stores[0].count_created(WORLD) == 50
    for store in stores:
        await store.close()


async def _claim(store: PostgresStore) -> list[str]:
    batch = await store.claim_messages(
        NOW, lease_until=NOW + 30 * SECOND, limit=10, per_endpoint=10
    )
    return [item.message.id for item in batch]


def _delivered(message_id: str, state: MessageState = MessageState.DELIVERED) -> AttemptResult:
    attempt = Attempt(id=new_id(), message_id=message_id, at=NOW, duration_ms=5, status=200)
    return AttemptResult(attempt=attempt, state=state, next_at=NOW)
