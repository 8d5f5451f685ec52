from __future__ import annotations

import asyncio
import contextlib

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
