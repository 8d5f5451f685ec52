"""Connections to carriers: an account's own credentials, created, tested, resumed, deleted.

They belong to the account's live world: in a test world the simulated carrier answers for every
courier. A stored connection holds a value for each field that its connector's transport names;
those that were left out are empty.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.accounts.errors import (
    ConnectionChangedError,
    ConnectionNotFoundError,
    ConnectorNotFoundError,
    TransportNotFoundError,
)
from parcelwire.accounts.ports import (
    CarrierAccess,
    ConnectionStore,
    ConnectorCatalogue,
    ConnectorTransport,
    CredentialCipher,
)
from parcelwire.domain.account import Connection
from parcelwire.domain.clock import Clock
from parcelwire.domain.field_problems import FieldProblem, refuse_if_any, text_problem
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.tracking.drafts import Drafting
from parcelwire.tracking.ports import Identifiers

OPTIONAL_FIELDS: Final = frozenset({"scope"})
"""Credentials that may be left empty: the connector knows what is meant then (OAuth 2.0's scope,
RFC 6749 3.3)."""
LONGEST_CREDENTIAL: Final = 10_000
"""Characters; a private key has some 3,000."""

_ACCEPTED: Final = {Outcome.FOUND, Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER}
"""What a carrier only says to somebody whose credentials it takes."""


class CreateConnection(msgspec.Struct, frozen=True, kw_only=True):
    """Connect an account to a carrier."""

    account_number: int
    connector: str
    transport: str
    credentials: Mapping[str, str]
    """By the names that the transport's ``credential_fields`` has."""


class ConnectionTest(msgspec.Struct, frozen=True, kw_only=True):
    """What a carrier answered over a connection."""

    connection: Connection
    report: CarrierReport

    @property
    def is_accepted(self) -> bool:
        """Whether the carrier took the credentials, whatever it knows of the number."""
        return self.report.outcome in _ACCEPTED


class ConnectionService:
    """Use cases of connections to carriers."""

    def __init__(
        self,
        store: ConnectionStore,
        *,
        catalogue: ConnectorCatalogue,
        carriers: CarrierAccess,
        cipher: CredentialCipher,
        clock: Clock,
        identifiers: Identifiers,
    ) -> None:
        """``catalogue`` knows what connectors want, ``carriers`` asks over what is stored."""
        self._store = store
        self._catalogue = catalogue
        self._carriers = carriers
        self._cipher = cipher
        self._clock = clock
        self._identifiers = identifiers

    def transports(self) -> Sequence[ConnectorTransport]:
        """Return every transport of every connector."""
        return self._catalogue.transports()

    def transport(self, connector: str, transport: str) -> ConnectorTransport:
        """Return one transport of a connector.

        Raises:
            ConnectorNotFoundError: there is no such connector.
            TransportNotFoundError: it has no such transport.
        """
        known = self.transports()
        own = [one for one in known if one.connector == connector]
        if not own:
            raise ConnectorNotFoundError(connector, dict.fromkeys(one.connector for one in known))
        for one in own:
            if one.transport == transport:
                return one
        raise TransportNotFoundError(connector, transport, [one.transport for one in own])

    async def list_connections(self, account_number: int) -> list[Connection]:
        """Return an account's connections; their credentials stay encrypted."""
        return await self._store.list_connections(account_number)

    async def load(self, account_number: int, connection_id: str) -> Connection:
        """Return one of an account's connections.

        Raises:
            ConnectionNotFoundError: the account has none with this id.
        """
        for one in await self._store.list_connections(account_number):
            if one.id == connection_id:
                return one
        raise ConnectionNotFoundError(connection_id)

    async def create(self, command: CreateConnection) -> Connection:
        """Store a new connection, its credentials encrypted.

        Raises:
            ConnectorNotFoundError: there is no such connector.
            TransportNotFoundError: it has no such transport.
            InvalidInputError: a credential is missing, too long, or none that the transport has.
            StoreOutageError: the database's key is not here; nothing is stored.
        """
        wanted = self.transport(command.connector, command.transport)
        refuse_if_any(problems_of(wanted, command.credentials))
        now = self._clock.now()
        connection_id = self._identifiers.new_id(now)
        credentials = {name: command.credentials.get(name, "") for name in wanted.credential_fields}
        connection = Connection(
            id=connection_id,
            account_number=command.account_number,
            connector=command.connector,
            transport=command.transport,
            sealed_credentials=self._cipher.encrypt(credentials, connection_id),
            created_at=now,
        )
        await self._store.save_connection(connection)
        self._carriers.forget(command.account_number)
        return connection

    async def test(
        self, account_number: int, connection_id: str, number: str | None = None
    ) -> ConnectionTest:
        """Ask the carrier about one number over a connection; nothing is stored.

        ``number``: as typed; None: the one that the carrier publishes for tests.

        Raises:
            ConnectionNotFoundError: the account has none with this id.
            NumberMissingError: nothing was typed, or the carrier publishes no number.
            NumberInvalidError: it cannot be a tracking number.
        """
        connection = await self.load(account_number, connection_id)
        if number is None:
            number = self._test_number_of(connection)
        report = await self._carriers.try_connection(connection, Drafting.number(number))
        return ConnectionTest(connection=connection, report=report)

    def _test_number_of(self, connection: Connection) -> str:
        """Return what the carrier publishes for tests; empty where that is not known."""
        for one in self.transports():
            if (one.connector, one.transport) == (connection.connector, connection.transport):
                return one.test_number
        return ""

    async def resume(self, account_number: int, connection_id: str) -> Connection:
        """Use a broken connection again, with the credentials that it has.

        Raises:
            ConnectionNotFoundError: the account has none with this id.
            ConnectionChangedError: it was deleted, or given other credentials, in the meantime.
        """
        connection = await self.load(account_number, connection_id)
        resumed = replace(connection, broken_since=None, broken_reason="")
        is_stored = await self._store.save_connection(resumed, expected=connection)
        self._carriers.forget(account_number)
        if not is_stored:
            raise ConnectionChangedError(connection_id)
        return resumed

    async def delete(self, account_number: int, connection_id: str) -> None:
        """Delete a connection and its credentials.

        Raises:
            ConnectionNotFoundError: the account has none with this id.
        """
        is_deleted = await self._store.delete_connection(account_number, connection_id)
        self._carriers.forget(account_number)
        if not is_deleted:
            raise ConnectionNotFoundError(connection_id)


def check_names(transport: ConnectorTransport, names: Iterable[str]) -> None:
    """Check that a transport has these credentials, before anybody is asked for the others.

    Raises:
        InvalidInputError: it wants no credentials at all, or has none of such a name.
    """
    refuse_if_any(_unknown_of(transport, names))


def problems_of(
    transport: ConnectorTransport, credentials: Mapping[str, str]
) -> Iterator[FieldProblem]:
    """Yield what is wrong with the credentials for a transport. Pure."""
    yield from _unknown_of(transport, credentials)
    for name in transport.credential_fields:
        value = credentials.get(name, "")
        if not value and name not in OPTIONAL_FIELDS:
            yield FieldProblem(field=name, code="missing", message="is missing")
        if problem := text_problem(name, value, LONGEST_CREDENTIAL):
            yield problem


def _unknown_of(transport: ConnectorTransport, names: Iterable[str]) -> Iterator[FieldProblem]:
    if not transport.credential_fields:
        # What needs no credentials is polled for everybody together, within one polite limit.
        yield FieldProblem(
            field="transport", code="not-allowed", message="wants no credentials and no connection"
        )
        return
    for name in sorted(set(names) - set(transport.credential_fields)):
        yield FieldProblem(field=name, code="unknown", message="is no field of it")
