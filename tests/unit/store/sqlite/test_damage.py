"""Damage is found, told, and nothing is acknowledged on top of it; nor is the file changed."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import random
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest

from parcelwire.bootstrap.store_watch import StoreWatch
from parcelwire.domain.clock import HOUR, SECOND, FrozenClock, Instant
from parcelwire.store.damage import Damage
from parcelwire.store.port import DiskSpace, StoreUnavailableError, UnavailableReason
from parcelwire.store.sqlite import ServerUse, SqliteSettings, SqliteStore, open_store
from parcelwire.store.sqlite.checking import check_file
from tests.contract.store.samples import WORLD, create, make_new, render
from tests.unit.store.sqlite.damaging import DAMAGES, make_file, open_server

RUNNING = [name for name in DAMAGES if name != "file cut short"]
"""A file that is cut short under a memory map ends the process that reads there: no test of it
can run in this one."""


class Template:
    """A sound file with all kinds of pages, copied for every test."""

    def __init__(self, path: Path, ids: list[str]) -> None:
        self.path = path
        self.ids = ids

    def copy_to(self, folder: Path) -> Path:
        return Path(shutil.copy(self.path, folder / "parcelwire.db"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    path = tmp_path_factory.mktemp("template") / "template.db"
    return Template(path, asyncio.run(make_file(path)))


@pytest.fixture
def path(template: Template, tmp_path: Path) -> Path:
    return template.copy_to(tmp_path)


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_server(path)
    yield store
    await store.close()


def digest_of(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


async def refusal_of(store: SqliteStore, number: str) -> StoreUnavailableError:
    with pytest.raises(StoreUnavailableError) as caught:
        await store.create_trackings([make_new(number)])
    return caught.value


# -- at the start ------------------------------------------------------------------------------


async def test_a_sound_file_is_opened_and_wants_no_check(store: SqliteStore) -> None:
    assert not store.wants_check
    assert not store.damage
    await create(store, "SOUND0001")


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("kind", sorted(DAMAGES))
async def test_a_server_refuses_to_start_on_a_damaged_file_and_leaves_it_alone(
    path: Path, kind: str, seed: int
) -> None:
    DAMAGES[kind](path, random.Random(seed))
    before = digest_of(path)
    with pytest.raises(StoreUnavailableError, match="damaged") as caught:
        await open_server(path)
    assert caught.value.reason is UnavailableReason.DAMAGED
    assert "restore the newest backup" in str(caught.value)
    assert ".recover" in str(caught.value)
    assert digest_of(path) == before
    assert not path.with_name("parcelwire.db-wal").exists() or not (
        path.with_name("parcelwire.db-wal").stat().st_size
    )


async def test_a_damaged_file_that_is_not_in_wal_mode_is_left_alone_too(path: Path) -> None:
    """As the shell's ``.recover`` and ``VACUUM INTO`` write them."""
    connection = apsw.Connection(str(path))
    connection.pragma("journal_mode", "delete")
    connection.close()
    DAMAGES["leaf of a table"](path, random.Random(1))
    before = digest_of(path)
    with pytest.raises(StoreUnavailableError, match="damaged"):
        await open_server(path)
    assert digest_of(path) == before


async def test_a_file_that_was_emptied_is_no_new_beginning(tmp_path: Path) -> None:
    path = tmp_path / "parcelwire.db"
    path.touch()  # a first start that was interrupted
    store = await open_server(path)
    await create(store)
    await store.close()
    path.write_bytes(b"")
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="is empty, but it held a database"):
            await open_server(path)
        # Nor do commands lay out a new one, which the next server would take for the old one.
        with pytest.raises(StoreUnavailableError, match="is empty, but it held a database"):
            await open_store(path, render=render, clock=FrozenClock())
        assert path.read_bytes() == b""
    path.unlink()
    store = await open_server(path)
    await store.close()


class HurryingClock(FrozenClock):
    """Every look at it takes a second."""

    def now(self) -> Instant:
        return self.advance(1)


async def test_a_start_waits_for_the_check_only_so_long(path: Path) -> None:
    store = await open_store(
        path, render=render, clock=HurryingClock(), server=ServerUse(check_seconds=0)
    )
    wanted = [store.wants_check]
    assert await store.check(threading.Event())
    assert [*wanted, store.wants_check] == [True, False]
    await store.close()


# -- while it runs -----------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("kind", RUNNING)
async def test_a_check_finds_damage_and_nothing_more_is_acknowledged(
    template: Template, path: Path, kind: str, seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    store = await open_server(path)
    DAMAGES[kind](path, random.Random(seed))
    before = digest_of(path)
    # Whether or not a statement meets the damage first.
    assert await store.check(threading.Event())
    assert store.damage
    for index in range(20):
        error = await refusal_of(store, f"AFTER{index:04d}")
        assert error.reason is UnavailableReason.DAMAGED
    with pytest.raises(StoreUnavailableError) as caught:
        await store.try_write()
    assert caught.value.reason is UnavailableReason.DAMAGED
    # Reading goes on where it works.
    read = 0
    for identity in template.ids:
        try:
            read += await store.load(WORLD, identity) is not None
        except StoreUnavailableError:
            continue
    if kind in {"leaf of a table", "leaf of an index", "list of free pages"}:
        assert read > len(template.ids) // 4
    await store.close()
    assert digest_of(path) == before, "a damaged file was written to"
    told = [one for one in caplog.records if "the database is damaged" in one.message]
    assert [one.levelno for one in told] == [logging.ERROR]
    assert "restore the newest backup" in told[0].message


async def test_a_statement_that_meets_damage_is_enough(template: Template, path: Path) -> None:
    store = await open_server(path)
    acknowledged = await create(store, "BEFORE001")
    for seed in range(40):
        DAMAGES["leaf of a table"](path, random.Random(seed))
    met = 0
    for identity in template.ids:
        try:
            await store.load(WORLD, identity)
        except StoreUnavailableError as error:
            met += error.reason is UnavailableReason.DAMAGED
    assert met
    assert store.damage
    assert (await refusal_of(store, "AFTER0001")).reason is UnavailableReason.DAMAGED
    wal = path.with_name("parcelwire.db-wal")
    frames = wal.read_bytes()
    await store.close()
    # What was acknowledged before lies in the WAL, and closing took nothing of it away.
    assert wal.read_bytes() == frames
    assert acknowledged.number.encode() in frames


async def test_what_is_under_way_when_damage_is_found_is_not_acknowledged(
    store: SqliteStore,
) -> None:
    def find_damage(connection: apsw.Connection) -> None:
        connection.execute("DELETE FROM pause")
        store._writer.damage.report("found meanwhile")

    with pytest.raises(StoreUnavailableError) as caught:
        await store._write(find_damage)
    assert caught.value.reason is UnavailableReason.DAMAGED


async def test_damage_of_the_wal_is_found_when_it_is_read(path: Path) -> None:
    store = await open_server(path)
    for start in range(0, 400, 100):
        await store.create_trackings([make_new(f"W{start + index:08d}") for index in range(100)])
    wal = path.with_name("parcelwire.db-wal")
    frame = 24 + 8_192
    count = (wal.stat().st_size - 32) // frame
    assert count > 20
    with wal.open("r+b") as file:
        for number in range(count):
            file.seek(32 + number * frame + 24 + 1)
            file.write(b"\xff" * 24)
    assert await store.check(threading.Event())
    assert store.damage
    assert (await refusal_of(store, "AFTER0001")).reason is UnavailableReason.DAMAGED
    await store.close()


async def test_a_file_that_takes_the_place_of_another_must_have_its_layout(
    path: Path, store: SqliteStore, tmp_path: Path
) -> None:
    other = apsw.Connection(str(tmp_path / "other.db"))
    other.execute("CREATE TABLE somebody_elses (x)")
    other.close()
    for file in tmp_path.glob("parcelwire.db-*"):
        file.unlink()
    (tmp_path / "other.db").rename(path)
    error = await refusal_of(store, "AFTER0001")
    assert "was replaced" in str(error)
    assert not await store.is_ready()


# -- the watch ---------------------------------------------------------------------------------


class Told:
    """Operators who can be reached from the second time on."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def tell(self, title: str, text: str) -> bool:
        self.texts.append(f"{title}: {text}")
        return len(self.texts) > 1


async def test_damage_is_found_within_one_period_and_told_until_heard(path: Path) -> None:
    clock = FrozenClock()
    store = await open_store(path, render=render, clock=clock, server=ServerUse())
    operators = Told()
    watch = StoreWatch(store, clock=clock, integrity_check_hours=24, channels=operators)
    DAMAGES["leaf of an index"](path, random.Random(5))
    await watch.step()
    clock.advance(23 * 3_600)
    await watch.step()
    found = [store.damage]
    clock.advance(3_600)
    await watch.step()
    found.append(store.damage)
    # Not before its time.
    assert list(map(bool, found)) == [False, True]
    for _ in range(5):
        await watch.step()
    assert len(operators.texts) == 2
    assert operators.texts[0].startswith("Parcelwire: the database is damaged: ")
    await store.close()


async def test_0_hours_are_never(path: Path) -> None:
    clock = FrozenClock()
    store = await open_store(path, render=render, clock=clock, server=ServerUse())
    watch = StoreWatch(store, clock=clock, integrity_check_hours=0)
    DAMAGES["leaf of an index"](path, random.Random(5))
    clock.advance(1_000 * HOUR / SECOND)
    await watch.step()
    assert not store.damage
    await store.close()


async def test_a_disk_that_refuses_is_looked_at_soon_but_not_all_the_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FrozenClock()
    store = await open_store(path, render=render, clock=clock, server=ServerUse())
    watch = StoreWatch(store, clock=clock, integrity_check_hours=24)
    checks = 0
    real = store.check

    async def counting(stopping: threading.Event) -> bool:
        nonlocal checks
        checks += 1
        return await real(stopping)

    monkeypatch.setattr(store, "check", counting)

    def fail(connection: apsw.Connection) -> None:
        raise apsw.IOError("disk I/O error")

    for _ in range(20):
        with pytest.raises(StoreUnavailableError) as caught:
            await store._write(fail)
        assert caught.value.reason is UnavailableReason.DISK_ERROR
        await watch.step()
    assert checks == 1
    clock.advance(601)
    await watch.step()
    assert checks == 2
    await watch.step()
    assert checks == 2
    await create(store, "AFTER0001")
    await store.close()


async def test_stopping_ends_a_check(path: Path) -> None:
    stopping = threading.Event()
    stopping.set()
    damage = Damage("")
    assert not check_file(path, SqliteSettings(), damage, clock=FrozenClock(), stopping=stopping)
    assert not damage.found


async def test_little_room_is_logged_once_an_hour(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FrozenClock()
    watch = StoreWatch(store, clock=clock, integrity_check_hours=24)
    await watch.step()
    assert caplog.messages == []
    space = DiskSpace(90_000_000, 8_000_000_000, is_low=True)
    monkeypatch.setattr(store, "disk_space", lambda: space)
    for _ in range(3):
        await watch.step()
    assert len(caplog.messages) == 1
    assert "90 MB left of 8000" in caplog.messages[0]
    clock.advance(3_600)
    await watch.step()
    assert len(caplog.messages) == 2
