"""How much work a call of the store costs its database, in figures that no busy machine changes.

SQLite: steps of its virtual machine. PostgreSQL: blocks touched and rows read in tables and
indexes. Beside the work, every statement is noted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import apsw
import asyncpg
import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.store.postgres import PostgresStore
from tests.contract.store.bulk_rows import fill_postgres, fill_sqlite
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import render

CONSTANT: Final = {"sqlite": 400, "postgres": 120}
"""What a call may cost more at ten times the rows whatever it costs: a few steps of this, and one
level more of each index.
"""


class Meter(Protocol):
    """Measures the calls of one store."""

    store: Store
    statements: list[str]

    async def cost(self, call: Awaitable[Any]) -> int:
        """Make a call; return its work."""
        ...


class _SqliteMeter:
    def __init__(self, store: Store, statements: list[str], steps: list[int]) -> None:
        self.store = store
        self.statements = statements
        self._steps = steps

    async def cost(self, call: Awaitable[Any]) -> int:
        self._steps.clear()
        await call
        return sum(self._steps)


@contextmanager
def _traced(path: Path) -> Iterator[tuple[list[str], list[int]]]:
    """Note the statements, and their steps, of connections that are opened to a file meanwhile."""
    statements: list[str] = []
    steps: list[int] = []

    def note(event: dict[str, Any]) -> None:
        # From any thread; to append is safe.
        statements.append(event["sql"])
        steps.append(event["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"])

    def watch(connection: apsw.Connection) -> None:
        if Path(connection.db_filename("main")) == path:
            connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, note)

    apsw.connection_hooks.append(watch)
    try:
        yield statements, steps
    finally:
        apsw.connection_hooks.remove(watch)


@asynccontextmanager
async def sqlite_meter(folder: Path, count: int) -> AsyncIterator[Meter]:
    """Open a store on a file with the rows of ``count`` trackings."""
    from parcelwire.store.sqlite import open_store

    path = folder / f"{count}.db"
    store = await open_store(path, render=render, clock=FrozenClock())
    await store.close()
    fill_sqlite(str(path), count)
    with _traced(path.resolve()) as (statements, steps):
        store = await open_store(path, render=render, clock=FrozenClock())
        try:
            yield _SqliteMeter(store, statements, steps)
        finally:
            await store.close()


_FLUSH: Final = "select pg_stat_force_next_flush()"
_WORK: Final = """
select (
    select sum(
        heap_blks_hit + heap_blks_read + coalesce(idx_blks_hit, 0) + coalesce(idx_blks_read, 0)
    ) from pg_statio_user_tables
) + (select sum(seq_tup_read) from pg_stat_user_tables)
    + (select sum(idx_tup_read) from pg_stat_user_indexes)
"""


class _PostgresMeter:
    def __init__(self, store: PostgresStore, statements: list[str]) -> None:
        self.store: Store = store
        self.statements = statements
        # It has one connection, so that this reads what the calls before it have cost.
        self._database = store._database

    async def cost(self, call: Awaitable[Any]) -> int:
        before = await self._work()
        await call
        return await self._work() - before

    async def _work(self) -> int:
        await self._database.fetch(_FLUSH)
        return int((await self._database.fetch(_WORK))[0][0])


@asynccontextmanager
async def postgres_meter(dsn: str, patch: pytest.MonkeyPatch) -> AsyncIterator[Meter]:
    """Open a store on a database that is filled."""
    from parcelwire.store.postgres import open_store

    statements: list[str] = []
    connect = asyncpg.connect

    async def connect_and_watch(*arguments: Any, **options: Any) -> Any:
        connection = await connect(*arguments, **options)
        connection.add_query_logger(lambda record: statements.append(record.query))
        return connection

    patch.setattr(asyncpg, "connect", connect_and_watch)
    store = await open_store(dsn, render=render, clock=FrozenClock(), pool_size=1)
    try:
        yield _PostgresMeter(store, statements)
    finally:
        await store.close()
        patch.undo()


class FilledCluster:
    """A server of its own, whose databases are filled once and copied."""

    def __init__(self) -> None:
        # Nothing changes meanwhile what it knows of its tables.
        self._cluster = Cluster(autovacuum="off", max_wal_size="512MB")
        self._filled: set[int] = set()

    async def database(self, count: int, plans: str) -> str:
        """Return the address of a database with the rows of ``count`` trackings.

        ``plans``: ``force_generic_plan`` or ``force_custom_plan``. Statements that are prepared
        once get either, as the server thinks best.
        """
        original, name = f"with_{count}", f"with_{count}_{plans}"
        if count not in self._filled:
            empty = self._cluster.create_database().partition("?")[0].rpartition("/")[2]
            self._cluster.sql(f"alter database {empty} rename to {original}")
            await fill_postgres(self._cluster.dsn(original), count)
            self._filled.add(count)
        self._cluster.sql(f"create database {name} template {original}")
        self._cluster.sql(f"alter database {name} set plan_cache_mode = {plans}")
        return self._cluster.dsn(name)

    def remove(self) -> None:
        """Stop the server and remove its folder."""
        self._cluster.remove()
