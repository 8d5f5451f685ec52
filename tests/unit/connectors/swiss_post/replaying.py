"""Hold Swiss Post's exchange with written answers."""

import json
from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any

import msgspec

from parcelwire.connectors.base import CarrierContext, Request, Response, TrackingQuery
from parcelwire.connectors.carriers.swiss_post import CONNECTOR
from parcelwire.connectors.carriers.swiss_post.events import PACKAGE
from parcelwire.connectors.exchange import MAX_STEPS
from parcelwire.domain.report import CarrierReport


def load_cases() -> dict[str, Any]:
    """Return the fixtures' inputs by name."""
    folder = files(PACKAGE) / "fixtures"
    return {
        entry.name.removesuffix(".in.json"): json.loads(entry.read_text("utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".in.json")
    }


def load_reports(name: str) -> list[Any]:
    """Return what the fixture ``name`` expects."""
    text = (files(PACKAGE) / "fixtures" / f"{name}.out.json").read_text("utf-8")
    reports: list[Any] = json.loads(text)["reports"]
    return reports


def read_response(written: Any, now: int) -> Response:
    """Return an exchange's response as the transport would give it."""
    body = written["body"]
    return Response(
        status=written["status"],
        headers=written["headers"],
        cookies=written["cookies"],
        body=body.encode() if isinstance(body, str) else msgspec.json.encode(body),
        fault=written["fault"],
        received_at=now,
    )


def hold(case: Any, answer: Callable[[int, Request], Response]) -> list[CarrierReport]:
    """Run the exchange of ``case``; ``answer`` gets the number of the step and the request."""
    context = CarrierContext(
        transport=case["transport"],
        now=case["now"],
        credentials=case["credentials"],
        session_state=json.loads(json.dumps(case.get("session_state", {}))),
        language=case["language"],
    )
    queries = msgspec.convert(case["queries"], list[TrackingQuery])
    exchange = CONNECTOR.track(queries, context)
    try:
        request = next(exchange)
        for step in range(MAX_STEPS):
            request = exchange.send(answer(step, request))
    except StopIteration as end:
        reports: list[CarrierReport] = end.value
        return reports
    msg = f"still asking after {MAX_STEPS} steps"
    raise AssertionError(msg)


def replay(case: Any) -> tuple[list[CarrierReport], Sequence[Request]]:
    """Run ``case`` with its own answers; return the reports and what was asked."""
    asked: list[Request] = []

    def answer(step: int, request: Request) -> Response:
        asked.append(request)
        return read_response(case["exchange"][step]["response"], case["now"])

    return hold(case, answer), asked
