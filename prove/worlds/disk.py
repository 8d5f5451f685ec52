"""The machine's disk, and a store on it that works step by step on the simulated time.

The store is the real one. Its writer's thread is replaced by callbacks of the loop that do the
same: gather what came in, one transaction, tell the callers; with time between, in which processes
die. Nothing of a dead process reaches the disk any more.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import apsw

from parcelwire.domain.clock import FrozenClock
from parcelwire.proofs.disk import Disk as Shadow
from parcelwire.proofs.disk import Entry
from parcelwire.proofs.filelayer import Call, WatchedVfs
from parcelwire.store.sealing import ValueSealer
from parcelwire.store.sqlite.connection import SqliteSettings, connect
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.migrations import migrate
from parcelwire.store.sqlite.reader import Reader
from parcelwire.store.sqlite.rows import Render
from parcelwire.store.sqlite.writer import Group, Work, Writer
from prove.worlds.loop import SimulatedLoop
from prove.worlds.stores import WorldStore

SLOWEST_COMMIT_SECONDS: Final = 0.02

DOCUMENT: Final = """
SELECT key, packed FROM doc WHERE key = (SELECT key FROM tracking WHERE id = ?)
"""
REWRITE: Final = "UPDATE doc SET packed = ? WHERE key = ?"

_numbers = itertools.count(1)


class Killed(BaseException):  # no error: like a cancellation, nobody may handle it
    """The process that asks is dead."""


class Life:
    """Whether a process lives, and where it may die."""

    def __init__(self, at_point: Callable[[str], None]) -> None:
        """``at_point`` is told where the process is; it may end it there."""
        self.is_over = False
        self._at_point = at_point

    def point(self, what: str) -> bool:
        """Tell where the process is; return whether it goes on living."""
        if not self.is_over:
            self._at_point(what)
        return not self.is_over

    def check(self) -> None:
        """Raise ``Killed`` when the process is dead."""
        if self.is_over:
            raise Killed


class StepWriter(Writer):
    """The real writer, without its thread."""

    def __init__(
        self, path: Path, settings: SqliteSettings, connection: apsw.Connection, reader: Reader
    ) -> None:
        """Give it ``begin`` before the first work."""
        self._is_busy = False
        self._arrived: list[Any] = []
        super().__init__(path, settings, connection, on_replaced=reader.reopen)

    def begin(self, life: Life, loop: SimulatedLoop, chance: random.Random, disk: Disk) -> None:
        """Say whose writer it is."""
        self._life = life
        self._steps = loop
        self._chance = chance
        self._disk = disk

    def submit(self, work: Work[Any], **more: Any) -> Any:
        """See ``Writer``."""
        self._life.check()
        return super().submit(work, **more)

    async def close(self) -> None:
        """See ``Writer``. Those whose work is committed hear of it before."""
        if self._is_busy:
            # By then what is being committed is, and its callers have heard of it.
            await asyncio.sleep(2 * SLOWEST_COMMIT_SECONDS)
        await super().close()

    def _run(self) -> None:
        """The thread has nothing to do: its work is done in the loop."""

    def _hand_over(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._arrived += waiting
        if self._is_closed:
            # Closing waits for the thread, which is not there: what is left is done at once.
            self._finish()
        else:
            self._begin_group()

    def _has_work(self) -> bool:
        return bool(self._arrived or self._queued)

    def _commit_next(self) -> list[Any]:
        arrived, self._arrived = self._arrived, []
        return self._commit_group(self._next_group(arrived))

    def _begin_group(self) -> None:
        if self._has_work() and not self._is_busy:
            self._is_busy = True
            self._steps.call_later(self._chance.random() * SLOWEST_COMMIT_SECONDS, self._step)

    def _step(self) -> None:
        if not self._has_work() or not self._life.point("before commit"):
            return
        answers = self._commit_next()
        if not self._disk.keeps_power():
            self._life.point("without power")
        if not self._life.point("after commit"):
            return
        self._steps.call_later(self._chance.random() * 0.001, self._told, answers)

    def _told(self, answers: list[Any]) -> None:
        if self._life.is_over:
            return
        self._answer(answers)
        self._is_busy = False
        self._begin_group()

    def _all_at_once(self, connection: apsw.Connection, group: Group) -> Any:
        if self._disk.is_full():
            raise apsw.FullError("database or disk is full")  # SQLite's own words
        return super()._all_at_once(connection, group)

    def _finish(self) -> None:
        while self._has_work() and not self._life.is_over:
            self._answer(self._commit_next())
        self._drop_connection()

    def drop(self) -> None:
        """Let go of the file as a dead process does: nothing is written any more."""
        self._arrived.clear()
        self._queued.clear()
        self._drop_connection()


class StepReader(Reader):
    """The real reader; the dead read nothing."""

    def begin(self, life: Life) -> None:
        """Say whose reader it is."""
        self._life = life

    async def rows(self, sql: str, bindings: Any = ()) -> Any:
        """See ``Reader``."""
        self._life.check()
        return await super().rows(sql, bindings)

    async def scan(self, sql: str, bindings: Any = ()) -> Any:
        """See ``Reader``."""
        self._life.check()
        return await super().scan(sql, bindings)

    def drop(self) -> None:
        """Let go of the file."""
        self._drop_at_once()
        for connection in self._opened:
            connection.close(force=True)
        self._opened.clear()
        self._pool.shutdown()


class Disk:
    """One database file on a disk that keeps no promise but that of flushed writes.

    What SQLite does to its files is seen call by call. When the power fails, what was not flushed
    is torn, lost or reordered, as ``parcelwire.proofs.disk`` does it; in the middle of a commit
    too.
    """

    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    flushes = False

    def __init__(self, folder: Path, is_full: Callable[[], bool], chance: random.Random) -> None:
        """Lay an empty database into ``folder``; a copy of one that was made there before."""
        template = folder / "template.db"
        if not template.exists():
            connection = apsw.Connection(str(template))
            connection.execute("PRAGMA page_size = 8192")
            connection.execute("PRAGMA journal_mode = WAL")
            migrate(connection, FrozenClock().now())
            connection.close()
        self.path = folder / "world.db"
        self.is_full = is_full
        self._chance = chance
        self._calls_left = 0
        self._has_power = True
        self._lay({self.path.name: template.read_bytes()})
        self._vfs_name = f"parcelwire-world-{next(_numbers)}"
        self._vfs = WatchedVfs(self._vfs_name, self)

    def open(
        self,
        life: Life,
        loop: SimulatedLoop,
        chance: random.Random,
        render: Render,
        sealer: ValueSealer,
        *,
        writer: type[StepWriter] = StepWriter,
        store: type[WorldStore] = WorldStore,
    ) -> OpenStore:
        """Open the store for one process."""
        settings = SqliteSettings(
            synchronous=self.synchronous,
            cache_bytes=1 << 20,
            writer_cache_bytes=2 << 20,
            checkpoint_pages=200,
            vfs=self._vfs_name,
        )
        connection = connect(self.path, settings, is_writer=True)
        reader = StepReader(self.path, settings)
        reader.begin(life)
        write = writer(self.path, settings, connection, reader)
        write.begin(life, loop, chance, self)
        return OpenStore(
            store(self.path, writer=write, reader=reader, render=render, sealer=sealer),
            write,
            reader,
        )

    def close(self) -> None:
        """Take it out, when all processes are dead."""
        self._vfs.unregister()

    # -- what is done to the file ---------------------------------------------------------------

    def rewrite_document(self, tracking_id: str, change: Callable[[bytes], bytes]) -> None:
        """Put something else in place of a tracking's document, behind everybody's back."""
        connection = apsw.Connection(str(self.path), vfs=self._vfs_name)
        try:
            with connection:
                rows: list[Any] = connection.execute(DOCUMENT, (id_value(tracking_id),)).fetchall()
                for key, packed in rows:
                    connection.execute(REWRITE, (change(packed), key))
        finally:
            connection.close()

    def back_up(self) -> bytes:
        """Return a copy of the database with all that is committed, as SQLite makes it."""
        copy = self.path.with_name("copy.db")
        copy.unlink(missing_ok=True)
        source = apsw.Connection(str(self.path), vfs=self._vfs_name)
        target = apsw.Connection(str(copy))
        try:
            with target.backup("main", source, "main") as backup:
                backup.step()
        finally:
            target.close()
            source.close()
        return copy.read_bytes()

    def move_to(self, copy: bytes) -> None:
        """Go on from a copy on another disk, when all processes are dead."""
        self._lay({self.path.name: copy})

    # -- power ----------------------------------------------------------------------------------

    def fail_soon(self) -> None:
        """Let the power fail at one of the next calls of the commit that begins now."""
        self._calls_left = self._chance.randint(1, 12)

    def keeps_power(self) -> bool:
        """Tell whether the power is still there; it fails now if it was about to."""
        self._has_power = self._has_power and not self._calls_left
        return self._has_power

    def cut(self) -> None:
        """Let the power fail now."""
        self._has_power = False

    def restore(self) -> int:
        """Bring the power back, when all processes are dead; return how many writes suffered."""
        suffered = 0
        if self._shadow.is_at_risk:
            wreck = self._shadow.lose_power(self._chance)
            suffered = sum(wreck.counts.values())
            self._lay(wreck.files)
        else:
            self._lay(self._shadow.contents())
        self._has_power = True
        self._calls_left = 0
        return suffered

    def before(self, call: Call) -> None:
        """See ``parcelwire.proofs.filelayer.Watcher``."""
        if self._calls_left:
            self._calls_left -= 1
            self._has_power = self._has_power and self._calls_left > 0
        if not self._has_power:
            # It comes to nothing; the process is dead before it can tell anybody of it.
            return
        self._shadow.play(
            [Entry(call.kind, call.name, call.offset, call.data, call.is_folder_synced)]
        )

    def _lay(self, files: dict[str, bytes]) -> None:
        for leftover in self.path.parent.glob(f"{self.path.name}*"):
            leftover.unlink()
        self._shadow = Shadow()
        for name, content in files.items():
            (self.path.parent / name).write_bytes(content)
            self._shadow.play(
                [
                    Entry("open", name),
                    Entry("write", name, 0, content),
                    Entry("sync", name, is_folder_synced=True),
                ]
            )


class OpenStore:
    """A store, and what it takes to let go of it."""

    def __init__(self, store: WorldStore, writer: StepWriter, reader: StepReader) -> None:
        """Hold the three together."""
        self.store = store
        self._writer = writer
        self._reader = reader

    def drop(self) -> None:
        """Let go of the file without finishing anything."""
        self._writer.drop()
        self._reader.drop()
