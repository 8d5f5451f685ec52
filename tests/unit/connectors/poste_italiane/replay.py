"""Play a recorded or invented exchange to the connector, without a wire."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

import parcelwire.connectors.carriers.poste_italiane as package
from parcelwire.connectors.base import (
    CarrierContext,
    CarrierReport,
    Request,
    Response,
    TrackingQuery,
)
from parcelwire.connectors.carriers.poste_italiane import CONNECTOR

FIXTURES = Path(package.__file__).parent / "fixtures"
CASES = sorted(path.name.removesuffix(".in.json") for path in FIXTURES.glob("*.in.json"))
NOW = 1_767_351_600_000
CREDENTIALS = {"client_id": "shop-1", "client_secret": "made-up-secret"}


def load(case: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((FIXTURES / f"{case}.in.json").read_text("utf-8"))
    return read


def expected(case: str) -> list[dict[str, Any]]:
    read: list[dict[str, Any]] = json.loads((FIXTURES / f"{case}.out.json").read_text("utf-8"))[
        "reports"
    ]
    return read


def questions_of(fixture: dict[str, Any]) -> list[TrackingQuery]:
    return [TrackingQuery(**query) for query in fixture["queries"]]


def access_of(fixture: dict[str, Any]) -> CarrierContext:
    return CarrierContext(
        transport=fixture["transport"],
        now=fixture["now"],
        credentials=dict(fixture["credentials"]),
        session_state=dict(fixture.get("session_state", {})),
        language=fixture["language"],
    )


def body_bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)


def response_of(fixture: dict[str, Any], step: int) -> Response:
    answer = fixture["exchange"][step]["response"]
    return Response(
        status=answer["status"],
        headers=answer["headers"],
        cookies=answer["cookies"],
        body=body_bytes(answer["body"]),
        fault=answer["fault"],
        received_at=fixture["now"],
    )


def play(
    queries: list[TrackingQuery],
    context: CarrierContext,
    answer: Callable[[Request, int], Response],
) -> tuple[list[CarrierReport], list[Request]]:
    """Run an exchange; ``answer`` gets each request and its place. Also returns the requests."""
    asked: list[Request] = []
    exchange = CONNECTOR.track(queries, context)
    try:
        request = next(exchange)
        while True:
            asked.append(request)
            assert len(asked) <= 40, "the exchange does not end"
            request = exchange.send(answer(request, len(asked) - 1))
    except StopIteration as end:
        reports: list[CarrierReport] = end.value
        return reports, asked


def json_response(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        status=status,
        headers={"content-type": "application/json", **headers},
        body=body_bytes(body),
        received_at=NOW,
    )


def ask(*numbers: str) -> list[TrackingQuery]:
    return [TrackingQuery(number=number, courier_code="poste-italiane") for number in numbers]


def business_access(session_state: dict[str, Any] | None = None, **more: Any) -> CarrierContext:
    values: dict[str, Any] = {"transport": "api", "now": NOW, "credentials": dict(CREDENTIALS)}
    return CarrierContext(
        **{**values, "session_state": {} if session_state is None else session_state, **more}
    )
