"""A disk that loses power: what was written and not flushed may be there afterwards, in part or
not.

It is played the calls that SQLite made (``Entry``), up to some point, and then asked what a restart
would find. Promised is only what POSIX and disks promise:

* What was written before a completed flush of the same file is there.
* Every sector (512 bytes, or 4 kB) written since is found as it was at some moment since, each by
  itself and in no order: a later write may have arrived and an earlier one not. One sector, in the
  middle of being written, may be half new, or broken over the range that was being written. (Bytes
  outside that range are not harmed; SQLite calls it "powersafe overwrite" and relies on it.)
* A file that grew or was cut may have its old size, its new one or one in between; where its
  content did not arrive are zeros, or something else.
* A file that was made or deleted may be there or not, until its folder was flushed.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

SECTOR_SIZES: Final = (512, 4096)


class Entry(NamedTuple):
    """One line of the log: a call that touched storage, or a mark of whoever made the log."""

    kind: str
    """``open``, ``write``, ``truncate``, ``sync``, ``delete``; others are marks."""
    name: str = ""
    offset: int = 0
    """Where it writes; the new size; or the number of a mark."""
    data: bytes = b""
    is_folder_synced: bool = False


class Wreck(msgspec.Struct):
    """What a restart finds."""

    files: dict[str, bytes]
    counts: Counter[str]
    """What happened to unflushed writes: ``torn``, ``lost``, ``overtaken`` (a later one arrived),
    ``in_flight`` (half a sector), ``sizes`` and ``names`` (found as they were before).
    """


class _Pending(NamedTuple):
    """A write since the last flush; of a truncation, the zeros that a later growth would find."""

    offset: int
    data: bytes
    size_after: int


class _File:
    """One file: what is safe, what programs see, and what happened in between."""

    def __init__(self) -> None:
        self.safe = bytearray()
        self.seen = bytearray()
        self.pending: list[_Pending] = []

    def write(self, offset: int, data: bytes) -> None:
        _put(self.seen, offset, data)
        self.pending.append(_Pending(offset, data, len(self.seen)))

    def truncate(self, size: int) -> None:
        gone = len(self.seen) - size
        if gone > 0:
            del self.seen[size:]
        else:
            self.seen.extend(bytes(-gone))
        self.pending.append(_Pending(size, bytes(max(gone, 0)), size))

    def sync(self) -> None:
        for one in self.pending:
            _put(self.safe, one.offset, one.data)
            _resize(self.safe, one.size_after)
        self.pending.clear()


class Disk:
    """Files in one folder."""

    def __init__(self, ignores_sync: Callable[[str], bool] = lambda name: False) -> None:
        """``ignores_sync`` names the files whose flushes are lied about: a planted fault."""
        self._ignores_sync = ignores_sync
        self._names: dict[str, list[_File | None]] = {}
        """What each name stood for, from the last flush of the folder on; the last is now."""

    def play(self, entries: Iterable[Entry]) -> None:
        """Let the calls happen."""
        for kind, name, offset, data, is_folder_synced in entries:
            if kind == "write":
                self._file(name).write(offset, data)
            elif kind == "sync":
                if not self._ignores_sync(name):
                    self._file(name).sync()
            elif kind == "truncate":
                self._file(name).truncate(offset)
            elif kind == "open":
                history = self._names.setdefault(name, [None])
                if history[-1] is None:
                    history.append(_File())
            elif kind == "delete":
                self._names[name].append(None)
            else:
                continue
            if is_folder_synced and not self._ignores_sync(name):
                for history in self._names.values():
                    del history[:-1]

    @property
    def is_at_risk(self) -> bool:
        """Whether a loss of power now could lose anything."""
        return any(
            len(history) > 1 or (history[-1] is not None and history[-1].pending)
            for history in self._names.values()
        )

    def contents(self) -> dict[str, bytes]:
        """Return the files as programs see them now: what a restart without a fault would find."""
        return {
            name: bytes(history[-1].seen)
            for name, history in self._names.items()
            if history[-1] is not None
        }

    def lose_power(self, dice: random.Random) -> Wreck:
        """Return what a restart finds; something is always lost, where something can be."""
        seen = self.contents()
        for _ in range(50):
            wreck = self._wreck(dice)
            if wreck.files != seen:
                break
        return wreck

    def _wreck(self, dice: random.Random) -> Wreck:
        wreck = Wreck({}, Counter())
        for name, history in self._names.items():
            file = history[-1] if dice.random() < 0.5 else dice.choice(history)
            wreck.counts["names"] += file is not history[-1]
            if file is not None:
                wreck.files[name] = _Remains(file, dice, wreck.counts).content()
        return wreck

    def _file(self, name: str) -> _File:
        file = self._names[name][-1]
        assert file is not None, name  # noqa: S101  # nobody writes to a file that is not there
        return file


class _Remains:
    """What is left of one file."""

    def __init__(self, file: _File, dice: random.Random, counts: Counter[str]) -> None:
        self._file = file
        self._dice = dice
        self._counts = counts
        self._sector = dice.choice(SECTOR_SIZES)

    def content(self) -> bytes:
        file, dice = self._file, self._dice
        if not file.pending:
            return bytes(file.safe)
        sizes = [len(file.safe), *(one.size_after for one in file.pending)]
        content = bytearray(file.safe)
        grown = max(sizes) - len(content)
        if grown > 0:
            content += dice.randbytes(grown) if dice.random() < 0.25 else bytes(grown)
        manner = dice.choice(
            (self._nothing, self._beginning, self._scattered, self._all_but_one, self._end)
        )
        arrived = manner(self._newest_by_sector())
        self._apply(content, arrived)
        size = sizes[-1] if dice.random() < 0.6 else dice.choice(sizes)
        self._counts["sizes"] += size != sizes[-1]
        _resize(content, size)
        return bytes(content)

    def _newest_by_sector(self) -> dict[int, int]:
        """Return for every sector that was written the last write to it, counted from 1."""
        newest: dict[int, int] = {}
        for number, one in enumerate(self._file.pending, 1):
            for sector in self._sectors(one):
                newest[sector] = number
        return newest

    def _sectors(self, one: _Pending) -> range:
        if not one.data:
            return range(0)
        return range(
            one.offset // self._sector, (one.offset + len(one.data) - 1) // self._sector + 1
        )

    # -- manners: for every sector, the number of the last write that it shows -------------------

    def _nothing(self, newest: dict[int, int]) -> dict[int, int]:
        return dict.fromkeys(newest, 0)

    def _beginning(self, newest: dict[int, int]) -> dict[int, int]:
        """The first few arrived, and a part of the next."""
        last = self._dice.randrange(len(self._file.pending))
        return {sector: last + (self._dice.random() < 0.5) for sector in newest}

    def _scattered(self, newest: dict[int, int]) -> dict[int, int]:
        share, dice = self._dice.choice((0.1, 0.5, 0.9)), self._dice
        return {
            sector: last if dice.random() < share else dice.randrange(last)
            for sector, last in newest.items()
        }

    def _all_but_one(self, newest: dict[int, int]) -> dict[int, int]:
        arrived = dict(newest)
        if newest:
            sector = self._dice.choice(list(newest))
            arrived[sector] = self._dice.randrange(newest[sector])
        return arrived

    def _end(self, newest: dict[int, int]) -> dict[int, int]:
        """The last few arrived, what was written before them did not."""
        first = self._dice.randrange(len(self._file.pending))
        return {sector: last if last > first else 0 for sector, last in newest.items()}

    def _apply(self, content: bytearray, arrived: dict[int, int]) -> None:
        size, missing = self._sector, []
        is_one_missing = False
        for number, one in enumerate(self._file.pending, 1):
            sectors = self._sectors(one)
            there = [sector for sector in sectors if arrived[sector] >= number]
            if len(there) == len(sectors):
                _put(content, one.offset, one.data)
            else:
                for sector in there:
                    _put_part(content, one, sector * size, (sector + 1) * size)
                missing += [
                    (one, sector * size) for sector in sectors if arrived[sector] == number - 1
                ]
            if len(there) < len(sectors):
                self._counts["torn" if there else "lost"] += 1
                is_one_missing = True
            elif is_one_missing:
                self._counts["overtaken"] += 1
        if missing and self._dice.random() < 0.5:
            self._write_half(content, *self._dice.choice(missing))

    def _write_half(self, content: bytearray, one: _Pending, start: int) -> None:
        """Stop in the middle of the next write to a sector."""
        begin = max(one.offset, start)
        end = min(one.offset + len(one.data), start + self._sector)
        middle = self._dice.randrange(begin, end + 1)
        _put_part(content, one, begin, middle)
        if self._dice.random() < 0.3:
            content[middle:end] = self._dice.randbytes(end - middle)
        self._counts["in_flight"] += 1


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _put_part(content: bytearray, one: _Pending, start: int, end: int) -> None:
    """Write of ``one`` what lies between two places in the file."""
    begin, end = max(one.offset, start), min(one.offset + len(one.data), end)
    content[begin:end] = one.data[begin - one.offset : end - one.offset]


def _resize(content: bytearray, size: int) -> None:
    if len(content) > size:
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))
