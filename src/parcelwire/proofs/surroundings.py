"""What the system says about a file: which file system it is on, who else has it open."""

from __future__ import annotations

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Final

import msgspec

MEMORY_FILE_SYSTEMS: Final = frozenset({"ramfs", "tmpfs"})

UNSAFE_MOUNT_OPTIONS: Final = frozenset({"barrier=0", "nobarrier", "eatmydata"})
"""Options that let a flush return before the disk has the data."""


class Holder(msgspec.Struct, frozen=True):
    """A process that has a database file open."""

    pid: int
    command: str


def holders_of(path: Path, *, seconds: float = 1.0) -> list[Holder] | None:
    """Return the processes that keep a SQLite database open for at least ``seconds``.

    In WAL mode every connection holds a shared lock on the file as long as it is open, and Linux
    tells every lock. Commands that are done sooner do not count. None: the system does not tell.
    Nothing is opened: closing a second handle would drop the locks of a SQLite in this process.
    """
    first = _lockers(path)
    if first is None:
        return None
    time.sleep(seconds)
    stayed = first & (_lockers(path) or set())
    return [Holder(pid, _command_of(pid)) for pid in sorted(stayed - {os.getpid()})]


def _lockers(path: Path) -> set[int] | None:
    """Return the processes with a lock on the database or on the shared memory beside it."""
    table = Path("/proc/locks")
    if not table.exists():
        return None
    files = set()
    for name in (path, path.with_name(f"{path.name}-shm")):
        try:
            status = name.stat()
        except OSError:
            continue
        files.add((os.major(status.st_dev), os.minor(status.st_dev), status.st_ino))
    found = set()
    for line in table.read_text().splitlines():
        # 1: POSIX  ADVISORY  READ 14687 fe:00:2621917 1073741826 1073742335
        fields = line.replace("->", "").split()
        if len(fields) < 6:
            continue
        major, minor, inode = fields[5].split(":")
        if (int(major, 16), int(minor, 16), int(inode)) in files:
            found.add(int(fields[4]))
    return found


def _command_of(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "a process of another container or user"
    return b" ".join(words).decode(errors="replace").strip()


class _SymbolInfo(ctypes.Structure):
    """``Dl_info`` of ``dlfcn.h``."""

    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def flush_library() -> str:
    """Return the file name of the library whose ``fdatasync`` this process calls; empty: unknown.

    A library put before the system's by ``LD_PRELOAD`` may make every flush do nothing.
    """
    if not sys.platform.startswith("linux"):
        return ""
    program = ctypes.CDLL(None)
    information = _SymbolInfo()
    address = ctypes.cast(program.fdatasync, ctypes.c_void_p)
    if not program.dladdr(address, ctypes.byref(information)) or not information.file:
        return ""
    return Path(os.fsdecode(information.file)).name


def is_system_library(name: str) -> bool:
    """Tell whether a library is the C library itself (glibc's or musl's)."""
    return name.startswith(("libc.", "libc-", "libpthread", "ld-musl", "ld-linux"))


def flush_seconds(folder: Path, times: int = 20) -> list[float]:
    """Return how long it takes to write and flush 4 KiB, ``times`` times, ascending."""
    path = folder / "flush.probe"
    found = []
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        for _ in range(times):
            started = time.perf_counter()
            os.pwrite(descriptor, os.urandom(4096), 0)
            os.fsync(descriptor)
            found.append(time.perf_counter() - started)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(found)
