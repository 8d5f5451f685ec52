"""The store on SQLite: its parts put together, opened and closed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw

from parcelwire.domain.clock import Clock
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sealing import ValueSealer
from parcelwire.store.sqlite.accounts import Accounts
from parcelwire.store.sqlite.connection import (
    SqliteSettings,
    connect,
    prepare_file,
    require_supported,
    translated,
)
from parcelwire.store.sqlite.feed import Feed
from parcelwire.store.sqlite.journeys import Journeys
from parcelwire.store.sqlite.listing import Listing
from parcelwire.store.sqlite.message_log import MessageLog
from parcelwire.store.sqlite.messages import Messages
from parcelwire.store.sqlite.migrations import migrate
from parcelwire.store.sqlite.polls import Polls
from parcelwire.store.sqlite.reader import Reader
from parcelwire.store.sqlite.records import Records
from parcelwire.store.sqlite.rows import Render
from parcelwire.store.sqlite.sealings import Sealings
from parcelwire.store.sqlite.trackings import Trackings
from parcelwire.store.sqlite.writer import Writer, inode_of

DEFAULT_SETTINGS = SqliteSettings()


class SqliteStore(
    Trackings, Listing, Feed, Polls, Messages, MessageLog, Accounts, Records, Journeys, Sealings
):
    """The ``Store`` port on one SQLite file. Made by ``open_store``."""

    async def close(self) -> None:
        """See ``Store``."""
        await self._writer.close()
        await self._reader.close()

    async def is_ready(self) -> bool:
        """See ``Store``."""
        if inode_of(self._path) is None:
            return False
        try:
            await self._reader.rows("SELECT count(*) FROM schema_version")
        except StoreUnavailableError:
            return False
        return True

    def describe(self) -> str:
        """See ``Store``."""
        return f"SQLite {apsw.sqlite_lib_version()}, {self._path}"


async def open_store(
    path: str | Path,
    *,
    render: Render,
    clock: Clock,
    settings: SqliteSettings = DEFAULT_SETTINGS,
    sealer: ValueSealer | None = None,
) -> SqliteStore:
    """Open the database at ``path``, making or migrating it where needed.

    ``sealer`` seals what is secret; without one (tests, proofs) it lies open. Several processes may
    have it open; their writes take turns. It belongs to the running event loop.

    Raises:
        UnsupportedSqliteError: when the SQLite library is too old to be safe.
        SchemaError: when the file is newer than this program, or another program's.
        StoreUnavailableError: when it cannot be opened now.
    """
    require_supported(apsw.sqlite_lib_version())

    def open_all() -> tuple[Path, apsw.Connection, Reader]:
        place = Path(path).resolve()
        prepare_file(place)
        connection = connect(place, settings, is_writer=True)
        try:
            with translated():
                migrate(connection, clock.now())
        except BaseException:
            connection.close(force=True)
            raise
        return place, connection, Reader(place, settings)

    place, connection, reader = await asyncio.to_thread(open_all)
    writer = Writer(place, settings, connection, on_replaced=reader.reopen)
    return SqliteStore(place, writer=writer, reader=reader, render=render, sealer=sealer)
