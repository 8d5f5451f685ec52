"""The PostgreSQL engine of the store: many processes on many machines share one database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

from parcelwire.domain.clock import Clock, Instant
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import DiskSpace, StoreUnavailableError
from parcelwire.store.postgres.accounts import Accounts
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.errors import UnfitDatabaseError
from parcelwire.store.postgres.feed import Feed
from parcelwire.store.postgres.journeys import Journeys
from parcelwire.store.postgres.message_log import MessageLog
from parcelwire.store.postgres.messages import Messages
from parcelwire.store.postgres.migrating import migrate
from parcelwire.store.postgres.polls import Polls
from parcelwire.store.postgres.records import Records
from parcelwire.store.postgres.remote_areas import RemoteAreas
from parcelwire.store.postgres.sealings import Sealings
from parcelwire.store.postgres.sequences import advance_sequences
from parcelwire.store.postgres.trackings import Trackings
from parcelwire.store.postgres.unmapped_codes import UnmappedCodes
from parcelwire.store.sealing import Sealing, ValueSealer
from parcelwire.store.sweeping import Sweep

__all__ = ["DEFAULT_POOL_SIZE", "PostgresStore", "UnfitDatabaseError", "open_store"]

DEFAULT_POOL_SIZE: Final = 8

_DATABASE_TIME: Final = "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint"


class PostgresStore(
    Trackings,
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
    """Implements ``store.port.Store``; make one with ``open_store``."""

    def __init__(
        self,
        database: Database,
        *,
        render: Callable[[Tracking], bytes],
        clock: Clock,
        sealer: ValueSealer | None = None,
    ) -> None:
        self._sealing = Sealing(sealer)
        Trackings.__init__(self, database, render)
        Polls.__init__(self, database, clock)
        self._event_sweep = Sweep()

    async def close(self) -> None:
        """Finish what is queued and close."""
        await self._creations.finish()
        await self._counters.finish()
        await self._database.close()

    async def is_ready(self) -> bool:
        """See ``Store``."""
        try:
            await self.try_write()
        except StoreUnavailableError:
            return False
        return True

    async def try_write(self) -> None:
        """See ``Store``."""
        await self._database.try_write()

    @property
    def damage(self) -> str:
        """See ``Store``."""
        return self._database.damage.found

    @property
    def wants_check(self) -> bool:
        """See ``Store``."""
        return False

    async def check(self, stopping: threading.Event) -> bool:
        """See ``Store``."""
        del stopping
        return True

    async def database_time(self) -> Instant | None:
        """See ``Store``."""
        rows = await self._database.fetch(_DATABASE_TIME)
        return int(rows[0][0])

    def disk_space(self) -> DiskSpace | None:
        """See ``Store``."""
        return None

    def describe(self) -> str:
        """Return one line for people: engine, version, place (no credentials)."""
        return f"PostgreSQL {self._database.version}, {self._database.place}"


async def open_store(
    dsn: str,
    *,
    render: Callable[[Tracking], bytes],
    clock: Clock,
    behind_pgbouncer: bool = False,
    pool_size: int = DEFAULT_POOL_SIZE,
    is_server: bool = False,
    sealer: ValueSealer | None = None,
) -> PostgresStore:
    """Open the store on the database of ``dsn`` and bring its schema up to date.

    ``render`` makes a tracking's rendition. ``behind_pgbouncer`` renounces prepared statements, so
    that PgBouncer may run in transaction mode. ``pool_size`` is the most connections this process
    opens. ``is_server``: a server will run on it, so it must be possible to write. ``sealer`` seals
    what is secret; without one (tests, proofs) it lies open.

    Raises:
        StoreUnavailableError: when the database cannot be reached.
        UnfitDatabaseError: when it must not be used as it is: a server before PostgreSQL 14, fsync,
            full_page_writes or synchronous_commit off, or a schema newer than this program; for a
            server, a standby, or sessions that may only read.
    """
    database = Database(dsn, behind_pgbouncer=behind_pgbouncer, pool_size=pool_size)
    try:
        await database.check(must_write=is_server)
        await database.run(migrate, is_repeatable=True)
        await database.run(advance_sequences, is_repeatable=True)
    except BaseException:
        await database.close()
        raise
    return PostgresStore(database, render=render, clock=clock, sealer=sealer)
