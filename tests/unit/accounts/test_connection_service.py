"""Connections to carriers: which credentials they take, and what becomes of them."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from parcelwire.accounts.connections import (
    LONGEST_CREDENTIAL,
    ConnectionService,
    CreateConnection,
    check_names,
)
from parcelwire.accounts.errors import (
    ConnectionChangedError,
    ConnectionNotFoundError,
    ConnectorNotFoundError,
    TransportNotFoundError,
)
from parcelwire.accounts.ports import ConnectorTransport
from parcelwire.connectors.credential_encryption import AesGcmCipher
from parcelwire.domain.account import Connection
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.field_problems import InvalidInputError
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.store.port import Store
from parcelwire.tracking.errors import NumberInvalidError, NumberMissingError
from tests.support.house import SeededIdentifiers


def transport(connector: str, name: str, *fields: str) -> ConnectorTransport:
    return ConnectorTransport(
        connector=connector,
        name=connector.title(),
        transport=name,
        is_official=name == "api",
        is_on=True,
        credential_fields=fields,
        courier_codes=(connector,),
    )


API = transport("post", "api", "client_id", "client_secret", "scope")
WEB = transport("post", "web")


class Carriers:
    """Two carriers, as their catalogue and as who asks them."""

    def __init__(self) -> None:
        self.forgotten: list[int] = []
        self.outcome = Outcome.FOUND

    def transports(self) -> Sequence[ConnectorTransport]:
        return [API, WEB, transport("lantern", "api", "key")]

    async def try_connection(self, connection: Connection, number: str) -> CarrierReport:
        return CarrierReport(number=number, outcome=self.outcome, detail=connection.id)

    def forget(self, account_number: int) -> None:
        self.forgotten.append(account_number)


class Cipher:
    """The installation's own, under the name of the port."""

    def __init__(self) -> None:
        self.sealer = AesGcmCipher([bytes(range(32))], random.Random(5).randbytes)

    def encrypt(self, credentials: dict[str, str], connection_id: str) -> bytes:
        return self.sealer.seal(credentials, connection_id)


@pytest.fixture
def carriers() -> Carriers:
    return Carriers()


@pytest.fixture
def cipher() -> Cipher:
    return Cipher()


@pytest.fixture
async def connections(
    store: Store, clock: FrozenClock, carriers: Carriers, cipher: Cipher
) -> ConnectionService:
    for email in ("you@shop.example", "other@shop.example"):
        await store.add_account(email, now=clock.now())
    await store.register_first_key(cipher.sealer.fingerprints[0], clock.now())
    return ConnectionService(
        store,
        catalogue=carriers,
        carriers=carriers,
        cipher=cipher,
        clock=clock,
        identifiers=SeededIdentifiers(),
    )


def create(**credentials: str) -> CreateConnection:
    return CreateConnection(
        account_number=1, connector="post", transport="api", credentials=credentials
    )


async def test_credentials_are_stored_encrypted_and_whole(
    connections: ConnectionService, carriers: Carriers, cipher: Cipher, clock: FrozenClock
) -> None:
    made = await connections.create(create(client_id="a", client_secret="hidden"))
    assert (made.account_number, made.connector, made.transport) == (1, "post", "api")
    assert made.created_at == clock.now()
    assert b"hidden" not in made.sealed_credentials
    # What may be left out is empty; the connector knows what is meant.
    opened = cipher.sealer.open(made.sealed_credentials, made.id)
    assert opened == {"client_id": "a", "client_secret": "hidden", "scope": ""}
    assert await connections.list_connections(1) == [made]
    assert await connections.load(1, made.id) == made
    assert carriers.forgotten == [1]


@pytest.mark.parametrize(
    ("credentials", "wrong"),
    [
        ({}, [("client_id", "missing"), ("client_secret", "missing")]),
        ({"client_id": "a", "client_secret": ""}, [("client_secret", "missing")]),
        ({"client_id": "a", "client_secret": "b", "pin": "1"}, [("pin", "unknown")]),
        (
            {"client_id": "a" * (LONGEST_CREDENTIAL + 1), "client_secret": "\0"},
            [("client_id", "too-long"), ("client_secret", "invalid")],
        ),
    ],
)
async def test_credentials_that_the_connector_cannot_use(
    connections: ConnectionService, credentials: dict[str, str], wrong: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        await connections.create(create(**credentials))
    assert [(one.field, one.code) for one in caught.value.problems] == wrong
    assert await connections.list_connections(1) == []


async def test_what_there_is_to_connect_to(connections: ConnectionService) -> None:
    assert connections.transport("post", "api") == API
    with pytest.raises(ConnectorNotFoundError) as nothing:
        connections.transport("dhl", "api")
    assert str(nothing.value) == "there is no connector dhl; there are post, lantern"
    with pytest.raises(TransportNotFoundError) as no_way:
        connections.transport("post", "fax")
    assert str(no_way.value) == "post has no transport fax; it has api, web"
    # What needs no credentials is polled within one limit for all: a connection would evade it.
    with pytest.raises(InvalidInputError) as caught:
        await connections.create(replace(create(), transport="web"))
    assert [one.code for one in caught.value.problems] == ["not-allowed"]
    check_names(API, ["scope"])
    with pytest.raises(InvalidInputError):
        check_names(API, ["scope", "pin"])


async def test_another_accounts_connection_is_not_there(
    connections: ConnectionService,
) -> None:
    made = await connections.create(create(client_id="a", client_secret="b"))
    for attempt in (
        connections.load(2, made.id),
        connections.resume(2, made.id),
        connections.delete(2, made.id),
        connections.load(1, ""),
    ):
        with pytest.raises(ConnectionNotFoundError):
            await attempt
    await connections.delete(1, made.id)
    with pytest.raises(ConnectionNotFoundError):
        await connections.delete(1, made.id)
    assert await connections.list_connections(1) == []


async def test_a_broken_connection_is_used_again(
    connections: ConnectionService, carriers: Carriers, store: Store, clock: FrozenClock
) -> None:
    made = await connections.create(create(client_id="a", client_secret="b"))
    broken = replace(made, broken_since=clock.now(), broken_reason="401")
    await store.save_connection(broken)
    assert await connections.resume(1, made.id) == made
    assert await connections.load(1, made.id) == made
    assert carriers.forgotten == [1, 1]


async def test_credentials_that_were_replaced_meanwhile_are_left_alone(
    connections: ConnectionService, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await connections.create(create(client_id="a", client_secret="b"))

    async def outdated(account_number: int | None = None) -> list[Connection]:
        return [replace(made, sealed_credentials=b"older")]

    monkeypatch.setattr(store, "list_connections", outdated)
    with pytest.raises(ConnectionChangedError):
        await connections.resume(1, made.id)


@pytest.mark.parametrize("outcome", list(Outcome))
async def test_a_test_tells_whether_the_carrier_takes_the_credentials(
    connections: ConnectionService, carriers: Carriers, outcome: Outcome
) -> None:
    made = await connections.create(create(client_id="a", client_secret="b"))
    carriers.outcome = outcome
    tested = await connections.test(1, made.id, "99.00.000000.00000001")
    assert tested.connection == made
    assert tested.report.number == "990000000000000001"
    assert tested.report.outcome is outcome
    assert tested.is_accepted is (
        outcome in {Outcome.FOUND, Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER}
    )


async def test_a_connection_is_tested_with_the_number_that_its_carrier_publishes(
    connections: ConnectionService, carriers: Carriers, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await connections.create(create(client_id="a", client_secret="b"))
    with pytest.raises(NumberMissingError):
        await connections.test(1, made.id)
    published = [WEB, replace(API, test_number="TESTPARCEL12")]
    monkeypatch.setattr(carriers, "transports", lambda: published)
    assert (await connections.test(1, made.id)).report.number == "TESTPARCEL12"
    for typed, error in ((" ", NumberMissingError), ("<!>", NumberInvalidError)):
        with pytest.raises(error):
            await connections.test(1, made.id, typed)
    for account_number, connection_id in ((2, made.id), (1, "")):
        with pytest.raises(ConnectionNotFoundError):
            await connections.test(account_number, connection_id, "TESTPARCEL12")
