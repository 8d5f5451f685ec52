"""Readiness is a write that was made durable; what refuses it is told in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import apsw
import msgspec
import pytest

from parcelwire.api.readiness import DEADLINE_SECONDS, KEPT_SECONDS, Readiness, Verdict
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import DiskSpace, Store, StoreUnavailableError, UnavailableReason
from parcelwire.store.postgres import PostgresStore
from parcelwire.store.sqlite import SqliteStore
from tests.contract.store.samples import WORLD, create, make_new

READY = Verdict("ready")
Counted = list[str]


@pytest.fixture(autouse=True)
def _roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever disk the tests run on, it is large."""
    monkeypatch.setattr(SqliteStore, "disk_space", lambda _: DiskSpace(900, 1_000, is_low=False))


def count_writes(store: Store, monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Count how often the store is asked to write."""
    counted: Counted = []
    real = store.try_write

    async def counting() -> None:
        counted.append("write")
        await real()

    monkeypatch.setattr(store, "try_write", counting)
    return counted


@asynccontextmanager
async def refusing_writes(store: Store) -> AsyncIterator[None]:
    """Let the database be read, and refuse every write."""
    if isinstance(store, SqliteStore):
        writer = store._writer
        real = writer._live_connection

        def read_only() -> apsw.Connection:
            connection = real()
            connection.pragma("query_only", True)
            return connection

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(writer, "_live_connection", read_only)
            yield
        return
    assert isinstance(store, PostgresStore)
    link = await store._database._connect()
    name = await link.fetchval("select current_database()")
    leave = (
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    await link.execute(f"alter database {name} set default_transaction_read_only = on")
    await link.fetch(leave)
    yield
    await link.execute(f"alter database {name} reset default_transaction_read_only")
    await link.fetch(leave)
    await link.close()


async def test_ready_means_that_something_was_written(store: Store) -> None:
    await store.try_write()
    await store.try_write()
    if isinstance(store, SqliteStore):
        ((beats,),) = await store._reader.rows("SELECT beats FROM heartbeat")
    else:
        assert isinstance(store, PostgresStore)
        ((beats,),) = await store._database.fetch("select beats from heartbeat")
    assert beats == 2


async def test_a_database_that_can_only_be_read_is_not_ready(
    store: Store, clock: FrozenClock
) -> None:
    readiness = Readiness(store, clock)
    tracking = await create(store)
    assert await readiness.verdict() == READY
    async with refusing_writes(store):
        clock.advance(KEPT_SECONDS)
        assert await readiness.verdict() == Verdict("not ready", reason="read-only")
        assert await store.load(WORLD, tracking.id) is not None
        assert not await store.is_ready()
    clock.advance(KEPT_SECONDS)
    assert await readiness.verdict() == READY


async def test_anybody_may_ask_and_nobody_can_make_it_write_more(
    store: Store, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = count_writes(store, monkeypatch)
    readiness = Readiness(store, clock)
    verdicts = await asyncio.gather(*(readiness.verdict() for _ in range(500)))
    assert set(map(msgspec.json.encode, verdicts)) == {b'{"status":"ready"}'}
    for _ in range(500):
        await readiness.verdict()
    assert len(writes) == 1
    clock.advance(KEPT_SECONDS)
    await asyncio.gather(*(readiness.verdict() for _ in range(500)))
    assert len(writes) == 2
    # A clock that is put back does not make an old verdict last.
    clock.advance(-3_600)
    await readiness.verdict()
    assert len(writes) == 3


async def test_a_refusal_is_not_asked_for_again_at_once(
    open_another: Callable[[], Awaitable[Store]],
    clock: FrozenClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = await open_another()
    await store.close()
    writes = count_writes(store, monkeypatch)
    readiness = Readiness(store, clock)
    for _ in range(100):
        assert await readiness.verdict() == Verdict("not ready", reason="database unreachable")
    assert len(writes) == 1


async def test_a_write_that_hangs_is_waited_for_once(
    store: Store, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()
    started = 0

    async def hanging() -> None:
        nonlocal started
        started += 1
        await goes_on.wait()

    with monkeypatch.context() as patch:
        patch.setattr(store, "try_write", hanging)
        readiness = Readiness(store, clock, deadline_seconds=0.05)
        unreachable = Verdict("not ready", reason="database unreachable")
        for _ in range(3):
            clock.advance(60)
            assert await asyncio.gather(*(readiness.verdict() for _ in range(50))) == (
                [unreachable] * 50
            )
        assert started == 1
        goes_on.set()
        # The write that hung has ended: its result counts.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert await readiness.verdict() == READY
    clock.advance(60)
    assert await readiness.verdict() == READY
    assert DEADLINE_SECONDS < 10


async def test_who_stops_waiting_disturbs_nobody(store: Store, clock: FrozenClock) -> None:
    readiness = Readiness(store, clock)
    first = asyncio.create_task(readiness.verdict())
    second = asyncio.create_task(readiness.verdict())
    await asyncio.sleep(0)
    first.cancel()
    assert await second == READY


async def test_little_room_is_told_while_it_is_still_ready(
    store: Store, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "disk_space", lambda: DiskSpace(5, 1_000, is_low=True))
    verdict = await Readiness(store, clock).verdict()
    assert msgspec.json.encode(verdict) == b'{"status":"ready","warning":"disk space low"}'


only_postgresql = pytest.mark.parametrize("place", ["postgres"], indirect=True)

REFUSALS = [
    ("53100", UnavailableReason.DISK_FULL),
    ("25006", UnavailableReason.READ_ONLY),
    ("58030", UnavailableReason.DISK_ERROR),
    ("57P03", UnavailableReason.UNREACHABLE),
]


@only_postgresql
@pytest.mark.parametrize(("code", "reason"), REFUSALS)
async def test_what_postgresql_says_is_told_in_plain_words(
    open_another: Callable[[], Awaitable[Store]], code: str, reason: UnavailableReason
) -> None:
    store = await open_another()
    assert isinstance(store, PostgresStore)
    async with raising(store, "tracking", code), raising(store, "heartbeat", code):
        with pytest.raises(StoreUnavailableError) as caught:
            await store.create_trackings([make_new("REFUSED01")])
        assert caught.value.reason is reason
        with pytest.raises(StoreUnavailableError) as caught:
            await store.try_write()
        assert caught.value.reason is reason
    await store.try_write()
    await create(store)


@only_postgresql
@pytest.mark.parametrize("code", ["XX001", "XX002"])
async def test_nothing_is_acknowledged_after_postgresql_met_damage(
    open_another: Callable[[], Awaitable[Store]], code: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = await open_another()
    assert isinstance(store, PostgresStore)
    kept = await create(store)
    async with raising(store, "tracking", code):
        with pytest.raises(StoreUnavailableError):
            await store.create_trackings([make_new("DAMAGED01")])
    for index in range(5):
        for write in (
            store.create_trackings([make_new(f"AFTER{index:04d}")]),
            store.change_record("kind", "scope", "id", lambda _: b"{}", at=1),
            store.try_write(),
        ):
            with pytest.raises(StoreUnavailableError) as caught:
                await write
            assert caught.value.reason is UnavailableReason.DAMAGED
    assert await store.load(WORLD, kept.id) is not None
    assert store.damage
    assert [one.levelname for one in caplog.records if "damaged" in one.message] == ["ERROR"]


@asynccontextmanager
async def raising(store: PostgresStore, table: str, code: str) -> AsyncIterator[None]:
    """Let PostgreSQL fail with an error code at every write to a table."""
    script = f"""
    create or replace function fail_{table}() returns trigger language plpgsql as $$
    begin raise exception 'as if' using errcode = '{code}'; end $$;
    create trigger fail before insert or update on {table}
        for each row execute function fail_{table}();
    """
    link = await store._database._connect()
    await link.execute(script)
    try:
        yield
    finally:
        await link.execute(f"drop function fail_{table} cascade")
        await link.close()
