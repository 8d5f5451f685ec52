"""A shop's public pages behind real HTTP, with a delivered parcel of a made-up person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from parcelwire.domain.brand import Brand
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import CarrierReport, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.pages.application import application
from parcelwire.tracking.ports import Stored
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.pages import page_house, put_brand
from tests.support.v4 import DIALECTS

NUMBERS = ("990012345612345678", "990012345612345679", "990012345612345680")
PERSON = {
    "customer_name": "Canary Nameson",
    "customer_email": "canary@person.example",
    "customer_sms": "+41790000001",
    "recipient_postcode": "8042",
    "order_number": "#CANARY-1001",
    "order_id": "canary-order",
    "title": "canary title",
    "note": "canary note",
    "label": "canary label",
}
DELIVERED = report(
    "",
    Checkpoint(
        local_time="2026-02-27T08:15",
        offset_minutes=60,
        text="Zugestellt",
        language="de",
        country="CH",
        city="Bern",
        status=Status.DELIVERED,
        substatus=Substatus.DELIVERED,
    ),
    facts=ParcelFacts(
        proof=ProofOfDelivery(signed_by="Canary Signer", place="canary porch"),
        destination_postal_code="8042",
    ),
)
MOVING = report(
    "",
    Checkpoint(
        local_time="2026-02-26T08:15",
        offset_minutes=60,
        text="Sortiert",
        country="CH",
        status=Status.TRANSIT,
        substatus=Substatus.TRANSIT_AT_HUB,
    ),
)


class Site:
    """Pages of one shop with two parcels of one order."""

    def __init__(self, house: HouseUnderTest, url: str, session: aiohttp.ClientSession) -> None:
        self.house = house
        self.url = url
        self.session = session
        self.tokens: list[str] = []

    async def add(self, number: str, answer: CarrierReport, **fields: Any) -> Tracking:
        self.house.carriers.script("swiss-post", number, answer)
        body = {"tracking_number": number, "courier_code": "swiss-post", **PERSON, **fields}
        created = await self.house.call("POST", "/v4/trackings/create", json=body)
        assert created.json()["meta"]["code"] == 200
        tracking = (await self.stored(number)).tracking
        self.tokens.append(tracking.page_token)
        return tracking

    async def stored(self, number: str) -> Stored:
        (stored,) = await self.house.store.find(self.house.world_id, number)
        return stored

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        async with self.session.get(self.url + path, headers=headers) as answer:
            return answer.status, await answer.text(), answer.headers

    async def post(
        self, path: str, form: dict[str, str] | bytes, source: str = "127.0.0.1"
    ) -> tuple[int, bytes, Any]:
        """Send a form from an address of 127.0.0.0/8."""
        async with (
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(local_addr=(source, 0))
            ) as session,
            session.post(self.url + path, data=form, allow_redirects=False) as answer,
        ):
            return answer.status, await answer.read(), answer.headers

    async def brand(self, **fields: Any) -> None:
        await put_brand(self.house, self.house.world_id // 2, Brand(**fields))


@asynccontextmanager
async def open_site(tmp_path: Path) -> AsyncIterator[Site]:
    """Open a shop whose first parcel is delivered."""
    async with (
        open_house(tmp_path, DIALECTS) as house,
        serve(application(page_house(house))) as address,
        aiohttp.ClientSession() as session,
    ):
        made = Site(house, f"http://{address}", session)
        await made.add(NUMBERS[0], DELIVERED)
        yield made
