"""Bring the schema up to date: numbered files, forward only, each applied exactly once."""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

import msgspec

from parcelwire.store.postgres.errors import UnfitDatabaseError
from parcelwire.store.postgres.pool import Link

LOCK: Final = 0x70617263_656C7731
"""Number of the advisory lock under which migrations run ("parcelw1"), held by a transaction."""

_TABLE: Final = (
    "create table if not exists schema_version (version integer primary key, "
    "name text not null, applied_at timestamptz not null default now())"
)

LONGEST_SECONDS: Final = 86_400.0
"""A step may rewrite tables of millions of rows, and others wait for it as long."""

_NO_LIMITS: Final = (
    "set local statement_timeout = 0; set local lock_timeout = 0; "
    "set local idle_in_transaction_session_timeout = 0"
)
"""Of the role or the database, meant for requests."""

_FILE_NAME: Final = re.compile(r"(\d{4})_(\w+)\.sql")


class Migration(msgspec.Struct, frozen=True):
    """One step of the schema."""

    version: int
    name: str
    script: str


def load_migrations() -> list[Migration]:
    """Return all migrations, oldest first.

    Raises:
        RuntimeError: when their numbers are not 1, 2, 3 ... without a gap.
    """
    found = []
    for file in files(__package__).joinpath("migrations").iterdir():
        match = _FILE_NAME.fullmatch(file.name)
        if match is not None:
            found.append(Migration(int(match[1]), match[2], file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.version)
    if [migration.version for migration in found] != list(range(1, len(found) + 1)):
        msg = "migrations must be numbered 1, 2, 3 ... without a gap"
        raise RuntimeError(msg)
    return found


def record_of(migration: Migration) -> str:
    """Return the statements that remember a migration as applied."""
    # A number and a name that the pattern of file names lets through: nothing to quote.
    return (
        f"\n{_TABLE};\n"
        "insert into schema_version (version, name) "
        f"values ({migration.version}, '{migration.name}');\n"
    )


async def migrate(link: Link) -> list[int]:
    """Apply what is missing, all in one transaction; return the versions applied now.

    Processes that start at once wait for each other (an advisory lock of the transaction, which
    PgBouncer's transaction mode keeps as well), and the later ones find the work done.

    Raises:
        UnfitDatabaseError: when the database was written by a newer Parcelwire.
    """
    migrations = load_migrations()
    if await _version(link) == len(migrations):
        return []
    async with link.transaction():
        await link.execute(_NO_LIMITS)
        await link.execute("select pg_advisory_xact_lock($1)", LOCK, timeout=LONGEST_SECONDS)
        await link.execute(_TABLE)
        present = await _version(link)
        missing = migrations[present:]
        for migration in missing:
            script = migration.script + record_of(migration)
            await link.execute(script, timeout=LONGEST_SECONDS)
        if present > len(migrations):
            msg = (
                f"the database has schema {present}, this Parcelwire knows up to "
                f"{len(migrations)}: run a Parcelwire at least as new as the one that wrote it"
            )
            raise UnfitDatabaseError(msg)
    return [migration.version for migration in missing]


async def _version(link: Link) -> int:
    if await link.fetchval("select to_regclass('schema_version')::text") is None:
        return 0
    version: int = await link.fetchval("select coalesce(max(version), 0) from schema_version")
    return version
