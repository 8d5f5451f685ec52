"""Which faults of the database mean what: try again, wait, or a fault of our own.

    StoreUnavailableError   (of the port) answer 503, try again later
    UnfitDatabaseError      the database must not be used as it is; the operator has to act

Everything else that PostgreSQL reports is a fault of a query and is let through.
"""

from __future__ import annotations

import enum

import asyncpg

from parcelwire.store.port import UnavailableReason


class UnfitDatabaseError(Exception):
    """The database may not be used: too old, settings that lose data, or a newer schema."""


class Verdict(enum.Enum):
    """What follows from an error."""

    ROLLED_BACK = "rolled back"
    """Nothing was stored because of a race with somebody else: run it again."""
    LOST = "lost"
    """The connection is gone; whether the statement was carried out is not known."""
    REFUSED = "refused"
    """Nothing was stored, and it will not be for now (disk full, no connection free)."""
    OURS = "ours"
    """A fault of the query or its arguments."""


_ROLLED_BACK = (
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.InvalidCachedStatementError,
)
_LOST = (
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    asyncpg.exceptions.IdleInTransactionSessionTimeoutError,
    asyncpg.exceptions.InternalClientError,
    OSError,
)
_DAMAGED = (
    asyncpg.exceptions.DataCorruptedError,
    asyncpg.exceptions.IndexCorruptedError,
)
_REFUSED = (
    *_DAMAGED,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.PostgresSystemError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
    asyncpg.exceptions.LockNotAvailableError,
)


def reason_of(error: BaseException) -> UnavailableReason:
    """Return in plain words what an error that is not ours means for the whole database."""
    if isinstance(error, _DAMAGED):
        return UnavailableReason.DAMAGED
    if isinstance(error, asyncpg.exceptions.DiskFullError):
        return UnavailableReason.DISK_FULL
    if isinstance(error, asyncpg.exceptions.PostgresIOError):
        return UnavailableReason.DISK_ERROR
    if isinstance(error, asyncpg.exceptions.ReadOnlySQLTransactionError):
        return UnavailableReason.READ_ONLY
    return UnavailableReason.UNREACHABLE


def judge(error: BaseException, *, is_link_closed: bool) -> Verdict:
    """Tell what an error raised by asyncpg means."""
    if isinstance(error, _ROLLED_BACK):
        return Verdict.ROLLED_BACK
    if isinstance(error, TimeoutError):  # an OSError, but the statement may still be running
        return Verdict.LOST
    if isinstance(error, _LOST):
        return Verdict.LOST
    if isinstance(error, _REFUSED):
        return Verdict.REFUSED
    if isinstance(error, asyncpg.exceptions.InterfaceError) and is_link_closed:
        return Verdict.LOST
    return Verdict.OURS
