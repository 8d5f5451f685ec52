"""A gateway with everything real but the carrier, which is a local server."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from aiohttp import web

from parcelwire.connectors.catalogue import Catalogue
from parcelwire.connectors.gateway import Gateway
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.routing import GatewaySettings
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.connectors.transport import HttpTransport, TransportSettings
from parcelwire.domain.account import Connection
from parcelwire.domain.clock import FrozenClock
from tests.unit.connectors.gateway.bench import Bench, Carrier, PaperPost, Source, entry

senders: list[HttpTransport] = []


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    state = Carrier("")

    async def token(request: web.Request) -> web.Response:
        state.requests.append("token")
        return web.Response(status=state.token_status, text=state.token_body)

    async def track(request: web.Request) -> web.Response:
        state.requests.append(request.query["numbers"])
        state.under_way += 1
        state.most_under_way = max(state.most_under_way, state.under_way)
        await asyncio.sleep(state.delay_seconds)
        state.under_way -= 1
        if state.huge and state.huge in request.query["numbers"]:
            return web.Response(status=state.huge_status, body=b"x" * 2_000_001)
        return web.Response(
            status=state.track_status, text=state.track_body, headers=state.track_headers
        )

    application = web.Application()
    application.router.add_post("/token", token)
    application.router.add_get("/track", track)
    async with run_mock_server(application) as base_url:
        state.base_url = base_url
        yield state


@pytest.fixture
def make_bench(carrier: Carrier) -> Callable[..., Bench]:
    def make(
        connections: Sequence[Connection] = (),
        *,
        is_web_on: bool = False,
        concurrency: int = 4,
        base_urls: dict[str, str] | None = None,
        accounts: Sequence[int] = (7,),
        **more: Any,
    ) -> Bench:
        clock, post, simulated = FrozenClock(), PaperPost(), SimulatedCarrier()
        source = Source({account: list(connections) for account in accounts})
        settings = GatewaySettings(
            web_connectors=frozenset({"paper-post"} if is_web_on else ()),
            base_urls={"paper-post": base_urls or {"api": carrier.base_url}},
            concurrency=concurrency,
            **more,
        )
        catalogue = Catalogue([entry(simulated), entry(post)])
        sender = HttpTransport(clock, TransportSettings())
        senders.append(sender)
        gateway = Gateway(catalogue, sender, source=source, settings=settings, clock=clock)
        return Bench(gateway, source, post, carrier, clock)

    return make


@pytest.fixture(autouse=True)
async def _close_senders() -> AsyncIterator[None]:
    yield
    while senders:
        await senders.pop().close()
