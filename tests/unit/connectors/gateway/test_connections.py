"""The stored connections: opened with the installation's key, marked without losing anything."""

import os

import pytest
from msgspec.structs import replace

from parcelwire.connectors.connections import StoredConnections
from parcelwire.connectors.credential_encryption import AesGcmCipher
from parcelwire.domain.account import Connection
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.sealing import DecryptionError
from tests.unit.connectors.gateway.bench import make_connection


class Shelf:
    """A store of connections."""

    def __init__(self, *connections: Connection) -> None:
        self.kept = {one.id: one for one in connections}

    async def list_connections(self, account_number: int | None = None) -> list[Connection]:
        return [one for one in self.kept.values() if one.account_number == account_number]

    async def save_connection(
        self, connection: Connection, *, expected: Connection | None = None
    ) -> bool:
        if expected is not None and self.kept.get(connection.id) != expected:
            return False
        self.kept[connection.id] = connection
        return True


@pytest.fixture
def sealer() -> AesGcmCipher:
    return AesGcmCipher([bytes(32)], os.urandom)


def test_credentials_open_for_their_connection_only(sealer: AesGcmCipher) -> None:
    sealed = sealer.seal({"key": "x"}, "c1")
    source = StoredConnections(Shelf(), sealer, FrozenClock())
    assert source.opened(make_connection(sealed_credentials=sealed)) == {"key": "x"}
    with pytest.raises(DecryptionError):
        source.opened(make_connection(id="c2", sealed_credentials=sealed))


async def test_a_refused_connection_is_marked(sealer: AesGcmCipher) -> None:
    shelf, clock = Shelf(make_connection()), FrozenClock()
    await StoredConnections(shelf, sealer, clock).report_broken(make_connection(), "HTTP 401")
    marked = shelf.kept["c1"]
    assert (marked.broken_since, marked.broken_reason) == (clock.now(), "HTTP 401")


async def test_a_late_report_does_not_put_old_credentials_back(sealer: AesGcmCipher) -> None:
    renewed = make_connection(sealed_credentials=b"sealed-2")
    shelf = Shelf(renewed)
    await StoredConnections(shelf, sealer, FrozenClock()).report_broken(make_connection(), "401")
    assert shelf.kept == {"c1": renewed}


async def test_other_changes_made_since_are_kept(sealer: AesGcmCipher) -> None:
    shelf = Shelf(replace(make_connection(), is_enabled=False))
    await StoredConnections(shelf, sealer, FrozenClock()).report_broken(make_connection(), "401")
    assert not shelf.kept["c1"].is_enabled
    assert shelf.kept["c1"].broken_since is not None


async def test_a_deleted_connection_stays_away(sealer: AesGcmCipher) -> None:
    shelf = Shelf()
    await StoredConnections(shelf, sealer, FrozenClock()).report_broken(make_connection(), "401")
    assert shelf.kept == {}
