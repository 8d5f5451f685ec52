"""Bringing a file to today's layout: numbered files of SQL, forward only."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Final

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import decode_event
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sqlite.connection import SchemaError, fetch
from parcelwire.store.sqlite.ids import id_value

_VERSION_TABLE: Final = """
CREATE TABLE IF NOT EXISTS schema_version (
    version INTEGER PRIMARY KEY,
    applied_at INTEGER NOT NULL
) STRICT
"""


class Migration(msgspec.Struct, frozen=True):
    """One step forward."""

    version: int
    name: str
    sql: str


def all_migrations() -> list[Migration]:
    """Return all steps in order."""
    folder = resources.files(__package__) / "migrations"
    found = []
    for file in folder.iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            found.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    return sorted(found, key=lambda migration: migration.version)


def require_current(connection: apsw.Connection, path: Path) -> None:
    """Refuse a file that took the place of another and has another layout.

    Raises:
        StoreUnavailableError: it must be opened by a new start, which brings it up to date.
    """
    known = _version_of(connection)
    if known != all_migrations()[-1].version:
        msg = f"the database {path} was replaced by one with layout {known}; restart to use it"
        raise StoreUnavailableError(msg)


def migrate(connection: apsw.Connection, now: Instant) -> list[Migration]:
    """Apply what is missing, all in one transaction; return what was applied.

    Several processes may try at the same time: the write lock lets one do it, the others find it
    done.

    Raises:
        SchemaError: when the file is newer than this program, or somebody else's.
    """
    steps = all_migrations()
    if _version_of(connection) == steps[-1].version:
        return []
    connection.execute("BEGIN IMMEDIATE")
    try:
        applied = _apply_missing(connection, steps, now)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return applied


def _apply_missing(
    connection: apsw.Connection, steps: list[Migration], now: Instant
) -> list[Migration]:
    present = _version_of(connection)
    if present > steps[-1].version:
        msg = f"the database has layout {present}, this program knows up to {steps[-1].version}"
        raise SchemaError(msg)
    if present == 0 and fetch(connection, "SELECT 1 FROM sqlite_schema LIMIT 1"):
        msg = "the file is a database of some other program"
        raise SchemaError(msg)
    connection.execute(_VERSION_TABLE)
    # What the steps cannot say in SQL.
    connection.create_scalar_function("tracking_of_event", _tracking_of_event, 1)
    applied = [step for step in steps if step.version > present]
    for step in applied:
        connection.execute(step.sql)
        connection.execute("INSERT INTO schema_version VALUES (?, ?)", (step.version, now))
    return applied


def _tracking_of_event(*arguments: Any) -> bytes | str:
    return id_value(decode_event(arguments[0]).tracking_id)


def _version_of(connection: apsw.Connection) -> int:
    known = fetch(
        connection, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_version'"
    )
    if not known:
        return 0
    ((version,),) = fetch(connection, "SELECT max(version) FROM schema_version")
    return int(version or 0)
