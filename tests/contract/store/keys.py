"""Processes with key files of their own, for tests of what is sealed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from parcelwire.connectors.credential_encryption import KEY_BYTES, fingerprint_of
from parcelwire.connectors.key_file import create_key_file, read_keys, replace_key_file
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.account import Connection, Endpoint
from parcelwire.store.port import Store
from parcelwire.tracking.ports import Once
from tests.contract.store.places import OpenStore
from tests.contract.store.samples import NOW, WORLD, new_id

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
