"""What the system says about the place of a file: its file system, and the room it has."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.store.port import DiskSpace

NETWORK_FILE_SYSTEMS: Final = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "coda",
        "davfs",
        "fuse.davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "gfs2",
        "glusterfs",
        "lustre",
        "nfs",
        "nfs3",
        "nfs4",
        "ocfs2",
        "smb2",
        "smb3",
        "smbfs",
        "vboxsf",
        "virtiofs",
    ]
)
"""Types (as ``mount`` prints them) behind which other machines, or another kernel, may write.

SQLite's WAL needs memory that all processes share and locks that all of them see:
https://www.sqlite.org/wal.html, https://www.sqlite.org/useovernet.html.
"""


class FileSystem(msgspec.Struct, frozen=True):
    """Where a file lies."""

    kind: str
    """``ext4``, ``nfs4``, ...; empty when the system does not say."""
    place: str
    options: frozenset[str] = frozenset()


def file_system_of(path: Path, mounts: str | None = None) -> FileSystem:
    """Return what ``path`` lies on; ``mounts`` is the text of ``/proc/self/mountinfo``."""
    if mounts is None:
        table = Path("/proc/self/mountinfo")
        mounts = table.read_text(encoding="utf-8", errors="replace") if table.exists() else ""
    found = FileSystem("", "")
    target = path.resolve()
    for line in mounts.splitlines():
        # 36 35 98:0 /root /mount/point options ... - type source superblock,options
        before, _, after = line.partition(" - ")
        fields, tail = before.split(" "), after.split(" ")
        if len(fields) < 6 or len(tail) < 3:
            continue
        # The table writes a blank in a name as \040.
        place = fields[4].encode().decode("unicode_escape")
        # Of two mounts at one place the later one is on top.
        if target.is_relative_to(place) and len(place) >= len(found.place):
            options = frozenset((*fields[5].split(","), *tail[2].split(",")))
            found = FileSystem(tail[0], place, options)
    return found


LOW_BYTES: Final = 100_000_000
LOW_SHARE: Final = 0.02
LOW_AT_MOST_BYTES: Final = 5_000_000_000
"""2 % of a large disk would be a warning about plenty."""


def disk_space_of(folder: Path) -> DiskSpace | None:
    """Return the room of the file system that ``folder`` lies on; None: it cannot be asked."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    low = min(max(LOW_BYTES, LOW_SHARE * usage.total), LOW_AT_MOST_BYTES)
    return DiskSpace(usage.free, usage.total, is_low=usage.free < low)
