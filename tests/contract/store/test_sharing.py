"""Two stores on one database, as two processes have it, and a store's own life."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable

import pytest

from parcelwire.domain.account import ApiKey
from parcelwire.domain.clock import SECOND
from parcelwire.domain.status import Status
from parcelwire.store.port import Store, StoreUnavailableError
from parcelwire.tracking.ports import TrackingFilter
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    create,
    make_change,
    make_endpoint,
    make_message,
    make_new,
    new_id,
)

OpenAnother = Callable[[], Awaitable[Store]]


async def test_what_one_process_stores_another_sees(
    store: Store, open_another: OpenAnother
) -> None:
    other = await open_another()
    tracking = await create(store)
    stored = await other.load(WORLD, tracking.id)
    assert stored is not None
    assert stored.tracking == tracking
    assert await other.save(make_change(tracking, status=Status.TRANSIT))
    again = await store.load(WORLD, tracking.id)
    assert again is not None
    assert again.tracking.status is Status.TRANSIT


async def test_a_key_revoked_elsewhere_is_revoked_here_within_two_seconds(
    store: Store, open_another: OpenAnother
) -> None:
    account = await store.add_account("a@shop.example", now=NOW)
    digest = hashlib.sha256(b"pw_secret").digest()
    await store.add_key(
        ApiKey(digest=digest, prefix="pw_", account_number=account.number, is_test=False)
    )
    found = await store.find_key(digest)
    assert found is not None
    assert found[0].revoked_at is None

    command = await open_another()
    assert await command.revoke_key("pw_", NOW)
    deadline = time.monotonic() + 2
    found = await store.find_key(digest)
    while found is not None and found[0].revoked_at is None and time.monotonic() < deadline:
        await asyncio.sleep(0.05)
        found = await store.find_key(digest)
    assert found is not None
    assert found[0].revoked_at == NOW


async def test_two_processes_create_a_number_once(store: Store, open_another: OpenAnother) -> None:
    other = await open_another()
    items = [make_new("RA123456785CH") for _ in range(20)]
    answers = await asyncio.gather(
        *((store, other)[index % 2].create_trackings([item]) for index, item in enumerate(items))
    )
    results = [creation.result for (creation,) in answers]
    assert results.count("created") == 1
    assert await other.count_trackings(WORLD, TrackingFilter()) == 1


async def test_two_processes_lease_nothing_twice(store: Store, open_another: OpenAnother) -> None:
    other = await open_another()
    for index in range(50):
        await create(store, f"N{index:08d}")
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    await store.add_messages([make_message(endpoint, new_id(), 1) for _ in range(50)])
    lease = NOW + 30 * SECOND
    polls = await asyncio.gather(
        *(
            one.claim_polls(NOW, lease_until=lease, limit=7)
            for _ in range(5)
            for one in (store, other)
        )
    )
    messages = await asyncio.gather(
        *(
            one.claim_messages(NOW, lease_until=lease, limit=7, per_endpoint=7)
            for _ in range(5)
            for one in (store, other)
        )
    )
    taken_polls = [claim.tracking_id for batch in polls for claim in batch]
    taken_messages = [one.message.id for batch in messages for one in batch]
    assert len(taken_polls) == len(set(taken_polls)) == 50
    assert len(taken_messages) == len(set(taken_messages)) == 50


async def test_closing_finishes_what_is_queued(store: Store, open_another: OpenAnother) -> None:
    other = await open_another()
    items = [make_new(f"N{index:08d}") for index in range(50)]
    creates = [asyncio.ensure_future(other.create_trackings([item])) for item in items]
    await asyncio.sleep(0)
    await other.close()
    answers = await asyncio.gather(*creates)
    assert [creation.result for (creation,) in answers] == ["created"] * 50
    assert await store.count_trackings(WORLD, TrackingFilter()) == 50


async def test_a_closed_store_says_so(open_another: OpenAnother) -> None:
    store = await open_another()
    assert await store.is_ready()
    await store.close()
    await store.close()
    assert await store.is_ready() is False
    with pytest.raises(StoreUnavailableError):
        await create(store)
    with pytest.raises(StoreUnavailableError):
        await store.load(WORLD, new_id())
    with pytest.raises(StoreUnavailableError):
        await store.list_trackings(WORLD, TrackingFilter(courier_code="dhl"), offset=0, limit=1)


async def test_a_caller_that_goes_away_disturbs_nobody(store: Store) -> None:
    first = asyncio.ensure_future(create(store, "A1234567"))
    second = asyncio.ensure_future(create(store, "B1234567"))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).number == "B1234567"
    with pytest.raises(asyncio.CancelledError):
        await first
    # Whether the cancelled one was stored is open, as with every answer that nobody heard.
    assert await store.count_trackings(WORLD, TrackingFilter()) in (1, 2)


async def test_a_store_describes_itself_in_one_line(store: Store) -> None:
    assert await store.is_ready()
    line = store.describe()
    assert "\n" not in line
    assert any(engine in line for engine in ("SQLite", "PostgreSQL"))
    assert "password" not in line


async def test_a_crowd_of_creates_does_not_stand_in_front_of_another_worlds_one(
    store: Store,
) -> None:
    """Counted in answers: of 3,000 that came first, only those of the next commits go before."""
    answered: list[str] = []

    async def make(number: str, world_id: int) -> None:
        await store.create_trackings([make_new(number, world_id=world_id)])
        answered.append(number)

    crowd = [asyncio.create_task(make(f"C{index:06d}", WORLD)) for index in range(3_000)]
    one = asyncio.create_task(make("B1", OTHER_WORLD))
    await asyncio.gather(*crowd, one)
    assert answered.index("B1") <= 1_000
    assert len(set(answered)) == 3_001
