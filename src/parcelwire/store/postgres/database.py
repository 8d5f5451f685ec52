"""Run statements: connect, translate errors, repeat what is safe to repeat.

operation -> Pool.acquire -> asyncpg -> rows
                               |
                               +-> rolled back by a race: again, at most ROUNDS times
                               +-> connection lost: again on a new one, if the statement may
                               |   run twice; else StoreUnavailableError
                               +-> refused (disk full, shutting down): StoreUnavailableError
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import asyncpg

from parcelwire.store.damage import Damage
from parcelwire.store.port import StoreUnavailableError, UnavailableReason
from parcelwire.store.postgres.errors import UnfitDatabaseError, Verdict, judge, reason_of
from parcelwire.store.postgres.pool import Link, Pool, Row

T = TypeVar("T")

OLDEST_SERVER: Final = 140_000
"""PostgreSQL 14, as ``server_version_num`` says it."""

COMMAND_SECONDS: Final = 60.0
"""A statement that takes longer is given up; the database counts as unavailable."""

CONNECT_SECONDS: Final = 10.0
READY_SECONDS: Final = 3.0
ROUNDS: Final = 5
"""How often in all a statement is tried that a race rolled back."""

ROOM_BYTES: Final = 256 << 10
"""After a write found no room, readiness wants to see that so much can be written again."""

ADVICE: Final = (
    "Find the damage in PostgreSQL's log and with pg_amcheck, reindex or restore a backup, then"
    " restart"
)

_BEAT: Final = (
    "insert into heartbeat values (1, 1, $1) "
    "on conflict (id) do update set beats = heartbeat.beats + 1, filler = excluded.filler"
)

_SETTINGS = ("fsync", "full_page_writes", "synchronous_commit")


class Database:
    """A pool on one database, and how to ask it."""

    def __init__(self, dsn: str, *, behind_pgbouncer: bool, pool_size: int) -> None:
        self._dsn = dsn
        self._options: dict[str, Any] = {
            "timeout": CONNECT_SECONDS,
            "command_timeout": COMMAND_SECONDS,
        }
        if behind_pgbouncer:
            # In transaction mode every transaction may run on another server connection: nothing
            # may be prepared once and used later, and PgBouncer refuses unknown start parameters.
            self._options["statement_cache_size"] = 0
        else:
            self._options["statement_cache_size"] = 500
            self._options["max_cached_statement_lifetime"] = 0
            # Compiling a query takes longer than any of ours runs.
            self._options["server_settings"] = {"jit": "off", "application_name": "parcelwire"}
        self._pool = Pool(self._connect, pool_size)
        self.version = ""
        self.place = ""
        self.damage = Damage(ADVICE)
        self.lacks_room = False
        """A write was refused for want of room since ``try_write`` last succeeded."""

    async def check(self, *, must_write: bool = False) -> None:
        """Refuse a database that is too old or that may lose what it has acknowledged.

        ``must_write``: one that can only be read, too.

        Raises:
            UnfitDatabaseError: with what to change.
            StoreUnavailableError: when it cannot be reached.
        """
        (row,) = await self.fetch(
            "select current_setting('server_version_num')::int, "
            "current_setting('server_version'), current_database(), "
            "current_setting('fsync'), current_setting('full_page_writes'), "
            "current_setting('synchronous_commit'), "
            "pg_is_in_recovery(), current_setting('transaction_read_only')::bool"
        )
        self.version, database = str(row[1]).split()[0], row[2]
        self.place = f'database "{database}"'
        if row[0] < OLDEST_SERVER:
            msg = f"PostgreSQL {self.version} is too old: 14 or newer is needed"
            raise UnfitDatabaseError(msg)
        off = [name for name, value in zip(_SETTINGS, row[3:6], strict=True) if value == "off"]
        if off:
            msg = (
                f"PostgreSQL may lose what it has acknowledged: {', '.join(off)} must be on "
                f"(set it in postgresql.conf, or for this database with ALTER DATABASE)"
            )
            raise UnfitDatabaseError(msg)
        is_standby, is_read_only = row[6:]
        if must_write and is_standby:
            msg = (
                "this PostgreSQL server is a standby, which can only be read: name the primary, or"
                " start again when this one has been promoted"
            )
            raise UnfitDatabaseError(msg)
        if must_write and is_read_only:
            msg = (
                "PostgreSQL lets sessions here only read: set default_transaction_read_only off"
                " (in postgresql.conf, or for this database or role where it is set)"
            )
            raise UnfitDatabaseError(msg)

    async def fetch(
        self,
        query: str,
        *args: Any,
        is_repeatable: bool = True,
        timeout: float | None = None,  # noqa: ASYNC109  # asyncpg cancels the statement by it
    ) -> list[Row]:
        """Run one statement as a transaction of its own; return its rows.

        ``is_repeatable`` says that running it twice does no harm, so that it may be sent again when
        nobody knows whether it was carried out.

        Raises:
            StoreUnavailableError: when the database cannot answer now.
        """
        return await self.run(
            lambda link: link.fetch(query, *args, timeout=timeout), is_repeatable=is_repeatable
        )

    async def transact(
        self, work: Callable[[Link], Awaitable[T]], *, is_repeatable: bool = True
    ) -> T:
        """Run ``work`` in one transaction; it may be called again from the start after a race.

        Raises:
            StoreUnavailableError: when the database cannot answer now.
        """

        async def inside(link: Link) -> T:
            async with link.transaction():
                return await work(link)

        return await self.run(inside, is_repeatable=is_repeatable)

    async def run(self, work: Callable[[Link], Awaitable[T]], *, is_repeatable: bool) -> T:
        """Run ``work`` on a connection, without a transaction around it."""
        rounds = ROUNDS
        while True:
            rounds -= 1
            link = await self._pool.acquire()
            try:
                if self.damage.found:
                    # Reads go on; PostgreSQL itself refuses what would write.
                    async with link.transaction(readonly=True):
                        return await work(link)
                return await work(link)
            except Exception as error:
                verdict = judge(error, is_link_closed=link.is_closed())
                if verdict is Verdict.OURS:
                    raise
                reason = self._note(error)
                if verdict is Verdict.LOST:
                    link.terminate()
                may_go_on = verdict is Verdict.ROLLED_BACK or (
                    verdict is Verdict.LOST
                    and is_repeatable
                    and not isinstance(error, TimeoutError)
                )
                if not may_go_on or rounds <= 0:
                    raise StoreUnavailableError(
                        f"PostgreSQL: {str(error) or type(error).__name__}", reason
                    ) from error
            except BaseException:
                # Cancelled: the answer is still to come on this connection, so it is no more use.
                link.terminate()
                raise
            finally:
                self._pool.release(link)

    async def try_write(self) -> None:
        """Write a few bytes durably, soon.

        A row of a few bytes needs no room of its own. So after a write that found none, as much is
        written as many writes together need.

        Raises:
            StoreUnavailableError: that does not work.
        """
        try:
            async with asyncio.timeout(READY_SECONDS):
                if self.lacks_room:
                    await self.fetch(_BEAT, bytes(ROOM_BYTES))
                    self.lacks_room = False
                await self.fetch(_BEAT, b"")
        except TimeoutError:
            msg = f"PostgreSQL did not answer in {READY_SECONDS:g} s"
            raise StoreUnavailableError(msg) from None

    def _note(self, error: Exception) -> UnavailableReason:
        """Remember what an error says about the whole database."""
        reason = reason_of(error)
        if reason is UnavailableReason.DAMAGED:
            self.damage.report(str(error))
        if self.damage.found:
            return UnavailableReason.DAMAGED
        self.lacks_room |= reason is UnavailableReason.DISK_FULL
        return reason

    async def close(self) -> None:
        """Close all connections when what is under way has finished."""
        await self._pool.close()

    async def _connect(self) -> Link:
        link: Link = await asyncpg.connect(self._dsn, **self._options)
        return link
