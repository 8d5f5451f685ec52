"""An installation with secrets in all places, what it must give back, and the judge."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.accounts.connections import CreateConnection
from parcelwire.bootstrap import Installation, open_installation
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.connectors.credential_encryption import KeyFileError, fingerprint_of
from parcelwire.connectors.key_file import read_keys
from parcelwire.domain.account import Account, Connection, Endpoint, world_of
from parcelwire.domain.sealing import SealingError
from parcelwire.store.port import StoreUnavailableError
from parcelwire.tracking.ports import Once

EMAIL: Final = "proof@parcelwire.invalid"
CREDENTIALS: Final = {"client_id": "a", "client_secret": "hidden"}
NAMES: Final = {"client_id", "client_secret"}


class Expected(msgspec.Struct, kw_only=True):
    """What everybody with the key file must be able to read."""

    world_id: int
    endpoints: dict[str, tuple[str, str, dict[str, str]]] = {}
    """Id to secret, previous secret, headers."""
    connections: int = 0
    answers: dict[str, str] = {}
    """Idempotency key to secret."""


def config_of(folder: Path, *, key_file: Path | None = None) -> Config:
    """Return the settings of the installation in ``folder``."""
    return Config(
        store=StoreSection(url=f"sqlite:{folder / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(key_file or folder / "parcelwire.key")),
    )


async def connect(house: Installation, owner: Account) -> Connection:
    """Connect an account to Swiss Post."""
    return await house.use_cases.connections.create(
        CreateConnection(
            account_number=owner.number,
            connector="swiss-post",
            transport="api",
            credentials=CREDENTIALS,
        )
    )


async def furnish(folder: Path, seed: int, *, each: int) -> Expected:
    """Make an installation with ``each`` connections, endpoints and recorded answers."""
    chosen = random.Random(seed)  # not for keys
    house = await open_installation(config_of(folder))
    try:
        await house.check_key()
        now = house.clock.now()
        owner = await house.store.add_account(EMAIL, now=now)
        expected = Expected(world_id=world_of(owner.number, is_test=False))
        for number in range(each):
            await connect(house, owner)
            expected.connections += 1
            await add_endpoint(house, expected, chosen, answer=f"k{number}")
    finally:
        await house.close()
    return expected


async def add_endpoint(
    house: Installation, expected: Expected, chosen: random.Random, *, answer: str = ""
) -> None:
    """Add an endpoint with secrets, under an idempotency key when ``answer`` names one."""
    now = house.clock.now()
    endpoint = Endpoint(
        id=house.identifiers.new_id(now),
        world_id=expected.world_id,
        url="https://receiver.invalid/hook",
        dialect="native",
        secret=f"whsec_{chosen.randbytes(24).hex()}",
        previous_secret=chosen.choice(["", f"whsec_{chosen.randbytes(24).hex()}"]),
        headers={"x-token": chosen.randbytes(8).hex()},
        created_at=now,
    )
    once = None
    if answer:
        secret = chosen.randbytes(8).hex()
        once = Once(
            world_id=expected.world_id,
            key=answer,
            fingerprint=b"f" * 32,
            at=now,
            answer=lambda _: (201, b"{}"),
            secret=secret,
        )
    await house.store.add_endpoint(endpoint, once=once)
    expected.endpoints[endpoint.id] = (endpoint.secret, endpoint.previous_secret, endpoint.headers)
    if once is not None:
        expected.answers[answer] = once.secret


async def judge(folder: Path, expected: Expected, *, is_done: bool) -> list[str]:
    """Return what a process that starts now cannot read, and keys that should not be there.

    ``is_done``: the rotation has come to its end, so that one key is all there is.
    """
    try:
        in_file = {fingerprint_of(key) for key in read_keys(folder / "parcelwire.key")}
    except KeyFileError as error:
        return [f"file: {error}"]
    house = await open_installation(config_of(folder), may_make_key=False)
    try:
        found = await unread(house, expected)
        known = {one.fingerprint for one in await house.store.sealing_keys()}
        if len(in_file | known) > 2:
            found.append(f"keys: a rotation has {len(in_file | known)} keys")
        if is_done:
            used = {key for _, key in await house.store.sealed_counts()}
            if not (len(in_file) == len(used) == 1 and in_file == known):
                found.append(f"keys: {len(in_file)} in the file, {len(known)} known, used {used}")
        return found
    finally:
        await house.close()


async def unread(house: Installation, expected: Expected) -> list[str]:
    """Return what ``house`` cannot read of what is expected."""
    found: list[str] = []
    try:
        stored = {one.id: one for one in await house.store.list_endpoints(expected.world_id)}
        for endpoint_id, secrets in expected.endpoints.items():
            one = stored.get(endpoint_id)
            if one is None or (one.secret, one.previous_secret, one.headers) != secrets:
                why = one.unopened_reason if one is not None else "it is gone"
                found.append(f"unread: endpoint {endpoint_id}: {why or 'other secrets'}")
        if extra := len(stored.keys() - expected.endpoints.keys()):
            found.append(f"stranger: {extra} endpoints that nobody may have added")
        connections = await house.store.list_connections()
        if len(connections) != expected.connections:
            found.append(f"unread: {len(connections)} connections of {expected.connections}")
        for connection in connections:
            try:
                opened = house.ring.open(connection.sealed_credentials, connection.id)
            except SealingError as error:
                found.append(f"unread: connection {connection.id}: {error}")
                continue
            if opened != CREDENTIALS or connection.broken_since is not None:
                found.append(f"unread: connection {connection.id} is not as it was")
        for key, secret in expected.answers.items():
            record = await house.store.find_idempotency_record(expected.world_id, key)
            if record is None or record.secret != secret:
                found.append(f"unread: answer {key}")
    except StoreUnavailableError as error:
        found.append(f"unread: {error}")
    return found


def copy_place(source: Path, target: Path) -> None:
    """Copy an installation that nobody has open."""
    target.mkdir()
    for file in source.iterdir():
        if file.is_file():
            (target / file.name).write_bytes(file.read_bytes())
            os.chmod(target / file.name, 0o600)  # noqa: PTH101  # as everywhere here
