"""Whose key file it is: made once, adopted when it opens what is there, else refused."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parcelwire.bootstrap import InstallationError
from parcelwire.bootstrap.key_identity import (
    KeyIdentity,
    key_file_of,
    loose_modes,
    private_paths,
)
from parcelwire.bootstrap.key_watch import KeyWatch
from parcelwire.config import Config, NotificationsSection, SecretsSection, StoreSection
from parcelwire.connectors.credential_encryption import KEY_BYTES, fingerprint_of
from parcelwire.connectors.key_file import create_key_file, read_keys, replace_key_file
from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.account import Connection
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from tests.contract.store.places import OpenStore
from tests.contract.store.samples import NOW, new_id


class Machines:
    """Machines with a key file each, or none, on one database."""

    def __init__(self, place: OpenStore, folder: Path, clock: FrozenClock) -> None:
        self._place = place
        self._folder = folder
        self._clock = clock
        self._opened: list[Store] = []

    def key_file(self, name: str) -> Path:
        return self._folder / name / "parcelwire.key"

    async def machine(self, name: str) -> tuple[KeyIdentity, Store, KeyRing]:
        self.key_file(name).parent.mkdir(exist_ok=True)
        ring = KeyRing(self.key_file(name), os.urandom)
        store = await self._place(ring)
        self._opened.append(store)
        return KeyIdentity(store, ring, clock=self._clock, is_default_path=False), store, ring

    async def begin(self, name: str, *, may_make: bool = True) -> str:
        """Start a process there; return why it is refused, or an empty text."""
        identity, _, _ = await self.machine(name)
        return await identity.settle(os.urandom, may_make=may_make)

    async def old_connection(self, key_file: Path) -> Connection:
        """Store a connection as a version did that registered no keys."""
        store = await self._place()
        self._opened.append(store)
        connection_id = new_id()
        sealed = KeyRing(key_file, os.urandom).seal({"a": "b"}, connection_id)
        connection = Connection(
            id=connection_id,
            account_number=1,
            connector="swiss-post",
            transport="api",
            sealed_credentials=sealed,
            created_at=NOW,
        )
        await store.save_connection(connection)
        return connection

    async def known(self) -> list[str]:
        """Return the fingerprints that the database knows, the current one first."""
        store = await self._place()
        self._opened.append(store)
        return [one.fingerprint for one in await store.sealing_keys()]

    async def close(self) -> None:
        for store in self._opened:
            await store.close()


@pytest.fixture
async def machines(place: OpenStore, tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Machines]:
    made = Machines(place, tmp_path, clock)
    yield made
    await made.close()


# -- new installations --------------------------------------------------------------------------


async def test_a_new_installation_gets_a_key_file(machines: Machines) -> None:
    assert await machines.begin("a") == ""
    path = machines.key_file("a")
    assert path.stat().st_mode & 0o777 == 0o600
    assert await machines.known() == [fingerprint_of(read_keys(path)[0])]
    assert await machines.begin("a") == ""


async def test_no_second_key_file_is_made_on_another_machine(machines: Machines) -> None:
    await machines.begin("a")
    refusal = await machines.begin("b")
    assert (await machines.known())[0] in refusal
    assert f"there is no key file {machines.key_file('b')}: copy the key file here" in refusal
    assert not machines.key_file("b").exists()


async def test_machines_that_begin_at_once_end_with_one_key(machines: Machines) -> None:
    names = ["a", "b", "c", "d"]
    made = [await machines.machine(name) for name in names]
    refusals = await asyncio.gather(
        *(identity.settle(os.urandom, may_make=True) for identity, _, _ in made)
    )
    assert refusals.count("") == 1
    (known,) = await machines.known()
    for name, refusal in zip(names, refusals, strict=True):
        # Whoever lost has no key file that would be taken for the right one.
        assert machines.key_file(name).exists() == (refusal == "")
        assert refusal == "" or known in refusal
    winner = machines.key_file(names[refusals.index("")])
    assert fingerprint_of(read_keys(winner)[0]) == known


async def test_processes_of_one_machine_share_the_key_file(machines: Machines) -> None:
    made = [await machines.machine("a") for _ in range(4)]
    refusals = await asyncio.gather(
        *(identity.settle(os.urandom, may_make=True) for identity, _, _ in made)
    )
    assert refusals == [""] * 4
    assert len(await machines.known()) == 1


async def test_a_command_that_seals_nothing_makes_no_key(machines: Machines) -> None:
    assert "no key to seal with yet" in await machines.begin("a", may_make=False)
    assert not machines.key_file("a").exists()
    assert await machines.known() == []


async def test_a_key_file_that_was_there_before_is_used(machines: Machines) -> None:
    identity, _, ring = await machines.machine("a")
    create_key_file(machines.key_file("a"), os.urandom)
    assert await identity.settle(os.urandom, may_make=True) == ""
    assert await machines.known() == list(ring.fingerprints)


# -- databases from before ------------------------------------------------------------------------


async def test_the_key_that_opens_what_is_sealed_is_adopted(machines: Machines) -> None:
    identity, store, ring = await machines.machine("a")
    create_key_file(machines.key_file("a"), os.urandom)
    connection = await machines.old_connection(machines.key_file("a"))
    # By any command: it has proved to be the right one.
    assert await identity.settle(os.urandom, may_make=False) == ""
    assert await machines.known() == list(ring.fingerprints)
    assert await store.list_connections() == [connection]


async def test_a_key_that_opens_nothing_is_not_adopted(machines: Machines) -> None:
    identity, _, _ = await machines.machine("a")
    right = machines.key_file("a").with_name("right.key")
    create_key_file(right, os.urandom)
    await machines.old_connection(right)
    refusal = await identity.settle(os.urandom, may_make=True)
    missing = (
        f"there is no key file {machines.key_file('a')}, and the credentials of 1 connection(s)"
    )
    assert refusal.startswith(missing)
    assert not machines.key_file("a").exists()
    create_key_file(machines.key_file("a"), os.urandom)
    refusal = await identity.settle(os.urandom, may_make=True)
    assert f"the key file {machines.key_file('a')} does not open the credentials of 1" in refusal
    assert await machines.known() == []


async def test_a_key_file_where_versions_before_had_it_is_named(
    machines: Machines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity, _, _ = await machines.machine("a")
    here = tmp_path / "parcelwire.key"
    create_key_file(here, os.urandom)
    await machines.old_connection(here)
    monkeypatch.chdir(tmp_path)
    refusal = await identity.settle(os.urandom, may_make=True)
    assert f"there is one at {here}: if it is this installation's, move it to" in refusal
    here.rename(machines.key_file("a"))
    assert await identity.settle(os.urandom, may_make=True) == ""


async def test_older_keys_in_the_file_are_known_too_while_they_are_needed(
    machines: Machines,
) -> None:
    identity, store, ring = await machines.machine("a")
    path = machines.key_file("a")
    create_key_file(path, os.urandom)
    await machines.old_connection(path)
    keys = [os.urandom(KEY_BYTES), *read_keys(path), os.urandom(KEY_BYTES)]
    replace_key_file(path, keys, os.urandom)
    assert await identity.settle(os.urandom, may_make=True) == ""
    assert await machines.known() == [fingerprint_of(one) for one in keys[:2]]
    assert await store.reseal(limit=10) == 1
    assert await store.end_rotation() == 0
    assert await machines.known() == [ring.fingerprints[0]]


# -- while it runs --------------------------------------------------------------------------------


async def test_a_running_process_says_that_it_lacks_the_new_key(
    machines: Machines, clock: FrozenClock, caplog: pytest.LogCaptureFixture
) -> None:
    identity, store, ring = await machines.machine("a")
    await identity.settle(os.urandom, may_make=True)
    watch = KeyWatch(store, ring, clock)
    await watch.step()
    assert caplog.messages == []
    (old,), new = await machines.known(), os.urandom(KEY_BYTES)
    await store.begin_rotation(old, fingerprint_of(new), NOW)
    for _ in range(5):
        await watch.step()
        clock.advance(15)
    (told,) = caplog.messages
    assert fingerprint_of(new) in told
    assert "copy the key file here" in told
    clock.advance(600)
    await watch.step()
    assert len(caplog.messages) == 2
    replace_key_file(ring.path, [new, *read_keys(ring.path)], os.urandom)
    await watch.step()
    assert "holds the database's key again" in caplog.messages[-1]


# -- where, and who may read it -------------------------------------------------------------------

CONFIG = Config(store=StoreSection(url="postgresql://127.0.0.1/parcels"))


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"HOME": "/home/o"}, "/home/o/.config/parcelwire/parcelwire.key"),
        ({"HOME": "/home/o", "XDG_CONFIG_HOME": "/etc/x"}, "/etc/x/parcelwire/parcelwire.key"),
    ],
)
def test_with_postgresql_it_is_in_the_users_folder(environment: dict[str, str], place: str) -> None:
    assert key_file_of(CONFIG, environment) == Path(place)
    with pytest.raises(InstallationError, match=r"secrets\.key_file"):
        key_file_of(CONFIG, {})


def test_with_sqlite_it_is_beside_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.chdir(tmp_path / "data")
    expected = tmp_path / "data" / "parcelwire.key"
    for url in ("sqlite:parcelwire.db", f"sqlite:{tmp_path}/data/other.db"):
        assert key_file_of(Config(store=StoreSection(url=url)), {}) == expected
    monkeypatch.chdir(tmp_path)
    assert key_file_of(Config(store=StoreSection(url="sqlite:data/x.db")), {}) == expected
    named = SecretsSection(key_file="here.key")
    assert key_file_of(Config(secrets=named), {}) == Path("here.key")


async def test_the_users_folder_is_made_for_the_user_alone(
    place: OpenStore, tmp_path: Path, clock: FrozenClock
) -> None:
    path = key_file_of(CONFIG, {"HOME": str(tmp_path)})
    ring = KeyRing(path, os.urandom)
    store = await place(ring)
    identity = KeyIdentity(store, ring, clock=clock, is_default_path=True)
    assert await identity.settle(os.urandom, may_make=True) == ""
    assert path.parent.stat().st_mode & 0o777 == 0o700
    await store.close()


@pytest.mark.parametrize(
    ("name", "mode", "says"),
    [
        ("parcelwire.db", 0o640, "can be read by others on this machine: chmod 600 "),
        ("parcelwire.db-wal", 0o604, "can be read by others on this machine: chmod 600 "),
        ("parcelwire.db", 0o666, "can be changed by others on this machine: chmod 600 "),
        ("parcelwire.toml", 0o644, "can be read by others on this machine: chmod 600 "),
        (".", 0o777, "can be changed by others on this machine: chmod 755 "),
    ],
)
def test_loose_modes_are_told_with_the_command_that_mends_them(
    tmp_path: Path, name: str, mode: int, says: str
) -> None:
    tmp_path.chmod(0o755)
    for one in ("parcelwire.db", "parcelwire.db-wal", "parcelwire.db-shm", "parcelwire.toml"):
        (tmp_path / one).touch(0o600)
    config = Config(
        store=StoreSection(url=f"sqlite:{tmp_path}/parcelwire.db"),
        notifications=NotificationsSection(password="hidden"),  # no secret
    )
    paths = private_paths(config, tmp_path / "parcelwire.toml")
    assert loose_modes(paths) == []
    (tmp_path / name).chmod(mode)
    assert loose_modes(paths) == [f"{tmp_path / name} {says}{tmp_path / name}"]


def test_a_configuration_without_passwords_may_be_read(tmp_path: Path) -> None:
    assert tmp_path / "parcelwire.toml" not in private_paths(Config(), tmp_path / "parcelwire.toml")
