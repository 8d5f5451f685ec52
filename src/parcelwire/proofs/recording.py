"""Recording what the real store writes to its files, and what it had promised at every moment.

    StoreLife -> SqliteStore -> SQLite -> WatchedVfs -> log: open write sync ... begin ack ...

The log is examined once: cut after every transaction's last write, nothing lost, it gives the image
that a restart may find then, and shows which effects it holds. After that a trial costs no run of
the store: it is a place in the log, and dice.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.tracking import Tracking
from parcelwire.proofs.disk import Disk, Entry
from parcelwire.proofs.filelayer import Call, watched_vfs
from parcelwire.proofs.inspection import DATABASE, Bench, Consistency, damage_of, image_of
from parcelwire.proofs.storelife import Effect, StoreLife
from parcelwire.store.sqlite import SqliteSettings, open_store

_FRAME_HEADER: Final = 24
_WAL_HEADER: Final = 32


class Recorder:
    """Takes down every call that touches storage, and every promise."""

    flushes = False
    """The disk below is only a play; flushing it would prove nothing and take long."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.effects: list[Effect] = []

    def before(self, call: Call) -> None:
        """See ``Watcher``."""
        self.entries.append(
            Entry(call.kind, call.name, call.offset, call.data, call.is_folder_synced)
        )

    def begin(self, effect: Effect) -> int:
        """See ``Notes``."""
        number = len(self.effects)
        self.effects.append(effect)
        self.entries.append(Entry("begin", offset=number))
        return number

    def acknowledge(self, number: int) -> None:
        """See ``Notes``."""
        self.entries.append(Entry("ack", offset=number))


class Recording(msgspec.Struct):
    """A log, and what must hold wherever it is cut."""

    entries: list[Entry]
    effects: list[Effect]
    places: list[int]
    """Where the power may fail: so many entries have happened, and something is unflushed."""
    images: dict[bytes, list[int]]
    """Of every image that complete transactions lead to, after how many of them."""
    ends: list[int]
    """Of every number of transactions, how many entries it takes until they are written."""
    needed: list[int]
    """Of every place in the log, how many transactions were promised to last."""
    faults: list[str]
    """What was wrong with it already while nothing was lost."""


@contextlib.contextmanager
def memory_folder() -> Iterator[Path]:
    """Have a folder for a while, in memory where the system has such a place."""
    shared = Path("/dev/shm")  # noqa: S108  # Linux's folder in memory; the folder made is private
    place = shared if shared.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="parcelwire-proof-", dir=place) as folder:
        yield Path(folder)


def record(
    seed: int,
    rounds: int,
    settings: SqliteSettings,
    *,
    planting: Callable[[], AbstractContextManager[object]] = contextlib.nullcontext,
) -> Recording:
    """Record one life of the real store and examine it.

    ``planting`` brings a fault into the program while it runs. Not to be called in a running event
    loop.
    """
    dice = random.Random(seed)  # noqa: S311  # a seed must give the same life again
    # A WAL that is often full: everything between writing it and starting it anew happens, too.
    settings = replace(settings, checkpoint_pages=dice.choice((20, 40, 70)))
    recorder = Recorder()
    with memory_folder() as folder, watched_vfs(recorder) as vfs:
        with planting():
            told = asyncio.run(_live(folder, replace(settings, vfs=vfs), recorder, dice, rounds))
        return _examine(recorder, told, Bench(folder))


async def _live(
    folder: Path, settings: SqliteSettings, recorder: Recorder, dice: random.Random, rounds: int
) -> dict[str, tuple[str, ...]]:
    clock = FrozenClock()
    store = await open_store(folder / DATABASE, render=_render, clock=clock, settings=settings)
    life = StoreLife(store, recorder, clock, dice)
    try:
        await life.run(rounds)
    finally:
        length = len(recorder.entries)
        await store.close()
    if dice.random() < 0.5:
        # Half of the lives end by switching off, half by closing in good order.
        del recorder.entries[length:]
    return life.told


def _render(tracking: Tracking) -> bytes:
    return tracking.number.encode()


def _examine(recorder: Recorder, told: dict[str, tuple[str, ...]], bench: Bench) -> Recording:
    entries, effects = recorder.entries, recorder.effects
    recording = Recording(entries, effects, [], defaultdict(list), [], [], [])
    commits = set(commit_places(entries))
    consistency = Consistency(told)
    disk = Disk()
    waiting: dict[int, Effect] = {}
    held_by: dict[int, int] = {}
    for place, entry in enumerate(entries, 1):
        disk.play((entry,))
        if disk.is_at_risk:
            recording.places.append(place)
        if entry.kind == "begin":
            waiting[entry.offset] = effects[entry.offset]
        if place not in commits:
            continue
        number = len(recording.ends)
        recording.ends.append(place)
        bench.lay_out(disk.contents())
        if not bench.is_there:
            continue
        with bench.opened() as connection:
            recording.images[image_of(connection)].append(number)
            faults = damage_of(connection) + consistency.faults(connection)
            recording.faults += [f"after transaction {number}: {fault}" for fault in faults]
            for one, effect in list(waiting.items()):
                if connection.execute(effect.sql, effect.bindings).fetchall() == [(1,)]:
                    held_by[one] = number
                    del waiting[one]
    needed = 0
    recording.needed.append(needed)
    for entry in entries:
        if entry.kind == "ack":
            if entry.offset not in held_by:
                effect = effects[entry.offset]
                recording.faults.append(f"{effect.what} was acknowledged and never stored")
            needed = max(needed, held_by.get(entry.offset, 0))
        recording.needed.append(needed)
    return recording


def commit_places(entries: list[Entry]) -> Iterator[int]:
    """Yield after how many entries the files hold one more complete state.

    In the WAL that is the page of a frame that ends a transaction (its header tells the size of the
    database then). Before there is a WAL, every call may make a new state.
    """
    has_wal = False
    expected: int | None = None
    for place, entry in enumerate(entries, 1):
        is_wal = entry.name.endswith("-wal")
        has_wal = has_wal or is_wal
        if not has_wal:
            if entry.name:
                yield place
        elif is_wal and entry.kind == "write":
            if entry.offset == expected:
                yield place
            is_header = len(entry.data) == _FRAME_HEADER and entry.offset >= _WAL_HEADER
            ends = is_header and entry.data[4:8] != bytes(4)
            expected = entry.offset + _FRAME_HEADER if ends else None
