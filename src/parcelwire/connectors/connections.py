"""The accounts' connections as the gateway wants them, and the air waybills of test worlds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec.structs import replace

from parcelwire.connectors.credential_encryption import CredentialCipher
from parcelwire.connectors.simulated import air_waybill
from parcelwire.domain.account import Connection, is_test_world
from parcelwire.domain.air_waybill import AirWaybill
from parcelwire.domain.clock import Clock


class ConnectionStore(Protocol):
    """Where connections are kept."""

    async def list_connections(self, account_number: int | None = None) -> list[Connection]:
        """Return connections of one account, or all."""
        ...

    async def save_connection(
        self, connection: Connection, *, expected: Connection | None = None
    ) -> bool:
        """Create or replace a connection by id; only where it is as ``expected``, if given."""
        ...


class StoredConnections:
    """The accounts' connections, opened with the installation's key."""

    def __init__(self, store: ConnectionStore, sealer: CredentialCipher, clock: Clock) -> None:
        """Read from ``store``, decrypt with ``sealer``."""
        self._store = store
        self._sealer = sealer
        self._clock = clock

    async def connections(self, account_number: int) -> list[Connection]:
        """Return the connections of an account, oldest first."""
        return await self._store.list_connections(account_number)

    def opened(self, connection: Connection) -> Mapping[str, str]:
        """Return the connection's credentials."""
        return self._sealer.open(connection.sealed_credentials, connection.id)

    async def report_broken(self, connection: Connection, why: str) -> None:
        """Store that the carrier refuses the credentials.

        The operator reads it in the log and in the list. ``connection`` may be some seconds old:
        credentials that were stored since are not put back, and a deleted connection stays away.
        """
        stored = await self._store.list_connections(connection.account_number)
        current = next((one for one in stored if one.id == connection.id), None)
        if current is None or current.sealed_credentials != connection.sealed_credentials:
            return
        now = self._clock.now()
        broken = replace(current, broken_since=now, broken_reason=why[:300])
        await self._store.save_connection(broken, expected=current)


class SimulatedAirWaybills:
    """Air waybills for test keys.

    Live worlds have nobody to ask until an upstream is configured.
    """

    def __init__(self, clock: Clock) -> None:
        """Tell the story as of ``clock``."""
        self._clock = clock

    async def air_waybill(self, world_id: int, number: str) -> AirWaybill | None:
        """Return the simulated air waybill of a test world, else None."""
        return air_waybill(number, self._clock.now()) if is_test_world(world_id) else None
