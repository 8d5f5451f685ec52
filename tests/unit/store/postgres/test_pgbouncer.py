"""What PgBouncer's transaction mode asks: nothing may be left behind in a server's session."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from parcelwire.domain.clock import SECOND, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.store.postgres import PostgresStore, open_store
from parcelwire.tracking.ports import TrackingFilter
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import NOW, WORLD, advance, create, make_new, render
from tests.unit.store.postgres.transaction_pooler import TransactionPooler

SESSION = """
select (select count(*) from pg_prepared_statements)
    + (select count(*) from pg_listening_channels())
    + (select count(*) from pg_cursors where is_holdable)
    + (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid())
    + (select count(*) from pg_class where relpersistence = 't')
"""


async def _use(store: PostgresStore, name: str) -> None:
    tracking = await create(store, f"{name}0001")
    tracking = await advance(store, tracking, status=Status.TRANSIT)
    await store.create_trackings([make_new(f"{name}{part}") for part in range(3)], quota=1_000)
    assert await store.load(WORLD, tracking.id) is not None
    await store.list_renditions(WORLD, TrackingFilter(), offset=0, limit=10)
    await store.claim_polls(NOW, lease_until=NOW + 30 * SECOND, limit=2)
    await store.claim_messages(NOW, lease_until=NOW + SECOND, limit=2, per_endpoint=1)
    await store.take_budget("key", now=NOW, wanted=1, per_minute=60, per_day=None)
    await store.replace_remote_areas([("CH", "7550", "dhl")])


async def test_nothing_stays_in_the_session(dsn: str) -> None:
    store = await open_store(
        dsn, render=render, clock=FrozenClock(), behind_pgbouncer=True, pool_size=1
    )
    await _use(store, "NR")
    rows = await store._database.fetch(SESSION)
    assert rows[0][0] == 0
    await store.close()


async def test_statements_are_prepared_when_there_is_no_pgbouncer(dsn: str) -> None:
    store = await open_store(dsn, render=render, clock=FrozenClock(), pool_size=1)
    await _use(store, "NR")
    rows = await store._database.fetch(SESSION)
    assert rows[0][0] > 5
    await store.close()


async def test_each_transaction_may_run_on_another_server_connection(
    cluster: Cluster, empty_dsn: str
) -> None:
    async with TransactionPooler(cluster.socket_of(empty_dsn), servers=3) as pooler:
        dsn = pooler.dsn(empty_dsn)
        store = await open_store(dsn, render=render, clock=FrozenClock(), behind_pgbouncer=True)
        await asyncio.gather(*(_use(store, f"NR{part}") for part in range(12)))
        assert await store.count_created(WORLD) == 12 * 4
        await store.close()
        assert pooler.switches > 100


async def test_the_pooler_of_the_test_above_does_break_prepared_statements(
    cluster: Cluster, dsn: str
) -> None:
    async with TransactionPooler(cluster.socket_of(dsn), servers=3) as pooler:
        store = await open_store(pooler.dsn(dsn), render=render, clock=FrozenClock(), pool_size=1)
        with pytest.raises(asyncpg.exceptions.InvalidSQLStatementNameError):
            await asyncio.gather(*(_use(store, f"NR{part}") for part in range(4)))
        await store.close()
