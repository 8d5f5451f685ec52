"""Files that are really damaged: bytes changed in a page of a chosen kind."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.sqlite import ServerUse, SqliteStore, open_store
from tests.contract.store.samples import create, make_checkpoints, make_new, render

PAGE: Final = 8_192
INTERIOR_TABLE, LEAF_TABLE, INTERIOR_INDEX, LEAF_INDEX = 5, 13, 2, 10
"""The first byte of a page (https://www.sqlite.org/fileformat.html, "B-tree Pages")."""


async def make_file(path: Path, *, count: int = 2_000) -> list[str]:
    """Lay out a database with pages of every kind; return the ids of its trackings."""
    store = await open_store(path, render=render, clock=FrozenClock())
    first = await create(store, "FIRST0001", checkpoints=make_checkpoints(20))
    items = [make_new(f"N{index:08d}", checkpoints=make_checkpoints(8)) for index in range(count)]
    for start in range(0, count, 200):
        await store.create_trackings(items[start : start + 200])
    gone = [item.tracking.id for item in items[: count // 4]]
    for start in range(0, len(gone), 100):
        await store.delete_trackings(first.world_id, gone[start : start + 100])
    await store.close()
    return [first.id, *(item.tracking.id for item in items[count // 4 :])]


def checkpoint(path: Path) -> None:
    """Work the WAL into the file, as far as whoever reads lets us: pages there hide those below."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        connection.set_busy_timeout(5_000)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def pages_of(path: Path, kind: int) -> list[int]:
    """Return the numbers of all pages of trees, but for the first page, of that kind."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        found = connection.execute(
            "SELECT pageno FROM dbstat WHERE pageno > 1 AND pagetype IN ('leaf', 'internal')"
        ).fetchall()
    finally:
        connection.close()
    content = path.read_bytes()
    numbers = [int(str(number)) for (number,) in found]
    return [number for number in numbers if content[(number - 1) * PAGE] == kind]


def free_pages_of(path: Path) -> list[int]:
    """Return the number of the first page of the list of free ones."""
    first = int.from_bytes(path.read_bytes()[32:36])
    return [first] if first else []


def _spoil(path: Path, start: int, content: bytes) -> None:
    # As a disk does it, under whoever has the file open.
    with path.open("r+b") as file:
        file.seek(start)
        before = file.read(len(content))
        file.seek(start)
        file.write(content)
    assert before != content, "the damage hit nothing"


def _page(kind: int) -> Callable[[Path, random.Random], None]:
    def damage(path: Path, dice: random.Random) -> None:
        number = dice.choice(pages_of(path, kind))
        # The header with its count of cells, and the first of the pointers to them.
        _spoil(path, (number - 1) * PAGE + 1, dice.randbytes(24))

    return damage


def _schema(path: Path, dice: random.Random) -> None:
    _spoil(path, 101, dice.randbytes(24))


def _free_list(path: Path, dice: random.Random) -> None:
    number = dice.choice(free_pages_of(path))
    _spoil(path, (number - 1) * PAGE, b"\x7f" + dice.randbytes(15))


def _pointer(path: Path, dice: random.Random) -> None:
    """Let an inner page lead to a page that is somebody else's."""
    number = dice.choice(pages_of(path, INTERIOR_TABLE))
    _spoil(path, (number - 1) * PAGE + 8, dice.choice([2, 3, 4]).to_bytes(4))


def _cut(path: Path, dice: random.Random) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2 // PAGE * PAGE + dice.randrange(PAGE))


def _header(path: Path, dice: random.Random) -> None:
    _spoil(path, 0, dice.randbytes(16))


DAMAGES: Final[dict[str, Callable[[Path, random.Random], None]]] = {
    "inner page of a table": _page(INTERIOR_TABLE),
    "leaf of a table": _page(LEAF_TABLE),
    "inner page of an index": _page(INTERIOR_INDEX),
    "leaf of an index": _page(LEAF_INDEX),
    "page of the schema": _schema,
    "list of free pages": _free_list,
    "pointer to another tree": _pointer,
    "file cut short": _cut,
    "first bytes": _header,
}


async def open_server(path: Path) -> SqliteStore:
    """Open it as a server does."""
    return await open_store(path, render=render, clock=FrozenClock(), server=ServerUse())
