"""What cannot be read neither keeps a server from starting nor a rotation from its end."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parcelwire.bootstrap.key_identity import KeyIdentity
from parcelwire.bootstrap.rotation import Rotation, RotationResult, key_status, reset_keys
from parcelwire.connectors.credential_encryption import fingerprint_of
from parcelwire.connectors.key_file import create_key_file, read_keys
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.account import Connection, Endpoint
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.codec import encode_json
from parcelwire.store.port import Store
from parcelwire.store.sealing import UNREADABLE_CONNECTION, UNREADABLE_ENDPOINT
from tests.contract.store.damaging import DAMAGES, damage
from tests.contract.store.keys import Keys, make_connection
from tests.contract.store.places import OpenStore
from tests.contract.store.samples import make_endpoint


class Shop:
    """An installation with sealed connections and endpoints."""

    def __init__(self, keys: Keys) -> None:
        self.keys = keys
        self.connections: list[Connection] = []
        self.endpoints: list[Endpoint] = []

    async def furnish(self) -> None:
        self.store, self.ring = await self.keys.begin()
        self.endpoints = [make_endpoint(headers={"x-shop": "hidden"}) for _ in range(3)]
        self.connections = [make_connection(self.ring) for _ in range(3)]
        for endpoint in self.endpoints:
            await self.store.add_endpoint(endpoint)
        for connection in self.connections:
            await self.store.save_connection(connection)

    def in_file(self) -> list[str]:
        return [fingerprint_of(one) for one in read_keys(self.keys.file())]

    async def rotate(self) -> RotationResult:
        ring = self.keys.ring()
        store = await self.keys.open(ring)
        clock = FrozenClock()
        return await Rotation(store, ring, clock=clock, random_bytes=os.urandom).run()

    async def check_others(self, bad: Connection | Endpoint) -> None:
        """Check that all but one are sealed with the newest key, and open."""
        ring = self.keys.ring()
        store = await self.keys.open(ring)
        ring.learn(await store.sealing_keys())
        newest = self.in_file()[0]
        assert [one.fingerprint for one in await store.sealing_keys()] == [newest]
        assert {key for _, key in await store.sealed_counts()} - {""} == {newest[:8]}
        for one in await store.list_connections():
            assert ring.open(one.sealed_credentials, one.id) == {"client_id": "a"}
        found = {one.id for one in await store.list_connections()}
        assert found == {one.id for one in self.connections} - {bad.id}


@pytest.fixture
async def shop(place: OpenStore, tmp_path: Path) -> AsyncIterator[Shop]:
    keys = Keys(place, tmp_path)
    made = Shop(keys)
    await made.furnish()
    yield made
    await keys.close()


async def _documents(store: Store, connection: Connection) -> bytes:
    (stored,) = [one for one in await store.list_connections() if one.id == connection.id]
    return encode_json(stored)


async def test_an_unreadable_connection_is_counted_and_told_of_once(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    bad = shop.connections[1]
    await damage(shop.store, bad.id, "connection")
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            counts = await shop.store.sealed_counts()
            assert len(await shop.store.list_connections()) == 2
            assert len(await shop.store.list_connections(bad.account_number)) == 2
    assert counts[UNREADABLE_CONNECTION, ""] == 1
    assert counts["connection", shop.in_file()[0][:8]] == 2
    told = [one.getMessage() for one in caplog.records if bad.id in one.getMessage()]
    assert len(told) == 1
    identity = KeyIdentity(shop.store, shop.ring, clock=FrozenClock(), is_default_path=False)
    await identity.check(os.urandom)
    assert (await key_status(shop.store, shop.ring)).wrong == ""


@pytest.mark.parametrize("damaged", sorted(DAMAGES))
async def test_a_rotation_ends_beside_an_unreadable_connection(shop: Shop, damaged: str) -> None:
    bad = shop.connections[1]
    (old,) = shop.in_file()
    whole = await _documents(shop.store, bad)
    await damage(shop.store, bad.id, "connection", DAMAGES[damaged])
    done = await shop.rotate()
    assert (done.unreadable_connections, done.older) == (1, (old,))
    # It may be sealed with the old key, so that stays.
    assert shop.in_file() == [done.fingerprint, old]
    await shop.check_others(bad)
    # The next rotation is a new one; it does not wait for what nobody can read either.
    again = await shop.rotate()
    assert not again.was_under_way
    assert shop.in_file() == [again.fingerprint, done.fingerprint, old]
    # Restored from a backup, it opens with the key of then, and is resealed.
    await damage(shop.store, bad.id, "connection", whole)
    ring = shop.keys.ring()
    store = await shop.keys.open(ring)
    ring.learn(await store.sealing_keys())
    restored = {one.id: one for one in await store.list_connections()}[bad.id]
    assert ring.open(restored.sealed_credentials, bad.id) == {"client_id": "a"}
    last = await shop.rotate()
    assert (last.unreadable_connections, last.resealed) == (0, 1)
    assert shop.in_file() == [again.fingerprint]


async def test_once_it_is_removed_the_old_key_goes(shop: Shop) -> None:
    bad = shop.connections[1]
    await damage(shop.store, bad.id, "connection")
    done = await shop.rotate()
    assert await shop.store.delete_connection(bad.account_number, bad.id)
    last = await shop.rotate()
    assert last.fingerprint == done.fingerprint
    assert shop.in_file() == [done.fingerprint]


async def test_what_is_sealed_beside_an_unreadable_endpoint_is_resealed(shop: Shop) -> None:
    bad = shop.endpoints[1]
    await damage(shop.store, bad.id, "endpoint")
    done = await shop.rotate()
    assert done.unreadable_connections == done.unreadable_endpoints == 0
    assert shop.in_file() == [done.fingerprint]
    counts = await shop.store.sealed_counts()
    assert counts["endpoint", done.fingerprint[:8]] == 3


async def test_unreadable_endpoints_that_lie_open_hold_up_nothing(
    place: OpenStore, tmp_path: Path
) -> None:
    # As a version before left them: not sealed.
    plain = await place(None)
    endpoints = [make_endpoint(headers={"x-shop": "hidden"}) for _ in range(5)]
    for one in endpoints:
        await plain.add_endpoint(one)
    for one in endpoints[:3]:
        await damage(plain, one.id, "endpoint")
    await plain.close()
    keys = Keys(place, tmp_path)
    try:
        store, ring = await keys.begin()
        # More of them than are sealed at once.
        assert [await store.reseal(limit=2, only_open=True) for _ in range(2)] == [2, 0]
        rotation = Rotation(store, ring, clock=FrozenClock(), random_bytes=os.urandom)
        done = await rotation.run()
        assert (done.unreadable_endpoints, done.older) == (3, ())
        assert await store.sealed_counts() == {
            ("endpoint", done.fingerprint[:8]): 2,
            (UNREADABLE_ENDPOINT, ""): 3,
        }
    finally:
        await keys.close()


async def test_a_reset_leaves_an_unreadable_connection(shop: Shop, tmp_path: Path) -> None:
    bad = shop.connections[1]
    await damage(shop.store, bad.id, "connection")
    await damage(shop.store, shop.endpoints[0].id, "endpoint")
    fresh = tmp_path / "fresh.key"
    create_key_file(fresh, os.urandom)
    ring = KeyRing(fresh, os.urandom)
    store = await shop.keys.open(ring)
    lost = await reset_keys(store, ring, clock=FrozenClock(), random_bytes=os.urandom)
    assert lost == {"connection": 2, "endpoint": 3}
    assert (await store.sealed_counts())[UNREADABLE_CONNECTION, ""] == 1
    identity = KeyIdentity(store, ring, clock=FrozenClock(), is_default_path=False)
    await identity.check(os.urandom)
