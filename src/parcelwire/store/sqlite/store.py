"""The store on SQLite: its parts put together, opened and closed."""

from __future__ import annotations

import asyncio
import logging
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw
import msgspec

from parcelwire.domain.clock import Clock, Instant
from parcelwire.store.damage import Damage
from parcelwire.store.port import DiskSpace, StoreUnavailableError, UnavailableReason
from parcelwire.store.sealing import ValueSealer
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.accounts import Accounts
from parcelwire.store.sqlite.checking import check_file
from parcelwire.store.sqlite.connection import (
    ADVICE,
    SqliteSettings,
    close_unchanged,
    connect,
    prepare_file,
    require_supported,
    translated,
)
from parcelwire.store.sqlite.feed import Feed
from parcelwire.store.sqlite.file_system import (
    NETWORK_FILE_SYSTEMS,
    disk_space_of,
    file_system_of,
)
from parcelwire.store.sqlite.journeys import Journeys
from parcelwire.store.sqlite.listing import Listing
from parcelwire.store.sqlite.message_log import MessageLog
from parcelwire.store.sqlite.messages import Messages
from parcelwire.store.sqlite.migrations import migrate
from parcelwire.store.sqlite.polls import Polls
from parcelwire.store.sqlite.reader import Reader
from parcelwire.store.sqlite.records import Records
from parcelwire.store.sqlite.remote_areas import RemoteAreas
from parcelwire.store.sqlite.rows import Render
from parcelwire.store.sqlite.sealings import Sealings
from parcelwire.store.sqlite.trackings import Trackings
from parcelwire.store.sqlite.unmapped_codes import UnmappedCodes
from parcelwire.store.sqlite.writer import Writer

if TYPE_CHECKING:
    from parcelwire.store.sqlite.lock import ServerLock

DEFAULT_SETTINGS = SqliteSettings()

ROOM_BYTES: Final = 256 << 10
"""After a write found no room, readiness wants to see that so much can be written again."""

_log: Final = logging.getLogger(__name__)


class ServerUse(msgspec.Struct, frozen=True, kw_only=True):
    """What a server does with the file before it uses it, and a command does not."""

    check_seconds: float = 5.0
    """How long the file is checked at start; what takes longer goes on in the background."""


class FileState(msgspec.Struct, kw_only=True):
    """What is known of the file beside what is in it."""

    clock: Clock
    settings: SqliteSettings
    damage: Damage
    lock: ServerLock | None = None
    is_checked: bool = True
    """The whole file has been looked at, as far as it has to be."""


class SqliteStore(
    Trackings,
    Listing,
    Feed,
    Polls,
    Messages,
    MessageLog,
    Accounts,
    UnmappedCodes,
    RemoteAreas,
    Records,
    Journeys,
    Sealings,
):
    """The ``Store`` port on one SQLite file. Made by ``open_store``."""

    def __init__(
        self,
        path: Path,
        *,
        writer: Writer,
        reader: Reader,
        render: Render,
        sealer: ValueSealer | None = None,
        state: FileState | None = None,
    ) -> None:
        """``state`` None: nobody wants the file checked."""
        super().__init__(path, writer=writer, reader=reader, render=render, sealer=sealer)
        self._state = state

    async def close(self) -> None:
        """See ``Store``."""
        await self._writer.close()
        await self._reader.close()
        if self._state is not None and self._state.lock is not None:
            self._state.lock.release()

    async def is_ready(self) -> bool:
        """See ``Store``."""
        try:
            await self.try_write()
        except StoreUnavailableError:
            return False
        return True

    async def try_write(self) -> None:
        """See ``Store``.

        A row of a few bytes needs no room of its own. So after a write that found none, as much is
        written as many writes together need.
        """
        if self._writer.lacks_room:
            await self._write(partial(_beat, filler=ROOM_BYTES))
            self._writer.lacks_room = False
        await self._write(partial(_beat, filler=0))
        await self._reader.rows(queries.HEARTBEAT)

    async def database_time(self) -> Instant | None:
        """See ``Store``."""
        return None

    @property
    def damage(self) -> str:
        """See ``Store``."""
        return self._writer.damage.found

    @property
    def wants_check(self) -> bool:
        """See ``Store``."""
        return self._state is not None and (
            not self._state.is_checked
            or self._writer.has_disk_errors
            or self._reader.has_disk_errors
        )

    async def check(self, stopping: threading.Event) -> bool:
        """See ``Store``."""
        state = self._state
        if state is None:
            return True
        self._writer.has_disk_errors = self._reader.has_disk_errors = False
        is_whole = await asyncio.to_thread(
            check_file,
            self._path,
            state.settings,
            state.damage,
            clock=state.clock,
            stopping=stopping,
        )
        state.is_checked = state.is_checked or is_whole
        return is_whole

    def disk_space(self) -> DiskSpace | None:
        """See ``Store``."""
        return disk_space_of(self._path.parent)

    def describe(self) -> str:
        """See ``Store``."""
        return f"SQLite {apsw.sqlite_lib_version()}, {self._path}"


def _beat(connection: apsw.Connection, filler: int) -> None:
    connection.execute(queries.BEAT, (apsw.zeroblob(filler),))


async def open_store(
    path: str | Path,
    *,
    render: Render,
    clock: Clock,
    settings: SqliteSettings = DEFAULT_SETTINGS,
    sealer: ValueSealer | None = None,
    server: ServerUse | None = None,
) -> SqliteStore:
    """Open the database at ``path``, making or migrating it where needed.

    ``sealer`` seals what is secret; without one (tests, proofs) it lies open. Several processes may
    have it open; their writes take turns. It belongs to the running event loop. With ``server`` the
    file is locked against a second server, and checked, first.

    Raises:
        UnsupportedSqliteError: when the SQLite library is too old to be safe.
        SchemaError: when the file is newer than this program, or another program's.
        ServerInUseError: when another server has it.
        StoreUnavailableError: when it cannot be opened now, or is damaged.
    """
    require_supported(apsw.sqlite_lib_version())
    state = FileState(clock=clock, settings=settings, damage=Damage(ADVICE))
    place, connection, reader = await asyncio.to_thread(_open_file, Path(path), state, server)
    writer = Writer(place, settings, connection, on_replaced=reader.reopen, damage=state.damage)
    return SqliteStore(
        place, writer=writer, reader=reader, render=render, sealer=sealer, state=state
    )


def _open_file(
    path: Path, state: FileState, server: ServerUse | None
) -> tuple[Path, apsw.Connection, Reader]:
    place = path.resolve()
    try:
        if server is not None:
            from parcelwire.store.sqlite.lock import ServerLock  # only servers need it

            place.parent.mkdir(parents=True, exist_ok=True)
            state.lock = ServerLock(place, state.clock)
            state.is_checked = _check_before_use(place, state, server)
        else:
            _refuse_emptied(place)
        prepare_file(place)
        connection = connect(place, state.settings, is_writer=True)
        try:
            with translated():
                migrate(connection, state.clock.now())
            if state.lock is not None:
                state.lock.note_database()
            return place, connection, Reader(place, state.settings, damage=state.damage)
        except BaseException:
            close_unchanged(connection)
            raise
    except BaseException:
        if state.lock is not None:
            state.lock.release()
        raise


def _refuse_emptied(path: Path) -> None:
    """Have no command lay out a new database where a server would miss the old one.

    Raises:
        StoreUnavailableError: the file is empty, and a server had a database in it.
    """
    if not path.exists() or path.stat().st_size:
        return
    from parcelwire.store.sqlite.lock import held_database  # seldom needed

    if held_database(path):
        raise _emptied()


def _emptied() -> StoreUnavailableError:
    msg = (
        "the file is empty, but it held a database before. Restore the newest backup; to start"
        " with an empty database, delete the file"
    )
    return StoreUnavailableError(msg, UnavailableReason.DAMAGED)


def _check_before_use(path: Path, state: FileState, server: ServerUse) -> bool:
    """Look at the file as long as ``server`` allows; return whether all of it was seen.

    Raises:
        StoreUnavailableError: it is damaged, or cannot be read.
    """
    kind = file_system_of(path.parent).kind
    if kind in NETWORK_FILE_SYSTEMS:
        _log.warning(
            "%s is on a network file system (%s), where SQLite can lose data: use a local disk,"
            " or PostgreSQL",
            path,
            kind,
        )
    if not path.exists():
        return True
    if not path.stat().st_size:
        if state.lock is not None and state.lock.had_database:
            raise _emptied()
        return True
    # Whoever asked for the start is told; the log need not say it, too.
    seen = Damage(ADVICE, is_logged=False)
    is_whole = check_file(
        path,
        state.settings,
        seen,
        clock=state.clock,
        stopping=threading.Event(),
        budget_seconds=server.check_seconds,
    )
    if seen.found:
        msg = f"the file is damaged ({seen.found}). Nothing was changed. {ADVICE}"
        raise StoreUnavailableError(msg, UnavailableReason.DAMAGED)
    if not is_whole:
        _log.info("the check of %s goes on in the background", path)
    return is_whole
