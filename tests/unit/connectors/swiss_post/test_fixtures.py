"""The written cases of Swiss Post: that there are enough, and what they must never do.

The suite of all connectors compares each with its expected report; here stands what is Swiss
Post's own.
"""

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.domain.report import Outcome

from .replaying import load_cases, load_reports, replay

CASES = load_cases()


def test_both_transports_have_their_cases() -> None:
    by_transport = [case["transport"] for case in CASES.values()]
    assert by_transport.count("web") >= 25
    assert by_transport.count("api") >= 25


def test_no_case_claims_to_be_recorded() -> None:
    assert {case["provenance"] for case in CASES.values()} == {"documented", "synthetic"}
    assert all(case["source"] for case in CASES.values())


@pytest.mark.parametrize("name", CASES)
def test_the_case_gives_its_report(name: str) -> None:
    reports, asked = replay(CASES[name])
    bare = [replace(report, raw=b"", fetched_at=0) for report in reports]
    assert json.loads(msgspec.json.encode(bare)) == load_reports(name)
    written = [exchange["request"] for exchange in CASES[name]["exchange"]]
    assert [(request.method, request.url) for request in asked] == [
        (request["method"], request["url"]) for request in written
    ]


@pytest.mark.parametrize("name", CASES)
def test_no_report_tells_a_secret(name: str) -> None:
    case = CASES[name]
    secrets = ["not-a-real-secret", "token-1", "token-2", "csrf-1", "cookie-1", "[anonymous]"]
    for report in replay(case)[0]:
        told = msgspec.json.encode(report).decode() + report.raw.decode("utf-8", "replace")
        assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize("name", [name for name in CASES if CASES[name]["transport"] == "web"])
def test_no_web_case_blames_credentials(name: str) -> None:
    """The page has no credentials; AUTH_FAILED would stop the connection for good."""
    assert replay(CASES[name])[0][0].outcome is not Outcome.AUTH_FAILED


def test_several_questions_are_answered_in_their_order() -> None:
    first, second = CASES["web_delivered"], CASES["web_unknown_number"]
    # The session of the first query serves the second: its handshake falls away.
    case: dict[str, Any] = first | {
        "queries": [*first["queries"], *second["queries"]],
        "exchange": [*first["exchange"], *second["exchange"][1:]],
    }
    reports, _ = replay(case)
    assert [report.outcome for report in reports] == [Outcome.FOUND, Outcome.UNKNOWN_NUMBER]
