"""A layer under SQLite that sees every call which touches storage, and may break it.

    store -> apsw -> SQLite -> WatchedVfs -> watcher (records, kills, refuses)
                                   |
                                   +-> the system's own file layer

Reading, locking and the shared memory of the WAL go straight through: they change nothing that a
restart finds. Locks, which guard that shared memory, can be watched on Linux (``watched_locks``).
"""

from __future__ import annotations

import ctypes
import fcntl
import itertools
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import apsw

Kind = Literal["open", "write", "sync", "truncate", "delete", "lock"]

_SYNCS_FOLDER: Final = (
    apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL
)
"""Of these, SQLite's file layer flushes the folder, too, at the first flush after opening."""

_SYSTEM: Final = apsw.vfs_names()[0]
"""By name: "the default one" would be the watched one itself, where that was made the default."""

_names = itertools.count(1)


class Call:
    """One call that touches storage."""

    __slots__ = ("data", "file", "is_folder_synced", "kind", "name", "offset")

    def __init__(
        self,
        kind: Kind,
        name: str,
        file: WatchedFile | None = None,
        *,
        offset: int = 0,
        data: bytes = b"",
        is_folder_synced: bool = False,
    ) -> None:
        self.kind = kind
        self.name = name
        """The file's name without its folder."""
        self.file = file
        self.offset = offset
        """Of a write: where. Of a truncation: the new size."""
        self.data = data
        self.is_folder_synced = is_folder_synced
        """Of a sync or a deletion: whether it makes the folder's entries durable, too."""


class Watcher(Protocol):
    """Told of every call before it is made. What it raises is what SQLite gets."""

    flushes: bool
    """Whether syncs reach the real disk; False where that disk is only a play."""

    def before(self, call: Call) -> None:
        """Look at a call that is about to be made."""
        ...


class WatchedFile(apsw.VFSFile):
    """A file of the system's, watched."""

    def __init__(self, watcher: Watcher, path: str, name: Any, flags: list[int]) -> None:
        super().__init__(_SYSTEM, name, flags)
        self._watcher = watcher
        self._name = Path(path).name
        self._syncs_folder = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & _SYNCS_FOLDER)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802  # SQLite's name
        """See SQLite's ``xWrite``."""
        content = bytes(data)
        self._watcher.before(Call("write", self._name, self, offset=offset, data=content))
        super().xWrite(content, offset)

    def write_through(self, data: bytes, offset: int) -> None:
        """Write past the watcher."""
        super().xWrite(data, offset)

    def xTruncate(self, newsize: int) -> None:  # noqa: N802  # SQLite's name
        """See SQLite's ``xTruncate``."""
        self._watcher.before(Call("truncate", self._name, self, offset=newsize))
        super().xTruncate(newsize)

    def xSync(self, flags: int) -> None:  # noqa: N802  # SQLite's name
        """See SQLite's ``xSync``."""
        self._watcher.before(Call("sync", self._name, self, is_folder_synced=self._syncs_folder))
        self._syncs_folder = False
        if self._watcher.flushes:
            super().xSync(flags)


class WatchedVfs(apsw.VFS):
    """The system's own file layer, watched."""

    def __init__(self, name: str, watcher: Watcher) -> None:
        super().__init__(name, _SYSTEM)
        self._watcher = watcher

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802  # SQLite's name
        """See SQLite's ``xOpen``."""
        if name is None:  # a temporary file, of which nothing outlives the process
            return apsw.VFSFile(_SYSTEM, name, flags)
        path = name.filename() if isinstance(name, apsw.URIFilename) else str(name)
        self._watcher.before(Call("open", Path(path).name))
        return WatchedFile(self._watcher, path, name, flags)

    def xDelete(self, filename: str, syncdir: bool) -> None:  # noqa: N802  # SQLite's own
        """See SQLite's ``xDelete``."""
        self._watcher.before(Call("delete", Path(filename).name, is_folder_synced=bool(syncdir)))
        super().xDelete(filename, syncdir)


@contextmanager
def watched_vfs(watcher: Watcher) -> Iterator[str]:
    """Have a watched file layer for a while; yields the name to open connections with."""
    name = f"parcelwire-watched-{next(_names)}"
    vfs = WatchedVfs(name, watcher)
    try:
        yield name
    finally:
        vfs.unregister()


@contextmanager
def watched_by_default(watcher: Watcher) -> Iterator[None]:
    """Let every connection that names no file layer have a watched one for a while."""
    with watched_vfs(watcher) as name:
        apsw.set_default_vfs(name)
        try:
            yield
        finally:
            apsw.set_default_vfs(_SYSTEM)


_Fcntl = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, use_errno=True)


@contextmanager
def watched_locks(watcher: Watcher) -> Iterator[None]:
    """Tell ``watcher`` of every lock that SQLite takes or gives back in this process, for a while.

    That are the locks of the files and those of the WAL's shared memory, which no file layer of
    ours
    sees. Where the system's ``fcntl`` cannot be called so, nothing is told.
    """
    if sys.platform != "linux" or platform.machine() not in {"x86_64", "aarch64"}:
        yield
        return
    vfs = apsw.VFS(f"parcelwire-locks-{next(_names)}", _SYSTEM)
    pointer = vfs.xGetSystemCall("fcntl")
    assert pointer is not None  # noqa: S101  # SQLite's file layer for Unix has it
    good = _Fcntl(pointer)

    def watch(descriptor: int, command: int, argument: int | None) -> int:
        if command in {fcntl.F_SETLK, fcntl.F_SETLKW}:
            watcher.before(Call("lock", ""))
        return int(good(descriptor, command, argument))

    watched = _Fcntl(watch)
    vfs.xSetSystemCall("fcntl", ctypes.cast(watched, ctypes.c_void_p).value or 0)
    try:
        yield
    finally:
        vfs.xSetSystemCall("fcntl", pointer)
        vfs.unregister()
