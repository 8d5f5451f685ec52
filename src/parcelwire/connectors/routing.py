"""Which way a query goes: through which connector, which transport, with whose credentials.

Test worlds always meet the simulated carrier. In a live world the account's own official connection
comes first, then the carrier's public endpoint where the operator turned it on.
"""

import logging
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from parcelwire.connectors.base import Transport
from parcelwire.connectors.catalogue import Catalogue, Entry
from parcelwire.domain.account import Connection, account_of, is_test_world
from parcelwire.domain.clock import SECOND, Clock, Instant
from parcelwire.domain.sealing import UnknownKeyError

_log: Final = logging.getLogger(__name__)

SIMULATED: Final = "simulated"
_CACHE_LIMIT: Final = 5_000


class ConnectionSource(Protocol):
    """Where the accounts' connections come from."""

    async def connections(self, account_number: int) -> list[Connection]:
        """Return the connections of an account, enabled or not, oldest first."""
        ...

    def opened(self, connection: Connection) -> Mapping[str, str]:
        """Return the connection's credentials, decrypted.

        Raises:
            UnknownKeyError: this process lacks their key; nothing is wrong with them.
            Exception: when they cannot be opened; its text is for the operator.
        """
        ...

    async def report_broken(self, connection: Connection, why: str) -> None:
        """Store that the connection's credentials are refused, and tell the operator.

        Whoever stores new credentials takes ``broken_since`` back to None.
        """
        ...


class GatewaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator sets for asking carriers."""

    web_connectors: frozenset[str] = frozenset()
    """Connectors whose undocumented public endpoint may be used."""
    base_urls: dict[str, dict[str, str]] = {}
    """Connector code to name to base URL, in place of the carrier's own (a test system)."""
    concurrency: int = 4
    """Exchanges with one carrier under way at a time, in this process."""
    slot_seconds: float = 2.0
    """How long an exchange waits for its place among them; then nothing is asked."""
    exchange_seconds: float = 22.0
    """An exchange is broken off after this, counted from where it has its place."""
    web_min_interval_seconds: int = 900
    """A public endpoint is never asked about one number more often than this by schedule."""
    connections_cache_seconds: float = 2.0

    def allows(self, code: str, transport: Transport) -> bool:
        """Tell whether a connector's transport may be used: official, or wanted by the operator."""
        return transport.is_official or code in self.web_connectors

    def base_urls_of(self, code: str) -> dict[str, str]:
        """Return the hosts of a connector that are not the carrier's own, by name."""
        return self.base_urls.get(code, {})


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A way to ask: everything but the queries."""

    entry: Entry
    transport: Transport
    budget_key: str
    connection: Connection | None = None
    credentials: dict[str, str] = {}
    base_urls: dict[str, str] = {}

    @property
    def code(self) -> str:
        """The connector's code."""
        return self.entry.manifest.code


def route_over(
    connection: Connection,
    entry: Entry,
    transport: Transport,
    opened: Mapping[str, str],
    settings: GatewaySettings,
) -> Route:
    """Return the way over a connection whose credentials were opened."""
    code = entry.manifest.code
    return Route(
        entry=entry,
        transport=transport,
        budget_key=f"{code}:{connection.id}",
        connection=connection,
        credentials={name: str(value) for name, value in opened.items()},
        base_urls={**settings.base_urls_of(code), **connection.base_urls},
    )


class NoRoute(msgspec.Struct, frozen=True):
    """There is no way to ask, and why, for the operator's eyes."""

    why: str


class Router:
    """Chooses ways. Keeps the accounts' connections for a moment, and which of them are broken."""

    def __init__(
        self,
        catalogue: Catalogue,
        source: ConnectionSource,
        settings: GatewaySettings,
        clock: Clock,
    ) -> None:
        self._catalogue = catalogue
        self._source = source
        self._settings = settings
        self._clock = clock
        self._cache: dict[int, tuple[Instant, list[Connection]]] = {}
        self._refused: dict[str, bytes] = {}
        self._unopened: set[str] = set()
        """Connections whose key is not here: told once."""
        self._reporting = 0
        self._reported = 0

    async def choose(self, world_id: int, courier_code: str) -> Route | NoRoute:
        """Return the way to ask ``courier_code`` for a world."""
        if is_test_world(world_id):
            return self._simulated(world_id, courier_code)
        entry = self._catalogue.for_courier(courier_code)
        if entry is None or entry.manifest.code == SIMULATED:
            # What the simulated carrier invents must not get among real parcels.
            return NoRoute(f"there is no connector for {courier_code}")
        connections = [
            connection
            for connection in await self._connections(account_of(world_id))
            if connection.connector == entry.manifest.code and connection.is_enabled
        ]
        troubles = []
        for transport in self._allowed(entry):
            for connection in connections:
                if connection.transport != transport.name:
                    continue
                found = await self._through(entry, transport, connection)
                if isinstance(found, Route):
                    return found
                troubles.append(found.why)
            if not transport.credential_fields:
                return Route(
                    entry=entry,
                    transport=transport,
                    budget_key=f"{entry.manifest.code}:{transport.name}",
                    base_urls=self._settings.base_urls_of(entry.manifest.code),
                )
        return NoRoute(
            "; ".join(troubles) or f"no connection to {entry.manifest.name} is configured"
        )

    async def break_off(self, connection: Connection, why: str) -> None:
        """Stop using a connection whose credentials are refused; reported and logged once."""
        if self._refused.get(connection.id) == connection.sealed_credentials:
            return
        self._refused[connection.id] = connection.sealed_credentials
        _log.error(
            "connection %s of account %d to %s is broken: %s",
            connection.id,
            connection.account_number,
            connection.connector,
            why,
        )
        self._reporting += 1
        try:
            await self._source.report_broken(connection, why)
        except BaseException:
            self._refused.pop(connection.id, None)
            raise
        finally:
            self._reporting -= 1
            self._reported += 1
            self.forget(connection.account_number)

    def forget(self, account_number: int) -> None:
        """Read the account's connections anew at the next query (they were changed)."""
        self._cache.pop(account_number, None)

    def _simulated(self, world_id: int, courier_code: str) -> Route | NoRoute:
        entry = self._catalogue.get(SIMULATED)
        if entry is None:
            return NoRoute("the simulated carrier is not installed")
        return Route(
            entry=entry,
            transport=entry.manifest.transports[0],
            # A courier in trouble in one world must not hold up another one's parcels.
            budget_key=f"{SIMULATED}:{world_id}:{courier_code}",
        )

    def _allowed(self, entry: Entry) -> list[Transport]:
        """Return the official transports, then the others if the operator wants them."""
        code, transports = entry.manifest.code, entry.manifest.transports
        allowed = [one for one in transports if self._settings.allows(code, one)]
        return sorted(allowed, key=lambda one: not one.is_official)

    async def _through(
        self, entry: Entry, transport: Transport, connection: Connection
    ) -> Route | NoRoute:
        if self._is_broken(connection):
            since = f": {connection.broken_reason}" if connection.broken_reason else ""
            return NoRoute(f"connection {connection.id} is broken{since}")
        try:
            opened = self._source.opened(connection)
        except UnknownKeyError as error:
            # A fault of this machine: the carrier refused nothing, and others may have the key.
            if connection.id not in self._unopened:
                self._unopened.add(connection.id)
                _log.error("connection %s is not used here: %s", connection.id, error)
            return NoRoute(f"connection {connection.id}: its key is not on this machine")
        except Exception as error:  # noqa: BLE001  # one lost key must not stop other connections
            await self.break_off(connection, f"its credentials cannot be opened: {error}")
            return NoRoute(f"connection {connection.id}: its credentials cannot be opened")
        self._unopened.discard(connection.id)
        route = route_over(connection, entry, transport, opened, self._settings)
        fields = transport.credential_fields
        if fields and not any(route.credentials.get(name) for name in fields):
            return NoRoute(f"connection {connection.id} has no credentials")
        return route

    def _is_broken(self, connection: Connection) -> bool:
        refused = self._refused.get(connection.id)
        return connection.broken_since is not None or refused == connection.sealed_credentials

    async def _connections(self, account_number: int) -> list[Connection]:
        now = self._clock.now()
        cached = self._cache.get(account_number)
        lifetime = self._settings.connections_cache_seconds * SECOND
        if cached is not None and 0 <= now - cached[0] < lifetime:
            return cached[1]
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        reported = self._reported
        read = await self._source.connections(account_number)
        if self._reporting or reported != self._reported:
            # Read while a connection was being reported: true, perhaps, but not to be relied on.
            return read
        self._cache[account_number] = (now, read)
        for connection in read:
            if connection.id in self._refused and connection.broken_since is None:
                # New credentials were stored, or the operator trusts the old ones again.
                del self._refused[connection.id]
                _log.info("connection %s is used again", connection.id)
        return read
