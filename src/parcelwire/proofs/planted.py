"""Faults planted on purpose: a judge that does not find these has proved nothing.

Some are in the program, some in its settings, some in the disk, one in SQLite.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Final

import apsw
import msgspec
from msgspec.structs import replace

from parcelwire.proofs.inspection import DATABASE
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sqlite import store as store_module
from parcelwire.store.sqlite.tally import tally_of
from parcelwire.store.sqlite.writer import Group, Writer
from parcelwire.tracking.ports import Once, Save

Files = Mapping[str, bytes]


class Planted(msgspec.Struct, frozen=True, kw_only=True):
    """One fault that must be found."""

    name: str
    synchronous: str | None = None
    """A setting that gives less than the default promises."""
    planting: Callable[[], AbstractContextManager[object]] = nullcontext
    """Brings the fault into the program for a while."""
    ignores_sync: Callable[[str], bool] = lambda name: False
    """Files whose flushes the disk only pretends."""
    tamper: Callable[[Files, Files], Files] | None = None
    """Changes what a restart finds, given also what it would find had nothing been lost."""


class _EagerWriter(Writer):
    """Answers before the commit."""

    def _all_at_once(self, connection: apsw.Connection, group: Group) -> Any:
        connection.execute("BEGIN IMMEDIATE")
        answers = [(future, work(connection), None) for work, future, *_ in group]
        tally_of(connection).write(connection)
        self._answer(answers)  # type: ignore[arg-type]  # as the writer's own
        # Whoever waits for the answers goes on before it is true.
        time.sleep(0.005)
        connection.execute("COMMIT")
        return []


class _LooseWriter(Writer):
    """Forgets the transaction: every statement is one of its own."""

    def _all_at_once(self, connection: apsw.Connection, group: Group) -> Any:
        answers = [(future, work(connection), None) for work, future, *_ in group]
        tally_of(connection).write(connection)
        return answers


class _SulkingWriter(Writer):
    """Writes nothing more after it could not write once."""

    _sulks = False

    def submit(self, work: Any, **more: Any) -> Any:
        if self._sulks:
            msg = "it could not write once"
            raise StoreUnavailableError(msg)
        return super().submit(work, **more)

    def _recover(self, error: Exception) -> None:
        super()._recover(error)
        self._sulks = True


@contextmanager
def _in_place_of(owner: Any, name: str, spoilt: object) -> Iterator[None]:
    good = getattr(owner, name)
    setattr(owner, name, spoilt)
    try:
        yield
    finally:
        setattr(owner, name, good)


def answering_early() -> AbstractContextManager[None]:
    """Let the store answer before the commit, for a while."""
    return _in_place_of(store_module, "Writer", _EagerWriter)


def sulking() -> AbstractContextManager[None]:
    """Let the store need a restart after every trouble, for a while."""
    return _in_place_of(store_module, "Writer", _SulkingWriter)


def reading_only() -> AbstractContextManager[None]:
    """Let readiness only read, for a while."""

    async def read(store: store_module.SqliteStore) -> None:
        await store.list_accounts()

    return _in_place_of(store_module.SqliteStore, "try_write", read)


def without_transactions() -> AbstractContextManager[None]:
    """Let every statement be a transaction of its own, for a while."""
    return _in_place_of(store_module, "Writer", _LooseWriter)


def telling_later() -> AbstractContextManager[None]:
    """Let a change and its messages be two transactions, for a while."""
    good = store_module.SqliteStore.change_courier

    async def change_then_tell(
        store: store_module.SqliteStore, change: Save, *, once: Once | None = None
    ) -> str:
        result = await good(store, replace(change, messages=()), once=once)
        if result == "saved":
            await store.add_messages(change.messages)
        return result

    return _in_place_of(store_module.SqliteStore, "change_courier", change_then_tell)


_WAL: Final = f"{DATABASE}-wal"
_HEADER: Final = struct.Struct(">8I")
_FRAME: Final = struct.Struct(">6I")


def accept_torn_frames(found: Files, unharmed: Files) -> Files:
    """Give every frame that was torn a checksum that is right, as if SQLite checked none.

    The layout is told in SQLite's file format documentation, "The WAL file format".
    """
    wal, whole = bytearray(found.get(_WAL, b"")), unharmed.get(_WAL, b"")
    if len(whole) < _HEADER.size or wal[: _HEADER.size] != whole[: _HEADER.size]:
        return found
    magic, _, page_size, _, *salts_and_sums = _HEADER.unpack_from(whole)
    salts, sums = salts_and_sums[:2], (salts_and_sums[2], salts_and_sums[3])
    words = struct.Struct(("<" if magic & 1 == 0 else ">") + "II")
    size, is_forging = _FRAME.size + page_size, False
    wal.extend(bytes(max(0, len(whole) - len(wal))))
    for start in range(_HEADER.size, len(whole) - size + 1, size):
        page, length, *mine = _FRAME.unpack_from(wal, start)
        if [*_FRAME.unpack_from(whole, start)][2:4] != salts:
            break  # left over from before the WAL was started anew
        is_forging = is_forging or wal[start : start + size] != whole[start : start + size]
        if is_forging:
            body = wal[start : start + 8] + wal[start + _FRAME.size : start + size]
            sums = _checksum(words, body, sums)
            _FRAME.pack_into(wal, start, page, length, *salts, *sums)
        else:
            sums = (mine[2], mine[3])
    return {**found, _WAL: bytes(wal)}


def _checksum(words: struct.Struct, body: bytearray, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    for one, other in words.iter_unpack(body):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second


PLANTED: Final = (
    Planted(name="synchronous=NORMAL", synchronous="NORMAL"),
    Planted(name="synchronous=OFF", synchronous="OFF"),
    Planted(name="the disk pretends every flush", ignores_sync=lambda name: True),
    Planted(
        name="the disk pretends flushes of the WAL",
        ignores_sync=lambda name: name.endswith("-wal"),
    ),
    Planted(
        name="the disk pretends flushes of the database",
        ignores_sync=lambda name: name == DATABASE,
    ),
    Planted(name="torn frames are believed", tamper=accept_torn_frames),
    Planted(name="answered before the commit", planting=answering_early),
    Planted(name="statements without a transaction", planting=without_transactions),
    Planted(name="messages in a transaction of their own", planting=telling_later),
)
