"""The database goes away and comes back: nothing acknowledged is lost, and the store heals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.postgres import PostgresStore, open_store
from parcelwire.store.postgres.pool import Link
from parcelwire.tracking.ports import AlreadyDoneError, Once, TrackingFilter
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import NOW, WORLD, create, make_change, make_new, render


@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_a_restart_of_the_server_heals(own_cluster: Cluster, mode: str) -> None:
    dsn = own_cluster.create_database()
    store = await open_store(dsn, render=render, clock=FrozenClock())
    tracking = await create(store)
    assert await store.is_ready()

    own_cluster.stop(mode)
    assert not await store.is_ready()
    with pytest.raises(StoreUnavailableError):
        await store.load(WORLD, tracking.id)
    with pytest.raises(StoreUnavailableError):
        await store.create_trackings([make_new("NR0000001")])
    with pytest.raises(StoreUnavailableError):
        await store.save(make_change(tracking, status=Status.TRANSIT))
    own_cluster.start()

    assert await store.is_ready()
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == tracking
    assert await store.save(make_change(tracking, status=Status.TRANSIT))
    await store.close()


async def test_a_crash_under_load_loses_no_acknowledged_tracking(own_cluster: Cluster) -> None:
    dsn = own_cluster.create_database()
    store = await open_store(dsn, render=render, clock=FrozenClock())
    acknowledged: list[str] = []
    refused = 0
    is_over = False

    async def add(worker: int) -> None:
        nonlocal refused
        turn = 0
        while not is_over:
            turn += 1
            try:
                (creation,) = await store.create_trackings([make_new(f"NR{worker:03d}{turn:06d}")])
            except StoreUnavailableError:
                refused += 1
                await asyncio.sleep(0.01)
            else:
                assert creation.result == "created"
                acknowledged.append(f"NR{worker:03d}{turn:06d}")

    workers = [asyncio.create_task(add(worker)) for worker in range(8)]
    for _ in range(3):
        reached = len(acknowledged) + 100
        while len(acknowledged) < reached:  # noqa: ASYNC110  # nobody tells when it is reached
            await asyncio.sleep(0.001)
        await asyncio.to_thread(own_cluster.stop, "immediate")
        await asyncio.to_thread(own_cluster.start)
    is_over = True
    await asyncio.gather(*workers)

    assert refused > 0
    page = await store.list_trackings(WORLD, TrackingFilter(), offset=0, limit=1_000_000)
    assert set(acknowledged) <= {one.tracking.number for one in page}
    assert await store.count_trackings(WORLD, TrackingFilter()) == len(page)
    assert await store.count_created(WORLD) == len(page)
    await store.close()


async def test_a_database_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(StoreUnavailableError):
        await open_store(
            "postgresql://parcelwire@127.0.0.1:1/parcelwire", render=render, clock=FrozenClock()
        )


async def test_reads_go_on_when_nothing_can_be_written(
    cluster: Cluster, dsn: str, store: PostgresStore
) -> None:
    tracking = await create(store)
    name = cluster.sql("select current_database()", dsn).strip()
    cluster.sql(f"alter database {name} set default_transaction_read_only = on")
    reader = await open_store(dsn, render=render, clock=FrozenClock())
    try:
        with pytest.raises(StoreUnavailableError):
            await create(reader, "NR0000001")
        assert await reader.load(WORLD, tracking.id) is not None
        assert not await reader.is_ready()
    finally:
        await reader.close()
        cluster.sql(f"alter database {name} reset default_transaction_read_only")


async def test_a_connection_that_breaks_is_replaced(store: PostgresStore, link: Link) -> None:
    tracking = await create(store)
    for _ in range(5):
        await link.fetch(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid()"
        )
        assert await store.load(WORLD, tracking.id) is not None


async def test_what_a_race_rolled_back_is_done_again(store: PostgresStore, link: Link) -> None:
    tracking = await create(store)
    tries = 0

    async def work(inside: Link) -> None:
        nonlocal tries
        tries += 1
        await inside.execute("set transaction isolation level repeatable read")
        await inside.fetch("select version from tracking")
        if tries == 1:
            await link.execute("update poll set checks = checks + 1")
        await inside.execute("update poll set checks = checks + 10")

    await store._database.transact(work)

    assert tries == 2
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.poll.checks == 11


@pytest.mark.parametrize("has_come_through", [True, False])
async def test_a_write_under_a_key_is_done_once_when_its_answer_is_lost(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, has_come_through: bool
) -> None:
    real = asyncpg.Connection.transaction
    losses = [True]

    @asynccontextmanager
    async def breaking(self: asyncpg.Connection[asyncpg.Record]) -> AsyncIterator[None]:
        transaction = real(self)
        await transaction.start()
        try:
            yield
        except BaseException:
            await transaction.rollback()
            raise
        is_last = bool(losses)
        if has_come_through or not is_last:
            await transaction.commit()
        if is_last:
            losses.clear()
            self.terminate()
            raise asyncpg.exceptions.ConnectionDoesNotExistError("the connection was lost")

    monkeypatch.setattr(asyncpg.Connection, "transaction", breaking)
    once = Once(
        world_id=WORLD,
        key="order-17",
        fingerprint=b"f" * 32,
        at=NOW,
        answer=lambda creations: (201, creations[0].result.encode()),
    )
    calling = store.create_trackings([make_new()], once=once)
    if has_come_through:
        # Whoever asks is told what would have been answered.
        with pytest.raises(AlreadyDoneError) as caught:
            await calling
        assert caught.value.record.body == b"created"
    else:
        assert [one.result for one in await calling] == ["created"]
    assert losses == []
    assert await store.count_trackings(WORLD, TrackingFilter()) == 1
    assert await store.count_created(WORLD) == 1


async def test_a_fault_of_ours_is_not_called_an_outage(store: PostgresStore) -> None:
    with pytest.raises(asyncpg.exceptions.UndefinedTableError):
        await store._database.fetch("select * from no_such_table")


async def test_one_tracking_that_cannot_be_stored_spoils_no_other(store: PostgresStore) -> None:
    good = [make_new(f"NR{index:07d}") for index in range(6)]
    twin = make_new("OTHER0001", id=good[0].tracking.id)
    await store.create_trackings([good[0]])

    answers = await asyncio.gather(
        *(store.create_trackings([item]) for item in (*good[1:3], twin, *good[3:])),
        return_exceptions=True,
    )

    faults = [answer for answer in answers if isinstance(answer, BaseException)]
    assert len(faults) == 1
    assert isinstance(faults[0], asyncpg.exceptions.UniqueViolationError)
    assert await store.count_trackings(WORLD, TrackingFilter()) == 6


async def test_cancelled_work_leaves_no_connection_unusable(store: PostgresStore) -> None:
    tracking = await create(store)
    for _ in range(20):
        task = asyncio.create_task(store._database.fetch("select pg_sleep(5)"))
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    answers = await asyncio.gather(*(store.load(WORLD, tracking.id) for _ in range(50)))
    assert all(answer is not None for answer in answers)
    assert await store.claim_polls(NOW, lease_until=NOW + 1, limit=1)
