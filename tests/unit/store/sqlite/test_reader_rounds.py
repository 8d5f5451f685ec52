"""Reads of one round of the event loop share a transaction, and miss nothing by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from parcelwire.store.sqlite.connection import SqliteSettings, connect, prepare_file
from parcelwire.store.sqlite.reader import Reader
from parcelwire.store.sqlite.writer import Writer

COUNT = "SELECT count(*) FROM thing"


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[tuple[Reader, Writer]]:
    path = tmp_path / "things.db"
    prepare_file(path)
    connection = connect(path, SqliteSettings(), is_writer=True)
    connection.execute("CREATE TABLE thing (n INTEGER)")
    reader = Reader(path, SqliteSettings())
    writer = Writer(path, SqliteSettings(), connection, on_replaced=reader.reopen)
    yield reader, writer
    await writer.close()
    await reader.close()


def add(connection: apsw.Connection) -> None:
    connection.execute("INSERT INTO thing VALUES (1)")


async def test_who_was_told_of_a_commit_sees_it_whoever_else_reads(
    file: tuple[Reader, Writer],
) -> None:
    reader, writer = file
    seen: list[tuple[int, int]] = []
    told = 0

    async def write_and_read() -> None:
        nonlocal told
        for _ in range(50):
            await writer.submit(add)
            told += 1
            before = told
            ((count,),) = await reader.rows(COUNT)
            seen.append((before, count))

    async def keep_reading(done: asyncio.Event) -> None:
        while not done.is_set():
            for _ in range(5):
                await reader.rows(COUNT)
            await asyncio.sleep(0)

    done = asyncio.Event()
    readers = [asyncio.create_task(keep_reading(done)) for _ in range(4)]
    await asyncio.gather(*(write_and_read() for _ in range(4)))
    done.set()
    await asyncio.gather(*readers)
    assert len(seen) == 200
    assert [pair for pair in seen if pair[1] < pair[0]] == []


async def test_a_round_that_is_over_holds_no_transaction(file: tuple[Reader, Writer]) -> None:
    reader, writer = file
    await asyncio.gather(*(reader.rows(COUNT) for _ in range(10)))
    await asyncio.sleep(0)
    await writer.submit(add)
    # An open one would show the state before.
    assert await reader.rows(COUNT) == [(1,)]
    # Nor does one keep the WAL from being emptied.
    result = await writer.submit(lambda connection: connection.execute("SELECT 1").fetchall())
    assert result == [(1,)]


async def test_a_failed_read_does_not_leave_the_round_open(file: tuple[Reader, Writer]) -> None:
    reader, writer = file
    await reader.rows(COUNT)
    with pytest.raises(apsw.SQLError):
        await reader.rows("SELECT nothing FROM nowhere")
    await writer.submit(add)
    assert await reader.rows(COUNT) == [(1,)]
