"""Every fixture: the requests it lists are the ones asked, the reports the ones it expects."""

import json
from typing import Any

import msgspec
import pytest

from parcelwire.connectors.base import Request, Response
from tests.unit.connectors.poste_italiane.replay import (
    CASES,
    access_of,
    expected,
    load,
    play,
    questions_of,
    response_of,
)


@pytest.mark.parametrize("case", CASES)
def test_fixture_gives_its_reports(case: str) -> None:
    fixture = load(case)

    def answer(request: Request, step: int) -> Response:
        listed = fixture["exchange"][step]["request"]
        assert (request.method, request.url) == (listed["method"], listed["url"])
        assert json.loads(request.body) == listed.get("body", json.loads(request.body))
        for name, value in listed.get("headers", {}).items():
            assert request.headers[name] == value
        return response_of(fixture, step)

    reports, asked = play(questions_of(fixture), access_of(fixture), answer)
    assert len(asked) == len(fixture["exchange"])
    assert [_comparable(report) for report in reports] == expected(case)


def test_fixtures_cover_both_transports_and_say_where_they_come_from() -> None:
    fixtures = [load(case) for case in CASES]
    assert sum(fixture["transport"] == "web" for fixture in fixtures) >= 25
    assert sum(fixture["transport"] == "api" for fixture in fixtures) >= 25
    assert {fixture["provenance"] for fixture in fixtures} == {"documented", "synthetic"}
    assert all(fixture["source"] for fixture in fixtures)


def _comparable(report: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(msgspec.json.encode(report))
    shown.pop("raw", None)
    shown.pop("fetched_at", None)
    return shown
