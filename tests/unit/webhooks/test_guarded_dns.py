from __future__ import annotations

import asyncio
import random
import socket
from typing import Any

import pytest
from aiohttp import ClientConnectorError, ClientRequest, ClientTimeout, TCPConnector, web
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from parcelwire.webhooks.address import AddressGuard, AddressRefusedError
from parcelwire.webhooks.connection import ReceiverConnection, open_connector
from parcelwire.webhooks.guarded_dns import (
    AddressInfo,
    GuardedResolver,
    GuardedSockets,
    SystemResolver,
    check_destination,
)
from parcelwire.webhooks.settings import WebhookSettings

OUTSIDE = "127.0.0.1"
"""The one loopback address that plays the world; the rest of loopback plays the inside."""
INSIDE = ("127.0.0.2", "127.9.9.9", "::1", "::ffff:127.0.0.3", "10.0.0.1", "169.254.169.254")
GUARD = AddressGuard([f"{OUTSIDE}/32"])


class FlippingResolver(AbstractResolver):
    """Answers differently every time, as a name server in the service of an attacker does."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.flips = 0
        """Answers with something inside in them."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        addresses = self._random.choice(
            [
                [OUTSIDE],
                [self._random.choice(INSIDE)],
                [OUTSIDE, self._random.choice(INSIDE)],
                [self._random.choice(INSIDE), OUTSIDE],
                self._random.sample(INSIDE, 3),
            ]
        )
        self.flips += any(address != OUTSIDE for address in addresses)
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        pass


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that any socket was connected to, noted below everything that is tested.

    Addresses other than the one that plays the world are noted and not connected to.
    """
    noted: list[str] = []
    real = asyncio.SelectorEventLoop.sock_connect

    async def sock_connect(loop: Any, sock: socket.socket, address: Any) -> None:
        noted.append(address[0])
        if address[0] != OUTSIDE:
            raise ConnectionRefusedError
        await real(loop, sock, address)

    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", sock_connect)
    return noted


async def start_receiver() -> tuple[web.AppRunner, int]:
    async def receive(request: web.Request) -> web.Response:
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, OUTSIDE, 0)
    await site.start()
    return runner, runner.addresses[0][1]


class Unjudged(GuardedSockets):
    """The planted fault: sockets for everybody."""

    def open_socket(self, info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, _ = info
        return socket.socket(family, kind, protocol)


async def post(connector: TCPConnector, host: str, port: int) -> None:
    """Post over a connection of its own."""
    url, loop = URL(f"http://{host}:{port}/"), asyncio.get_running_loop()
    request = ClientRequest("POST", url, loop=loop)
    connection = await connector.connect(request, [], ClientTimeout(connect=5))
    assert isinstance(connection.protocol, ReceiverConnection)
    connection.protocol.send(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
    head, _ = await connection.protocol.read()
    assert head.code == 200
    connection.close()


async def post_often(
    resolver: AbstractResolver, sockets: GuardedSockets, times: int
) -> tuple[int, int]:
    """Post to many names; return how many got through and how many did not."""
    runner, port = await start_receiver()
    connector = open_connector(WebhookSettings(), resolver=resolver, sockets=sockets)
    passed = refused = 0
    for number in range(times):
        try:
            await post(connector, f"name{number}.example", port)
            passed += 1
        except ClientConnectorError:
            refused += 1
    await connector.close()
    await runner.cleanup()
    return passed, refused


async def test_ten_thousand_answers_that_flip_never_lead_inside() -> None:
    flipping = FlippingResolver(seed=1)
    resolver = GuardedResolver(GUARD, flipping)
    refused = 0
    for number in range(10_000):
        try:
            found = await resolver.resolve(f"name{number}.example", 80)
        except AddressRefusedError:
            refused += 1
        else:
            assert {result["host"] for result in found} == {OUTSIDE}
    assert flipping.flips > 7_000
    assert 3_000 < refused < 5_000


async def test_connections_follow_no_flip_inside(connected: list[str]) -> None:
    flipping = FlippingResolver(seed=2)
    passed, refused = await post_often(
        GuardedResolver(GUARD, flipping), GuardedSockets(GUARD), times=1_000
    )
    assert set(connected) == {OUTSIDE}
    assert flipping.flips > 700
    assert passed > 400
    assert refused > 300


async def test_sockets_alone_keep_a_bad_resolver_out(connected: list[str]) -> None:
    flipping = FlippingResolver(seed=3)
    sockets = GuardedSockets(GUARD)
    passed, refused = await post_often(flipping, sockets, times=500)
    assert set(connected) == {OUTSIDE}
    assert sockets.refused > 250
    assert sockets.opened == passed == len(connected)
    assert refused > 100


async def test_without_the_guard_the_witness_sees_the_inside(connected: list[str]) -> None:
    """The planted fault: the two tests above would notice if nobody judged."""
    await post_often(FlippingResolver(seed=4), Unjudged(GUARD), times=50)
    assert set(connected) - {OUTSIDE}


async def test_literal_addresses_are_judged_at_the_socket(connected: list[str]) -> None:
    """No resolver is asked about them."""
    sockets = GuardedSockets(GUARD)
    flipping = FlippingResolver(5)
    resolver = GuardedResolver(GUARD, flipping)
    connector = open_connector(WebhookSettings(), resolver=resolver, sockets=sockets)
    for host in ("127.0.0.2", "10.0.0.1", "[::1]", "[::ffff:127.0.0.2]", "169.254.169.254"):
        with pytest.raises(ClientConnectorError) as caught:
            await post(connector, host, 8_000)
        assert isinstance(caught.value.os_error, AddressRefusedError)
    await connector.close()
    assert flipping.flips == 0
    assert connected == []
    assert sockets.refused >= 5


async def test_a_name_without_addresses_is_no_refusal() -> None:
    class Empty(FlippingResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
        ) -> list[ResolveResult]:
            return []

    with pytest.raises(OSError, match="has no address") as caught:
        await GuardedResolver(GUARD, Empty(1)).resolve("nobody.example")
    assert not isinstance(caught.value, AddressRefusedError)


async def test_the_system_resolver_knows_localhost_and_the_guard_refuses_it() -> None:
    resolver = SystemResolver(threads=2)
    found = await resolver.resolve("localhost", 80)
    assert {result["host"] for result in found} <= {"127.0.0.1", "::1"}
    assert found
    with pytest.raises(AddressRefusedError, match="leads inside"):
        await GuardedResolver(AddressGuard(), resolver).resolve("localhost", 80)
    await resolver.close()


class TestCheckDestination:
    """What is asked when an endpoint is created or changed."""

    async def test_a_name_that_leads_inside_is_refused(self) -> None:
        class Inside(FlippingResolver):
            async def resolve(
                self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
            ) -> list[ResolveResult]:
                return [
                    ResolveResult(
                        hostname=host, host="10.0.0.1", port=port, family=family, proto=0, flags=0
                    )
                ]

        with pytest.raises(AddressRefusedError, match="leads inside"):
            await check_destination(GUARD, Inside(1), "https://shop.example.com/hook")

    async def test_a_name_nobody_knows_yet_passes(self) -> None:
        class Unknown(FlippingResolver):
            async def resolve(
                self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
            ) -> list[ResolveResult]:
                raise socket.gaierror

        await check_destination(GUARD, Unknown(1), "https://shop.example.com/hook")

    async def test_an_unusable_url_is_refused_before_any_lookup(self) -> None:
        resolver = FlippingResolver(1)
        with pytest.raises(AddressRefusedError):
            await check_destination(GUARD, resolver, "https://user@shop.example.com/")
        assert resolver.flips == 0
