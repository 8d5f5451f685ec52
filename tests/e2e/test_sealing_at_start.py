"""What lay open in a database from before is sealed at the first start, in the files as well."""

from __future__ import annotations

from pathlib import Path

from parcelwire.bootstrap import open_installation
from parcelwire.config import Config, StoreSection
from parcelwire.domain.account import world_of
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.sqlite import open_store
from tests.contract.store.samples import make_endpoint, render

SECRET, HEADER = "whsec_dGhlIHNlY3JldCBvZiBiZWZvcmU=", "header-of-before"


def holds(folder: Path, text: str) -> list[str]:
    return [one.name for one in folder.iterdir() if text.encode() in one.read_bytes()]


async def test_secrets_of_before_are_in_no_file_after_a_start(tmp_path: Path) -> None:
    file = tmp_path / "parcelwire.db"
    before = await open_store(file, render=render, clock=FrozenClock())
    account = await before.add_account("shop@example.com", now=1)
    world_id = world_of(account.number, is_test=False)
    endpoints = [
        make_endpoint(world_id, secret=SECRET, headers={"x-token": HEADER}) for _ in range(120)
    ]
    for one in endpoints:
        await before.add_endpoint(one)
    await before.close()
    assert holds(tmp_path, SECRET) == holds(tmp_path, HEADER) == ["parcelwire.db"]

    house = await open_installation(Config(store=StoreSection(url=f"sqlite:{file}")))
    try:
        # Read as it lies, until a server has sealed it.
        assert await house.store.list_endpoints(world_id) == endpoints
        await house.check_key()
        assert await house.seal_plaintext_secrets() == 120
        assert holds(tmp_path, SECRET) == holds(tmp_path, HEADER) == []
        assert await house.store.list_endpoints(world_id) == endpoints
        assert await house.seal_plaintext_secrets() == 0
    finally:
        await house.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["parcelwire.db", "parcelwire.key"]
    assert (tmp_path / "parcelwire.key").stat().st_mode & 0o777 == 0o600
