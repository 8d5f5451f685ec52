"""The PostgreSQL engine alone, on a real server on disk: ``python -m bench.store_postgres [ROWS]``.

CPU is this process's, per operation; rates are wall clock with the server on the same machine.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec
import uvloop

from parcelwire.domain.clock import DAY, SECOND, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.postgres import PostgresStore, open_store
from parcelwire.tracking.ports import NewTracking, PollResult, PollState, TrackingFilter
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageState
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import (
    NOW,
    WORLD,
    make_change,
    make_checkpoints,
    make_endpoint,
    make_message,
    make_new,
    make_past,
    make_tracking,
    new_id,
)

ROWS = 100_000
CHECKPOINTS = 10
LATER = NOW + DAY


def run(rows: int = ROWS) -> dict[str, float]:
    """Measure with ``rows`` trackings of ten checkpoints; return figures by name and unit."""
    cluster = Cluster(is_in_memory=False)
    try:
        return uvloop.run(_measure(cluster.create_database(), rows))
    finally:
        cluster.remove()


async def _measure(dsn: str, rows: int) -> dict[str, float]:
    store = await open_store(dsn, render=_render, clock=FrozenClock())
    figures: dict[str, float] = {"rows": rows}
    ids = await _fill(store, rows, figures)
    await _create(store, figures)
    await _read(store, ids, figures)
    await _change(store, ids[: min(2_000, rows)], figures)
    await _poll(store, min(20_000, rows // 2), figures)
    await _tell(store, figures)
    await store.close()
    return figures


async def _fill(store: PostgresStore, rows: int, figures: dict[str, float]) -> list[str]:
    started, chance = time.perf_counter(), random.Random(1)
    checkpoints = make_checkpoints(CHECKPOINTS)
    ids: list[str] = []
    for first in range(0, rows, 500):
        batch = []
        for index in range(first, min(first + 500, rows)):
            tracking = make_tracking(
                f"RR{index:09d}CH",
                created_at=NOW + index,
                page_token=f"{chance.getrandbits(128):032x}",
                checkpoints=checkpoints,
            )
            batch.append(NewTracking(tracking=tracking, due_at=NOW + index, due_reason="new"))
            ids.append(tracking.id)
        await store.create_trackings(batch)
    figures["fill_per_second"] = rows / (time.perf_counter() - started)
    return ids


async def _create(store: PostgresStore, figures: dict[str, float]) -> None:
    async def one(worker: int) -> None:
        for turn in range(50):
            await store.create_trackings([make_new(f"C{worker:03d}{turn:03d}", due_at=None)])

    await one(999)  # warm
    figures["create_64_clients_cpu_us"], rate = await _timed(
        lambda: asyncio.gather(*map(one, range(64))), 64 * 50
    )
    figures["create_64_clients_per_second"] = rate
    figures["create_1_client_cpu_us"], _ = await _timed(lambda: one(64), 50)


async def _read(store: PostgresStore, ids: list[str], figures: dict[str, float]) -> None:
    chance = random.Random(2)
    chosen = [chance.choice(ids) for _ in range(2_000)]

    async def load() -> None:
        for tracking_id in chosen:
            assert await store.load(WORLD, tracking_id) is not None

    await load()
    figures["load_cpu_us"], rate = await _timed(load, len(chosen))
    figures["load_wall_us"] = 1e6 / rate

    async def page(offset: int, *statuses: Status) -> None:
        for _ in range(10):
            where = TrackingFilter(statuses=statuses)
            await store.list_renditions(WORLD, where, offset=offset, limit=100)

    for name, offset, statuses in (
        ("list_100", 0, ()),
        ("list_100_in_the_middle", len(ids) // 2, ()),
        ("list_rare_statuses", 0, (Status.DELIVERED, Status.EXCEPTION)),
    ):
        await page(offset, *statuses)
        _, rate = await _timed(lambda o=offset, s=statuses: page(o, *s), 10)  # type: ignore[misc]
        figures[f"{name}_wall_us"] = 1e6 / rate


async def _change(store: PostgresStore, ids: list[str], figures: dict[str, float]) -> None:
    stored = iter(await store.load_many(ids))

    async def one() -> None:
        for one in stored:
            poll = PollState(due_at=LATER, due_reason="moving", checked_at=NOW)
            assert await store.save(make_change(one.tracking, status=Status.TRANSIT, poll=poll))

    figures["save_cpu_us"], figures["save_per_second"] = await _timed(
        lambda: asyncio.gather(*(one() for _ in range(16))), len(ids)
    )


async def _poll(store: PostgresStore, count: int, figures: dict[str, float]) -> None:
    done = 0

    async def one() -> None:
        nonlocal done
        while done < count:
            claims = await store.claim_polls(LATER, lease_until=LATER + 30 * SECOND, limit=200)
            done += len(claims)
            poll = PollState(due_at=LATER + DAY + done, due_reason="quiet", checked_at=LATER)
            await store.save_polls(
                [
                    PollResult(tracking_id=claim.tracking_id, poll=poll, past=make_past())
                    for claim in claims
                ]
            )

    (
        figures["claim_and_finish_polls_cpu_us"],
        figures["claim_and_finish_polls_per_second"],
    ) = await _timed(lambda: asyncio.gather(one(), one()), count)
    _, rate = await _timed(store.next_poll_due, 1)
    figures["next_poll_due_wall_us"] = 1e6 / rate


async def _tell(store: PostgresStore, figures: dict[str, float]) -> None:
    dead, *healthy = [make_endpoint() for _ in range(11)]
    for endpoint in (dead, *healthy):
        await store.add_endpoint(endpoint)
    for _ in range(100):
        await store.add_messages([make_message(dead, new_id(), 1) for _ in range(1_000)])
    for _ in range(10):
        trackings = [new_id() for _ in range(50)]
        await store.add_messages(
            [
                make_message(endpoint, tracking_id, sequence)
                for endpoint in healthy
                for tracking_id in trackings
                for sequence in (1, 2)
            ]
        )
    delivered = 0

    async def one() -> None:
        nonlocal delivered
        while True:
            batch = await store.claim_messages(
                LATER,
                lease_until=LATER + 30 * SECOND,
                limit=200,
                per_endpoint=20,
                skip_endpoints={dead.id},
            )
            if not batch:
                return
            delivered += len(batch)
            await store.finish_attempts([_delivered(item.message.id) for item in batch])

    cpu, rate = await _timed(lambda: asyncio.gather(one(), one()), 10_000)
    assert delivered == 10_000
    figures["claim_and_finish_messages_cpu_us"] = cpu
    figures["claim_and_finish_messages_per_second"] = rate

    async def claim() -> None:
        for _ in range(20):
            await store.claim_messages(
                LATER, lease_until=LATER + 30 * SECOND, limit=200, per_endpoint=20
            )

    _, rate = await _timed(claim, 20)
    figures["claim_beside_100000_of_a_dead_endpoint_wall_us"] = 1e6 / rate


def _delivered(message_id: str) -> AttemptResult:
    attempt = Attempt(id=new_id(), message_id=message_id, at=LATER, duration_ms=5, status=200)
    return AttemptResult(attempt=attempt, state=MessageState.DELIVERED)


async def _timed(work: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    """Return CPU microseconds per operation and operations per second of wall clock."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    await work()
    return (_cpu_seconds() - cpu) * 1e6 / count, count / (time.perf_counter() - wall)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _render(tracking: Tracking) -> bytes:
    return msgspec.json.encode(tracking)


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS), indent=2))
