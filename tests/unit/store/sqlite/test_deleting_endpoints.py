"""Deleting an endpoint for which a great many messages wait: others find the writer free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.sqlite import messages as module
from parcelwire.store.sqlite import open_store
from parcelwire.store.sqlite.store import SqliteStore
from parcelwire.webhooks.ports import MessageFilter, MessageState
from parcelwire.webhooks.standing import enable
from tests.contract.store.damaging import damage
from tests.contract.store.samples import NOW, WORLD, make_message, new_id, render
from tests.contract.store.sending import (
    DEAD,
    DELIVERED,
    add_endpoint,
    claim,
    claimed,
    finish,
    result_of,
    state_of,
)

SLICE = 20


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SqliteStore]:
    monkeypatch.setattr(module, "BURIED_AT_ONCE", SLICE)
    store = await open_store(tmp_path / "parcelwire.db", render=render, clock=FrozenClock())
    yield store
    await store.close()


async def fill(store: SqliteStore, endpoint: Endpoint, *, parcels: int, each: int) -> None:
    await store.add_messages(
        [
            make_message(endpoint, parcel, sequence, NOW)
            for parcel in [new_id() for _ in range(parcels)]
            for sequence in range(1, each + 1)
        ]
    )


async def count(store: SqliteStore, state: MessageState) -> int:
    where = MessageFilter(states=(state,))
    return len((await store.list_messages(WORLD, where, limit=100_000)).messages)


@pytest.mark.parametrize(("parcels", "each"), [(400, 1), (57, 7), (1, 400)])
async def test_others_write_in_between(store: SqliteStore, parcels: int, each: int) -> None:
    endpoint, other = await add_endpoint(store), await add_endpoint(store)
    await fill(store, endpoint, parcels=parcels, each=each)
    await fill(store, other, parcels=3, each=1)
    deleting = asyncio.create_task(store.delete_endpoint(WORLD, endpoint.id))
    written = 0
    while not deleting.done():
        await store.save_endpoint(replace(other, description=str(written)))
        written += 1
    assert await deleting
    assert written >= parcels * each // SLICE // 2
    assert await store.load_endpoint(WORLD, endpoint.id) is None
    assert await count(store, DEAD) == parcels * each
    assert await store.count_waiting(endpoint.id) == 0
    assert len(await claim(store)) == 3
    assert not await store.delete_endpoint(WORLD, endpoint.id)


async def test_what_was_given_up_before_goes_in_slices_as_well(store: SqliteStore) -> None:
    endpoint = await add_endpoint(store)
    await fill(store, endpoint, parcels=5 * SLICE, each=1)
    for one in await claim(store, limit=1_000, per_endpoint=1_000):
        await store.finish_attempts([result_of(one.message.id, DEAD)])
    assert await store.delete_endpoint(WORLD, endpoint.id)
    await store.add_endpoint(endpoint)  # as from a backup
    await fill(store, endpoint, parcels=1, each=1)
    (one,) = await claim(store)
    assert one.skipped == ()


async def test_one_that_is_interrupted_can_be_deleted_again(store: SqliteStore) -> None:
    endpoint = await add_endpoint(store)
    await fill(store, endpoint, parcels=40, each=5)
    deleting = asyncio.create_task(store.delete_endpoint(WORLD, endpoint.id))
    while await count(store, DEAD) < 2 * SLICE:  # noqa: ASYNC110  # the store tells nobody
        await asyncio.sleep(0)
    deleting.cancel()
    await asyncio.gather(deleting, return_exceptions=True)
    stored = await store.load_endpoint(WORLD, endpoint.id)
    assert stored is not None
    assert not stored.is_enabled
    assert "it is being deleted" in stored.disabled_reason
    assert await claimed(store) == []
    # Nothing is lost track of: enabled again, all that is left goes out, line by line.
    left = await store.count_waiting(endpoint.id)
    assert 0 < left == 200 - await count(store, DEAD)
    await store.save_endpoint(enable(stored))
    sent = 0
    while batch := await claim(store, limit=1_000, per_endpoint=1_000):
        for one in batch:
            await store.finish_attempts([result_of(one.message.id, DELIVERED)])
        sent += len(batch)
    assert sent == left
    assert await store.delete_endpoint(WORLD, endpoint.id)
    assert await store.load_endpoint(WORLD, endpoint.id) is None


async def test_one_on_its_way_meanwhile(store: SqliteStore) -> None:
    endpoint, parcel = await add_endpoint(store), new_id()
    first = make_message(endpoint, parcel, 1, NOW)
    rest = [make_message(endpoint, parcel, sequence, NOW) for sequence in range(2, 3 * SLICE)]
    await store.add_messages([first, *rest])
    assert await claimed(store) == [1]
    assert await store.delete_endpoint(WORLD, endpoint.id)
    await finish(store, first, DELIVERED)
    assert await state_of(store, first) is DELIVERED
    assert {await state_of(store, one) for one in rest} == {DEAD}
    assert await claimed(store) == []


async def test_one_that_cannot_be_read_is_deleted_in_slices_too(store: SqliteStore) -> None:
    endpoint = await add_endpoint(store)
    await fill(store, endpoint, parcels=SLICE * 3, each=1)
    await damage(store, endpoint.id, "endpoint")
    assert await store.delete_endpoint(WORLD, endpoint.id)
    assert await count(store, DEAD) == SLICE * 3
    assert not await store.delete_endpoint(WORLD, endpoint.id)
