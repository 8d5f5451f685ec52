"""Reading beside the writer: short reads on the event loop's thread, long ones on threads.

An indexed read of one tracking takes 15 to 25 us; handing it to a thread and back takes longer than
that. A read that may walk over many rows goes to a thread, so that nobody else waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import apsw

from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sqlite.connection import (
    UNAVAILABLE,
    Row,
    SqliteSettings,
    connect,
    unavailable,
)

THREADS: Final = 2

Bindings = Sequence[Any] | dict[str, Any]


class Reader:
    """Hands out rows of committed data."""

    def __init__(self, path: Path, settings: SqliteSettings) -> None:
        self._path = path
        self._settings = settings
        self._generation = 0
        self._is_closed = False
        self._at_once: apsw.Connection | None = self._connect_at_once()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="parcelwire-reader")
        self._of_thread = _OfThread()
        self._opened: list[apsw.Connection] = []

    async def rows(self, sql: str, bindings: Bindings = ()) -> list[Row]:
        """Return all rows of a short read, made here and now.

        Raises:
            StoreUnavailableError: when the database cannot be read.
        """
        try:
            if self._at_once is None:
                self._at_once = self._connect_at_once()
            return self._at_once.execute(sql, bindings).fetchall()
        except apsw.BusyError:
            return await self.scan(sql, bindings)
        except UNAVAILABLE as error:
            self._drop_at_once()
            raise unavailable(error) from error

    async def scan(self, sql: str, bindings: Bindings = ()) -> list[Row]:
        """Return all rows of a read that may take long, made in a thread."""
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._pool, self._scan, sql, bindings
            )
        except RuntimeError as error:
            msg = "the store is closed"
            raise StoreUnavailableError(msg) from error

    async def close(self) -> None:
        """Close all connections."""
        self._is_closed = True
        await asyncio.to_thread(self._pool.shutdown)
        self._drop_at_once()
        for connection in self._opened:
            connection.close(force=True)
        self._opened.clear()

    def reopen(self) -> None:
        """Open the file anew at the next read: another one stands in its place."""
        self._generation += 1
        self._drop_at_once()

    def _scan(self, sql: str, bindings: Bindings) -> list[Row]:
        mine = self._of_thread
        if mine.connection is None or mine.generation != self._generation:
            self._drop(mine)
            mine.generation = self._generation
            mine.connection = connect(self._path, self._settings, is_writer=False)
            self._opened.append(mine.connection)
        try:
            return mine.connection.execute(sql, bindings).fetchall()
        except UNAVAILABLE as error:
            self._drop(mine)
            raise unavailable(error) from error

    def _drop(self, mine: _OfThread) -> None:
        connection, mine.connection = mine.connection, None
        if connection is not None:
            self._opened.remove(connection)
            connection.close(force=True)

    def _connect_at_once(self) -> apsw.Connection:
        if self._is_closed:
            msg = "the store is closed"
            raise StoreUnavailableError(msg)
        connection = connect(self._path, self._settings, is_writer=False)
        # Nobody may wait for a lock on the loop's thread: who finds one goes to a thread and waits.
        connection.set_busy_timeout(0)
        return connection

    def _drop_at_once(self) -> None:
        connection, self._at_once = self._at_once, None
        if connection is not None:
            connection.close(force=True)


class _OfThread(threading.local):
    """What each thread has of its own."""

    connection: apsw.Connection | None = None
    generation: int = 0
