"""Everything stays readable while a new key takes the old one's place."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from parcelwire.connectors.credential_encryption import KEY_BYTES
from parcelwire.connectors.key_file import read_keys, replace_key_file
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.account import Connection, Endpoint
from parcelwire.store.port import KeyUnavailableError, Store
from tests.contract.store.keys import (
    SECRETS,
    Keys,
    load,
    make_connection,
    once,
    put_on_top,
    reseal_all,
)
from tests.contract.store.places import OpenStore
from tests.contract.store.samples import NOW, WORLD, make_endpoint, new_id
from tests.contract.store.sending import add, claimed

# -- rotation ----------------------------------------------------------------------------------


async def furnished(keys: Keys) -> tuple[Store, KeyRing, list[Endpoint], list[Connection]]:
    store, ring = await keys.begin()
    endpoints = [make_endpoint(**SECRETS) for _ in range(4)]
    for one in endpoints:
        await store.add_endpoint(one)
    connections = [make_connection(ring) for _ in range(4)]
    for two in connections:
        await store.save_connection(two)
    for number in range(4):
        await store.add_messages([], once=once(f"k{number}"))
    return store, ring, endpoints, connections


async def check_all(store: Store, ring: KeyRing, endpoints: list[Endpoint]) -> None:
    assert [await load(store, one) for one in endpoints] == endpoints
    for one in await store.list_connections():
        assert ring.open(one.sealed_credentials, one.id) == {"client_id": "a"}
    for number in range(4):
        record = await store.find_idempotency_record(WORLD, f"k{number}")
        assert record is not None
        assert record.secret == "pw_live_told_once"


async def test_a_rotation_reaches_everything_and_all_reads_meanwhile(keys: Keys) -> None:
    store, ring, endpoints, _ = await furnished(keys)
    (old,) = ring.fingerprints
    running, other = await keys.open(served := keys.ring()), keys.ring()
    new = put_on_top(keys.file())
    await check_all(running, served, endpoints)
    ring.learn(known := await store.begin_rotation(old, new, NOW + 1))
    assert [(one.fingerprint, one.is_current) for one in known] == [(new, True), (old, False)]
    assert await store.end_rotation() == 12
    assert len(await store.sealing_keys()) == 2
    while await store.reseal(limit=5):
        await check_all(running, served, endpoints)
        await check_all(store, ring, endpoints)
    assert await store.end_rotation() == 0
    assert [one.fingerprint for one in await store.sealing_keys()] == [new]
    assert {key for _, key in await store.sealed_counts()} == {new[:8]}
    assert other.learn(await store.sealing_keys()) == ""


async def test_what_a_running_process_stores_in_a_rotation_is_not_left_behind(keys: Keys) -> None:
    store, ring, endpoints, connections = await furnished(keys)
    (old,) = ring.fingerprints
    served = keys.ring()
    running = await keys.open(served)
    stale = await running.list_connections()
    new = put_on_top(keys.file())
    await store.begin_rotation(old, new, NOW + 1)
    # It has not looked at the key file since, and knows nothing of the rotation.
    late = make_endpoint(**SECRETS)
    await running.add_endpoint(late)
    await running.save_connection(make_connection(served))
    await reseal_all(store)
    assert await store.end_rotation() == 0
    # It read this before, and writes it back after: sealed with a key that is no more.
    await running.save_connection(replace(stale[0], broken_since=NOW))
    assert {key for _, key in await store.sealed_counts()} == {new[:8]}
    replace_key_file(keys.file(), read_keys(keys.file())[:1], os.urandom)
    fresh_ring = keys.ring()
    fresh = await keys.open(fresh_ring)
    await check_all(fresh, fresh_ring, [*endpoints, late])
    assert len(await fresh.list_connections()) == len(connections) + 1


async def test_only_one_rotation_begins(keys: Keys) -> None:
    store, ring, *_ = await furnished(keys)
    (old,) = ring.fingerprints
    another = await keys.open(keys.ring())
    news = [put_on_top(keys.file()), put_on_top(keys.file())]
    told = await asyncio.gather(
        store.begin_rotation(old, news[0], NOW), another.begin_rotation(old, news[1], NOW)
    )
    assert told[0] == told[1]
    assert len(told[0]) == 2
    # Nor does one that is named after a key which does not seal.
    assert await store.begin_rotation(old, news[1], NOW) == told[0]


async def test_a_process_without_the_new_key_touches_nothing(keys: Keys) -> None:
    store, ring, endpoints, _ = await furnished(keys)
    (old,) = ring.fingerprints
    apart = keys.file("apart.key")
    replace_key_file(apart, read_keys(keys.file()), os.urandom)
    theirs = KeyRing(apart, os.urandom)
    running = await keys.open(theirs)
    await check_all(running, theirs, endpoints)
    new = put_on_top(keys.file())
    await store.begin_rotation(old, new, NOW)
    with pytest.raises(KeyUnavailableError, match=new):
        await running.add_endpoint(make_endpoint())
    assert new in theirs.learn(await running.sealing_keys())
    await reseal_all(store)
    await add(store, endpoints[0], new_id(), 1)
    assert await claimed(running) == []
    assert await claimed(store) == [1]


async def test_sealing_and_rotating_at_once(keys: Keys) -> None:
    store, ring, endpoints, _ = await furnished(keys)
    (old,) = ring.fingerprints
    running = await keys.open(keys.ring())
    new = put_on_top(keys.file())
    added: list[Endpoint] = []

    async def go_on_adding() -> None:
        for _ in range(30):
            endpoint = make_endpoint(**SECRETS)
            await running.add_endpoint(endpoint)
            added.append(endpoint)

    async def rotate() -> None:
        await store.begin_rotation(old, new, NOW)
        while True:
            await reseal_all(store)
            if not await store.end_rotation():
                return

    await asyncio.gather(go_on_adding(), rotate())
    assert {key for _, key in await store.sealed_counts()} == {new[:8]}
    replace_key_file(keys.file(), read_keys(keys.file())[:1], os.urandom)
    fresh = await keys.open(keys.ring())
    assert [await load(fresh, one) for one in [*endpoints, *added]] == [*endpoints, *added]


# -- a key that is lost --------------------------------------------------------------------------


async def test_what_a_lost_key_sealed_is_given_up_and_the_rest_stays(keys: Keys) -> None:
    store, ring, endpoints, _ = await furnished(keys)
    fresh = keys.ring("fresh.key")
    again = await keys.open(fresh)
    replace_key_file(
        keys.file("fresh.key"), [*fresh.key_bytes(), os.urandom(KEY_BYTES)], os.urandom
    )
    lost = await again.reset_keys(fresh.fingerprints[0], NOW, held=[])
    assert lost == {"connection": 4, "endpoint": 4, "answer": 4}
    assert fresh.learn(await again.sealing_keys()) == ""
    for one in endpoints:
        seen = await load(again, one)
        assert (seen.secret, seen.headers, seen.unopened_reason) == ("", {}, "")
        assert not seen.is_enabled
        assert "lost" in seen.disabled_reason
        assert await again.save_endpoint(replace(seen, secret="whsec_bmV3"), expected=seen)
        assert (await load(again, one)).secret == "whsec_bmV3"
    assert await again.list_connections() == []
    await again.save_connection(kept := make_connection(fresh))
    # Nothing that is held is given up.
    assert await again.reset_keys(fresh.fingerprints[0], NOW, held=fresh.fingerprints[:1]) == {}
    assert await again.list_connections() == [kept]
    assert (await load(again, endpoints[0])).secret == "whsec_bmV3"
    assert ring.learn(await store.sealing_keys()) != ""


async def test_a_value_that_was_tampered_with_stops_a_rotation_and_nothing_is_lost(
    keys: Keys,
) -> None:
    store, ring, endpoints, connections = await furnished(keys)
    (old,) = ring.fingerprints
    broken = replace(
        connections[0], sealed_credentials=connections[1].sealed_credentials[:-1] + b"x"
    )
    plain_store = await keys.open(None)
    await plain_store.save_connection(broken)
    await store.begin_rotation(old, put_on_top(keys.file()), NOW)
    with pytest.raises(KeyUnavailableError, match="was changed"):
        await reseal_all(store)
    assert await store.end_rotation() > 0
    assert [await load(store, one) for one in endpoints] == endpoints
    assert await store.delete_connection(broken.account_number, broken.id)
    await reseal_all(store)
    assert await store.end_rotation() == 0


class Interrupted(KeyRing):
    """Has something done while a value is sealed, inside the transaction that is to store it."""

    meanwhile: Callable[[], object] | None = None

    def seal_value(self, plain: bytes, bound_to: str, fingerprint: str = "") -> bytes:
        sealed = super().seal_value(plain, bound_to, fingerprint)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return sealed


async def test_a_rotation_waits_for_who_is_sealing_with_the_old_key(
    keys: Keys, place: OpenStore
) -> None:
    store, ring, endpoints, _ = await furnished(keys)
    (old,) = ring.fingerprints
    new = put_on_top(keys.file())
    begun = threading.Event()

    async def begin() -> None:
        other = await place(keys.ring())
        try:
            await other.begin_rotation(old, new, NOW)
            begun.set()
        finally:
            await other.close()

    thread = threading.Thread(target=lambda: asyncio.run(begin()))
    was_begun: list[bool] = []

    def rotate_meanwhile() -> None:
        thread.start()
        # Long enough for one that would not wait; one that does takes as long as it takes.
        was_begun.append(begun.wait(1.5))

    sealing = Interrupted(keys.file(), os.urandom)
    sealing.learn(await store.sealing_keys())
    running = await keys.open(sealing)
    sealing.meanwhile = rotate_meanwhile
    late = make_endpoint(**SECRETS)
    await running.add_endpoint(late)
    await asyncio.to_thread(thread.join)
    assert was_begun == [False]
    assert begun.is_set()
    # From the beginning on nothing comes with the old key: one walk over all is enough.
    await reseal_all(store)
    assert await store.end_rotation() == 0
    assert [await load(store, one) for one in [*endpoints, late]] == [*endpoints, late]
