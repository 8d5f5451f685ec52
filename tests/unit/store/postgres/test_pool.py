from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Any

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.postgres import PostgresStore, open_store, pool
from parcelwire.store.postgres.database import Database
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import WORLD, create, make_new, render

CONNECTIONS = (
    "select count(*) from pg_stat_activity "
    "where datname = current_database() and backend_type = 'client backend'"
)


async def test_many_operations_share_few_connections(dsn: str, store: PostgresStore) -> None:
    tracking = await create(store)
    answers = await asyncio.gather(*(store.load(WORLD, tracking.id) for _ in range(200)))
    assert all(answer is not None for answer in answers)
    rows = await store._database.fetch(CONNECTIONS)
    assert 1 < rows[0][0] <= 4


async def test_who_gives_up_waiting_takes_no_connection_with_him(dsn: str) -> None:
    database = Database(dsn, behind_pgbouncer=False, pool_size=1)
    for _ in range(10):
        holder = asyncio.create_task(database.fetch("select pg_sleep(0.02)"))
        await asyncio.sleep(0.005)
        waiting = [asyncio.create_task(database.fetch("select 1")) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await holder
        waiting[1].cancel()  # perhaps just when the connection is handed over
        with contextlib.suppress(asyncio.CancelledError):
            await waiting[1]
        assert (await waiting[2])[0][0] == 1
    await database.close()


async def test_a_pool_that_stays_busy_answers_unavailable(
    dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "WAIT_SECONDS", 0.05)
    database = Database(dsn, behind_pgbouncer=False, pool_size=1)
    holder = asyncio.create_task(database.fetch("select pg_sleep(0.3)"))
    await asyncio.sleep(0.01)
    with pytest.raises(StoreUnavailableError, match="no database connection became free"):
        await database.fetch("select 1")
    await holder
    assert (await database.fetch("select 1"))[0][0] == 1
    await database.close()


async def test_closing_lets_what_is_under_way_finish(cluster: Cluster, dsn: str) -> None:
    store = await open_store(dsn, render=render, clock=FrozenClock(), pool_size=3)
    creating = [
        asyncio.create_task(store.create_trackings([make_new(f"NR{index:07d}")]))
        for index in range(40)
    ]
    await asyncio.sleep(0)
    await store.close()
    answers = await asyncio.gather(*creating, return_exceptions=True)
    done = sum(not isinstance(answer, BaseException) for answer in answers)
    assert done == 40
    assert cluster.sql("select count(*) from tracking", dsn).strip() == "40"
    with pytest.raises(StoreUnavailableError):
        await store.load(WORLD, "0" * 32)


class Loose:
    """A connection that does nothing, and may break."""

    def __init__(self) -> None:
        self.is_broken = False

    def is_closed(self) -> bool:
        return self.is_broken

    def is_in_transaction(self) -> bool:
        return False

    def terminate(self) -> None:
        self.is_broken = True

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's
        self.is_broken = True


async def test_the_news_of_room_goes_on_when_its_hearer_has_just_left() -> None:
    """A connection that breaks leaves room for one; whoever waits next is to open it."""

    async def connect() -> Any:
        return Loose()

    connections = pool.Pool(connect, 1)
    link: Any = await connections.acquire()
    waiting = [asyncio.create_task(connections.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    link.is_broken = True
    connections.release(link)  # tells the first one that there is room
    waiting[0].cancel()
    async with asyncio.timeout(pool.WAIT_SECONDS / 2):
        second = await waiting[1]
        connections.release(second)
        connections.release(await waiting[2])
    await asyncio.gather(*waiting, return_exceptions=True)
    assert waiting[0].cancelled()


@pytest.mark.parametrize("seed", range(20))
async def test_no_connection_is_ever_lost(seed: int) -> None:
    """Callers come, leave while they wait, break connections: the last one finds one at once."""
    dice = random.Random(seed)
    opened: list[Loose] = []

    async def connect() -> Any:
        await asyncio.sleep(0)
        if dice.random() < 0.1:
            raise ConnectionRefusedError
        opened.append(Loose())
        return opened[-1]

    connections = pool.Pool(connect, 2)

    async def use() -> None:
        link: Any = await connections.acquire()
        try:
            for _ in range(dice.randrange(3)):
                await asyncio.sleep(0)
        finally:
            link.is_broken = dice.random() < 0.5
            connections.release(link)

    callers = []
    for _ in range(300):
        callers.append(asyncio.create_task(use()))
        if dice.random() < 0.6:
            dice.choice(callers[-8:]).cancel()
        if dice.random() < 0.5:
            await asyncio.sleep(0)
    async with asyncio.timeout(pool.WAIT_SECONDS / 2):
        outcomes = await asyncio.gather(*callers, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) > 50
    assert sum(not one.is_broken for one in opened) <= 2
