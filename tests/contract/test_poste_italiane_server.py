"""The connector against the mock Poste Italiane: real sockets, real HTTP, both transports."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from parcelwire.connectors.base import (
    CarrierContext,
    Outcome,
    Request,
    Response,
    TrackingQuery,
)
from parcelwire.connectors.carriers.poste_italiane import CONNECTOR
from parcelwire.connectors.exchange import run_exchange
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.transport import HttpTransport, Limits, TransportSettings
from parcelwire.domain.checkpoint import TimeSource
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.report import CarrierReport
from parcelwire.domain.status import Status, Substatus

CREDENTIALS = {"client_id": "shop-1", "client_secret": "made-up-secret"}
SCENARIO_SECONDS = 100.0
NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The server speaks plain HTTP; loading the trusted ones takes 20 ms."""
TRANSPORTS = pytest.mark.parametrize("transport", ["api", "web"])


def application(clock: FrozenClock, script: Script, credentials: dict[str, str]) -> web.Application:
    return MockServer(CONNECTOR, clock, script, credentials=credentials).application()


class Shop:
    """A caller with its own clock, memory and wire."""

    def __init__(self, base_url: str, clock: FrozenClock, script: Script) -> None:
        self.base_url = base_url
        self.clock = clock
        self.script = script
        self.session_state: dict[str, Any] = {}
        self.credentials = dict(CREDENTIALS)
        self.sent: list[str] = []

    async def ask(self, transport: str, *numbers: str) -> list[CarrierReport]:
        context = CarrierContext(
            transport=transport,
            now=self.clock.now(),
            credentials=self.credentials if transport == "api" else {},
            base_urls={"api": f"{self.base_url}/gp/internet", "web": self.base_url},
            session_state=self.session_state,
        )
        queries = [
            TrackingQuery(number=number, courier_code="poste-italiane") for number in numbers
        ]
        http = HttpTransport(self.clock, TransportSettings(repeats=0), ssl_context=NO_CERTIFICATES)

        async def send(request: Request) -> Response:
            self.sent.append(request.url.removeprefix(self.base_url))
            return await http.send(request, Limits())

        try:
            return await run_exchange(CONNECTOR.track(queries, context), send)
        finally:
            await http.close()

    async def control(self, order: dict[str, Any]) -> dict[str, Any]:
        async with (
            aiohttp.ClientSession() as session,
            session.put(f"{self.base_url}/_control", data=json.dumps(order)) as answer,
        ):
            assert answer.status == 200
            state: dict[str, Any] = await answer.json()
            return state


@pytest.fixture
async def shop() -> AsyncIterator[Shop]:
    clock = FrozenClock()
    script = Script(scenario_seconds=SCENARIO_SECONDS)
    async with run_mock_server(application(clock, script, CREDENTIALS)) as base_url:
        yield Shop(base_url, clock, script)


async def _live(shop: Shop, transport: str, number: str, steps: int = 20) -> list[CarrierReport]:
    """Ask about ``number`` through its whole scenario; return what was said each time."""
    reports = []
    for step in range(steps + 1):
        reports.extend(await shop.ask(transport, number))
        if step < steps:
            shop.clock.advance(SCENARIO_SECONDS / steps)
    return reports


def _stages(reports: list[CarrierReport]) -> list[Any]:
    """Return the stages that ``reports`` went through, each once in a row."""
    stages: list[Any] = []
    for report in reports:
        newest = max(report.checkpoints, key=lambda c: c.occurred_at, default=None)
        stage = newest.substatus if newest is not None else report.outcome
        if not stages or stages[-1] != stage:
            stages.append(stage)
    return stages


@TRANSPORTS
async def test_a_parcel_lives_from_unknown_to_delivered(shop: Shop, transport: str) -> None:
    reports = await _live(shop, transport, "ZA000000011IT")
    assert _stages(reports) == [
        Outcome.UNKNOWN_NUMBER,
        Substatus.INFORECEIVED,
        Substatus.TRANSIT,
        Substatus.PICKUP_OUT_FOR_DELIVERY,
        Substatus.DELIVERED,
    ]
    assert not any(report.unmapped for report in reports)
    final = reports[-1]
    assert final.facts is not None
    assert final.facts.product == "POSTEDELIVERY EXPRESS"
    sources = {checkpoint.time_source for checkpoint in final.checkpoints}
    assert sources == {TimeSource.HOME if transport == "api" else TimeSource.CARRIER}
    assert {checkpoint.offset_minutes for checkpoint in final.checkpoints} == {60}
    # The frozen clock stands in March 2026; the last thing happened at the end of the scenario.
    last = max(checkpoint.occurred_at for checkpoint in final.checkpoints)
    assert last == shop.clock.now()


@TRANSPORTS
@pytest.mark.parametrize(
    ("number", "last_stages"),
    [
        (
            "ZA000000017IT",
            [Substatus.UNDELIVERED_NOBODY_HOME, Substatus.PICKUP_READY_FOR_COLLECTION],
        ),
        ("ZA000000018IT", [Substatus.EXCEPTION_RETURNING, Substatus.EXCEPTION_RETURNED]),
        (
            "ZA000000019IT",
            [
                Substatus.UNDELIVERED_NOBODY_HOME,
                Substatus.PICKUP_OUT_FOR_DELIVERY,
                Substatus.DELIVERED,
            ],
        ),
        (
            "LX000000011US",
            [
                Substatus.TRANSIT_CUSTOMS_CLEARED,
                Substatus.PICKUP_OUT_FOR_DELIVERY,
                Substatus.DELIVERED,
            ],
        ),
    ],
)
async def test_other_stories(
    shop: Shop, transport: str, number: str, last_stages: list[Substatus]
) -> None:
    reports = await _live(shop, transport, number)
    assert _stages(reports)[-len(last_stages) :] == last_stages
    assert not any(report.unmapped for report in reports)
    assert reports[-1].facts is not None
    if number == "ZA000000017IT":
        assert reports[-1].facts.pickup_point == "Ufficio Postale Modena Centro, 41121 Modena (MO)"
    # Dovequando has a flag for it; the official answer says it in words only.
    silence = None if transport == "api" else False
    went_back = last_stages[-1] is Substatus.EXCEPTION_RETURNED
    assert reports[-1].facts.is_returning is (True if went_back else silence)


async def test_the_promise_comes_along(shop: Shop) -> None:
    await shop.ask("web", "ZA000000011IT")
    shop.clock.advance(SCENARIO_SECONDS / 2)
    report = (await shop.ask("web", "ZA000000011IT"))[0]
    assert report.window is not None
    assert (report.window.earliest, report.window.latest) == ("2026-03-02", "2026-03-02")


@TRANSPORTS
async def test_many_numbers_in_one_question(shop: Shop, transport: str) -> None:
    shop.script.scenario_seconds = 0
    shop.script.show(Behaviour.UNKNOWN, "ZA000000012IT")
    numbers = ["ZA000000011IT", "ZA000000012IT", "ZA000000018IT"]
    reports = await shop.ask(transport, *numbers)
    assert [report.number for report in reports] == numbers
    assert [report.outcome for report in reports] == [
        Outcome.FOUND,
        Outcome.UNKNOWN_NUMBER,
        Outcome.FOUND,
    ]
    assert reports[2].checkpoints[-1].substatus is Substatus.EXCEPTION_RETURNED
    # Official: a token, all three, and the one left out alone. Public: one call.
    assert len(shop.sent) == (3 if transport == "api" else 1)


async def test_a_carrier_that_answers_one_number_per_call(shop: Shop) -> None:
    script = Script(scenario_seconds=0)
    script.most_numbers = 1
    app = application(shop.clock, script, CREDENTIALS)
    async with run_mock_server(app) as base_url:
        other = Shop(base_url, shop.clock, script)
        numbers = ["ZA000000011IT", "ZA000000013IT", "ZA000000014IT"]
        reports = await other.ask("api", *numbers)
        assert [report.outcome for report in reports] == [Outcome.FOUND] * 3
        assert len(other.sent) == 4


async def test_token_is_kept_and_renewed_before_it_ends(shop: Shop) -> None:
    shop.script.scenario_seconds = 0
    for _ in range(3):
        await shop.ask("api", "ZA000000011IT")
    assert sum(url.endswith("/user/sessions") for url in shop.sent) == 1
    shop.clock.advance(3599 - 30)
    assert (await shop.ask("api", "ZA000000011IT"))[0].outcome is Outcome.FOUND
    assert sum(url.endswith("/user/sessions") for url in shop.sent) == 2


async def test_a_token_refused_once_is_replaced(shop: Shop) -> None:
    shop.script.scenario_seconds = 0
    await shop.ask("api", "ZA000000011IT")
    shop.script.show(Behaviour.TOKEN_EXPIRED, "ZA000000011IT", times=1)
    report = (await shop.ask("api", "ZA000000011IT"))[0]
    assert report.outcome is Outcome.FOUND
    assert shop.script.shown[Behaviour.TOKEN_EXPIRED] == 1


async def test_tokens_refused_for_ever_are_the_operators_business(shop: Shop) -> None:
    shop.script.show(Behaviour.TOKEN_EXPIRED)
    report = (await shop.ask("api", "ZA000000011IT"))[0]
    assert report.outcome is Outcome.AUTH_FAILED
    assert shop.script.shown[Behaviour.TOKEN_EXPIRED] == 2


async def test_wrong_secret(shop: Shop) -> None:
    shop.credentials["client_secret"] = "another"
    report = (await shop.ask("api", "ZA000000011IT"))[0]
    assert report.outcome is Outcome.AUTH_FAILED
    assert "another" not in repr(report)


async def test_a_server_without_credentials_lets_nobody_in(shop: Shop) -> None:
    async with run_mock_server(application(shop.clock, Script(), {})) as base_url:
        other = Shop(base_url, shop.clock, Script())
        assert (await other.ask("api", "ZA000000011IT"))[0].outcome is Outcome.AUTH_FAILED


@TRANSPORTS
@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour.FORBIDDEN, Outcome.NOT_UNDERSTOOD),
        (Behaviour.HTML, Outcome.NOT_UNDERSTOOD),
        (Behaviour.CUT, Outcome.UNAVAILABLE),
        (Behaviour.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Behaviour.UNKNOWN, Outcome.UNKNOWN_NUMBER),
        (Behaviour.SLOW, Outcome.FOUND),
    ],
)
async def test_behaviours(
    shop: Shop, transport: str, behaviour: Behaviour, outcome: Outcome
) -> None:
    shop.script.scenario_seconds = 0
    await shop.control({"numbers": {"ZA000000011IT": behaviour}, "slow_seconds": 1})
    report = (await shop.ask(transport, "ZA000000011IT"))[0]
    assert report.outcome is outcome
    assert shop.script.shown[behaviour] >= 1
    await shop.control({"numbers": {"ZA000000011IT": None}})
    assert (await shop.ask(transport, "ZA000000011IT"))[0].outcome is Outcome.FOUND


@TRANSPORTS
@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("77", 77), ("Sun, 01 Mar 2026 10:10:00 GMT", 600)]
)
async def test_advice_to_wait_in_both_forms(
    shop: Shop, transport: str, retry_after: str, seconds: int
) -> None:
    shop.script.retry_after = retry_after
    shop.script.show(Behaviour.RATE_LIMITED)
    report = (await shop.ask(transport, "ZA000000011IT"))[0]
    assert report.outcome is Outcome.RATE_LIMITED
    assert report.retry_at == shop.clock.now() + seconds * 1000


@TRANSPORTS
async def test_nobody_listens(shop: Shop, transport: str) -> None:
    async with run_mock_server(application(shop.clock, Script(), {})) as base_url:
        gone = Shop(base_url, shop.clock, Script())
    report = (await gone.ask(transport, "ZA000000011IT"))[0]
    assert report.outcome is Outcome.UNAVAILABLE
    assert "connect" in report.detail


async def test_both_transports_tell_the_same_story(shop: Shop) -> None:
    shop.script.scenario_seconds = 0
    for number in ("ZA000000011IT", "ZA000000017IT", "ZA000000018IT", "LX000000011US"):
        official = (await shop.ask("api", number))[0]
        public = (await shop.ask("web", number))[0]
        assert [(c.local_time, c.status, c.location) for c in official.checkpoints] == [
            (c.local_time, c.status, c.location) for c in public.checkpoints
        ]


async def test_stories_can_be_chosen_by_name(shop: Shop) -> None:
    await shop.control({"scenarios": {"ZA000000011IT": "returned"}, "scenario_seconds": 0})
    report = (await shop.ask("web", "ZA000000011IT"))[0]
    assert report.checkpoints[-1].substatus is Substatus.EXCEPTION_RETURNED
    assert report.checkpoints[0].status is Status.INFORECEIVED


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/online/dovequando/DQ-REST/ricercasemplice", b"no json"),
        ("/online/dovequando/DQ-REST/ricercasemplice", b"[]"),
        ("/online/dovequando/DQ-REST/ricercasemplice", b'{"codiceSpedizione": 7}'),
        ("/online/dovequando/DQ-REST/ricercamultipla", b'{"listaCodici": "x"}'),
        ("/online/dovequando/DQ-REST/ricercamultipla", b'{"listaCodici": [1]}'),
    ],
)
async def test_server_refuses_what_is_no_question(shop: Shop, path: str, body: bytes) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{shop.base_url}{path}", data=body) as answer,
    ):
        assert answer.status == 400


async def test_server_wants_the_bare_token_and_reads_both_methods(shop: Shop) -> None:
    shop.script.scenario_seconds = 0
    await shop.ask("api", "ZA000000011IT")
    url = f"{shop.base_url}/gp/internet/postalandlogistics/parcel/tracking"
    token = shop.session_state["token"]
    good = {"POSTE_clientID": "shop-1", "Authorization": token}
    query = {"waybillNumber": "ZA000000011IT", "lastTracingState": "N"}
    async with aiohttp.ClientSession() as session:
        async with session.get(url, params=query, headers=good) as answer:
            assert answer.status == 200
            assert (await answer.json())["return"]["shipment"][0]["tracking"]
        for bad in (
            {**good, "Authorization": f"Bearer {token}"},
            {**good, "POSTE_clientID": "shop-2"},
            {"POSTE_clientID": "shop-1"},
        ):
            async with session.get(url, params=query, headers=bad) as answer:
                assert answer.status == 401
        async with session.post(url, data=b'{"arg0": 1}', headers=good) as answer:
            assert (await answer.json())["return"]["code"] == 101


async def test_many_shops_at_once(shop: Shop) -> None:
    shop.script.scenario_seconds = 0
    answers = await asyncio.gather(
        *(shop.ask("web", f"ZA0000000{number:02}IT") for number in range(20))
    )
    assert all(reports[0].outcome is Outcome.FOUND for reports in answers)
