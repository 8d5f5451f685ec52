"""Deleting a tracking while somebody else's transaction about it is open, each order on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest

from parcelwire.domain.clock import DAY, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.postgres import PostgresStore
from parcelwire.store.postgres.pool import Link
from parcelwire.tracking.ports import PollResult, PollState, RawResponse
from tests.contract.store.holdings import rows_of
from tests.contract.store.samples import (
    NOW,
    WORLD,
    create,
    make_change,
    make_past,
    new_id,
    render,
)
from tests.contract.store.sending import DELIVERED, add, add_endpoint, finish, result_of
from tests.contract.store.test_journeys import journey

RAW: Final = RawResponse(at=NOW, connector="swiss-post", outcome="found", body=b"Jo Doe, Bern")

Write = Callable[[PostgresStore, Tracking], Awaitable[object]]


async def save(store: PostgresStore, tracking: Tracking) -> object:
    return await store.save(make_change(tracking, status=Status.TRANSIT, raw=RAW))


async def save_poll(store: PostgresStore, tracking: Tracking) -> object:
    result = PollResult(tracking_id=tracking.id, poll=PollState(), raw=RAW, past=make_past())
    await store.save_polls([result])
    return False


async def save_record(store: PostgresStore, tracking: Tracking) -> object:
    return await store.change_record(
        "notice-due", str(WORLD), "a", lambda _: b"jo", at=NOW, tracking_id=tracking.id
    )


async def save_journey(store: PostgresStore, tracking: Tracking) -> object:
    return await store.save_journeys([journey(tracking)])


WRITES: Final = [save, save_poll, save_record, save_journey]


class _Held:
    """A database whose statements stay in the transaction of one connection."""

    def __init__(self, link: Any) -> None:
        self._link = link

    async def fetch(self, query: str, *args: object, is_repeatable: bool = True) -> Any:
        return await self._link.fetch(query, *args)

    async def transact(
        self, work: Callable[[Any], Awaitable[Any]], *, is_repeatable: bool = True
    ) -> Any:
        return await work(self._link)


@asynccontextmanager
async def held_store(dsn: str) -> AsyncIterator[PostgresStore]:
    """Give a store that does all in one transaction, which is committed at the end."""
    link: Any = await asyncpg.connect(dsn)
    try:
        async with link.transaction():
            yield PostgresStore(_Held(link), render=render, clock=FrozenClock())  # type: ignore[arg-type]
    finally:
        await link.close(timeout=2)


async def until_it_waits(link: Link, task: asyncio.Future[Any]) -> None:
    """Return when somebody waits for a lock of another transaction."""
    while not await link.fetchval("select exists (select from pg_locks where not granted)"):
        assert not task.done(), "it waited for nobody"
        await asyncio.sleep(0.005)


@pytest.mark.parametrize("write", WRITES)
async def test_what_was_being_written_goes_with_the_tracking(
    store: PostgresStore, dsn: str, link: Link, write: Write
) -> None:
    tracking = await create(store)
    async with held_store(dsn) as held:
        await write(held, tracking)
        deleting = asyncio.ensure_future(store.delete_trackings(WORLD, [tracking.id]))
        await until_it_waits(link, deleting)
    assert await deleting == [tracking.id]
    assert set((await rows_of(store, tracking.id, kept=False)).values()) == {0}


@pytest.mark.parametrize("write", WRITES)
async def test_nothing_is_written_about_what_is_being_deleted(
    store: PostgresStore, dsn: str, link: Link, write: Write
) -> None:
    tracking = await create(store)
    async with held_store(dsn) as held:
        assert await held.delete_trackings(WORLD, [tracking.id]) == [tracking.id]
        writing = asyncio.ensure_future(write(store, tracking))
        await until_it_waits(link, writing)
    assert not await writing
    assert set((await rows_of(store, tracking.id, kept=False)).values()) == {0}


ONE_STATEMENT: Final = """
with gone as (
    delete from tracking where world_id = $1 and id = any($2::uuid[]) returning id
), docs as (
    delete from doc where tracking_id in (select id from gone)
), polls as (
    delete from poll where tracking_id in (select id from gone)
), raws as (
    delete from raw_response where tracking_id in (select id from gone)
), records as (
    delete from record where tracking_id in (select id from gone)
)
select id from gone
"""


@pytest.mark.parametrize("write", [save, save_poll, save_record])
async def test_one_statement_alone_would_leave_something(
    store: PostgresStore,
    dsn: str,
    link: Link,
    write: Write,
) -> None:
    """What the others find: a statement sees nothing that is committed while it waits."""
    tracking = await create(store)
    async with held_store(dsn) as held:
        await write(held, tracking)
        deleting = asyncio.ensure_future(store._database.fetch(ONE_STATEMENT, WORLD, [tracking.id]))
        await until_it_waits(link, deleting)
    assert len(await deleting) == 1
    assert sum((await rows_of(store, tracking.id, kept=False)).values()) == 1


async def _deliver_twice(store: PostgresStore) -> tuple[str, Callable[[PostgresStore], Any]]:
    """Deliver a message, and give what a second worker, later, has to say of it."""
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await finish(store, message, DELIVERED)
    late = result_of(message.id, DELIVERED, at=NOW + 1)
    return message.id, lambda side: side.finish_attempts([late])


async def test_an_attempt_goes_with_the_message_that_is_being_forgotten(
    store: PostgresStore, dsn: str, link: Link
) -> None:
    message_id, tell = await _deliver_twice(store)
    async with held_store(dsn) as held:
        await tell(held)
        pruning = asyncio.ensure_future(store.prune_messages(NOW + DAY))
        await until_it_waits(link, pruning)
    assert await pruning == 1
    assert await store.list_attempts(message_id) == []


async def test_no_attempt_is_added_to_a_message_that_is_being_forgotten(
    store: PostgresStore, dsn: str, link: Link
) -> None:
    message_id, tell = await _deliver_twice(store)
    async with held_store(dsn) as held:
        assert await held.prune_messages(NOW + DAY) == 1
        telling = asyncio.ensure_future(tell(store))
        await until_it_waits(link, telling)
    await telling
    assert await store.list_attempts(message_id) == []
