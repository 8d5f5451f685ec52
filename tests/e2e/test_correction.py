"""A wrong courier ends on the right one without a person: everything real but the carriers.

Two local servers speak Swiss Post's and Poste Italiane's protocols over HTTP; in front of them the
installation as it is served, with its SQLite file and its workers. Intervals run fast.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.accounts.key_format import make_key
from parcelwire.bootstrap import Installation, SystemClock, open_installation
from parcelwire.config import (
    ApiSection,
    CarriersSection,
    Config,
    PollingSection,
    SecretsSection,
    StoreSection,
)
from parcelwire.connectors.carriers.poste_italiane import CONNECTOR as POSTE_ITALIANE
from parcelwire.connectors.carriers.swiss_post import CONNECTOR as SWISS_POST
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.domain.account import Account
from parcelwire.tracking.ports import Stored
from tests.support.connections import connect
from tests.support.house import Answer, call, key_record

SWISS_NUMBER = "990012345612345111"
KEY = make_key(bytes(range(24)), is_test=False)
CLIENT = {"client_id": "local", "client_secret": "only for this test"}
SPEED = 20_000.0
"""A day passes in four seconds."""


class Town:
    """An installation and the two carriers it can ask."""

    def __init__(self, house: Installation, account: Account, swiss: Script, poste: Script) -> None:
        self.house = house
        self.account = account
        self.swiss = swiss
        self.poste = poste

    async def call(self, method: str, path: str, **more: Any) -> Answer:
        return await call(
            self.house.asgi(), method, path, headers={"Tracking-Api-Key": KEY}, **more
        )

    async def create(self, **fields: Any) -> Any:
        asked = {"tracking_number": SWISS_NUMBER, "courier_code": "poste-italiane", **fields}
        answer = await self.call("POST", "/v4/trackings/create", body=msgspec.json.encode(asked))
        assert answer.status == 200, answer.body
        return answer.json()["data"]

    async def stored(self, tracking_id: str) -> Stored:
        return await self.house.service.get(self.account.number * 2, tracking_id)

    async def until_checked(self, tracking_id: str, times: int) -> Stored:
        """Wait until the own carrier was asked so often."""
        async with asyncio.timeout(30):
            while True:
                stored = await self.stored(tracking_id)
                if stored.poll.checks >= times:
                    return stored
                await asyncio.sleep(0.02)

    async def until(self, tracking_id: str, **expected: Any) -> Stored:
        """Wait until the tracking's fields are as expected."""
        async with asyncio.timeout(30):
            while True:
                stored = await self.stored(tracking_id)
                if all(getattr(stored.tracking, name) == it for name, it in expected.items()):
                    return stored
                await asyncio.sleep(0.02)


@asynccontextmanager
async def open_town(folder: Path) -> AsyncIterator[Town]:
    clock = SystemClock()
    swiss, poste = Script(scenario_seconds=0), Script(scenario_seconds=0)
    swiss_post = MockServer(SWISS_POST, clock, swiss, credentials=CLIENT)
    poste_italiane = MockServer(POSTE_ITALIANE, clock, poste, credentials=CLIENT)
    async with AsyncExitStack() as stack:
        swiss_address = await stack.enter_async_context(run_mock_server(swiss_post.application()))
        poste_address = await stack.enter_async_context(
            run_mock_server(poste_italiane.application())
        )
        config = Config(
            store=StoreSection(url=f"sqlite:{folder / 'town.db'}"),
            secrets=SecretsSection(key_file=str(folder / "town.key")),
            api=ApiSection(fetch_wait_seconds=10.0),
            polling=PollingSection(time_scale=SPEED, idle_seconds=0.05),
            carriers=CarriersSection(
                base_urls={
                    "swiss-post": swiss_post.base_urls(swiss_address),
                    "poste-italiane": poste_italiane.base_urls(poste_address),
                }
            ),
        )
        house = await open_installation(config)
        stack.push_async_callback(house.close)
        account = await house.store.add_account("shop@example.com", now=clock.now())
        await house.store.add_key(key_record(KEY, account.number))
        for carrier in ("swiss-post", "poste-italiane"):
            await connect(house, account, carrier, CLIENT)
        house.start_workers()
        yield Town(house, account, swiss, poste)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with open_town(tmp_path) as one:
        yield one


async def test_a_number_given_to_the_wrong_carrier_ends_with_the_right_one(town: Town) -> None:
    town.poste.show(Behaviour.UNKNOWN, SWISS_NUMBER)
    data = await town.create()
    assert (data["courier_code"], data["delivery_status"]) == ("poste-italiane", "notfound")
    assert town.poste.shown[Behaviour.UNKNOWN] == 1

    stored = await town.until(data["id"], courier_code="swiss-post")
    tracking = stored.tracking
    assert tracking.status == "delivered"
    (correction,) = tracking.corrections
    assert correction.is_automatic
    assert "swiss-post does" in correction.reason

    shown = await town.call("GET", "/v4/trackings/get", query=f"tracking_numbers={SWISS_NUMBER}")
    (row,) = shown.json()["data"]
    assert (row["id"], row["courier_code"]) == (data["id"], "swiss-post")
    assert row["delivery_status"] == "delivered"
    events = await town.house.store.events_after(tracking.world_id, 0, 100)
    assert [event.sequence for _, event in events] == list(range(1, tracking.sequence + 1))

    # Undone by hand, it stays undone.
    back = await town.house.service.change_courier(stored, "poste-italiane")
    asked = town.swiss.shown.total()
    again = await town.until_checked(back.tracking.id, back.poll.checks + 3)
    assert again.tracking.courier_code == "poste-italiane"
    assert town.swiss.shown.total() == asked


async def test_auto_correct_off_is_honoured(town: Town) -> None:
    town.poste.show(Behaviour.UNKNOWN, SWISS_NUMBER)
    data = await town.create(auto_correct=1)
    stored = await town.until_checked(data["id"], 3)
    assert stored.tracking.courier_code == "poste-italiane"
    assert town.swiss.shown.total() == 0
