"""A house with its API, and ``parcelwire webhook forward`` at work on it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
from starlette.applications import Starlette
from starlette.routing import Mount

from parcelwire.api.asgi import Door
from parcelwire.api.house import ApiSettings
from parcelwire.api.native.application import application
from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.cli.webhook_forward import EVERYWHERE, Forwarder, Wish
from parcelwire.cli.worlds import World
from parcelwire.client import AsyncParcelwire, ParcelwireError
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Substatus
from parcelwire.webhooks.address import AddressGuard
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from tests.support.house import HouseUnderTest, open_house, report
from tests.support.v4 import USPS_NUMBER, create, point

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class RestingClock(FrozenClock):
    """Stands still, and whoever sleeps really lets others work for a moment."""

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0.002)


class Network(httpx2.AsyncBaseTransport):
    """What lies between the command and the server; a test puts its own trouble in ``handle``."""

    def __init__(self, server: httpx2.AsyncBaseTransport) -> None:
        self.handle: Callable[[httpx2.Request], Awaitable[httpx2.Response]] = (
            server.handle_async_request
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self.handle(request)


class Desk:
    """A house with two worlds, its API, and a forwarder at work."""

    def __init__(self, house: HouseUnderTest, network: Network) -> None:
        self.house = house
        self.network = network
        self.http = httpx2.AsyncClient(transport=network, base_url="http://house")

    def forwarder(self, url: str, *, key: str = "", **wish: Any) -> Forwarder:
        client = AsyncParcelwire(
            key or self.house.key, "http://house", transport=self.network, max_retries=0
        )
        world = World(client, "", "the house")
        guard = AddressGuard(EVERYWHERE)
        self.sender = HttpSender(WebhookSettings(request_timeout_seconds=2), guard=guard)
        fields = {"dialect": "native", "secret": SECRET, "since": "2026-01-01T00:00:00Z", **wish}
        return Forwarder(world, self.sender, self.house.clock, Wish(url=url, **fields))

    async def forward(self, forwarder: Forwarder, until: Callable[[], bool]) -> None:
        """Forward until something has come about."""
        running = asyncio.create_task(forwarder.run())
        try:
            async with asyncio.timeout(15):
                while not until():
                    await asyncio.sleep(0.01)
                    if running.done():
                        running.result()
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError, ParcelwireError):
                await running
            await self.sender.close()

    async def live(self) -> None:
        """Let a parcel live: created with news, and two more."""
        house = self.house
        transit = point("2026-03-01T08:00:00", "Accepted", Substatus.TRANSIT)
        out = point("2026-03-01T09:00:00", "Out", Substatus.PICKUP_OUT_FOR_DELIVERY)
        done = point("2026-03-01T09:30:00", "Delivered", Substatus.DELIVERED)
        house.carriers.script(
            "usps",
            USPS_NUMBER,
            report(USPS_NUMBER, transit),
            report(USPS_NUMBER, transit, out),
            report(USPS_NUMBER, transit, out, done),
        )
        await create(house, title="Two books", customer_name="Ada")


class PatientClock(FrozenClock):
    """Time passes for whoever sleeps, and no longer than that takes in truth."""

    async def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        await asyncio.sleep(0)


@asynccontextmanager
async def open_desk(
    folder: Path, clock: FrozenClock | None = None, **settings: Any
) -> AsyncIterator[Desk]:
    def dialects(house: Any) -> list[Any]:
        return [DialectFrame(house, one) for one in own_dialects()]

    async with open_house(
        folder, dialects, clock=clock or RestingClock(), settings=ApiSettings(**settings)
    ) as house:
        other = Starlette(routes=[Mount("/api", application(house.house))])
        door = Door(house.house, dialects(house.house), other)
        yield Desk(house, Network(httpx2.ASGITransport(door)))
