"""What is secret is sealed with the key that the database names, and stays readable in a rotation.

Every store here stands for a process with a key file of its own.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.connectors.key_file import create_key_file, read_keys, replace_key_file
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.connectors.sealing import KEY_BYTES, fingerprint_of
from parcelwire.domain.account import Connection, Endpoint
from parcelwire.domain.clock import MINUTE
from parcelwire.store.port import KeyUnavailableError, Store
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.ports import MessageState
from tests.contract.store.places import OpenStore
from tests.contract.store.samples import NOW, WORLD, make_endpoint, new_id
from tests.contract.store.sending import add, claimed, result_of

SECRETS: dict[str, Any] = {
    "previous_secret": "whsec_b2xk",
    "headers": {"x-shop": "hidden", "x-empty": ""},
}


class Keys:
    """Key files, and stores that are opened with them."""

    def __init__(self, place: OpenStore, folder: Path) -> None:
        self._place = place
        self._folder = folder
        self._opened: list[Store] = []

    def file(self, name: str = "one.key") -> Path:
        path = self._folder / name
        if not path.exists():
            create_key_file(path, os.urandom)
        return path

    def ring(self, name: str = "one.key") -> KeyRing:
        return KeyRing(self.file(name), os.urandom)

    async def open(self, ring: KeyRing | None) -> Store:
        store = await self._place(ring)
        self._opened.append(store)
        return store

    async def begin(self, name: str = "one.key") -> tuple[Store, KeyRing]:
        """Open a store whose key the database knows, if it knew none."""
        ring = self.ring(name)
        store = await self.open(ring)
        ring.learn(await store.register_first_key(ring.fingerprints[0], NOW))
        return store, ring

    async def close(self) -> None:
        for store in self._opened:
            await store.close()


@pytest.fixture
async def keys(place: OpenStore, tmp_path: Path) -> AsyncIterator[Keys]:
    made = Keys(place, tmp_path)
    yield made
    await made.close()


def put_on_top(path: Path) -> str:
    """Put a new key on top of a key file, as a rotation does; return its fingerprint."""
    new = os.urandom(KEY_BYTES)
    replace_key_file(path, [new, *read_keys(path)], os.urandom)
    return fingerprint_of(new)


def make_connection(ring: KeyRing, account_number: int = 1) -> Connection:
    connection_id = new_id()
    return Connection(
        id=connection_id,
        account_number=account_number,
        connector="swiss-post",
        transport="api",
        sealed_credentials=ring.seal({"client_id": "a"}, connection_id),
        created_at=NOW,
    )


def once(key: str = "k1", secret: str = "pw_live_told_once") -> Once:
    return Once(
        world_id=WORLD,
        key=key,
        fingerprint=b"f" * 32,
        at=NOW,
        answer=lambda _: (201, b"{}"),
        secret=secret,
    )


async def reseal_all(store: Store) -> int:
    total = 0
    while count := await store.reseal(limit=3):
        total += count
    return total


async def load(store: Store, endpoint: Endpoint) -> Endpoint:
    found = await store.load_endpoint(WORLD, endpoint.id)
    assert found is not None
    (listed,) = [one for one in await store.list_endpoints(WORLD) if one.id == endpoint.id]
    assert listed == found
    return found


# -- at rest -----------------------------------------------------------------------------------


async def test_an_endpoints_secrets_do_not_lie_open(keys: Keys) -> None:
    store, _ = await keys.begin()
    endpoint = make_endpoint(**SECRETS)
    await store.add_endpoint(endpoint)
    assert await load(store, endpoint) == endpoint
    seen = await load(await keys.open(None), endpoint)
    assert (seen.secret, seen.previous_secret, seen.headers) == ("", "", {})
    assert "no key" in seen.unopened_why
    assert replace(seen, unopened_why="") == replace(
        endpoint, secret="", previous_secret="", headers={}
    )


async def test_what_changes_of_an_endpoint_leaves_its_secrets_alone(keys: Keys) -> None:
    store, _ = await keys.begin()
    endpoint = make_endpoint(**SECRETS)
    await store.add_endpoint(endpoint)
    (message,) = await add(store, endpoint, new_id(), 1)
    assert await claimed(store) == [1]
    failed = replace(
        result_of(message.id, MessageState.PENDING, next_at=NOW + MINUTE), failing_since=NOW
    )
    await store.finish_attempts([failed])
    described = replace(endpoint, description="shop")
    assert await store.save_endpoint(described, expected=endpoint)
    assert await load(store, endpoint) == replace(described, failing_since=NOW)
    rotated = replace(endpoint, secret="whsec_bmV3", previous_secret=endpoint.secret)
    assert await store.save_endpoint(rotated, expected=endpoint)
    assert await load(store, endpoint) == replace(
        described, failing_since=NOW, secret="whsec_bmV3", previous_secret=endpoint.secret
    )


async def test_the_secret_of_an_answer_is_sealed_beside_it(keys: Keys) -> None:
    store, _ = await keys.begin()
    await store.add_endpoint(make_endpoint(), once=once())
    record = await store.done_before(WORLD, "k1")
    assert record is not None
    assert (record.body, record.secret) == (b"{}", "pw_live_told_once")
    stranger = await keys.open(keys.ring("stranger.key"))
    with pytest.raises(KeyUnavailableError, match="copy the key file"):
        await stranger.done_before(WORLD, "k1")


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
    assert await store.done_before(WORLD, "k1") is None
    assert await load(store, endpoint) == endpoint
    # It sees the endpoint, may change what is not secret, and does not take its messages.
    seen = await load(stranger, endpoint)
    assert "copy the key file" in seen.unopened_why
    assert await stranger.save_endpoint(replace(seen, description="x"), expected=seen)
    assert await load(store, endpoint) == replace(endpoint, description="x")


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
        record = await store.done_before(WORLD, f"k{number}")
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
        assert (seen.secret, seen.headers, seen.unopened_why) == ("", {}, "")
        assert not seen.is_enabled
        assert "lost" in seen.disabled_why
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
