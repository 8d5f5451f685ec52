"""A rotation from end to end on both engines: prepared, left in the middle, taken up again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from parcelwire.bootstrap import InstallationError
from parcelwire.bootstrap.rotation import Rotation, key_status, reset_keys
from parcelwire.connectors.credential_encryption import fingerprint_of
from parcelwire.connectors.key_file import create_key_file, read_keys, replace_key_file
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from tests.contract.store.keys import make_connection
from tests.contract.store.places import OpenStore
from tests.contract.store.samples import NOW, WORLD, make_endpoint

COUNT = 120
"""More than two transactions' worth."""


class Shop:
    """An installation with endpoints, its key file, and processes that open both."""

    def __init__(self, place: OpenStore, path: Path, clock: FrozenClock) -> None:
        self.path = path
        self.endpoints = [make_endpoint(headers={"x-token": str(n)}) for n in range(COUNT)]
        self._place = place
        self._clock = clock
        self._opened: list[Store] = []

    async def open(self, path: Path | None = None) -> tuple[Store, KeyRing]:
        ring = KeyRing(path or self.path, os.urandom)
        store = await self._place(ring)
        self._opened.append(store)
        return store, ring

    async def open_plain(self) -> Store:
        store = await self._place()
        self._opened.append(store)
        return store

    async def furnish(self) -> None:
        create_key_file(self.path, os.urandom)
        store, ring = await self.open()
        await store.register_first_key(ring.fingerprints[0], NOW)
        await asyncio.gather(*(store.add_endpoint(one) for one in self.endpoints))

    async def rotation(self, path: Path | None = None) -> Rotation:
        store, ring = await self.open(path)
        return Rotation(store, ring, clock=self._clock, random_bytes=os.urandom)

    async def known(self) -> list[str]:
        store, _ = await self.open()
        return [one.fingerprint for one in await store.sealing_keys()]

    def in_file(self) -> list[str]:
        return [fingerprint_of(one) for one in read_keys(self.path)]

    async def check(self, *keys: str) -> None:
        """Check that all can be read, and that these keys are all there are."""
        store, _ = await self.open()
        found = {one.id: one for one in await store.list_endpoints(WORLD)}
        assert found == {one.id: one for one in self.endpoints}
        assert await self.known() == list(keys)
        assert {key for _, key in await store.sealed_counts()} == {one[:8] for one in keys}

    async def close(self) -> None:
        for store in self._opened:
            await store.close()


@pytest.fixture
async def shop(place: OpenStore, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Shop]:
    made = Shop(place, tmp_path / "parcelwire.key", clock)
    await made.furnish()
    yield made
    await made.close()


async def test_it_ends_with_one_new_key(shop: Shop) -> None:
    (old,) = shop.in_file()
    _, running = await shop.open()
    told: list[int] = []
    done = await (await shop.rotation()).run(on_progress=told.append)
    assert (done.resealed, done.was_under_way) == (COUNT, False)
    assert told == [50, 100, 120]
    assert shop.in_file() == [done.fingerprint] != [old]
    await shop.check(done.fingerprint)
    assert running.learn(await (await shop.open())[0].sealing_keys()) == ""


async def test_a_prepared_key_is_the_one_that_is_taken(shop: Shop, tmp_path: Path) -> None:
    (old,) = shop.in_file()
    rotation = await shop.rotation()
    prepared = await rotation.run(only_prepare=True)
    assert prepared.is_prepared
    assert (await rotation.run(only_prepare=True)).fingerprint == prepared.fingerprint
    assert shop.in_file() == [prepared.fingerprint, old]
    await shop.check(old)
    copied = tmp_path / "copied.key"
    create_key_file(copied, os.urandom)
    replace_key_file(copied, read_keys(shop.path), os.urandom)
    _, elsewhere = await shop.open(copied)
    done = await rotation.run()
    assert done.fingerprint == prepared.fingerprint
    await shop.check(done.fingerprint)
    assert elsewhere.learn(await (await shop.open())[0].sealing_keys()) == ""


async def test_one_that_was_left_in_the_middle_is_finished(shop: Shop) -> None:
    (old,) = shop.in_file()
    new = (await (await shop.rotation()).run(only_prepare=True)).fingerprint
    store, _ = await shop.open()
    await store.begin_rotation(old, new, NOW)
    assert await store.reseal(limit=50) == 50
    await shop.check(new, old)
    done = await (await shop.rotation()).run()
    assert (done.fingerprint, done.resealed, done.was_under_way) == (new, COUNT - 50, True)
    assert shop.in_file() == [new]
    await shop.check(new)


async def test_one_that_had_only_the_file_left_to_write_begins_no_other(shop: Shop) -> None:
    (old,) = shop.in_file()
    old_key = read_keys(shop.path)[0]
    new = (await (await shop.rotation()).run()).fingerprint
    replace_key_file(shop.path, [*read_keys(shop.path), old_key], os.urandom)
    assert shop.in_file() == [new, old]
    done = await (await shop.rotation()).run()
    assert (done.fingerprint, done.resealed, done.was_under_way) == (new, 0, True)
    assert shop.in_file() == [new]
    await shop.check(new)


async def test_it_is_refused_where_the_databases_key_is_not(shop: Shop, tmp_path: Path) -> None:
    (old,) = shop.in_file()
    stranger = tmp_path / "stranger.key"
    create_key_file(stranger, os.urandom)
    before = stranger.read_bytes()
    with pytest.raises(InstallationError, match=old):
        await (await shop.rotation(stranger)).run()
    assert stranger.read_bytes() == before
    await shop.check(old)


async def test_what_nobody_can_open_stops_it_and_it_says_how_to_go_on(shop: Shop) -> None:
    store, ring = await shop.open()
    whole = make_connection(ring)
    sealed = whole.sealed_credentials
    broken = replace(whole, sealed_credentials=sealed[:-1] + bytes([sealed[-1] ^ 1]))
    plain_store = await shop.open_plain()
    await plain_store.save_connection(broken)
    with pytest.raises(InstallationError) as error:
        await (await shop.rotation()).run()
    assert f"connection:{broken.id} was changed" in str(error.value)
    assert "remove that connection (parcelwire carrier disconnect)" in str(error.value)
    assert await store.delete_connection(broken.account_number, broken.id)
    done = await (await shop.rotation()).run()
    await shop.check(done.fingerprint)


async def test_two_at_once_end_with_one_key(shop: Shop) -> None:
    rotations = [await shop.rotation() for _ in range(2)]
    ended = await asyncio.gather(*(one.run() for one in rotations), return_exceptions=True)
    assert sum(isinstance(one, InstallationError) for one in ended) <= 1
    (key,) = shop.in_file()
    await shop.check(key)


async def test_the_status_tells_keys_and_counts(shop: Shop) -> None:
    (old,) = shop.in_file()
    found = await key_status(*await shop.open())
    assert found.in_file == (old,)
    assert found.counts == {("endpoint", old[:8]): COUNT}
    assert found.wrong == ""
    with pytest.raises(InstallationError, match="nothing is lost"):
        await reset_keys(*await shop.open(), clock=FrozenClock(), random_bytes=os.urandom)


async def test_a_reset_makes_the_key_files_folder_where_it_is_by_default(
    shop: Shop, tmp_path: Path
) -> None:
    # A new machine: the user's folder for settings is not there yet.
    store, ring = await shop.open(tmp_path / "config" / "parcelwire" / "parcelwire.key")
    with pytest.raises(InstallationError, match="cannot make the key file"):
        await reset_keys(store, ring, clock=FrozenClock(), random_bytes=os.urandom)
    assert not ring.path.parent.exists()
    lost = await reset_keys(
        store, ring, clock=FrozenClock(), random_bytes=os.urandom, is_default_path=True
    )
    assert lost["endpoint"] == COUNT
    assert await shop.known() == list(ring.fingerprints)
