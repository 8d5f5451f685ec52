"""What only a SQLite file can suffer: old libraries, full disks, lost files, other processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.tracking import Details
from parcelwire.store.port import StoreUnavailableError, UnavailableReason
from parcelwire.store.sqlite import (
    SchemaError,
    SqliteSettings,
    SqliteStore,
    UnsupportedSqliteError,
    open_store,
)
from parcelwire.store.sqlite.connection import require_supported
from parcelwire.tracking.ports import RawResponse, TrackingFilter
from tests.contract.store.samples import (
    NOW,
    WORLD,
    advance,
    create,
    make_change,
    make_checkpoints,
    make_endpoint,
    make_message,
    make_new,
    new_id,
    render,
)

IMPATIENT = SqliteSettings(busy_seconds=0.05, checkpoint_pages=4)
ALL = TrackingFilter()


async def open_at(path: Path, settings: SqliteSettings = IMPATIENT) -> SqliteStore:
    return await open_store(path, render=render, clock=FrozenClock(), settings=settings)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "parcelwire.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_at(path)
    yield store
    await store.close()


# -- opening -----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.9.0", "2.99.99"])
def test_an_old_library_is_refused(version: str) -> None:
    with pytest.raises(UnsupportedSqliteError, match=f"{version}.*3.51.3"):
        require_supported(version)


@pytest.mark.parametrize("version", ["3.51.3", "3.52.0", "3.100.0", "4.0.0"])
def test_a_sound_library_is_accepted(version: str) -> None:
    require_supported(version)


async def test_opening_refuses_an_old_library(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    with pytest.raises(UnsupportedSqliteError):
        await open_at(path)
    assert not path.exists()


async def test_nobody_else_may_read_the_files(path: Path, store: SqliteStore) -> None:
    await create(store)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == [
        "parcelwire.db",
        "parcelwire.db-shm",
        "parcelwire.db-wal",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_every_connection_has_the_durable_settings(store: SqliteStore) -> None:
    def settings_of(connection: apsw.Connection) -> dict[str, object]:
        return {
            name: connection.pragma(name)
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys")
        }

    expected = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    assert await store._write(settings_of) == expected
    assert store._reader._at_once is not None
    assert settings_of(store._reader._at_once) == expected
    assert store._reader._at_once.pragma("query_only") == 1


async def test_what_is_no_database_of_ours_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"PK\x03\x04 certainly not a database" * 100)
    with pytest.raises(StoreUnavailableError, match="NotADB"):
        await open_at(path)
    path.unlink()
    with apsw.Connection(str(path)) as other:
        other.execute("CREATE TABLE somebody_elses (x)")
    other.close()
    with pytest.raises(SchemaError, match="other program"):
        await open_at(path)


async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnavailableError, match="cannot open"):
        await open_at(tmp_path / "file" / "parcelwire.db")
    with pytest.raises(StoreUnavailableError):
        await open_at(tmp_path)


async def test_what_was_stored_is_there_after_opening_again(path: Path) -> None:
    store = await open_at(path)
    tracking = await create(store)
    await store.close()
    assert not path.with_name("parcelwire.db-wal").exists()
    store = await open_at(path)
    stored = await store.load(WORLD, tracking.id)
    await store.close()
    assert stored is not None
    assert stored.tracking == tracking


# -- faults ------------------------------------------------------------------------------------


async def fill_disk(store: SqliteStore) -> None:
    """Let the file grow no more, as on a full disk."""

    def work(connection: apsw.Connection) -> None:
        connection.pragma("max_page_count", connection.pragma("page_count"))

    await store._write(work)


async def empty_disk(store: SqliteStore) -> None:
    await store._write(lambda connection: connection.pragma("max_page_count", 1 << 30))


async def test_a_full_disk_acknowledges_nothing_and_heals_without_restart(
    store: SqliteStore,
) -> None:
    first = await create(store, "A1234567")
    await fill_disk(store)

    refused = 0
    accepted = []
    for index in range(40):
        item = make_new(f"N{index:08d}", checkpoints=make_checkpoints(50))
        try:
            await store.create_trackings([item])
            accepted.append(item.tracking.id)
        except StoreUnavailableError:
            refused += 1
    assert refused > 30, "the disk was not full"

    # Nothing that was refused is there, all that was accepted is, and reading goes on.
    with pytest.raises(StoreUnavailableError) as caught:
        await store.try_write()
    assert caught.value.reason is UnavailableReason.DISK_FULL
    total = await store.count_trackings(WORLD, ALL)
    assert total == len(await store.list_trackings(WORLD, ALL, offset=0, limit=99))
    assert total == len(accepted) + 1
    assert await store.count_created(WORLD) == total
    assert await store.load(WORLD, first.id) is not None

    await empty_disk(store)
    await store.try_write()
    await create(store, "B1234567", checkpoints=make_checkpoints(50))
    assert await store.count_trackings(WORLD, ALL) == total + 1


async def test_many_callers_on_a_full_disk_all_hear_of_it(store: SqliteStore) -> None:
    await fill_disk(store)
    items = [make_new(f"N{index:08d}", checkpoints=make_checkpoints(99)) for index in range(30)]
    answers = await asyncio.gather(
        *(store.create_trackings([item]) for item in items), return_exceptions=True
    )
    assert sum(isinstance(answer, StoreUnavailableError) for answer in answers) > 20
    created = sum(isinstance(answer, list) for answer in answers)
    assert await store.count_trackings(WORLD, ALL) == created


async def test_a_locked_database_is_unavailable_until_it_is_free(
    path: Path, store: SqliteStore
) -> None:
    await create(store, "A1234567")
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailableError, match="Busy"):
        await create(store, "B1234567")
    assert await store.count_trackings(WORLD, ALL) == 1
    other.execute("ROLLBACK")
    other.close()
    await create(store, "B1234567")
    assert await store.count_trackings(WORLD, ALL) == 2


async def test_a_deleted_file_acknowledges_nothing(path: Path, store: SqliteStore) -> None:
    await create(store, "A1234567")
    path.unlink()
    with pytest.raises(StoreUnavailableError, match="gone"):
        await create(store, "B1234567")
    assert await store.is_ready() is False


async def test_a_file_put_back_is_used_again(path: Path, store: SqliteStore) -> None:
    await create(store, "A1234567")
    away = path.with_suffix(".away")

    # A whole copy, as a backup makes it.
    copy = apsw.Connection(str(away))
    source = apsw.Connection(str(path))
    with copy.backup("main", source, "main") as backup:
        backup.step()
    copy.close()
    source.close()
    await create(store, "B1234567")

    for file in path.parent.glob("parcelwire.db*"):
        file.unlink()
    with pytest.raises(StoreUnavailableError):
        await create(store, "C1234567")
    away.rename(path)

    await create(store, "C1234567")
    found = await store.list_trackings(WORLD, ALL, offset=0, limit=9)
    assert {one.tracking.number for one in found} == {"A1234567", "C1234567"}
    scanned = await store.count_trackings(WORLD, TrackingFilter(courier_code="swiss-post"))
    assert scanned == 2
    assert await store.is_ready()


async def test_a_damaged_file_is_unavailable_and_not_obeyed(path: Path) -> None:
    store = await open_at(path)
    await store.create_trackings([make_new(f"N{index:08d}") for index in range(200)])
    await store.close()
    pages = bytearray(path.read_bytes())
    for start in range(4096, len(pages), 4096):
        pages[start : start + 200] = b"\xff" * 200
    path.write_bytes(pages)
    with pytest.raises(StoreUnavailableError):
        store = await open_at(path)
    assert path.read_bytes() == bytes(pages)


# -- forgetting --------------------------------------------------------------------------------


async def test_what_is_deleted_leaves_the_file(path: Path) -> None:
    canary = "Canary-Zoë-4711"
    store = await open_at(path)
    keeper = await create(store, "A1234567")
    raw = RawResponse(at=NOW, connector="c", outcome="found", body=canary.encode())
    ids = []
    for index in range(30):
        details = Details(customer_name=canary, order_id=canary)
        tracking = await create(store, f"N{index:08d}", details=details)
        await advance(store, tracking, raw=raw)
        ids.append(tracking.id)
    assert canary.encode() in path.read_bytes()

    assert len(await store.delete_trackings(WORLD, ids)) == 30

    counts = {
        table: (await store._reader.rows(f"SELECT count(*) FROM {table}"))[0][0]  # noqa: S608  # ours
        for table in ("tracking", "doc", "poll", "raw_response")
    }
    assert counts == {"tracking": 1, "doc": 1, "poll": 1, "raw_response": 0}
    await store.close()
    assert canary.encode() not in path.read_bytes()
    assert keeper.page_token.encode() in path.read_bytes()


async def test_a_deleted_endpoint_leaves_no_line_behind(store: SqliteStore) -> None:
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    await store.add_messages([make_message(endpoint, new_id(), 1) for _ in range(20)])
    assert await store.delete_endpoint(WORLD, endpoint.id)
    assert await store._reader.rows("SELECT count(*) FROM delivery_queue") == [(0,)]


# -- one failure among many --------------------------------------------------------------------


async def test_a_work_that_fails_spoils_no_other_in_its_group(store: SqliteStore) -> None:
    def fail(connection: apsw.Connection) -> None:
        connection.execute("INSERT INTO pause VALUES ('half', x'00')")
        connection.execute("INSERT INTO no_such_table VALUES (1)")

    works = [store._write(fail)]
    creates = [
        asyncio.ensure_future(store.create_trackings([make_new(f"N{index:08d}")]))
        for index in range(20)
    ]
    await asyncio.sleep(0)
    works.append(store._write(fail))
    answers = await asyncio.gather(*works, *creates, return_exceptions=True)

    assert [type(answer) for answer in answers[:2]] == [apsw.SQLError, apsw.SQLError]
    assert await store.count_trackings(WORLD, ALL) == 20
    assert await store.pauses() == {}


async def test_what_gathers_during_one_commit_shares_the_next(path: Path) -> None:
    store = await open_at(path, SqliteSettings())
    commits: list[str] = []

    def note() -> bool:
        commits.append("commit")
        return False  # let it pass

    await store._write(lambda connection: connection.set_commit_hook(note))
    commits.clear()
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    # While somebody else writes, everything gathers in the inbox.
    creates = [
        asyncio.ensure_future(store.create_trackings([make_new(f"N{index:08d}")]))
        for index in range(50)
    ]
    await asyncio.sleep(0)
    other.execute("ROLLBACK")
    other.close()
    answers = await asyncio.gather(*creates)
    assert [answer[0].result for answer in answers] == ["created"] * 50
    assert 1 <= len(commits) <= 3
    await store.close()


# -- processes ---------------------------------------------------------------------------------


def _write_from_elsewhere(path: Path, name: str, count: int) -> None:
    async def main() -> None:
        store = await open_at(path, SqliteSettings())
        tracking = await create(store, f"{name}0000000")
        for index in range(1, count):
            await store.create_trackings([make_new(f"{name}{index:07d}")])
            change = make_change(tracking, updated_at=NOW + index)
            assert await store.save(change)
            tracking = change.tracking
        await store.close()

    asyncio.run(main())


async def test_processes_write_side_by_side(path: Path) -> None:
    store = await open_at(path, SqliteSettings())
    spawn = multiprocessing.get_context("spawn")
    others = [
        spawn.Process(target=_write_from_elsewhere, args=(path, name, 40)) for name in ("A", "B")
    ]
    for process in others:
        process.start()
    for index in range(40):
        await create(store, f"C{index:07d}")
        await asyncio.sleep(0.005)
    for process in others:
        await asyncio.to_thread(process.join, 60)
    assert [process.exitcode for process in others] == [0, 0]
    assert await store.count_trackings(WORLD, ALL) == 120
    events = await store.events_after(WORLD, 0, 999)
    assert len(events) == 78
    assert [cursor for cursor, _ in events] == list(range(1, 79))
    await store.close()
