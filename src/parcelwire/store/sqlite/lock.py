"""One server for one file: a lock that ends with the process that holds it.

A second server would poll and deliver beside the first and answer from a state of its own. The lock
is the system's (``flock``) on a file beside the database: a process that was killed cannot leave it
behind, and closing it releases none of SQLite's own locks on the database. Commands that only open
the database do not take it.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.domain.clock import Clock, Instant, to_datetime
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sqlite.connection import ServerInUseError

SUFFIX: Final = ".lock"


class _Holder(msgspec.Struct):
    """What the lock's file says about whoever holds it, or held it last."""

    pid: int
    since: Instant
    has_database: bool = False
    """The database has been laid out: from then on an empty file is a loss, not a beginning."""


_decode: Final = msgspec.json.Decoder(_Holder).decode


def held_database(path: Path) -> bool:
    """Tell, without the lock, whether a server has laid out a database at ``path`` before."""
    try:
        return _decode(path.with_name(path.name + SUFFIX).read_bytes()).has_database
    except (OSError, msgspec.DecodeError):
        return False


class ServerLock:
    """Held by the one server of a file."""

    def __init__(self, path: Path, clock: Clock) -> None:
        """Take the lock of the database at ``path``, an absolute path without symbolic links.

        Raises:
            ServerInUseError: another server has it.
            StoreUnavailableError: the file beside the database cannot be made or locked.
        """
        place = path.with_name(path.name + SUFFIX)
        try:
            self._file = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreUnavailableError(f"cannot open {place}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = self._read()
            os.close(self._file)
            who = ""
            if holder is not None:
                since = f"{to_datetime(holder.since):%Y-%m-%d %H:%M:%S} UTC"
                who = f" (process {holder.pid}, since {since})"
            msg = f"another server{who} is using {path}; stop it first"
            raise ServerInUseError(msg) from None
        except OSError as error:
            os.close(self._file)
            raise StoreUnavailableError(f"cannot lock {place}: {error.strerror}") from error
        last = self._read()
        self.had_database = last is not None and last.has_database
        """A server before this one has laid out the database."""
        self._holder = _Holder(os.getpid(), clock.now(), self.had_database)
        self._write()

    def note_database(self) -> None:
        """Remember that the database is laid out."""
        if not self._holder.has_database:
            self._holder.has_database = True
            self._write()

    def release(self) -> None:
        """Let another server have the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _read(self) -> _Holder | None:
        try:
            return _decode(os.pread(self._file, 1_000, 0))
        except (OSError, msgspec.DecodeError):
            return None

    def _write(self) -> None:
        # It only serves messages: where there is no room for it, the lock itself still holds.
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, msgspec.json.encode(self._holder), 0)
        except OSError:
            return
