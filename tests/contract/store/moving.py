"""A database that moves to another machine: dumped here, restored there, and used on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import apsw
import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from tests.contract.store.postgres_fixture import Cluster, shared_cluster
from tests.contract.store.samples import render

_AHEAD: Final = 5_000
"""Transaction ids by which the old cluster is ahead: more than restoring and a test take."""


class Mover(Protocol):
    """A database, wherever it lies now."""

    @property
    def url(self) -> str:
        """Its address, as ``store.url`` has it."""
        ...

    async def open(self) -> Store:
        """Open a store on it; whoever opens it closes it."""
        ...

    async def move(self) -> None:
        """Dump it and restore it elsewhere. What is written here afterwards is lost."""
        ...

    async def back_up(self) -> None:
        """Dump it."""
        ...

    async def restore(self) -> None:
        """Restore what was dumped elsewhere. What was written here since is lost."""
        ...


class _PostgresMover:
    def __init__(self, folder: Path, clock: FrozenClock) -> None:
        self._dump = folder / "parcelwire.dump"
        self._clock = clock
        self._old = shared_cluster()
        self.dsn = self._old.create_database()
        self._first_dsn = self.dsn
        self._fresh: Cluster | None = None

    @property
    def url(self) -> str:
        return self.dsn

    async def open(self) -> Store:
        from parcelwire.store.postgres import open_store

        return await open_store(self.dsn, render=render, clock=self._clock, pool_size=4)

    async def move(self) -> None:
        await self.back_up()
        await self.restore()

    async def back_up(self) -> None:
        await asyncio.to_thread(self._old.dump, self.dsn, self._dump)

    async def restore(self) -> None:
        await asyncio.to_thread(self._restore)

    def _restore(self) -> None:
        self._fresh = Cluster()
        self.dsn = self._fresh.create_database(is_migrated=False)
        self._fresh.restore(self._dump, self.dsn)

    def prepare(self) -> None:
        self._old.burn_transaction_ids(_AHEAD)

    def close(self) -> None:
        self._old.give_back(self._first_dsn)
        if self._fresh is not None:
            self._fresh.remove()


class _SqliteMover:
    def __init__(self, folder: Path, clock: FrozenClock) -> None:
        self._folder = folder
        self._clock = clock
        self._path = folder / "parcelwire.db"
        self._copy = folder / "elsewhere.db"

    @property
    def url(self) -> str:
        return f"sqlite:{self._path}"

    async def open(self) -> Store:
        from parcelwire.store.sqlite import open_store

        return await open_store(self._path, render=render, clock=self._clock)

    async def move(self) -> None:
        await self.back_up()
        await self.restore()

    async def back_up(self) -> None:
        await asyncio.to_thread(self._back_up)

    def _back_up(self) -> None:
        source, target = apsw.Connection(str(self._path)), apsw.Connection(str(self._copy))
        with target.backup("main", source, "main") as backup:
            backup.step()
        source.close()
        target.close()

    async def restore(self) -> None:
        self._path = self._copy


@asynccontextmanager
async def _on_postgres(folder: Path, clock: FrozenClock) -> AsyncIterator[Mover]:
    mover = _PostgresMover(folder, clock)
    await asyncio.to_thread(mover.prepare)
    yield mover
    await asyncio.to_thread(mover.close)


@asynccontextmanager
async def _on_sqlite(folder: Path, clock: FrozenClock) -> AsyncIterator[Mover]:
    yield _SqliteMover(folder, clock)


MOVERS: Final[dict[str, Callable[[Path, FrozenClock], AbstractAsyncContextManager[Mover]]]] = {
    "postgres": _on_postgres,
    "sqlite": _on_sqlite,
}


@pytest.fixture(params=sorted(MOVERS))
async def mover(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FrozenClock
) -> AsyncIterator[Mover]:
    """An empty database that can move once."""
    async with MOVERS[request.param](tmp_path, clock) as one:
        yield one
