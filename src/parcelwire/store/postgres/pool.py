"""The connections of one process.

asyncpg's own pool wraps every connection and asks the server to reset it after each use; here a
connection that is given back is simply put on a stack. That halves what a small query costs, and is
safe because no statement of ours leaves anything behind in its session.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.postgres.errors import Verdict, judge, reason_of

Row = Any
"""One row, indexed by column number or name."""

WAIT_SECONDS: Final = 10.0
"""How long an operation waits for a free connection before it answers "unavailable"."""


class Link(Protocol):
    """One connection, as far as we use asyncpg's."""

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> list[Row]:  # noqa: ASYNC109  # asyncpg's
        """Run a statement and return its rows."""
        ...

    async def fetchval(self, query: str, *args: Any) -> Any:
        """Run a statement and return the first column of its first row, or None."""
        ...

    async def execute(
        self,
        query: str,
        *args: Any,
        timeout: float | None = None,  # noqa: ASYNC109  # asyncpg's
    ) -> str:
        """Run a statement, or without ``args`` a script."""
        ...

    async def copy_records_to_table(
        self, table_name: str, *, records: Sequence[Sequence[Any]], columns: Sequence[str]
    ) -> str:
        """Load many rows."""
        ...

    def transaction(self, *, readonly: bool = False) -> AbstractAsyncContextManager[Any]:
        """Open a transaction, which may be one that PostgreSQL lets write nothing."""
        ...

    def is_closed(self) -> bool:
        """Tell whether the connection is gone."""
        ...

    def is_in_transaction(self) -> bool:
        """Tell whether a transaction is open."""
        ...

    def terminate(self) -> None:
        """Close at once."""
        ...

    async def close(self, *, timeout: float | None = None) -> None:  # noqa: ASYNC109  # asyncpg's
        """Close politely."""
        ...


class Pool:
    """Up to ``size`` connections, opened when needed, the last used one first."""

    def __init__(self, connect: Callable[[], Awaitable[Link]], size: int) -> None:
        self._connect = connect
        self._size = size
        self._idle: list[Link] = []
        self._all: set[Link] = set()
        self._opening = 0
        self._waiters: deque[asyncio.Future[Link | None]] = deque()
        self._is_closed = False
        self._emptied = asyncio.Event()

    async def acquire(self) -> Link:
        """Return a free connection; give it back with ``release``.

        Raises:
            StoreUnavailableError: when the server cannot be reached, or no connection becomes free
                in ``WAIT_SECONDS``.
        """
        while True:
            if self._is_closed:
                raise StoreUnavailableError("the store is closed")
            while self._idle:
                link = self._idle.pop()
                if not link.is_closed():
                    return link
                self._all.discard(link)
            if len(self._all) + self._opening < self._size:
                return await self._open()
            handed = await self._wait()
            if handed is not None:
                if not handed.is_closed():
                    return handed
                self._all.discard(handed)

    def release(self, link: Link) -> None:
        """Take a connection back; one that is broken or in the middle of something is dropped."""
        if self._is_closed or link.is_closed() or link.is_in_transaction():
            link.terminate()
            self._all.discard(link)
            self._hand_on(None)
            if self._is_closed and not self._all:
                self._emptied.set()
            return
        if not self._hand_on(link):
            self._idle.append(link)

    async def close(self, patience_seconds: float = 10.0) -> None:
        """Let what is under way finish, then close everything."""
        self._is_closed = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
        idle, self._idle = self._idle, []
        for link in idle:
            self._all.discard(link)
            try:
                await link.close(timeout=2.0)
            except Exception as error:  # asyncpg may raise anything on a dead socket
                if judge(error, is_link_closed=True) is Verdict.OURS:
                    raise
        if self._all:
            try:
                async with asyncio.timeout(patience_seconds):
                    await self._emptied.wait()
            except TimeoutError:
                for link in list(self._all):
                    link.terminate()

    async def _open(self) -> Link:
        self._opening += 1
        try:
            link = await self._connect()
        except BaseException as error:
            self._opening -= 1
            self._hand_on(None)
            if isinstance(error, Exception) and judge(error, is_link_closed=True) in (
                Verdict.LOST,
                Verdict.REFUSED,
            ):
                raise StoreUnavailableError(
                    f"PostgreSQL cannot be reached: {error}", reason_of(error)
                ) from error
            raise
        self._opening -= 1
        self._all.add(link)
        return link

    async def _wait(self) -> Link | None:
        waiter: asyncio.Future[Link | None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                # Handed over just as we gave up: a connection, or the news that there is room for
                # one, which is the next waiter's then.
                link = waiter.result()
                if link is not None:
                    self.release(link)
                else:
                    self._hand_on(None)
            elif waiter in self._waiters:
                self._waiters.remove(waiter)
            if isinstance(error, TimeoutError):
                msg = f"no database connection became free in {WAIT_SECONDS:g} s"
                raise StoreUnavailableError(msg) from error
            raise

    def _hand_on(self, link: Link | None) -> bool:
        # None tells the waiter that there is room to open a connection of its own.
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(link)
                return True
        return False
