"""The connector of Swiss Post against the mock Swiss Post, over real HTTP on loopback."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from parcelwire.connectors.base import CarrierContext, Request, Response, TrackingQuery
from parcelwire.connectors.carriers.swiss_post import CONNECTOR
from parcelwire.connectors.exchange import run_exchange
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.server import MockServer, base_urls_of
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.transport import HttpTransport, Limits, TransportSettings
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Reason, Status, Substatus

NUMBER = "990012345678901234"
CREDENTIALS = {"client_id": "shop-1", "client_secret": "made-up-for-this-test"}
SCENARIO_SECONDS = 100.0
TRANSPORTS = ("api", "web")


def application(clock: FrozenClock, script: Script, credentials: dict[str, str]) -> web.Application:
    return MockServer(CONNECTOR, clock, script, credentials=credentials).application()


class Carrier:
    """A running mock Swiss Post, and somebody who asks it."""

    def __init__(self, address: str, clock: FrozenClock, script: Script) -> None:
        self.address = address
        self.clock = clock
        self.script = script
        self.credentials = dict(CREDENTIALS)
        self.session_state: dict[str, Any] = {}
        self.sent: list[str] = []
        self._http = HttpTransport(clock, TransportSettings(repeats=0))

    async def close(self) -> None:
        await self._http.close()

    async def ask(
        self, transport: str, number: str = NUMBER, language: str = "en"
    ) -> CarrierReport:
        context = CarrierContext(
            transport=transport,
            now=self.clock.now(),
            credentials=self.credentials,
            base_urls=base_urls_of(CONNECTOR, self.address),
            session_state=self.session_state,
            language=language,
        )
        query = TrackingQuery(number=number, courier_code="swiss-post")
        (report,) = await run_exchange(CONNECTOR.track([query], context), self._send)
        return report

    async def control(self, order: Any) -> tuple[int, Any]:
        async with (
            aiohttp.ClientSession() as http,
            http.put(f"{self.address}/_control", json=order) as answer,
        ):
            return answer.status, await answer.json()

    async def _send(self, request: Request) -> Response:
        self.sent.append(f"{request.method} {request.url.removeprefix(self.address)}")
        return await self._http.send(request, Limits())


@pytest.fixture
async def carrier() -> AsyncIterator[Carrier]:
    clock = FrozenClock()
    script = Script(scenario_seconds=SCENARIO_SECONDS)
    async with run_mock_server(application(clock, script, CREDENTIALS)) as address:
        asker = Carrier(address, clock, script)
        yield asker
        await asker.close()


def stage(report: CarrierReport) -> tuple[Status | None, Substatus | None]:
    assert report.outcome is Outcome.FOUND
    stages = [point for point in report.checkpoints if point.status and not point.is_withdrawn]
    return (stages[-1].status, stages[-1].substatus) if stages else (None, None)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_parcel_lives_through_every_stage(carrier: Carrier, transport: str) -> None:
    report = await carrier.ask(transport)
    assert report.outcome is Outcome.UNKNOWN_NUMBER

    seen: list[tuple[Status | None, Substatus | None]] = []
    for _ in range(20):
        carrier.clock.advance(SCENARIO_SECONDS / 20)
        now = stage(await carrier.ask(transport))
        if not seen or seen[-1] != now:
            seen.append(now)
    assert seen == [
        (Status.INFORECEIVED, Substatus.INFORECEIVED),
        (Status.TRANSIT, Substatus.TRANSIT),
        (Status.TRANSIT, Substatus.TRANSIT_AT_HUB),
        (Status.PICKUP, Substatus.PICKUP_OUT_FOR_DELIVERY),
        (Status.DELIVERED, Substatus.DELIVERED),
    ]
    assert carrier.script.shown[Behaviour.FOUND] >= 21


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("scenario", "end"),
    [
        ("delivered", Substatus.DELIVERED),
        ("counter", Substatus.DELIVERED_COLLECTED),
        ("returned", Substatus.EXCEPTION_RETURNED),
        ("customs", Substatus.DELIVERED),
        ("po-box", Substatus.DELIVERED),
        ("letter", Substatus.DELIVERED),
        ("machine", Substatus.DELIVERED),
        ("withdrawn", Substatus.DELIVERED),
        ("new-code", Substatus.TRANSIT_AT_HUB),
    ],
)
async def test_each_story_ends_as_it_should(
    carrier: Carrier, transport: str, scenario: str, end: Substatus
) -> None:
    carrier.script.scenarios[NUMBER] = scenario
    carrier.script.scenario_seconds = 0
    report = await carrier.ask(transport)
    assert stage(report) == (end.status, end)
    assert [one.kind for one in report.unmapped] == (["code"] if scenario == "new-code" else [])


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_number_chooses_its_story(carrier: Carrier, transport: str) -> None:
    carrier.script.scenario_seconds = 0
    report = await carrier.ask(transport, NUMBER[:-3] + "902")
    assert stage(report) == (Status.DELIVERED, Substatus.DELIVERED_COLLECTED)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("number", ["980012345678901234", "RA471108151CH"])
async def test_a_letter_has_the_short_codes_of_letters(
    carrier: Carrier, transport: str, number: str
) -> None:
    carrier.script.scenario_seconds = 0
    report = await carrier.ask(transport, number)
    assert report.checkpoints[-1].raw_code == "LETTER.*.11.40"
    assert stage(report) == (Status.DELIVERED, Substatus.DELIVERED)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_waiting_parcel_tells_where_it_waits(carrier: Carrier, transport: str) -> None:
    carrier.script.scenarios[NUMBER] = "machine"
    await carrier.ask(transport)
    carrier.clock.advance(SCENARIO_SECONDS * 0.85)
    report = await carrier.ask(transport)
    # The overall status says DELIVERED already; the event of the machine knows better.
    assert stage(report) == (Status.PICKUP, Substatus.PICKUP_READY_FOR_COLLECTION)
    assert report.facts is not None
    assert report.facts.pickup_point is not None
    assert report.facts.pickup_point.startswith("Filiale 3000 Bern Musterplatz")
    assert (report.facts.pickup_until_on is not None) == (transport == "web")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refused_parcel_goes_back_with_its_reason(carrier: Carrier, transport: str) -> None:
    carrier.script.scenarios[NUMBER] = "returned"
    await carrier.ask(transport)
    carrier.clock.advance(SCENARIO_SECONDS * 0.85)
    report = await carrier.ask(transport)
    last = report.checkpoints[-1]
    assert (last.substatus, last.reason) == (
        Substatus.EXCEPTION_RETURNING,
        Reason.RECIPIENT_REFUSED,
    )
    assert last.text == "Return – Reason: acceptance refused"


async def test_a_withdrawn_delivery_is_hidden_until_the_next_one(carrier: Carrier) -> None:
    carrier.script.scenarios[NUMBER] = "withdrawn"
    await carrier.ask("web")
    carrier.clock.advance(SCENARIO_SECONDS * 0.95)
    report = await carrier.ask("web")
    assert stage(report) == (Status.PICKUP, Substatus.PICKUP_OUT_FOR_DELIVERY)
    assert [point.is_withdrawn for point in report.checkpoints[-2:]] == [True, True]


async def test_facts_window_and_times_of_the_page(carrier: Carrier) -> None:
    await carrier.ask("web")
    carrier.clock.advance(SCENARIO_SECONDS * 0.75)
    report = await carrier.ask("web")
    facts, window = report.facts, report.window
    assert facts is not None
    assert window is not None
    assert (facts.weight_grams, facts.length_mm, facts.width_mm, facts.height_mm) == (
        1140,
        400,
        250,
        155,
    )
    assert facts.product == "PostPac Priority"
    assert (window.earliest, window.latest) == ("2026-03-02T09:00", "2026-03-02T12:00")
    assert {point.offset_minutes for point in report.checkpoints} == {60}


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("de", "Verlad in Zustellfahrzeug"),
        ("en", "Loading into delivery vehicle"),
        ("fr", "Chargement dans le véhicule de distribution"),
        ("it", "Carico sul veicolo di recapito"),
        ("cn", "Loading into delivery vehicle"),
    ],
)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_texts_come_in_the_language_asked_for(
    carrier: Carrier, transport: str, language: str, text: str
) -> None:
    await carrier.ask(transport)
    carrier.clock.advance(SCENARIO_SECONDS * 0.75)
    report = await carrier.ask(transport, language=language)
    assert report.checkpoints[-1].text == text
    assert report.checkpoints[-1].language == (language if language != "cn" else "en")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (Behaviour.UNKNOWN, Outcome.UNKNOWN_NUMBER),
        (Behaviour.FORBIDDEN, Outcome.NOT_UNDERSTOOD),
        (Behaviour.RATE_LIMITED, Outcome.RATE_LIMITED),
        (Behaviour.HTML, Outcome.NOT_UNDERSTOOD),
        (Behaviour.CUT, Outcome.UNAVAILABLE),
        (Behaviour.SLOW, Outcome.FOUND),
    ],
)
async def test_each_behaviour_has_its_outcome(
    carrier: Carrier, transport: str, behaviour: Behaviour, outcome: Outcome
) -> None:
    carrier.script.scenario_seconds = 0
    carrier.script.show(behaviour, NUMBER)
    report = await carrier.ask(transport)
    assert report.outcome is outcome
    assert carrier.script.shown[behaviour] >= 1

    carrier.script.calm(NUMBER)
    assert (await carrier.ask(transport)).outcome is Outcome.FOUND


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("behaviour", [Behaviour.FORBIDDEN, Behaviour.HTML, Behaviour.CUT])
async def test_a_broken_carrier_is_never_a_missing_parcel(
    carrier: Carrier, transport: str, behaviour: Behaviour
) -> None:
    carrier.script.show(behaviour)
    report = await carrier.ask(transport)
    assert report.outcome in {Outcome.NOT_UNDERSTOOD, Outcome.UNAVAILABLE}
    assert carrier.script.shown[behaviour] >= 1


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("90", 90), ("Sun, 01 Mar 2026 10:02:30 GMT", 150), ("", 120)]
)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_both_forms_of_retry_after_are_read(
    carrier: Carrier, transport: str, retry_after: str, seconds: int
) -> None:
    carrier.script.retry_after = retry_after
    carrier.script.show(Behaviour.RATE_LIMITED, NUMBER)
    report = await carrier.ask(transport)
    assert report.outcome is Outcome.RATE_LIMITED
    assert report.retry_at == carrier.clock.now() + seconds * 1000


async def test_a_token_is_kept_for_the_next_question(carrier: Carrier) -> None:
    carrier.script.scenario_seconds = 0
    await carrier.ask("api")
    await carrier.ask("api")
    assert carrier.sent.count("POST /OAuth/token") == 1
    carrier.clock.advance(3600 - 29)
    await carrier.ask("api")
    assert carrier.sent.count("POST /OAuth/token") == 2


async def test_an_expired_token_is_renewed_once(carrier: Carrier) -> None:
    carrier.script.scenario_seconds = 0
    await carrier.ask("api")
    carrier.script.show(Behaviour.TOKEN_EXPIRED, NUMBER, times=1)
    assert (await carrier.ask("api")).outcome is Outcome.FOUND
    assert carrier.sent.count("POST /OAuth/token") == 2
    assert carrier.script.shown[Behaviour.TOKEN_EXPIRED] == 1


async def test_a_token_that_is_never_accepted_stops_the_connection(carrier: Carrier) -> None:
    carrier.script.show(Behaviour.TOKEN_EXPIRED, NUMBER)
    report = await carrier.ask("api")
    assert report.outcome is Outcome.AUTH_FAILED
    assert carrier.sent.count("POST /OAuth/token") == 2


@pytest.mark.parametrize("wrong", [{"client_secret": "other"}, {"client_id": ""}])
async def test_wrong_credentials_stop_the_connection(
    carrier: Carrier, wrong: dict[str, str]
) -> None:
    carrier.credentials |= wrong
    report = await carrier.ask("api")
    assert report.outcome is Outcome.AUTH_FAILED
    assert "other" not in report.detail
    assert not report.raw


async def test_without_credentials_of_its_own_the_server_accepts_nobody() -> None:
    clock = FrozenClock()
    async with run_mock_server(application(clock, Script(), {})) as address:
        carrier = Carrier(address, clock, Script())
        assert (await carrier.ask("api")).outcome is Outcome.AUTH_FAILED
        carrier.credentials = {"client_id": "None", "client_secret": "None"}
        assert (await carrier.ask("api")).outcome is Outcome.AUTH_FAILED
        await carrier.close()


async def test_a_session_of_the_page_serves_many_numbers(carrier: Carrier) -> None:
    carrier.script.scenario_seconds = 0
    await carrier.ask("web")
    report = await carrier.ask("web", "990012345678905678")
    assert report.outcome is Outcome.FOUND
    assert carrier.sent.count("GET /ekp-web/api/user") == 1


async def test_a_dead_session_is_opened_again_once(carrier: Carrier) -> None:
    carrier.script.scenario_seconds = 0
    await carrier.ask("web")
    carrier.script.show(Behaviour.TOKEN_EXPIRED, NUMBER, times=1)
    assert (await carrier.ask("web")).outcome is Outcome.FOUND
    assert carrier.sent.count("GET /ekp-web/api/user") == 2

    carrier.script.show(Behaviour.TOKEN_EXPIRED, NUMBER)
    assert (await carrier.ask("web")).outcome is Outcome.NOT_UNDERSTOOD
    assert carrier.sent.count("GET /ekp-web/api/user") == 3


async def test_the_page_finds_nothing_that_was_not_searched_first(carrier: Carrier) -> None:
    """The server keeps the trap of the real page, without which the rule for [] proves nothing."""
    carrier.script.scenario_seconds = 0
    await carrier.ask("web")
    session = carrier.session_state["web_session"]
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in session["cookies"].items())}
    url = f"{carrier.address}/ekp-web/api/history/not-included/{'0' * 64}"
    async with (
        aiohttp.ClientSession() as http,
        http.get(url, params={"userId": session["user_id"]}, headers=headers) as answer,
    ):
        assert (answer.status, await answer.json()) == (200, [])


async def test_another_process_can_switch_the_script(carrier: Carrier) -> None:
    status, state = await carrier.control(
        {
            "all": "html",
            "numbers": {NUMBER: {"behaviour": "cut", "times": 1}},
            "scenarios": {NUMBER: "counter"},
            "scenario_seconds": 0,
        }
    )
    assert status == 200
    assert state["all"] == {"behaviour": "html", "times": None}
    assert (await carrier.ask("api")).outcome is Outcome.NOT_UNDERSTOOD  # no token: HTML for all

    await carrier.control({"all": None})
    assert (await carrier.ask("api")).outcome is Outcome.UNAVAILABLE  # cut, once
    assert stage(await carrier.ask("api"))[1] is Substatus.DELIVERED_COLLECTED


@pytest.mark.parametrize("order", [{"all": "dance"}, {"nothing": 1}, ["all"], {"numbers": 3}])
async def test_an_order_that_is_none_is_refused(carrier: Carrier, order: Any) -> None:
    status, _ = await carrier.control(order)
    assert status == 400
    assert carrier.script.every is None
