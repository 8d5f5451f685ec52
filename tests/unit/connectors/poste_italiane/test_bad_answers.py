"""Whatever comes back, there is one report per query, and nothing is called unknown lightly."""

import copy
import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from parcelwire.connectors.base import Outcome, Request, Response
from tests.unit.connectors.poste_italiane.replay import (
    CASES,
    NOW,
    access_of,
    body_bytes,
    load,
    play,
    questions_of,
    response_of,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(
        ["3", "1", "5", "S", "207", 207, 999, "2026-10-25 02:30:00", 1_767_200_000_000]
    )
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["return", "shipment", "tracking", "code", "messages", "esitoRicerca", "dataOra"]
            )
            | st.text(max_size=6),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
TOKEN = {"access_token": "tok", "expires_in": 3599}
BODIES = {case: [step["response"] for step in load(case)["exchange"]] for case in CASES}


def _check(case: str, responses: list[Response]) -> list[Any]:
    """Play ``responses``, the last one again and again if more is asked."""
    fixture = load(case)
    queries = questions_of(fixture)

    def answer(_request: Request, step: int) -> Response:
        return responses[min(step, len(responses) - 1)]

    reports, _ = play(queries, access_of(fixture), answer)
    assert [report.number for report in reports] == [query.number for query in queries]
    for report in reports:
        for checkpoint in report.checkpoints:
            assert isinstance(checkpoint.occurred_at, int)
            assert checkpoint.iso_time
            if checkpoint.substatus is not None:
                assert checkpoint.substatus.status is checkpoint.status
        if report.outcome is not Outcome.FOUND:
            assert not report.checkpoints
    return reports


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(CASES),
    st.lists(
        st.builds(
            Response,
            status=st.sampled_from([0, 200, 200, 200, 204, 302, 400, 401, 403, 404, 429, 500]),
            headers=st.dictionaries(
                st.sampled_from(["retry-after", "content-type"]), st.text(max_size=30), max_size=2
            ),
            body=st.binary(max_size=200),
            fault=st.none() | st.sampled_from(["timeout", "cut", "tls"]),
            received_at=st.just(NOW),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_any_bytes(case: str, responses: list[Response]) -> None:
    reports = _check(case, responses)
    # Random bytes never happen to be the carrier's positive sign.
    assert all(report.outcome is not Outcome.UNKNOWN_NUMBER for report in reports)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(CASES), VALUES)
def test_any_json(case: str, value: Any) -> None:
    token = Response(status=200, body=body_bytes(TOKEN), received_at=NOW)
    other = Response(status=200, body=body_bytes({"x": value}), received_at=NOW)
    bare = Response(status=200, body=body_bytes([value]), received_at=NOW)
    wrapped = Response(status=200, body=body_bytes({"return": value}), received_at=NOW)
    for last in (other, bare, wrapped):
        is_business = load(case)["transport"] == "api" and not load(case).get("session_state")
        _check(case, [token, last] if is_business else [last])


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(CASES), st.integers(0, 2**32), VALUES, st.sampled_from(["set", "drop", "key"])
)
def test_documented_answers_with_one_node_changed(
    case: str, seed: int, value: Any, how: str
) -> None:
    fixture = load(case)
    if not fixture["exchange"]:
        return
    chance = random.Random(seed)
    step = chance.randrange(len(fixture["exchange"]))
    changed = copy.deepcopy(fixture["exchange"][step]["response"]["body"])
    places = list(_places(changed))
    if places:
        container, key = chance.choice(places)
        if how == "drop":
            del container[key]
        elif how == "key" and isinstance(container, dict):
            container[str(value)] = container.pop(key)
        else:
            container[key] = value
    else:
        changed = value
    fixture["exchange"][step]["response"]["body"] = changed
    responses = [response_of(fixture, place) for place in range(len(fixture["exchange"]))]
    _check(case, responses)


def _places(node: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    pairs = (
        list(node.items())
        if isinstance(node, dict)
        else list(enumerate(node))
        if isinstance(node, list)
        else []
    )
    for key, child in pairs:
        found.append((node, key))
        found.extend(_places(child))
    return found


def test_deep_and_huge_answers() -> None:
    for case in ("web_accepted", "web_many_mixed", "api_in_transit", "api_many_in_one_call"):
        for body in (b"[" * 100_000, b'{"a":' * 100_000, b"9" * 100_000, b"\xff\xfe{}", b"\x00"):
            odd = Response(status=200, body=body, received_at=NOW)
            token = Response(status=200, body=body_bytes(TOKEN), received_at=NOW)
            for responses in ([odd], [token, odd]):
                for report in _check(case, responses):
                    assert report.outcome is Outcome.NOT_UNDERSTOOD


def test_no_positive_sign_no_unknown_number() -> None:
    """Pages for people, gateways and empty things are never "no such parcel"."""
    token = Response(status=200, body=body_bytes(TOKEN), received_at=NOW)
    page = b"<!doctype html><p>Spedizione non trovata"
    empties: list[Any] = [[], {}, None, "", 0, [[]], [{}], {"listaMovimenti": []}]
    empties += [{"return": {}}, {"return": {"shipment": []}}, {"return": {"code": 0}}]
    answers = [Response(status=200, body=body_bytes(empty), received_at=NOW) for empty in empties]
    answers += [
        Response(status=status, body=page, received_at=NOW)
        for status in (200, 302, 400, 403, 404, 410, 500)
    ]
    answers.append(Response(status=404, body=b'{"message":"no Route matched"}', received_at=NOW))
    for case in ("web_unknown_number", "web_many_mixed", "api_unknown_number"):
        for answer in answers:
            responses = [token, answer] if case.startswith("api") else [answer]
            for report in _check(case, responses):
                assert report.outcome in {Outcome.NOT_UNDERSTOOD, Outcome.UNAVAILABLE}
