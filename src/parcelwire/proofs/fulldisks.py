"""Disks that can be full.

Refusing layers under SQLite, a limit of the system's, a real small one.
"""

from __future__ import annotations

import contextlib
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal, Protocol

import apsw

from parcelwire.proofs.filelayer import Call

Manner = Literal["no growth", "no write", "half a write", "no flush", "file size limit", "real"]

MANNERS: Final[tuple[Manner, ...]] = (
    "no growth",
    "no write",
    "half a write",
    "no flush",
    "file size limit",
)
"""What any process may do to itself. ``real`` wants the right to mount."""

REAL_BYTES: Final = 96 << 20
"""More than database and WAL ever take here."""


class FullDisk(Protocol):
    """Something that can be full."""

    def fill(self, after: int) -> None:
        """Be full, after so many more writes."""
        ...

    def free(self) -> None:
        """Have room again."""
        ...


class RefusingLayer:
    """SQLite's file layer, refusing."""

    flushes = False

    def __init__(self, manner: Manner) -> None:
        self.refused = 0
        self._manner = manner
        self._left: int | None = None

    def fill(self, after: int) -> None:
        """See ``FullDisk``."""
        self._left = after

    def free(self) -> None:
        """See ``FullDisk``."""
        self._left = None

    def before(self, call: Call) -> None:
        """See ``Watcher``."""
        if self._left is None or call.kind not in {"write", "sync"}:
            return
        self._left -= call.kind == "write"
        if self._left >= 0:
            return
        if self._manner == "no flush":
            if call.kind == "sync":
                self.refused += 1
                msg = "no room, said when flushing"
                raise apsw.IOError(msg)
            return
        if call.kind == "sync" or call.file is None:
            return
        grows = call.offset + len(call.data) > call.file.xFileSize()
        if self._manner == "no growth" and not grows:
            return
        if self._manner == "half a write":
            call.file.write_through(call.data[: len(call.data) // 2], call.offset)
        self.refused += 1
        msg = "no room"
        raise apsw.FullError(msg)


class SizeLimit:
    """The system's limit on the size of a file: no file of the database may grow."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self, after: int) -> None:
        """See ``FullDisk``."""
        sizes = [file.stat().st_size for file in self._folder.iterdir() if "-shm" not in file.name]
        # The smallest file that still grows by itself is the WAL; the first to be refused.
        limit = min(size for size in sizes if size > 30_000) + after * 4_096
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, self._before[1]))

    def free(self) -> None:
        """See ``FullDisk``."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


class RealDisk:
    """A small file system of its own, filled by another file."""

    def __init__(self, folder: Path) -> None:
        self._ballast = folder / "ballast"

    def fill(self, after: int) -> None:
        """See ``FullDisk``."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in (1 << 20, 4_096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
            file.truncate(max(0, file.tell() - after * 4_096))

    def free(self) -> None:
        """See ``FullDisk``."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def small_file_system(folder: Path) -> Iterator[bool]:
    """Have a small file system in ``folder`` for a while; False where that is not permitted."""
    done = subprocess.run(  # noqa: S603  # our own arguments
        ["mount", "-t", "tmpfs", "-o", f"size={REAL_BYTES},mode=0700", "tmpfs", str(folder)],  # noqa: S607  # the system's
        capture_output=True,
        check=False,
    )
    try:
        yield done.returncode == 0
    finally:
        if done.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)  # noqa: S603, S607  # as above
