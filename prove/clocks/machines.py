"""Machines with clocks of their own, for processes that run on one.

The clock of a process is off by what a file beside its configuration says (``worker.toml`` and
``worker.clock``): nanoseconds, as eight bytes. ``prove.planted.machine_clock`` lets a process read
it.
"""

from __future__ import annotations

import functools
import mmap
import struct
import sys
from pathlib import Path
from typing import Final

_FORMAT: Final = "<q"


def set_clock(config: Path, ahead_seconds: float) -> None:
    """Set the clock of the machine on which the process with this configuration runs."""
    file = config.with_suffix(".clock")
    file.touch()
    with file.open("r+b") as hand:
        hand.write(struct.pack(_FORMAT, round(ahead_seconds * 1e9)))


def ahead_ns() -> int:
    """Return by how many nanoseconds the clock of this process's machine is ahead."""
    (ahead,) = struct.unpack(_FORMAT, _file()[:])
    return int(ahead)


@functools.cache
def _file() -> mmap.mmap:
    config = Path(sys.argv[sys.argv.index("--config") + 1])
    with config.with_suffix(".clock").open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
