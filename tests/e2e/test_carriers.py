"""The whole house against servers that speak the two carriers' protocols over real HTTP, in all
their moods.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from parcelwire.bootstrap import Installation, SystemClock, open_installation
from parcelwire.config import ApiSection, CarriersSection, Config, SecretsSection, StoreSection
from parcelwire.connectors.carriers.poste_italiane import CONNECTOR as POSTE_ITALIANE
from parcelwire.connectors.carriers.swiss_post import CONNECTOR as SWISS_POST
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.domain.account import Account
from parcelwire.domain.report import Outcome
from parcelwire.domain.status import Status
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.ports import Stored
from tests.support.connections import connect

CLIENT = {"client_id": "shop", "client_secret": "made-up-for-this-test"}
NUMBERS = {"swiss-post": "990012345612345111", "poste-italiane": "ZA123456785IT"}
CARRIERS = sorted(NUMBERS)
TRANSPORTS = ("api", "web")


class World(msgspec.Struct):
    """One installation, one local carrier, one account connected to it."""

    house: Installation
    script: Script
    owner: Account
    courier: str
    transport: str

    async def create(self, number: str | None = None) -> Stored:
        draft = Draft(number=number or NUMBERS[self.courier], courier_code=self.courier)
        return await self.house.service.create(self.owner.number * 2, draft)

    async def gaps(self) -> list[str]:
        return [row[0] for row in await self.house.store.list_unmapped_codes()]


@contextlib.asynccontextmanager
async def world(
    folder: Path, courier: str, transport: str, *, fetch_wait_seconds: float = 5.0
) -> AsyncIterator[World]:
    clock = SystemClock()
    script = Script(scenario_seconds=0)
    connector = SWISS_POST if courier == "swiss-post" else POSTE_ITALIANE
    mock = MockServer(connector, clock, script, credentials=CLIENT)
    async with run_mock_server(mock.application()) as address:
        house = await open_installation(
            Config(
                store=StoreSection(url=f"sqlite:{folder / 'carriers.db'}"),
                secrets=SecretsSection(key_file=str(folder / "carriers.key")),
                api=ApiSection(fetch_wait_seconds=fetch_wait_seconds),
                carriers=CarriersSection(
                    unofficial_connectors=(courier,) if transport == "web" else (),
                    base_urls={courier: mock.base_urls(address)},
                ),
            )
        )
        try:
            owner = await house.store.add_account("shop@example.com", now=clock.now())
            if transport == "api":
                await connect(house, owner, courier, CLIENT)
            yield World(house, script, owner, courier, transport)
        finally:
            await house.close()


@pytest.fixture(params=[(c, t) for c in CARRIERS for t in TRANSPORTS], ids="-".join)
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, *request.param) as one:
        yield one


async def test_a_parcel_is_followed_to_its_end(here: World) -> None:
    stored = await here.create()
    tracking = stored.tracking
    assert tracking.status is Status.DELIVERED
    assert tracking.is_stopped
    assert len(tracking.visible_checkpoints) >= 4
    assert all(point.offset_minutes in (60, 120) for point in tracking.visible_checkpoints)
    assert tracking.milestones.delivered is not None
    assert stored.poll.last_outcome == Outcome.FOUND
    assert stored.poll.due_at is None
    # The carrier's own words are kept for replay, without credentials.
    (raw,) = await here.house.store.raw_responses(tracking.id)
    assert raw.body
    assert CLIENT["client_secret"].encode() not in raw.body
    assert await here.gaps() == []


async def test_an_unknown_number_is_notfound_by_the_carriers_own_word(here: World) -> None:
    here.script.show(Behaviour.UNKNOWN)
    stored = await here.create()
    assert stored.tracking.status is Status.NOTFOUND
    assert stored.poll.last_outcome == Outcome.UNKNOWN_NUMBER
    assert stored.poll.due_at is not None


@pytest.mark.parametrize("behaviour", [Behaviour.FORBIDDEN, Behaviour.HTML])
async def test_what_is_not_understood_is_kept_and_never_called_notfound(
    here: World, behaviour: Behaviour
) -> None:
    here.script.show(behaviour)
    stored = await here.create()
    assert stored.tracking.status is Status.PENDING
    assert stored.poll.last_outcome in (Outcome.NOT_UNDERSTOOD, Outcome.AUTH_FAILED)
    assert here.script.shown[behaviour]
    if stored.poll.last_outcome == Outcome.NOT_UNDERSTOOD:
        assert here.courier in await here.gaps()
        raw = await here.house.store.raw_responses(stored.tracking.id)
        # What the door of the official API answers is never kept: it may hold a token.
        assert bool(raw) == (here.transport == "web")


async def test_a_rate_limit_pauses_the_carrier_not_the_parcel(here: World) -> None:
    here.script.retry_after = "90"
    here.script.show(Behaviour.RATE_LIMITED)
    now = here.house.clock.now()
    stored = await here.create()
    assert stored.poll.last_outcome == Outcome.RATE_LIMITED
    assert stored.poll.due_at is not None
    assert 80_000 <= stored.poll.due_at - now <= 100_000
    # The next parcel of this carrier is not even asked about.
    asked = sum(here.script.shown.values())
    other = await here.create(
        "990012345612345222" if here.courier == "swiss-post" else "5P12345678901"
    )
    assert sum(here.script.shown.values()) == asked
    assert other.poll.checked_at is None


async def test_a_cut_connection_is_an_outage_of_the_carrier(here: World) -> None:
    here.script.show(Behaviour.CUT)
    stored = await here.create()
    assert stored.tracking.status is Status.PENDING
    assert stored.poll.last_outcome == Outcome.UNAVAILABLE
    assert stored.poll.checked_at is None
    assert await here.house.store.pauses()


@pytest.mark.parametrize("courier", CARRIERS)
async def test_refused_credentials_break_the_connection_once(courier: str, tmp_path: Path) -> None:
    async with world(tmp_path, courier, "api") as here:
        here.script.show(Behaviour.TOKEN_EXPIRED)
        stored = await here.create()
        assert stored.tracking.status is Status.PENDING
        assert stored.poll.last_outcome == Outcome.AUTH_FAILED
        (connection,) = await here.house.store.list_connections(here.owner.number)
        assert connection.broken_since is not None
        assert CLIENT["client_secret"] not in connection.broken_reason


@pytest.mark.parametrize("courier", CARRIERS)
async def test_a_token_that_runs_out_is_renewed_unnoticed(courier: str, tmp_path: Path) -> None:
    async with world(tmp_path, courier, "api") as here:
        here.script.show(Behaviour.TOKEN_EXPIRED, NUMBERS[courier], times=1)
        stored = await here.create()
        assert here.script.shown[Behaviour.TOKEN_EXPIRED] == 1
        assert stored.tracking.status is Status.DELIVERED


@pytest.mark.parametrize("courier", CARRIERS)
async def test_a_slow_carrier_does_not_hold_up_create_and_is_heard_later(
    courier: str, tmp_path: Path
) -> None:
    async with world(tmp_path, courier, "api", fetch_wait_seconds=0.3) as here:
        here.script.slow_seconds = 1.0
        here.script.show(Behaviour.SLOW, NUMBERS[courier])
        stored = await here.create()
        assert stored.tracking.status is Status.PENDING
        await here.house.service.drain()
        later = await here.house.service.get(here.owner.number * 2, stored.tracking.id)
        assert later.tracking.status is Status.DELIVERED


@pytest.mark.parametrize("courier", CARRIERS)
async def test_without_credentials_nothing_is_asked(courier: str, tmp_path: Path) -> None:
    async with world(tmp_path, courier, "api") as here:
        for connection in await here.house.store.list_connections(here.owner.number):
            await here.house.store.delete_connection(here.owner.number, connection.id)
        stored = await here.create()
        assert sum(here.script.shown.values()) == 0
        assert stored.tracking.status is Status.PENDING
        assert courier in stored.poll.due_reason
