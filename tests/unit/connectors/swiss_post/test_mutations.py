"""Whatever bytes come back from Swiss Post, there is a report and it can be used."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.connectors.base import Request, Response
from parcelwire.domain.report import CarrierReport, Outcome

from .replaying import hold, load_cases, read_response

CASES = load_cases()
NOW = 1_776_420_000_000
STATUSES = (200, 201, 204, 301, 400, 401, 403, 404, 409, 418, 429, 500, 503, 599, 0)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20)
    | st.sampled_from(["2026-04-17T06:37:12+02:00", "PARCEL.*.1.4000", "RETURNED", "CANPDS"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=12), inner, max_size=4)
    ),
    max_leaves=12,
)


@st.composite
def damaged_bytes(draw: st.DrawFn, body: bytes) -> bytes:
    at = draw(st.integers(0, max(len(body), 1)))
    match draw(st.sampled_from(["cut", "flip", "insert", "double", "drop"])):
        case "cut":
            return body[:at]
        case "flip":
            return body[:at] + draw(st.binary(min_size=1, max_size=1)) + body[at + 1 :]
        case "insert":
            return body[:at] + draw(st.binary(max_size=30)) + body[at:]
        case "double":
            return body + body
        case _:
            return body[:at] + body[at + draw(st.integers(1, 40)) :]


@st.composite
def replaced_fields(draw: st.DrawFn, value: Any) -> Any:
    """Put other values in the place of some of a JSON value's parts."""
    if draw(st.integers(0, 7)) == 0:
        return draw(json_values)
    if isinstance(value, dict):
        return {name: draw(replaced_fields(part)) for name, part in value.items()}
    if isinstance(value, list):
        return [draw(replaced_fields(part)) for part in value]
    return value


@st.composite
def damaged_responses(draw: st.DrawFn, response: Response) -> Response:
    kind = draw(st.sampled_from(["bytes", "fields", "status", "json", "headers", "fault"]))
    match kind:
        case "bytes":
            return replace(response, body=draw(damaged_bytes(response.body)))
        case "fields" if response.body[:1] in {b"{", b"["}:
            fields = draw(replaced_fields(json.loads(response.body)))
            return replace(response, body=json.dumps(fields).encode())
        case "status":
            return replace(response, status=draw(st.sampled_from(STATUSES)))
        case "headers":
            headers = draw(
                st.dictionaries(
                    st.sampled_from(["content-type", "retry-after", "x-csrf-token"]),
                    st.text(max_size=30),
                )
            )
            return replace(response, headers=headers)
        case "fault":
            return Response(status=0, fault="cut", received_at=NOW)
        case _:
            return replace(response, body=json.dumps(draw(json_values)).encode())


def check(case: Any, reports: list[CarrierReport]) -> None:
    assert [report.number for report in reports] == [query["number"] for query in case["queries"]]
    for report in reports:
        msgspec.json.encode(report)
        for point in report.checkpoints:
            assert isinstance(point.occurred_at, int)
            assert point.iso_time[:10] == point.local_time[:10]
            assert len(point.identity) >= 3
            assert point.text
            if point.status is not None and point.substatus is not None:
                assert point.substatus.status is point.status
        if report.window is not None:
            assert report.window.earliest <= report.window.latest
        if report.outcome is Outcome.RATE_LIMITED:
            assert report.retry_at is not None


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.data())
def test_damage_never_breaks_the_conversation(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    written = [exchange["response"] for exchange in case["exchange"]]
    hit = data.draw(st.integers(0, max(len(written) - 1, 0)))

    def answer(step: int, _: Request) -> Response:
        # Beyond what is written: the exchange took another way, so anything may come.
        known = (
            read_response(written[step], NOW)
            if step < len(written)
            else Response(status=200, body=b"{}", received_at=NOW)
        )
        return data.draw(damaged_responses(known)) if step >= hit else known

    check(case, hold(case, answer))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["api_delivered", "web_delivered"]), st.data())
def test_answers_of_pure_chance_never_break_it_either(name: str, data: st.DataObject) -> None:
    def answer(_: int, __: Request) -> Response:
        return Response(
            status=data.draw(st.sampled_from(STATUSES)),
            headers=data.draw(
                st.sampled_from([{}, {"content-type": "text/html"}, {"x-csrf-token": "c"}])
            ),
            body=data.draw(st.binary(max_size=60) | json_values.map(json.dumps).map(str.encode)),
            received_at=NOW,
        )

    reports = hold(CASES[name], answer)
    check(CASES[name], reports)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([name for name in sorted(CASES) if name != "web_unknown_number"]),
    st.integers(0, 5),
    st.sampled_from(
        [
            Response(status=403, body=b"[]", received_at=NOW),
            Response(status=403, body=b'{"code":"NOT_FOUND"}', received_at=NOW),
            Response(status=404, body=b"", received_at=NOW),
            Response(status=404, body=b'{"message":"no route"}', received_at=NOW),
            Response(status=200, headers={"content-type": "text/html"}, body=b"<html>not found"),
            Response(status=204, received_at=NOW),
        ]
    ),
)
def test_no_gateway_makes_a_parcel_unknown(name: str, hit: int, gateway: Response) -> None:
    """From one step on only the gateway answers: that says nothing about the parcel."""
    case = CASES[name]
    written = [exchange["response"] for exchange in case["exchange"]]

    def answer(step: int, _: Request) -> Response:
        if step >= min(hit, len(written) - 1):
            return gateway
        return read_response(written[step], NOW)

    (report,) = hold(case, answer)
    assert report.outcome is not Outcome.UNKNOWN_NUMBER
