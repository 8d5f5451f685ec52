"""The one writer: a thread that drains its inbox into one transaction.

    callers (event loop) --submit--> inbox --> BEGIN IMMEDIATE, every work, COMMIT --> answers

Whatever came in during one round of the event loop, or while a commit was waiting for the disk,
goes into one transaction, so that many callers share one flush. A caller has its answer only after
the commit that made it durable. When more waits than one transaction takes, owners have their turns
one after the other.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, Final, TypeVar

import apsw

from parcelwire.store.damage import Damage
from parcelwire.store.fair_queue import FairQueue
from parcelwire.store.port import StoreUnavailableError, UnavailableReason
from parcelwire.store.sqlite.connection import (
    ADVICE,
    UNAVAILABLE,
    SqliteSettings,
    close_unchanged,
    connect,
    is_damage,
    unavailable,
)
from parcelwire.store.sqlite.migrations import require_current
from parcelwire.store.sqlite.tally import tally_of

T = TypeVar("T")

Work = Callable[[apsw.Connection], T]
"""Reads and writes inside the writer's transaction. It may be called again after a rollback, so it
changes nothing but the database.
"""

LARGEST_GROUP: Final = 128
"""Rows written in one transaction: enough to share a flush, few enough that nobody waits long."""

_Submitted = tuple[Work[Any], "asyncio.Future[Any]", Hashable, int]
"""A work, its future, its owner, and about how many rows it writes."""
Group = list[_Submitted]
_Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Writer:
    """Owns the one connection that writes."""

    def __init__(
        self,
        path: Path,
        settings: SqliteSettings,
        connection: apsw.Connection,
        *,
        on_replaced: Callable[[], object],
        damage: Damage | None = None,
    ) -> None:
        self.lacks_room = False
        """A write was refused for want of room, or by the disk, since ``has_room`` was called."""
        self.has_disk_errors = False
        """The disk has refused to read or write since the last check of the file."""
        self.damage = damage or Damage(ADVICE)
        self._path = path
        self._settings = settings
        self._connection: apsw.Connection | None = connection
        self._inode = inode_of(path)
        self._on_replaced = on_replaced
        self._loop = asyncio.get_running_loop()
        self._waiting: Group = []
        self._inbox: queue.SimpleQueue[Group | None] = queue.SimpleQueue()
        self._queued: FairQueue[_Submitted] = FairQueue()
        """Only the thread touches it."""
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="parcelwire-writer", daemon=True)
        self._thread.start()

    def submit(self, work: Work[T], *, owner: Hashable = None, rows: int = 1) -> asyncio.Future[T]:
        """Queue ``work``; the future has its result once it is durable.

        ``owner``: the world that it is done for, None: the installation itself; what one owner
        submits is done in that order. ``rows``: about how many it writes.

        It raises ``StoreUnavailableError`` when the database could not write (then nothing of it is
        stored), or what ``work`` raised.
        """
        if self._is_closed:
            msg = "the store is closed"
            raise StoreUnavailableError(msg)
        if self.damage.found:
            raise self.damage.error()
        future: asyncio.Future[T] = self._loop.create_future()
        if not self._waiting:
            self._loop.call_soon(self._gather, 0)
        self._waiting.append((work, future, owner, rows))
        return future

    def _gather(self, before: int) -> None:
        """Wait one more round of the event loop while every round brings more.

        The thread could not begin sooner anyway: it needs the interpreter, which those who bring
        work are using.
        """
        count = len(self._waiting)
        if before < count < LARGEST_GROUP:
            self._loop.call_soon(self._gather, count)
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the thread all that came in one round of the event loop.

        One by one, the first work would be committed alone while the others of its round arrive,
        and the thread would be woken for each.
        """
        waiting, self._waiting = self._waiting, []
        self._inbox.put(waiting)

    async def close(self) -> None:
        """Finish what is queued, then close the connection."""
        if not self._is_closed:
            self._is_closed = True
            self._hand_over()
            self._inbox.put(None)
        await asyncio.to_thread(self._thread.join)

    # -- in the thread --------------------------------------------------------------------------

    def _run(self) -> None:
        is_open = True
        while is_open or self._queued:
            arrived: Group = []
            try:
                while is_open:
                    handed = self._inbox.get(block=not (self._queued or arrived))
                    is_open = handed is not None
                    arrived += handed or ()
            except queue.Empty:
                pass
            if group := self._next_group(arrived):
                self._answer(self._commit_group(group))
        self._drop_connection()

    def _next_group(self, arrived: Group) -> Group:
        """Return what the next transaction does; what it cannot take waits for its turn."""
        if not self._queued and sum([rows for _, _, _, rows in arrived]) <= LARGEST_GROUP:
            return arrived  # nobody has to wait, so nobody's turn comes first
        for one in arrived:
            _, _, owner, rows = one
            self._queued.put(owner, one, rows)
        return self._queued.take(LARGEST_GROUP)

    def _commit_group(self, group: Group) -> list[_Answer]:
        try:
            if self.damage.found:
                raise self.damage.error()
            connection = self._live_connection()
            try:
                return self._all_at_once(connection, group)
            except UNAVAILABLE:
                raise
            except Exception:  # one of them fails by itself, such as for want of a key: find out
                if self.damage.found:
                    raise
                _roll_back(connection)
                return self._one_by_one(connection, group)
        except UNAVAILABLE as error:
            self._note(error)
            self._recover(error)
            failure = unavailable(error)
        except StoreUnavailableError as error:
            if error.reason is UnavailableReason.DAMAGED:
                self.damage.report(str(error))
            self._drop_connection()
            failure = error
        except BaseException as error:  # noqa: BLE001  # a caller must never wait for ever
            self._drop_connection()
            return [(future, None, error) for _, future, *_ in group]
        return [(future, None, failure) for _, future, *_ in group]

    def _all_at_once(
        self,
        connection: apsw.Connection,
        group: Group,
    ) -> list[_Answer]:
        connection.execute("BEGIN IMMEDIATE")
        answers: list[_Answer] = [(future, work(connection), None) for work, future, _, _ in group]
        tally_of(connection).write(connection)
        if self.damage.found:  # by a check, while the works were being done
            raise self.damage.error()
        connection.execute("COMMIT")
        return answers

    def _one_by_one(
        self,
        connection: apsw.Connection,
        group: Group,
    ) -> list[_Answer]:
        """Do it again with a savepoint around each, so that a failure spoils only its own work.

        Failures of this kind are faults in the program and rare; savepoints around everything,
        always, would cost every work for them.
        """
        answers: list[_Answer] = []
        connection.execute("BEGIN IMMEDIATE")
        for work, future, _, _ in group:
            connection.execute("SAVEPOINT work")
            try:
                answers.append((future, work(connection), None))
                tally_of(connection).write(connection)
            except UNAVAILABLE:
                raise
            except Exception as error:  # noqa: BLE001  # handed to whoever asked for the work
                connection.execute("ROLLBACK TO work")
                tally_of(connection).forget()
                answers.append((future, None, error))
            connection.execute("RELEASE work")
        if self.damage.found:  # by a check, while the works were being done
            raise self.damage.error()
        connection.execute("COMMIT")
        return answers

    def _live_connection(self) -> apsw.Connection:
        """Return a connection to the file that the path names now.

        SQLite goes on writing to a file that was deleted or replaced under it; what it
        acknowledged then would be lost.
        """
        inode = inode_of(self._path)
        if inode is None:
            self._drop_connection()
            msg = f"the database {self._path} is gone"
            raise StoreUnavailableError(msg)
        if self._connection is None or inode != self._inode:
            self._drop_connection()
            self._connection = connect(self._path, self._settings, is_writer=True)
            if inode != self._inode:
                require_current(self._connection, self._path)
                self._inode = inode
                self._tell(self._on_replaced)
        return self._connection

    def _note(self, error: Exception) -> None:
        if is_damage(error):
            self.damage.report(str(error))
        elif isinstance(error, apsw.FullError | apsw.IOError):
            self.lacks_room = True
            self.has_disk_errors |= isinstance(error, apsw.IOError)

    def _recover(self, error: Exception) -> None:
        """Leave the connection fit for the next transaction."""
        if self._connection is None:
            return
        try:
            _roll_back(self._connection)
        except apsw.Error:
            self._drop_connection()
            return
        if not isinstance(error, apsw.BusyError | apsw.FullError | apsw.LockedError):
            # What is left of such a connection is not worth finding out.
            self._drop_connection()

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self.damage.found:
            close_unchanged(connection)
        else:
            try:
                connection.close()
            except apsw.Error:
                # The file is broken or full; closing can no longer fold the WAL into it, and the
                # next opening will.
                connection.close(force=True)

    def _answer(self, answers: list[_Answer]) -> None:
        self._tell(_resolve, answers)

    def _tell(self, callback: Callable[..., object], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:
            # The loop was closed meanwhile: nobody is left to hear it.
            return


def _roll_back(connection: apsw.Connection) -> None:
    tally_of(connection).forget()
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _resolve(answers: list[_Answer]) -> None:
    for future, result, error in answers:
        if future.cancelled():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)


def inode_of(path: Path) -> tuple[int, int] | None:
    """Return what tells the file from another one that takes its place, or None."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
