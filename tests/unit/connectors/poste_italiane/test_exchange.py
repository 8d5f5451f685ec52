"""What the fixtures do not show: session state, secrets, order, odd calls."""

import json
from typing import Any

import pytest

from parcelwire.connectors.base import CarrierContext, Outcome, Request, Response
from parcelwire.connectors.carriers.poste_italiane import CONNECTOR
from parcelwire.connectors.carriers.poste_italiane.api import DEFAULT_SCOPE
from tests.unit.connectors.poste_italiane.replay import (
    NOW,
    ask,
    business_access,
    json_response,
    play,
)

ARRIVED = {
    "data": "2026-01-01 10:00:00",
    "officeDescription": "Roma (RM)",
    "StatusDescription": "In transito",
    "phase": "IN TRANSITO",
    "status": "PCP",
}


def _numbers(request: Request) -> list[str]:
    entries = json.loads(request.body)["arg0"]["shipmentsData"]
    return [entry["waybillNumber"] for entry in entries]


def _found(*numbers: str) -> dict[str, Any]:
    shipments = [{"waybillNumber": n, "product": "X", "tracking": [ARRIVED]} for n in numbers]
    return {"return": {"outcome": "OK", "code": 0, "shipment": shipments}}


def _carrier(request: Request, _step: int) -> Response:
    """A carrier that gives a token and answers all it is asked for."""
    if request.url.endswith("/user/sessions"):
        return json_response({"access_token": "tok-1", "expires_in": 3599})
    return json_response(_found(*_numbers(request)))


def _only_first(request: Request, step: int) -> Response:
    """A carrier that answers one waybill per call, whatever it is asked."""
    if request.url.endswith("/user/sessions"):
        return _carrier(request, step)
    return json_response(_found(_numbers(request)[0]))


def test_token_is_asked_once_and_kept() -> None:
    session_state: dict[str, Any] = {}
    first = play(ask("ZA000000001IT"), business_access(session_state), _carrier)[1]
    second = play(ask("ZA000000002IT"), business_access(session_state), _carrier)[1]
    assert [len(first), len(second)] == [2, 1]
    assert second[0].headers["Authorization"] == "tok-1"


def test_token_is_renewed_a_minute_before_it_ends() -> None:
    session_state: dict[str, Any] = {}
    play(ask("ZA000000001IT"), business_access(session_state), _carrier)
    still_good = NOW + (3599 - 61) * 1000
    too_close = NOW + (3599 - 60) * 1000
    asked = play(ask("ZA000000001IT"), business_access(session_state, now=still_good), _carrier)[1]
    assert len(asked) == 1
    asked = play(ask("ZA000000001IT"), business_access(session_state, now=too_close), _carrier)[1]
    assert len(asked) == 2


def test_token_of_other_credentials_is_not_used() -> None:
    session_state: dict[str, Any] = {}
    play(ask("ZA000000001IT"), business_access(session_state), _carrier)
    other = {"client_id": "shop-2", "client_secret": "made-up-secret"}
    asked = play(ask("ZA000000001IT"), business_access(session_state, credentials=other), _carrier)[
        1
    ]
    assert [request.headers["POSTE_clientID"] for request in asked] == ["shop-2", "shop-2"]


@pytest.mark.parametrize(
    ("given", "sent"), [({}, DEFAULT_SCOPE), ({"scope": ""}, DEFAULT_SCOPE), ({"scope": "s"}, "s")]
)
def test_scope_is_a_setting(given: dict[str, str], sent: str) -> None:
    credentials = {"client_id": "shop-1", "client_secret": "made-up-secret", **given}
    asked = play(ask("ZA000000001IT"), business_access(credentials=credentials), _carrier)[1]
    assert json.loads(asked[0].body)["scope"] == sent


def test_secrets_are_marked_and_stay_out_of_reports() -> None:
    def leaky(request: Request, _step: int) -> Response:
        if request.url.endswith("/user/sessions"):
            return json_response({"accessToken": "precious", "secretId": "made-up-secret"}, 200)
        return json_response({}, 200)

    reports, asked = play(ask("ZA000000001IT"), business_access(), leaky)
    assert asked[0].is_secret_body
    assert {"authorization", "poste_clientid"} <= asked[0].secret_headers
    assert reports[0].outcome is Outcome.NOT_UNDERSTOOD
    assert "precious" not in repr(reports)
    assert "made-up-secret" not in repr(reports)


def test_many_in_one_call_come_back_in_the_order_asked() -> None:
    numbers = [f"ZA00000000{digit}IT" for digit in range(9)]

    def shuffled(request: Request, step: int) -> Response:
        if request.url.endswith("/user/sessions"):
            return _carrier(request, step)
        return json_response(_found(*reversed(_numbers(request))))

    reports, asked = play(ask(*numbers), business_access(), shuffled)
    assert [report.number for report in reports] == numbers
    assert len(asked) == 2
    assert all(b"ZA000000003IT" not in report.raw for report in reports[:3] + reports[4:])


def test_numbers_left_out_are_asked_again_alone() -> None:
    session_state: dict[str, Any] = {}
    numbers = ["ZA000000001IT", "ZA000000002IT", "ZA000000003IT"]
    reports, asked = play(ask(*numbers), business_access(session_state), _only_first)
    assert [report.outcome for report in reports] == [Outcome.FOUND] * 3
    assert [_numbers(request) for request in asked[1:]] == [numbers, numbers[1:2], numbers[2:]]


def test_after_an_answer_to_nobody_the_connection_asks_one_by_one() -> None:
    session_state: dict[str, Any] = {}
    numbers = ["ZA000000001IT", "ZA000000002IT"]

    def one_at_a_time(request: Request, step: int) -> Response:
        if not request.url.endswith("/user/sessions") and len(_numbers(request)) > 1:
            return json_response({"return": {"outcome": "KO", "code": 110, "shipment": []}})
        return _carrier(request, step)

    reports, asked = play(ask(*numbers), business_access(session_state), one_at_a_time)
    assert [report.outcome for report in reports] == [Outcome.FOUND] * 2
    assert len(asked) == 4
    asked = play(ask(*numbers), business_access(session_state), one_at_a_time)[1]
    assert [_numbers(request) for request in asked] == [numbers[:1], numbers[1:]]


def test_a_closed_door_ends_the_conversation() -> None:
    def closing(request: Request, step: int) -> Response:
        if step < 2:
            return _only_first(request, step)
        return Response(status=503, received_at=NOW)

    numbers = ["ZA000000001IT", "ZA000000002IT", "ZA000000003IT", "ZA000000004IT"]
    reports, asked = play(ask(*numbers), business_access(), closing)
    assert len(asked) == 3
    assert [report.outcome for report in reports] == [Outcome.FOUND] + [Outcome.UNAVAILABLE] * 3
    assert [report.number for report in reports] == numbers


def test_longest_conversation_stays_within_the_limit() -> None:
    def grudging(request: Request, step: int) -> Response:
        """One that forgets the token at every second call."""
        if request.url.endswith("/user/sessions"):
            return _carrier(request, step)
        if step % 2:
            return Response(status=401, received_at=NOW)
        return _only_first(request, step)

    batch_size = CONNECTOR.manifest.transport("api").batch_size
    numbers = [f"ZA0000000{digit:02}IT" for digit in range(batch_size)]
    reports, asked = play(ask(*numbers), business_access(), grudging)
    assert len(reports) == batch_size
    assert len(asked) <= 40


def test_hosts_can_be_replaced() -> None:
    context = business_access(base_urls={"api": "http://127.0.0.1:9/gp/internet/"})
    asked = play(ask("ZA000000001IT"), context, _carrier)[1]
    assert [request.url for request in asked] == [
        "http://127.0.0.1:9/gp/internet/user/sessions",
        "http://127.0.0.1:9/gp/internet/postalandlogistics/parcel/tracking",
    ]
    context = CarrierContext(transport="web", now=NOW, base_urls={"web": "http://127.0.0.1:9"})
    asked = play(ask("ZA000000001IT"), context, lambda *_: json_response({}))[1]
    assert asked[0].url == "http://127.0.0.1:9/online/dovequando/DQ-REST/ricercasemplice"


def test_no_question_and_no_such_transport() -> None:
    assert play([], business_access(), _carrier) == ([], [])
    context = CarrierContext(transport="fax", now=NOW)
    reports, asked = play(ask("ZA000000001IT"), context, _carrier)
    assert asked == []
    assert [report.outcome for report in reports] == [Outcome.NO_CONNECTION]


def test_batches_on_the_web_never_mix_parcels() -> None:
    context = CarrierContext(transport="web", now=NOW)
    answer = [
        {"idTracciatura": "AAAA", "esitoRicerca": "3", "listaMovimenti": []},
        {"idTracciatura": "BBBB", "esitoRicerca": "1"},
    ]
    reports = play(ask("BBBB", "CCCC", "AAAA"), context, lambda *_: json_response(answer))[0]
    outcomes = [report.outcome for report in reports]
    assert outcomes == [Outcome.UNKNOWN_NUMBER, Outcome.NOT_UNDERSTOOD, Outcome.FOUND]
    assert b"AAAA" not in reports[0].raw + reports[1].raw
    assert "AAAA" not in repr(reports[1])
