"""Writes under an idempotency key: one effect, one answer, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import ApiKey
from parcelwire.domain.clock import HOUR
from parcelwire.store.port import Store
from parcelwire.tracking.ports import AlreadyDoneError, IdempotencyRecord, Once, TrackingFilter
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    create,
    make_endpoint,
    make_message,
    make_new,
    new_id,
)
from tests.contract.store.sending import (
    DEAD,
    DELIVERED,
    PENDING,
    add,
    add_endpoint,
    claimed,
    finish,
    state_of,
)

FINGERPRINT = bytes(range(32))
ALL = TrackingFilter()


def once(key: str = "order-17", *, world_id: int = WORLD, status: int = 201, **more: Any) -> Once:
    """Make an idempotency key whose answer shows what it was made from."""
    return Once(
        **{
            "world_id": world_id,
            "key": key,
            "fingerprint": FINGERPRINT,
            "at": NOW,
            "answer": lambda result: (status, repr(result).encode()),
            **more,
        }
    )


async def refused(call: Awaitable[object]) -> IdempotencyRecord:
    with pytest.raises(AlreadyDoneError) as caught:
        await call
    return caught.value.record


async def test_a_create_happens_once_and_its_answer_is_kept(store: Store) -> None:
    (creation,) = await store.create_trackings([make_new("NR1")], once=once())
    assert creation.result == "created"
    record = await refused(store.create_trackings([make_new("NR2")], once=once(status=500)))

    assert record == IdempotencyRecord(
        fingerprint=FINGERPRINT, at=NOW, status=201, body=repr([creation]).encode()
    )
    assert await store.find_idempotency_record(WORLD, "order-17") == record
    assert await store.count_trackings(WORLD, ALL) == 1
    assert await store.count_created(WORLD) == 1
    assert await store.find(WORLD, "NR2") == []


async def test_a_key_counts_in_its_world_only(store: Store) -> None:
    await store.create_trackings([make_new("NR1")], once=once())
    await store.create_trackings(
        [make_new("NR1", world_id=OTHER_WORLD)], once=once(world_id=OTHER_WORLD)
    )
    await store.create_trackings([make_new("NR2")], once=once("order-18"))
    await store.create_trackings([make_new("NR3")], once=once("ORDER-17"))
    assert await store.count_trackings(WORLD, ALL) == 3
    assert await store.find_idempotency_record(OTHER_WORLD, "order-18") is None


async def test_a_key_of_any_characters_is_a_key(store: Store) -> None:
    words = ["", "ß" * 255, "€" * 255, "'; --", "a b", "A B", "🚚" * 255, "🚚" * 254]
    for number, key in enumerate(words):
        await store.create_trackings([make_new(f"NR{number}")], once=once(key))
    assert await store.count_trackings(WORLD, ALL) == len(words)
    for key in words:
        assert await store.find_idempotency_record(WORLD, key) is not None
        await refused(store.create_trackings([make_new("NR9")], once=once(key)))


async def test_a_large_answer_is_kept_whole(store: Store) -> None:
    body = bytes(range(256)) * 4_000
    await store.create_trackings([make_new("NR1")], once=once(answer=lambda result: (207, body)))
    record = await store.find_idempotency_record(WORLD, "order-17")
    assert record is not None
    assert (record.status, record.body) == (207, body)


async def test_an_empty_create_is_done_once_too(store: Store) -> None:
    assert await store.create_trackings([], once=once()) == []
    assert (await refused(store.create_trackings([], once=once()))).body == b"[]"


async def test_a_quota_holds_under_a_key(store: Store) -> None:
    results = await store.create_trackings([make_new("NR1"), make_new("NR2")], quota=1, once=once())
    assert [one.result for one in results] == ["created", "over_quota"]
    again = await store.create_trackings([make_new("NR1")], quota=1, once=once("order-18"))
    assert again[0].result == "exists"


@pytest.mark.parametrize("stage", ["answer", "effect"])
async def test_what_fails_leaves_neither_effect_nor_record(store: Store, stage: str) -> None:
    def fail(result: object) -> tuple[int, bytes]:
        raise RuntimeError("no answer")

    await store.add_account("jo@shop.example", now=NOW)
    if stage == "answer":
        with pytest.raises(RuntimeError, match="no answer"):
            await store.create_trackings([make_new("NR1")], once=once(answer=fail))
    else:
        with pytest.raises(ValueError, match="already"):
            await store.add_account("JO@shop.example", now=NOW, once=once())
    assert await store.find_idempotency_record(WORLD, "order-17") is None
    assert await store.count_trackings(WORLD, ALL) == 0
    # The key is free, and its neighbours in a shared commit are not harmed.
    (creation,), _ = await asyncio.gather(
        store.create_trackings([make_new("NR1")], once=once()),
        store.add_account("ann@shop.example", now=NOW),
    )
    assert creation.result == "created"
    assert await store.count_created(WORLD) == 1


async def test_a_write_without_an_answer_leaves_the_key_free(
    store: Store, open_another: Callable[[], Awaitable[Store]]
) -> None:
    await create(store, "NR1")
    stores = [store, await open_another()]
    refusals = await asyncio.gather(
        *(
            stores[index % 2].create_trackings(
                [make_new("NR1")], once=once(answer=lambda result: None, secret="told once")
            )
            for index in range(20)
        )
    )
    assert {one.result for (one,) in refusals} == {"exists"}
    assert await store.find_idempotency_record(WORLD, "order-17") is None
    (creation,) = await store.create_trackings([make_new("NR2")], once=once())
    assert creation.result == "created"
    assert await store.find_idempotency_record(WORLD, "order-17") is not None


async def test_two_hundred_at_once_with_one_key_are_one(
    store: Store, open_another: Callable[[], Awaitable[Store]]
) -> None:
    stores = [store, await open_another()]
    new = [make_new(f"NR{index:03d}") for index in range(200)]
    outcomes = await asyncio.gather(
        *(
            stores[index % 2].create_trackings([item], once=once())
            for index, item in enumerate(new)
        ),
        return_exceptions=True,
    )
    won = [outcome for outcome in outcomes if isinstance(outcome, list)]
    lost = [outcome for outcome in outcomes if isinstance(outcome, AlreadyDoneError)]
    assert (len(won), len(lost)) == (1, 199)
    assert {one.record.body for one in lost} == {repr(won[0]).encode()}
    assert await store.count_trackings(WORLD, ALL) == 1
    assert await store.count_created(WORLD) == 1


async def test_keys_and_plain_writes_share_a_commit(store: Store) -> None:
    outcomes = await asyncio.gather(
        *(
            store.create_trackings(
                [make_new(f"NR{index:03d}")], once=once(f"key-{index // 2}") if index % 3 else None
            )
            for index in range(60)
        ),
        return_exceptions=True,
    )
    refusals = [one for one in outcomes if isinstance(one, AlreadyDoneError)]
    assert len(refusals) == 10
    assert all(isinstance(one, list | AlreadyDoneError) for one in outcomes)
    assert await store.count_trackings(WORLD, ALL) == 50


async def test_two_accounts_race_for_one_address_under_one_key(
    store: Store, open_another: Callable[[], Awaitable[Store]]
) -> None:
    # The loser must hear of the key, not of the address that its twin has just taken.
    stores = [store, await open_another()]
    outcomes = await asyncio.gather(
        *(
            stores[index % 2].add_account("jo@shop.example", now=NOW, once=once())
            for index in range(10)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(one, AlreadyDoneError) for one in outcomes) == 9
    assert len(await store.list_accounts()) == 1


async def test_every_write_of_the_native_api_takes_a_key(store: Store) -> None:
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint, once=once("add"))
    await refused(store.add_endpoint(make_endpoint(), once=once("add")))
    assert await store.list_endpoints(WORLD) == [endpoint]

    changed = replace(endpoint, url="https://new.example/")
    assert await store.save_endpoint(changed, once=once("save"))
    record = await refused(store.save_endpoint(endpoint, once=once("save")))
    assert record.body == b"True"
    assert await store.load_endpoint(WORLD, endpoint.id) == changed
    assert not await store.save_endpoint(replace(endpoint, id=new_id()), once=once("save none"))
    assert (await refused(store.save_endpoint(endpoint, once=once("save none")))).body == b"False"

    message = make_message(endpoint, new_id(), 1)
    await store.add_messages([message], once=once("tell"))
    await refused(store.add_messages([make_message(endpoint, new_id(), 1)], once=once("tell")))
    await refused(store.add_messages([], once=once("tell")))
    assert await claimed(store) == [1]
    await finish(store, message, DELIVERED)

    assert await store.resend(WORLD, message.id, NOW, once=once("resend"))
    assert await claimed(store) == [1]
    await finish(store, message, DELIVERED)
    assert (
        await refused(store.resend(WORLD, message.id, NOW, once=once("resend")))
    ).body == b"True"
    assert await state_of(store, message) is DELIVERED
    assert not await store.resend(WORLD, new_id(), NOW, once=once("resend none"))

    assert await store.replay(WORLD, MessageFilter(), NOW, once=once("replay")) == 1
    await finish(store, message, DEAD)
    record = await refused(store.replay(WORLD, MessageFilter(), NOW, once=once("replay")))
    assert record.body == b"1"
    assert await state_of(store, message) is DEAD

    account = await store.add_account("jo@shop.example", name="Jo", now=NOW, once=once("account"))
    record = await refused(store.add_account("b@shop.example", now=NOW, once=once("account")))
    assert record.body == repr(account).encode()
    assert [one.email for one in await store.list_accounts()] == ["jo@shop.example"]
    key = ApiKey(digest=b"d" * 32, prefix="pw_1", account_number=account.number, is_test=False)
    await store.add_key(key, once=once("key"))
    assert (
        await refused(store.add_key(replace(key, digest=b"e"), once=once("key")))
    ).body == b"None"
    assert await store.list_keys() == [key]


async def test_old_records_are_forgotten_oldest_first(store: Store) -> None:
    for hour in (3, 1, 2, 5, 4):
        at = NOW + hour * HOUR
        await store.create_trackings([make_new(f"NR{hour}")], once=once(f"key-{hour}", at=at))
    assert await store.prune_idempotency_records(NOW, limit=10) == 0
    assert await store.prune_idempotency_records(NOW + 4 * HOUR, limit=2) == 2
    assert [
        await store.find_idempotency_record(WORLD, f"key-{hour}") is None for hour in (1, 2, 3, 4)
    ] == [
        True,
        True,
        False,
        False,
    ]
    assert await store.prune_idempotency_records(NOW + 4 * HOUR, limit=2) == 1
    assert await store.prune_idempotency_records(NOW + 4 * HOUR) == 0
    assert await store.find_idempotency_record(WORLD, "key-4") is not None
    # A forgotten key is free again.
    await store.create_trackings([make_new("NR6")], once=once("key-1"))


async def test_a_taken_key_keeps_a_pending_message_pending(store: Store) -> None:
    endpoint = await add_endpoint(store)
    (message,) = await add(store, endpoint, new_id(), 1)
    await store.resend(WORLD, message.id, NOW, once=once())
    await refused(store.resend(WORLD, message.id, NOW + HOUR, once=once()))
    loaded = await store.load_message(WORLD, message.id)
    assert loaded is not None
    assert (loaded.state, loaded.due_at) == (PENDING, NOW)


async def test_a_key_survives_closing(
    store: Store, open_another: Callable[[], Awaitable[Store]]
) -> None:
    await create(store, "NR0")
    await store.create_trackings([make_new("NR1")], once=once())
    other = await open_another()
    await refused(other.create_trackings([make_new("NR2")], once=once()))
