"""What is secret is sealed with the key that the database names, and with no other."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.connectors.key_file import read_keys, replace_key_file
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.clock import MINUTE
from parcelwire.store.port import KeyUnavailableError
from parcelwire.tracking.ports import Creation
from parcelwire.webhooks.failing import note_failure
from parcelwire.webhooks.ports import MessageState
from tests.contract.store.keys import (
    SECRETS,
    Keys,
    load,
    make_connection,
    once,
)
from tests.contract.store.samples import NOW, WORLD, make_endpoint, make_new, new_id
from tests.contract.store.sending import add, claimed, failure_at, result_of

# -- at rest -----------------------------------------------------------------------------------


async def test_an_endpoints_secrets_do_not_lie_open(keys: Keys) -> None:
    store, _ = await keys.begin()
    endpoint = make_endpoint(**SECRETS)
    await store.add_endpoint(endpoint)
    assert await load(store, endpoint) == endpoint
    seen = await load(await keys.open(None), endpoint)
    assert (seen.secret, seen.previous_secret, seen.headers) == ("", "", {})
    assert "no key" in seen.unopened_reason
    assert replace(seen, unopened_reason="") == replace(
        endpoint, secret="", previous_secret="", headers={}
    )


async def test_what_changes_of_an_endpoint_leaves_its_secrets_alone(keys: Keys) -> None:
    store, _ = await keys.begin()
    endpoint = make_endpoint(**SECRETS)
    await store.add_endpoint(endpoint)
    (message,) = await add(store, endpoint, new_id(), 1)
    assert await claimed(store) == [1]
    failed = replace(
        result_of(message.id, MessageState.PENDING, next_at=NOW + MINUTE), failure=failure_at(NOW)
    )
    await store.finish_attempts([failed])
    described = replace(endpoint, description="shop")
    assert await store.save_endpoint(described, expected=endpoint)
    described = note_failure(described, failure_at(NOW))
    assert await load(store, endpoint) == described
    rotated = replace(endpoint, secret="whsec_bmV3", previous_secret=endpoint.secret)
    assert await store.save_endpoint(rotated, expected=endpoint)
    assert await load(store, endpoint) == replace(
        described, secret="whsec_bmV3", previous_secret=endpoint.secret
    )


async def test_the_secret_of_an_answer_is_sealed_beside_it(keys: Keys) -> None:
    store, _ = await keys.begin()
    await store.add_endpoint(make_endpoint(), once=once())
    record = await store.find_idempotency_record(WORLD, "k1")
    assert record is not None
    assert (record.body, record.secret) == (b"{}", "pw_live_told_once")
    stranger = await keys.open(keys.ring("stranger.key"))
    with pytest.raises(KeyUnavailableError, match="copy the key file"):
        await stranger.find_idempotency_record(WORLD, "k1")


async def test_what_lay_open_is_sealed_in_portions(keys: Keys) -> None:
    before = await keys.open(None)
    endpoints = [make_endpoint(**SECRETS) for _ in range(5)]
    for one in endpoints:
        await before.add_endpoint(one)
    store, _ = await keys.begin()
    assert await store.sealed_counts() == {("endpoint", ""): 5}
    # Read, used and changed before and after.
    assert await load(store, endpoints[0]) == endpoints[0]
    assert await store.save_endpoint(replace(endpoints[0], description="x"))
    assert [await store.reseal(limit=2, only_open=True) for _ in range(4)] == [2, 2, 1, 0]
    assert await load(store, endpoints[0]) == replace(endpoints[0], description="x")
    assert [await load(store, one) for one in endpoints[1:]] == endpoints[1:]
    assert (await load(before, endpoints[1])).secret == ""
    assert not any(key == "" for _, key in await store.sealed_counts())
    await store.drop_old_copies()
    assert [await load(store, one) for one in endpoints[1:]] == endpoints[1:]


# -- a stranger's key --------------------------------------------------------------------------


async def test_the_first_of_several_keys_wins(keys: Keys) -> None:
    rings = [keys.ring(f"{number}.key") for number in range(4)]
    stores = [await keys.open(ring) for ring in rings]
    told = await asyncio.gather(
        *(
            store.register_first_key(ring.fingerprints[0], NOW)
            for store, ring in zip(stores, rings, strict=True)
        )
    )
    assert told[0] == told[1] == told[2] == told[3]
    (key,) = told[0]
    assert key.fingerprint in {ring.fingerprints[0] for ring in rings}
    assert key.is_current
    assert [bool(ring.learn(told[0])) for ring in rings].count(False) == 1


async def test_nothing_is_sealed_with_a_strangers_key(keys: Keys) -> None:
    store, ring = await keys.begin()
    endpoint, connection = make_endpoint(**SECRETS), make_connection(ring)
    await store.add_endpoint(endpoint)
    await store.save_connection(connection)
    counts = await store.sealed_counts()
    theirs = keys.ring("stranger.key")
    stranger = await keys.open(theirs)
    writes: list[Callable[[], Any]] = [
        lambda: stranger.add_endpoint(make_endpoint()),
        lambda: stranger.save_endpoint(replace(endpoint, secret="whsec_bmV3")),
        lambda: stranger.add_endpoint(make_endpoint(), once=once()),
        lambda: stranger.save_connection(make_connection(theirs)),
        lambda: stranger.reseal(limit=10),
    ]
    for write in writes[:-1]:
        with pytest.raises(KeyUnavailableError, match=ring.fingerprints[0][:8]):
            await write()
    assert await writes[-1]() == 0
    assert await store.sealed_counts() == counts
    assert await store.find_idempotency_record(WORLD, "k1") is None
    assert await load(store, endpoint) == endpoint
    # It sees the endpoint, may change what is not secret, and does not take its messages.
    seen = await load(stranger, endpoint)
    assert "copy the key file" in seen.unopened_reason
    assert await stranger.save_endpoint(replace(seen, description="x"), expected=seen)
    assert await load(store, endpoint) == replace(endpoint, description="x")


async def test_who_lacks_the_key_spoils_no_write_of_others(keys: Keys) -> None:
    _, ring = await keys.begin()
    stranger = await keys.open(keys.ring("stranger.key"))
    written = await asyncio.gather(
        stranger.create_trackings([make_new("FIRST")]),
        stranger.add_endpoint(make_endpoint(**SECRETS)),
        stranger.create_trackings([make_new("LAST")]),
        return_exceptions=True,
    )
    assert written[0] == written[2] == [Creation(result="created")]
    assert isinstance(written[1], KeyUnavailableError)
    assert ring.fingerprints[0][:8] in str(written[1])
    assert await stranger.list_endpoints(WORLD) == []


async def test_a_stranger_takes_no_messages(keys: Keys) -> None:
    store, _ = await keys.begin()
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    await add(store, endpoint, new_id(), 1)
    path = keys.file("stranger.key")
    stranger = await keys.open(KeyRing(path, os.urandom))
    assert await claimed(stranger) == []
    # What it leased before it knew is taken by others when the lease ends, and never again by it.
    later = NOW + MINUTE
    assert await claimed(stranger, later) == []
    assert await claimed(store, later) == [1]
    # With the right key file it goes on, without a restart.
    replace_key_file(path, read_keys(keys.file()), os.urandom)
    assert await claimed(stranger, later + MINUTE) == [1]
