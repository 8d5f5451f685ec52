"""The SQLite engine alone, on a file on disk: ``python -m bench.store_sqlite [ROWS]``.

CPU is this process's, per operation, both threads together; rates are wall clock. Figures bear the
names of ``bench.store_postgres`` where both measure the same.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import uvloop

from parcelwire.domain.clock import DAY, SECOND, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details, Tracking
from parcelwire.store.port import Store
from parcelwire.store.sqlite import open_store
from parcelwire.tracking.ports import PollResult, PollState, RawResponse, TrackingFilter
from parcelwire.webhooks.ports import Attempt, AttemptResult, MessageState
from tests.contract.store.samples import (
    NOW,
    WORLD,
    make_change,
    make_checkpoints,
    make_endpoint,
    make_message,
    make_new,
    make_past,
    new_id,
)

ROWS = 100_000
CHECKPOINTS = 10
LATER = NOW + DAY
LEASE = LATER + 30 * SECOND
EVERYTHING = TrackingFilter()

Figures = dict[str, float]


def run(rows: int = ROWS) -> Figures:
    """Measure with ``rows`` trackings of ten checkpoints; return figures by name and unit."""
    with TemporaryDirectory(prefix="parcelwire-bench-") as folder:
        return uvloop.run(_measure(Path(folder) / "parcelwire.db", rows))


async def _measure(path: Path, rows: int) -> Figures:
    store = await open_store(path, render=_render, clock=FrozenClock())
    figures: Figures = {"rows": rows}
    await _fill(store, rows, figures)
    figures["bytes_per_tracking"] = sum(f.stat().st_size for f in path.parent.iterdir()) / rows
    await _read(store, rows, figures)
    await _list(store, rows, figures)
    await _create(store, figures)
    await _change(store, min(3_000, rows), figures)
    await _poll(store, min(20_000, rows // 2), figures)
    await _tell(store, figures)
    await store.close()
    return figures


async def _fill(store: Store, rows: int, figures: Figures) -> None:
    started, checkpoints = time.perf_counter(), make_checkpoints(CHECKPOINTS)
    for first in range(0, rows, 500):
        await store.create_trackings(
            [
                make_new(
                    _number(index),
                    created_at=NOW + index,
                    due_at=NOW + index,
                    checkpoints=checkpoints,
                    details=Details(order_number=f"#{index}"),
                )
                for index in range(first, min(first + 500, rows))
            ]
        )
    figures["fill_per_second"] = rows / (time.perf_counter() - started)


async def _read(store: Store, rows: int, figures: Figures) -> None:
    chance = random.Random(2)
    numbers = [_number(chance.randrange(rows)) for _ in range(5_000)]

    async def find() -> None:
        for number in numbers:
            assert await store.find(WORLD, number)

    async def rendition() -> None:
        for number in numbers:
            where = TrackingFilter(numbers=(number,))
            assert await store.list_renditions(WORLD, where, offset=0, limit=100)

    figures["find_cpu_us"] = await _best(find, len(numbers))
    figures["rendition_cpu_us"] = await _best(rendition, len(numbers))


async def _list(store: Store, rows: int, figures: Figures) -> None:
    pages = {
        "list_100": (0, EVERYTHING),
        "list_100_in_the_middle": (rows // 2, EVERYTHING),
        "list_100_of_two_statuses": (0, TrackingFilter(statuses=(Status.PENDING, Status.EXPIRED))),
        "list_100_of_a_courier": (0, TrackingFilter(courier_code="swiss-post")),
        "list_none_of_a_courier": (0, TrackingFilter(courier_code="nobody")),
    }
    for name, (offset, where) in pages.items():

        async def page(offset: int = offset, where: TrackingFilter = where) -> None:
            for _ in range(20):
                await store.list_renditions(WORLD, where, offset=offset, limit=100)

        figures[f"{name}_cpu_us"] = await _best(page, 20)


async def _create(store: Store, figures: Figures) -> None:
    turns = iter(range(1_000_000))

    async def client(count: int) -> None:
        for _ in range(count):
            await store.create_trackings([make_new(f"C{next(turns):09d}", due_at=None)])

    async def batches() -> None:
        for _ in range(50):
            await store.create_trackings(
                [make_new(f"C{next(turns):09d}", due_at=None) for _ in range(40)]
            )

    for clients, count in ((64, 50), (8, 50), (1, 100)):
        cpu, rate = await _timed(
            lambda n=clients, c=count: asyncio.gather(*(client(c) for _ in range(n))),  # type: ignore[misc]
            clients * count,
        )
        figures[f"create_{clients}_client_cpu_us"] = cpu
        figures[f"create_{clients}_client_per_second"] = rate
    figures["create_in_batch_of_40_cpu_us"], _ = await _timed(batches, 2_000)


async def _change(store: Store, count: int, figures: Figures) -> None:
    raw = RawResponse(at=NOW, connector="swiss-post", outcome="found", body=b'{"a":1}' * 300)
    poll = PollState(due_at=LATER, due_reason="moving", checked_at=NOW)
    found = [(await store.find(WORLD, _number(index)))[0] for index in range(count)]
    changes = iter(
        [make_change(one.tracking, status=Status.TRANSIT, poll=poll, raw=raw) for one in found]
    )

    async def worker() -> None:
        for change in changes:
            assert await store.save(change)

    figures["save_cpu_us"], figures["save_per_second"] = await _timed(
        lambda: asyncio.gather(*(worker() for _ in range(32))), count
    )


async def _poll(store: Store, count: int, figures: Figures) -> None:
    done = 0

    async def worker() -> None:
        nonlocal done
        while done < count:
            claims = await store.claim_polls(LATER, lease_until=LEASE, limit=200)
            done += len(claims)
            poll = PollState(due_at=LATER + DAY + done, due_reason="quiet", checked_at=LATER)
            await store.save_polls(
                [
                    PollResult(
                        tracking_id=claim.tracking_id, poll=poll, past=make_past(), lease=LEASE
                    )
                    for claim in claims
                ]
            )

    (
        figures["claim_and_finish_polls_cpu_us"],
        figures["claim_and_finish_polls_per_second"],
    ) = await _timed(lambda: asyncio.gather(worker(), worker()), count)


async def _tell(store: Store, figures: Figures) -> None:
    dead, *healthy = [make_endpoint() for _ in range(11)]
    for endpoint in (dead, *healthy):
        await store.add_endpoint(endpoint)
    for _ in range(100):
        await store.add_messages([make_message(dead, new_id(), 1) for _ in range(1_000)])
    trackings = [new_id() for _ in range(500)]
    await store.add_messages(
        [
            make_message(endpoint, tracking_id, sequence)
            for endpoint in healthy
            for tracking_id in trackings
            for sequence in (1, 2)
        ]
    )
    delivered = 0

    async def worker() -> None:
        nonlocal delivered
        while batch := await store.claim_messages(
            LATER, lease_until=LEASE, limit=200, per_endpoint=20, skip_endpoints={dead.id}
        ):
            delivered += len(batch)
            await store.finish_attempts([_delivered(item.message.id) for item in batch])

    (
        figures["claim_and_finish_messages_cpu_us"],
        figures["claim_and_finish_messages_per_second"],
    ) = await _timed(lambda: asyncio.gather(worker(), worker()), 10_000)
    assert delivered == 10_000


def _delivered(message_id: str) -> AttemptResult:
    attempt = Attempt(id=new_id(), message_id=message_id, at=LATER, duration_ms=5, status=200)
    return AttemptResult(attempt=attempt, state=MessageState.DELIVERED)


async def _best(work: Callable[[], Awaitable[object]], count: int) -> float:
    """Return CPU microseconds per operation of the best of some short bursts."""
    return min([(await _timed(work, count))[0] for _ in range(5)])


async def _timed(work: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    """Return CPU microseconds per operation and operations per second of wall clock."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    await work()
    return (_cpu_seconds() - cpu) * 1e6 / count, count / (time.perf_counter() - wall)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _number(index: int) -> str:
    return f"RR{index:09d}CH"


def _render(tracking: Tracking) -> bytes:
    return msgspec.json.encode(tracking)


if __name__ == "__main__":
    print(json.dumps(run(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS), indent=2))
