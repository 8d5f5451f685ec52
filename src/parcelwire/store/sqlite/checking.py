"""Looks for damage in the whole file, gently, beside the service.

``quick_check`` walks every page of every tree and the list of free pages, and looks at every row's
types and at the keys that must be there. It reads on a connection of its own, past the memory map,
so that a file that is cut short meanwhile is an error and not the end of the process.

A check is one long read, and the WAL cannot be started anew before it ends. So the check rests
between its steps only while the WAL is small.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

import apsw
from msgspec.structs import replace

from parcelwire.domain.clock import SECOND, Clock
from parcelwire.store.damage import Damage
from parcelwire.store.port import StoreUnavailableError, UnavailableReason
from parcelwire.store.sqlite.connection import (
    UNAVAILABLE,
    SqliteSettings,
    close_unchanged,
    connect,
    extended_result,
    fetch,
    is_damage,
    unavailable,
)

STEPS: Final = 2_000
"""Pages, or instructions of SQLite's, between two looks at the time."""

WORK_MS: Final = 20
REST_SECONDS: Final = 0.02
"""So much rest after so much work: half of one core's time, and half of the disk's."""

LARGE_WAL_BYTES: Final = 64 << 20

CACHE_BYTES: Final = 4 << 20

FINDINGS: Final = 3
"""Enough to say that it is damaged; more is the business of who repairs it."""

_UNREADABLE: Final = frozenset({apsw.SQLITE_IOERR_READ, apsw.SQLITE_IOERR_SHORT_READ})


def check_file(
    path: Path,
    settings: SqliteSettings,
    damage: Damage,
    *,
    clock: Clock,
    stopping: threading.Event,
    budget_seconds: float | None = None,
) -> bool:
    """Read the whole file and report what is wrong to ``damage``.

    With ``budget_seconds`` it works without rest, and gives up after that time. Returns False when
    it gave up, or ``stopping`` was set.

    Raises:
        StoreUnavailableError: the file cannot be opened or read now, for another reason.
    """
    pace = _Pace(path, clock, stopping, budget_seconds)
    mild = replace(settings, mmap_bytes=0, cache_bytes=CACHE_BYTES)
    try:
        connection = connect(path, mild, is_writer=False, is_check=True)
        try:
            connection.set_progress_handler(pace.is_over, STEPS)
            rows = fetch(connection, f"PRAGMA quick_check({FINDINGS})")
        finally:
            close_unchanged(connection)
    except apsw.InterruptError:
        return False
    except StoreUnavailableError as error:
        if error.reason is not UnavailableReason.DAMAGED:
            raise
        damage.report(str(error))
        return True
    except UNAVAILABLE as error:
        is_unreadable = isinstance(error, apsw.IOError) and extended_result(error) in _UNREADABLE
        if is_damage(error) or is_unreadable:
            damage.report(str(error))
            return True
        raise unavailable(error) from error
    if rows != [("ok",)]:
        damage.report("; ".join(" ".join(str(text).split()) for (text,) in rows)[:500])
    return True


class _Pace:
    """Decides when a check rests and when it ends."""

    def __init__(
        self, path: Path, clock: Clock, stopping: threading.Event, budget_seconds: float | None
    ) -> None:
        self._wal = path.with_name(path.name + "-wal")
        self._clock = clock
        self._stopping = stopping
        self._budget_ms = None if budget_seconds is None else budget_seconds * SECOND
        self._started_at = self._worked_from = clock.now()

    def is_over(self) -> bool:
        """Rest if it is time to; tell SQLite whether to stop (its progress handler)."""
        if self._stopping.is_set():
            return True
        now = self._clock.now()
        if self._budget_ms is not None:
            return now - self._started_at > self._budget_ms
        if 0 <= now - self._worked_from < WORK_MS or self._is_wal_large():
            return False
        is_stopping = self._stopping.wait(REST_SECONDS)
        self._worked_from = self._clock.now()
        return is_stopping

    def _is_wal_large(self) -> bool:
        try:
            return self._wal.stat().st_size > LARGE_WAL_BYTES
        except OSError:
            return False
