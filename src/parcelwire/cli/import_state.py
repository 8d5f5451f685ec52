"""How far an import came, on disk: what lets it go on after a kill.

One file for each (content of the file, target), a line for each chunk that the server has answered.
A chunk that was sent and whose answer was not written down is sent again; what it had made is told
by its age. The file is gone when the import is through.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import IO

import msgspec

from parcelwire.cli.exit_codes import CommandError


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The first line."""

    began_at: float
    """Seconds since 1970 by the server's clock."""


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was not taken."""

    row: int
    code: int | str | None
    reason: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What became of some rows, from the first that no step before was about."""

    rows: int
    created: int = 0
    existing: int = 0
    refused: tuple[Refusal, ...] = ()


class Journal:
    """Opened for one process; a second one of the same import is turned away."""

    def __init__(self, file: Path) -> None:
        """Raises: CommandError, it cannot be written, or another process has it."""
        self.file = file
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._opened: IO[bytes] = file.open("a+b")
        except OSError as error:
            msg = f"cannot note how far the import came in {file}: {error.strerror}"
            raise CommandError(msg) from None
        try:
            fcntl.flock(self._opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._opened.close()
            msg = "another process is importing this file to the same place"
            raise CommandError(msg) from None
        self.header: Header | None = None
        self.steps: list[Step] = []
        self._read()

    def _read(self) -> None:
        self._opened.seek(0)
        whole = 0
        for line in self._opened:
            # What a kill cut off in the middle was not noted.
            if not line.endswith(b"\n"):
                break
            try:
                if self.header is None:
                    self.header = msgspec.json.decode(line, type=Header)
                else:
                    self.steps.append(msgspec.json.decode(line, type=Step))
            except msgspec.DecodeError:
                break
            whole += len(line)
        self._opened.truncate(whole)
        self._opened.seek(0, os.SEEK_END)

    @property
    def rows(self) -> int:
        """How many rows are through."""
        return sum(step.rows for step in self.steps)

    def begin(self, began_at: float) -> None:
        """Start anew."""
        self._opened.truncate(0)
        self.steps = []
        self.header = Header(began_at=began_at)
        self._write(self.header)

    def note(self, step: Step) -> None:
        """Write down that some rows are through; it is on disk when this returns."""
        self._write(step)
        self.steps.append(step)

    def _write(self, line: Header | Step) -> None:
        self._opened.write(msgspec.json.encode(line) + b"\n")
        self._opened.flush()
        os.fsync(self._opened.fileno())

    def finish(self) -> None:
        """Take the file away: the import is through."""
        self.file.unlink(missing_ok=True)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._opened.close()
