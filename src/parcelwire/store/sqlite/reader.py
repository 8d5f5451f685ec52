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

from parcelwire.store.damage import Damage
from parcelwire.store.port import StoreUnavailableError, UnavailableReason
from parcelwire.store.sqlite.connection import (
    ADVICE,
    UNAVAILABLE,
    Row,
    SqliteSettings,
    close_unchanged,
    connect,
    is_damage,
    unavailable,
)

THREADS: Final = 2

Bindings = Sequence[Any] | dict[str, Any]


class Reader:
    """Hands out rows of committed data."""

    def __init__(
        self, path: Path, settings: SqliteSettings, *, damage: Damage | None = None
    ) -> None:
        self.has_disk_errors = False
        """The disk has refused to read since the last check of the file."""
        self._damage = damage or Damage(ADVICE)
        self._path = path
        self._settings = settings
        self._generation = 0
        self._is_closed = False
        self._at_once: apsw.Connection | None = self._connect_at_once()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="parcelwire-reader")
        self._of_thread = _OfThread()
        self._opened: list[apsw.Connection] = []
        self._reads = 0
        """In this round of the event loop."""

    async def rows(self, sql: str, bindings: Bindings = ()) -> list[Row]:
        """Return all rows of a short read, made here and now.

        Raises:
            StoreUnavailableError: when the database cannot be read.
        """
        try:
            connection = self._at_once
            if connection is None:
                connection = self._at_once = self._connect_at_once()
            self._count_read(connection)
            return connection.execute(sql, bindings).fetchall()
        except apsw.BusyError:
            return await self.scan(sql, bindings)
        except UNAVAILABLE as error:
            self._note(error)
            self._drop_at_once()
            raise unavailable(error) from error

    def _count_read(self, connection: apsw.Connection) -> None:
        """From the second read in one round of the event loop on, let them share a transaction.

        Taking and giving back the lock costs a read a third of its time. What is committed
        meanwhile shows in the next round, and nobody can miss it: whoever waits for a commit is
        woken by a callback that the loop runs after the one that ends the transaction.
        """
        if self._reads == 0:
            asyncio.get_running_loop().call_soon(self._end_round)
        elif self._reads == 1:
            connection.execute("BEGIN")
        self._reads += 1

    def _end_round(self) -> None:
        self._reads = 0
        if self._at_once is not None and self._at_once.in_transaction:
            self._at_once.execute("COMMIT")

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
            self._close(connection)
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
            mine.connection = self._connect()
            self._opened.append(mine.connection)
        try:
            return mine.connection.execute(sql, bindings).fetchall()
        except UNAVAILABLE as error:
            self._note(error)
            self._drop(mine)
            raise unavailable(error) from error

    def _drop(self, mine: _OfThread) -> None:
        connection, mine.connection = mine.connection, None
        if connection is not None:
            self._opened.remove(connection)
            self._close(connection)

    def _connect_at_once(self) -> apsw.Connection:
        if self._is_closed:
            msg = "the store is closed"
            raise StoreUnavailableError(msg)
        connection = self._connect()
        # Nobody may wait for a lock on the loop's thread: who finds one goes to a thread and waits.
        connection.set_busy_timeout(0)
        return connection

    def _connect(self) -> apsw.Connection:
        try:
            return connect(self._path, self._settings, is_writer=False)
        except StoreUnavailableError as error:
            if error.reason is UnavailableReason.DAMAGED:
                self._damage.report(str(error))
            raise

    def _drop_at_once(self) -> None:
        connection, self._at_once = self._at_once, None
        if connection is not None:
            self._close(connection)

    def _close(self, connection: apsw.Connection) -> None:
        if self._damage.found:
            close_unchanged(connection)
        else:
            connection.close(force=True)

    def _note(self, error: Exception) -> None:
        if is_damage(error):
            self._damage.report(str(error))
        elif isinstance(error, apsw.IOError):
            self.has_disk_errors = True


class _OfThread(threading.local):
    """What each thread has of its own."""

    connection: apsw.Connection | None = None
    generation: int = 0
