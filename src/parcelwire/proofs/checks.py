"""What is known to make a database lose what it has acknowledged, looked for in the real settings.

Nothing here writes into the operator's database: SQLite's file is not even opened, PostgreSQL is
asked for its settings only.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import apsw
import msgspec

from parcelwire.bootstrap import InstallationError, SystemClock, open_store
from parcelwire.bootstrap.clock_watch import LEAST_MS
from parcelwire.config import Config
from parcelwire.domain.clock import SECOND
from parcelwire.proofs.surroundings import (
    MEMORY_FILE_SYSTEMS,
    UNSAFE_MOUNT_OPTIONS,
    Holder,
    flush_library,
    flush_seconds,
    holders_of,
    is_system_library,
)
from parcelwire.store.sqlite.connection import OLDEST_SQLITE
from parcelwire.store.sqlite.file_system import (
    NETWORK_FILE_SYSTEMS,
    FileSystem,
    file_system_of,
)

LEAST_FREE_BYTES: Final = 1 << 30
QUICKEST_FLUSH_SECONDS: Final = 20e-6
"""No disk takes a flush in less; something in between answered for it."""

SYNCHRONOUS: Final = {0: "OFF", 1: "NORMAL", 2: "FULL", 3: "EXTRA"}


class Check(msgspec.Struct, frozen=True):
    """One thing that was looked at."""

    state: Literal["good", "note", "bad"]
    summary: str
    """What was found."""
    detail: str = ""
    """What it means, and what to do."""
    is_fatal: bool = False
    """The service does not even start on it, so that nothing can be tried."""


def good(what: str, why: str = "") -> Check:
    """Return a check that found nothing wrong."""
    return Check("good", what, why)


def note(what: str, why: str) -> Check:
    """Return a check that found something to know."""
    return Check("note", what, why)


def bad(what: str, why: str, *, is_fatal: bool = False) -> Check:
    """Return a check that found something to mend."""
    return Check("bad", what, why, is_fatal)


# --- SQLite -------------------------------------------------------------------------------------


async def check_sqlite(file: Path, scratch: Path, scratch_config: Config) -> list[Check]:
    """Look at the library, the disk under ``file``, who has it open, and how the program opens it.

    ``scratch`` is a folder beside the file, on the same disk.
    """
    found = [
        check_library(apsw.sqlite_lib_version()),
        *check_file_system(file_system_of(scratch)),
        check_flush_library(flush_library()),
        check_flush(await asyncio.to_thread(flush_seconds, scratch)),
        check_room(scratch),
        check_holders(await asyncio.to_thread(holders_of, file)),
    ]
    if not found[0].is_fatal:
        found += await check_connections(scratch_config)
    return found


def check_library(version: str) -> Check:
    """Check SQLite's own version."""
    oldest = ".".join(map(str, OLDEST_SQLITE))
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQLITE:
        return bad(
            f"SQLite library {version}",
            f"it can corrupt a database when two connections reset the WAL at the same moment;"
            f" {oldest} or newer is needed: install a newer apsw",
            is_fatal=True,
        )
    return good(f"SQLite library {version}", f"{oldest} or newer has no WAL-reset fault")


def check_file_system(where: FileSystem) -> list[Check]:
    """Check what kind of file system it is, and how it is mounted."""
    what = f"file system {where.kind} at {where.place}"
    if not where.kind:
        return [note("file system unknown", "this system does not say what the database lies on")]
    if where.kind in NETWORK_FILE_SYSTEMS:
        return [
            bad(
                what,
                "it is shared over a network: SQLite's WAL needs locks and memory that every writer"
                " shares, and two machines would corrupt the file; use a local disk or PostgreSQL",
            )
        ]
    if where.kind in MEMORY_FILE_SYSTEMS:
        return [bad(what, "it is memory: everything is gone with the next restart")]
    unsafe = sorted(where.options & UNSAFE_MOUNT_OPTIONS)
    if unsafe:
        return [
            bad(
                f"{what}, mounted with {', '.join(unsafe)}",
                "a flush returns before the disk has the data; mount it without",
            )
        ]
    if where.kind == "overlay":
        return [
            note(what, "it is a container's own layer and goes with the container: use a volume")
        ]
    return [good(what, "local, and mounted with write barriers")]


def check_flush_library(name: str) -> Check:
    """Check whether somebody stands between the program and the system's flush."""
    if not name:
        return note("flush calls", "this system does not say which library they go to")
    if not is_system_library(name):
        return bad(
            f"fdatasync is {name}'s",
            "a library in LD_PRELOAD answers for the disk: flushes may do nothing; do without it",
        )
    return good(f"fdatasync is the system's ({name})")


def check_flush(seconds: list[float]) -> Check:
    """Check how long a flush takes: too quick to be true, or so slow that it limits writes."""
    middle = seconds[len(seconds) // 2]
    what = f"a flush takes {middle * 1_000:.2f} ms"
    cannot_see = (
        "whether the disk itself keeps its word cannot be seen from here: a drive or hypervisor"
        " that lies about flushes is found only by cutting its power"
    )
    if middle < QUICKEST_FLUSH_SECONDS:
        return bad(what, f"no disk is so quick: flushes are not passed on; {cannot_see}")
    return good(what, f"commits wait for it, up to 500 writes share one; {cannot_see}")


def check_room(folder: Path) -> Check:
    """Check that there is room to write."""
    free = shutil.disk_usage(folder).free
    what = f"{free / 1e9:.1f} GB free"
    if free < LEAST_FREE_BYTES:
        return note(what, "when the disk is full nothing new is acknowledged until there is room")
    return good(what)


def check_holders(holders: list[Holder] | None) -> Check:
    """Check that no two processes keep the file open."""
    if holders is None:
        return note("other writers", "this system does not say who has the file open")
    if len(holders) > 1:
        who = "; ".join(f"{one.pid} ({one.command})" for one in holders)
        return bad(
            f"{len(holders)} processes keep the file open: {who}",
            "SQLite is for one server; two ask every carrier and hold each other up:"
            " stop one of them, or use PostgreSQL",
        )
    if holders:
        return good(f"one server has the file open: {holders[0].pid} ({holders[0].command})")
    return good("no other process has the file open", "other machines cannot be seen from here")


async def check_connections(scratch_config: Config) -> list[Check]:
    """Open a scratch database as the service does, and ask its connections how they are set."""
    try:
        seen = await observed_pragmas(scratch_config)
    except InstallationError as error:
        return [bad("the service cannot open a database there", str(error), is_fatal=True)]
    writers = [one for one in seen if not one["query_only"]]
    if not writers:
        return [bad("no connection that writes was opened", "the service could not store anything")]
    return [check for one in writers for check in check_pragmas(one)]


def check_pragmas(settings: dict[str, Any]) -> list[Check]:
    """Check the settings of one connection that writes."""
    name = SYNCHRONOUS.get(settings["synchronous"], str(settings["synchronous"]))
    found = [
        good(f"synchronous = {name}", "every commit is flushed before it is acknowledged")
        if settings["synchronous"] >= 2
        else bad(
            f"synchronous = {name}",
            "commits are acknowledged before they are on the disk: a power failure loses them",
        )
    ]
    if settings["journal_mode"] != "wal":
        found.append(
            bad(
                f"journal_mode = {settings['journal_mode']}",
                "the WAL could not be switched on: the file system cannot share memory, or another"
                " program holds the file",
            )
        )
    if not settings["secure_delete"]:
        found.append(
            note("secure_delete is off", "what is erased stays readable in the file's free pages")
        )
    if sys.platform == "darwin" and not settings["fullfsync"]:
        found.append(
            note(
                "fullfsync is off",
                "macOS flushes to the drive, not to its platter: power may take the last commits",
            )
        )
    return found


async def observed_pragmas(config: Config) -> list[dict[str, Any]]:
    """Return the settings of every connection that opening the store makes."""
    connections: list[apsw.Connection] = []
    hooks: list[Callable[[apsw.Connection], None]] = apsw.connection_hooks
    hooks.append(connections.append)
    try:
        store = await open_store(config, SystemClock())
    finally:
        hooks.remove(connections.append)
    try:
        return [
            {
                name: one.pragma(name)
                for name in (
                    "synchronous",
                    "journal_mode",
                    "secure_delete",
                    "fullfsync",
                    "query_only",
                )
            }
            for one in connections
        ]
    finally:
        await store.close()


# --- PostgreSQL ---------------------------------------------------------------------------------

OLDEST_POSTGRES: Final = 140_000

_SETTINGS: Final = """
select name, setting from pg_settings where name in (
    'fsync', 'full_page_writes', 'synchronous_commit', 'server_version', 'server_version_num',
    'wal_sync_method', 'data_checksums', 'ignore_checksum_failure', 'zero_damaged_pages',
    'transaction_read_only', 'max_connections'
)
"""
_TIME: Final = "select floor(extract(epoch from clock_timestamp()) * 1000)::bigint"
_UNLOGGED: Final = """
select relname from pg_class
where relpersistence = 'u' and relkind in ('r', 'S') and relnamespace = any (
    select oid from pg_namespace where nspname = any (current_schemas(false))
)
order by relname
"""


async def check_postgres(link: Any, config: Config) -> list[Check]:
    """Look at the settings that hold in a session of the service's role on its database.

    ``link`` is an open asyncpg connection.
    """
    settings = dict(await link.fetch(_SETTINGS))
    unlogged = [name for (name,) in await link.fetch(_UNLOGGED)]
    clock = SystemClock()
    asked_at = clock.machine_time()
    theirs = int(await link.fetchval(_TIME))
    ahead = (asked_at + clock.machine_time()) // 2 - theirs
    return [
        *check_durability(settings),
        *check_service(settings, unlogged, config),
        check_clock(ahead / SECOND),
    ]


def check_clock(ahead_seconds: float) -> Check:
    """Check what this machine's clock is ahead of the database server's."""
    if abs(ahead_seconds) * SECOND < LEAST_MS:
        return good("this machine's clock agrees with the database's")
    direction = "ahead of" if ahead_seconds > 0 else "behind"
    return note(
        f"this machine's clock is {abs(ahead_seconds):.1f} s {direction} the database's",
        "the service takes the database's time and is not disturbed, but other programs read this"
        " clock, too: let a time service set it",
    )


def check_durability(settings: dict[str, str]) -> list[Check]:
    """Check what decides whether a commit survives a crash of the server or the machine."""
    found = []
    for name, what_is_lost in (
        ("fsync", "after a crash of the machine the whole cluster may be corrupt"),
        ("full_page_writes", "a page torn by a power failure cannot be repaired"),
        ("synchronous_commit", "a crash loses commits that were acknowledged"),
    ):
        value = settings.get(name, "unknown")
        if value in ("off", "unknown"):
            found.append(
                bad(
                    f"{name} = {value}",
                    f"{what_is_lost}; set it on, in postgresql.conf or where the role or the"
                    " database overrides it (ALTER ROLE, ALTER DATABASE)",
                )
            )
        else:
            found.append(good(f"{name} = {value}"))
    for name, why in (
        ("ignore_checksum_failure", "damaged pages are read as if they were sound"),
        ("zero_damaged_pages", "damaged pages are emptied instead of reported"),
    ):
        if settings.get(name) == "on":
            found.append(bad(f"{name} = on", f"{why}; set it off"))
    if settings.get("data_checksums") == "off":
        found.append(
            note("data_checksums = off", "damage by the disk would not be noticed (pg_checksums)")
        )
    return found


def check_service(settings: dict[str, str], unlogged: list[str], config: Config) -> list[Check]:
    """Check whether the service can work there at all."""
    version = settings.get("server_version", "?").split()[0]
    found = [
        good(f"PostgreSQL {version}", "14 or newer is needed")
        if int(settings.get("server_version_num", "0")) >= OLDEST_POSTGRES
        else bad(f"PostgreSQL {version}", "14 or newer is needed")
    ]
    if settings.get("transaction_read_only") == "on":
        found.append(bad("sessions are read-only", "this is a standby, or the role may not write"))
    if unlogged:
        found.append(
            bad(
                f"unlogged tables: {', '.join(unlogged)}",
                "they are emptied after a crash; ALTER TABLE ... SET LOGGED",
            )
        )
    most = int(settings.get("max_connections", "0"))
    if config.store.pool_size * 3 > most > 0:
        found.append(
            note(
                f"max_connections = {most}, store.pool_size = {config.store.pool_size}",
                "every process opens up to pool_size connections; three processes would not fit",
            )
        )
    return found
