"""Connections to the file: their settings, their errors, and which SQLite we accept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import apsw
import msgspec

from parcelwire.store.port import StoreUnavailableError, UnavailableReason

OLDEST_SQLITE: Final = (3, 51, 3)
"""Older libraries can corrupt a database when two connections reset its WAL at the same moment."""

ADVICE: Final = (
    "Stop the server, keep the file, and restore the newest backup; without one, save what can be"
    " read: sqlite3 FILE .recover | sqlite3 NEWFILE"
)
"""What an operator does about a damaged file."""

Row = tuple[Any, ...]
"""What SQLite gives back; the statement says of which types."""


class UnsupportedSqliteError(Exception):
    """The SQLite library is too old to be trusted with the data."""


class SchemaError(Exception):
    """The file is laid out by a newer Parcelwire, or is no database of Parcelwire's."""


class ServerInUseError(Exception):
    """Another server has the file. The text names it."""


class SqliteSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What may be set. The defaults are what the service runs with."""

    synchronous: Literal["FULL", "NORMAL"] = "FULL"
    """NORMAL may lose acknowledged writes when the power fails."""
    busy_seconds: float = 5.0
    """How long a write waits for another process's transaction."""
    mmap_bytes: int = 0x7FFF0000
    """How much of the file is read without copying: the most that SQLite takes.

    What was read so shows as the process's memory, but it is the system's cache and goes back to it
    when memory is short.
    """
    cache_bytes: int = 8 << 20
    """Page cache of each connection that reads. A larger one is slower: its pages are copies."""
    writer_cache_bytes: int = 32 << 20
    """Page cache of the connection that writes: new numbers fall anywhere in their index."""
    checkpoint_pages: int = 4_000
    """Pages in the WAL from which it is worked into the file."""
    vfs: str | None = None
    """The file layer to use; crash tests bring their own."""


UNAVAILABLE: Final = (
    apsw.BusyError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.FullError,
    apsw.IOError,
    apsw.LockedError,
    apsw.NoMemError,
    apsw.NotADBError,
    apsw.PermissionsError,
    apsw.ProtocolError,
    apsw.ReadOnlyError,
)
"""Errors that say something about the file or the machine, not about the statement."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn SQLite's troubles with file and machine into ours."""
    try:
        yield
    except UNAVAILABLE as error:
        raise unavailable(error) from error


def unavailable(error: Exception) -> StoreUnavailableError:
    """Return our error for SQLite's."""
    return StoreUnavailableError(f"{type(error).__name__}: {error}", reason_of(error))


def reason_of(error: Exception) -> UnavailableReason:
    """Return in plain words what SQLite's error means for the whole database."""
    if is_damage(error):
        return UnavailableReason.DAMAGED
    if isinstance(error, apsw.FullError):
        return UnavailableReason.DISK_FULL
    if isinstance(error, apsw.IOError):
        return UnavailableReason.DISK_ERROR
    if isinstance(error, apsw.PermissionsError | apsw.ReadOnlyError):
        return UnavailableReason.READ_ONLY
    return UnavailableReason.UNREACHABLE


def is_damage(error: Exception) -> bool:
    """Tell whether an error says that the file holds what cannot be right."""
    return isinstance(error, apsw.CorruptError | apsw.NotADBError) or (
        isinstance(error, apsw.IOError) and extended_result(error) in _DAMAGED_IO
    )


def extended_result(error: Exception) -> int:
    """Return SQLite's extended result code; 0 when the error was not raised by SQLite itself."""
    return int(getattr(error, "extendedresult", 0))


_DAMAGED_IO: Final = frozenset({apsw.SQLITE_IOERR_CORRUPTFS, apsw.SQLITE_IOERR_DATA})
"""The file system, or a checksum, says that what was read is not what was written."""


def close_unchanged(connection: apsw.Connection) -> None:
    """Close a connection to a damaged file without working its WAL into it."""
    try:
        connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    finally:
        connection.close(force=True)


def require_supported(version: str) -> None:
    """Refuse SQLite libraries that can corrupt a database.

    Raises:
        UnsupportedSqliteError: when ``version`` is older than ``OLDEST_SQLITE``.
    """
    numbers = tuple(int(part) for part in version.split("."))
    if numbers < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        msg = f"SQLite {version} can corrupt a database under load; {oldest} or newer is needed"
        raise UnsupportedSqliteError(msg)


def prepare_file(path: Path) -> None:
    """Make sure the file is there, readable by nobody but its owner.

    SQLite gives the files beside it (WAL, shared memory) the same permissions.

    Raises:
        StoreUnavailableError: when it cannot be made.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreUnavailableError(f"cannot open {path}: {error.strerror}") from error
    os.close(descriptor)


def connect(
    path: Path, settings: SqliteSettings, *, is_writer: bool, is_check: bool = False
) -> apsw.Connection:
    """Open the file, which must be there. ``is_check``: it is to be looked at as it was found.

    Raises:
        StoreUnavailableError: when that does not work now.
    """
    with translated():
        connection = apsw.Connection(
            str(path),
            flags=apsw.SQLITE_OPEN_READWRITE,
            vfs=settings.vfs,
            statementcachesize=300,
        )
        try:
            _set_up(connection, settings, is_writer=is_writer, is_check=is_check)
        except BaseException:
            close_unchanged(connection)
            raise
    return connection


def _set_up(
    connection: apsw.Connection, settings: SqliteSettings, *, is_writer: bool, is_check: bool
) -> None:
    connection.set_busy_timeout(round(settings.busy_seconds * 1_000))
    cache_bytes = settings.writer_cache_bytes if is_writer else settings.cache_bytes
    for pragma in (
        # Of a new file: a tracking's document fits on one page, and writes are fewer.
        "page_size = 8192",
        # The mode stands in the file: setting it writes there.
        "journal_mode" if is_check else "journal_mode = WAL",
        f"synchronous = {settings.synchronous}",
        f"mmap_size = {settings.mmap_bytes}",
        f"cache_size = -{cache_bytes >> 10}",
        f"wal_autocheckpoint = {settings.checkpoint_pages}",
        # After a burst the WAL gives its room back.
        f"journal_size_limit = {64 << 20}",
        "foreign_keys = ON",
        # What is deleted is overwritten: a parcel's data is personal data.
        "secure_delete = ON",
        "temp_store = MEMORY",
        "trusted_schema = OFF",
        f"query_only = {'OFF' if is_writer else 'ON'}",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()


def fetch(
    connection: apsw.Connection, sql: str, bindings: Sequence[Any] | dict[str, Any] = ()
) -> list[Row]:
    """Return all rows of a statement."""
    return connection.execute(sql, bindings).fetchall()
