"""Answers made of a connector's fixtures: of another number, of another day, of several at once."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import aiohttp
import pytest

from parcelwire.connectors.folders import check_mock_server, load_folder
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.rendering import join_bodies
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.connectors.new import Answers, write_connector
from parcelwire.domain.clock import FrozenClock

NOW = 1_776_424_500_000
"""17 April 2026, as the fixtures of a new connector have it."""
DAY_SECONDS = 86_400


Ask = Callable[..., Awaitable[tuple[int, Any]]]
Form = Literal["json", "xml"]


def write(parent: Path, form: Form = "json", batch: int = 10) -> Path:
    answers = Answers(
        code=f"mock-post-{parent.name.replace('_', '-').lower()}",
        name="Mock Post",
        country="CH",
        zone="Europe/Zurich",
        language="de",
        host="https://api.mock-post.example/v1",
        format=form,
        credentials="key",
        order="dmy",
        batch=batch,
    )
    return write_connector(answers, parent)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.fixture
async def asked(folder: Path) -> AsyncIterator[tuple[Ask, Script, FrozenClock]]:
    clock, script = FrozenClock(NOW), Script()
    server = MockServer(load_folder(folder), clock, script)
    async with run_mock_server(server.application()) as address, aiohttp.ClientSession() as http:

        async def ask(*numbers: str, key: str = "made-up-key") -> tuple[int, Any]:
            async with http.post(
                f"{address}/v1/track",
                json={"numbers": numbers},
                headers={"authorization": f"Bearer {key}"},
            ) as answer:
                return answer.status, await answer.json()

        yield ask, script, clock


async def test_a_fixture_tells_of_today_and_of_the_number_asked_about(
    asked: tuple[Ask, Script, FrozenClock],
) -> None:
    ask, script, clock = asked
    clock.advance(30 * DAY_SECONDS)
    status, body = await ask("OTHER1")
    assert status == 200
    (parcel,) = body["parcels"]
    assert parcel["number"] == "OTHER1"
    assert [one["time"] for one in parcel["events"]] == ["16.05.2026 18:05", "17.05.2026 07:42"]
    clock.advance(DAY_SECONDS)
    # What it said once stays said.
    assert (await ask("OTHER1"))[1] == body
    script.show(Behaviour.UNKNOWN, "OTHER2")
    assert [one["state"] for one in (await ask("OTHER1", "OTHER2"))[1]["parcels"]] == [
        "known",
        "unknown",
    ]
    assert (await ask("OTHER1", key="another"))[0] == 401


async def test_a_case_that_is_not_there_is_told(
    asked: tuple[Ask, Script, FrozenClock],
) -> None:
    ask, script, _ = asked
    script.show(Behaviour.INVALID, "OTHER1")
    status, body = await ask("OTHER1")
    assert status == 500
    assert "POST /v1/track needs fixtures/invalid_number.in.json" in body["message"]


def test_json_and_xml_are_joined() -> None:
    assert json.loads(join_bodies(['{"a": {"b": [1], "c": 2}}', '{"a": {"b": [3]}}'], "a.b")) == {
        "a": {"b": [1, 3], "c": 2}
    }
    joined = join_bodies(["<r><x><p>1</p></x></r>", "<r><x><p>2</p><q/></x></r>"], "r.x.p")
    assert joined == "<r><x><p>1</p><p>2</p></x></r>"
    spaced = join_bodies(['<r xmlns="urn:a"><p>1</p></r>', '<r xmlns="urn:a"><p>2</p></r>'], "r.p")
    assert re.findall("(?:1|2)", re.sub("<[^>]*>", "", spaced)) == ["1", "2"]


@pytest.mark.parametrize("form", ["json", "xml"])
def test_a_connector_is_asked_over_http_by_the_check(form: Form, tmp_path: Path) -> None:
    assert check_mock_server(load_folder(write(tmp_path, form))) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        ("mock_server.toml", "answer = ", "reply = ", "mock_server.toml:1: Object "),
        ("mock_server.toml", "[[routes]]", "[[routes", "mock_server.toml:10: "),
        ("mock_server.toml", "number = ", "# number = ", "it names no number to ask about"),
        (
            "mock_server.toml",
            'join = "parcels"',
            "",
            "api, 3 numbers at once: answer parcels of POST /v1/track: FixtureError: ",
        ),
        ("mock_server.toml", "/track", "/trace", "an ordinary moment: TEST0000001 is not_unders"),
        (
            "connector.py",
            'f"Bearer {context',
            'f"Basic {context',
            "an ordinary moment: TEST0000001 is auth_failed",
        ),
        (
            "connector.py",
            "    refused = [common_failure(query, response, CODE) for query in queries]\n",
            "    refused = [None for query in queries]\n",
            "api, rate_limited: TEST0000001 is not_understood",
        ),
        (
            "connector.py",
            "    try:\n        parcels",
            "    1 / 0\n    try:\n        parcels",
            "api, unknown: it raises ZeroDivisionError: division by zero",
        ),
    ],
)
def test_what_does_not_fit_is_a_problem(
    file: str, old: str, new: str, problem: str, folder: Path
) -> None:
    path = folder / file
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    found = [str(one) for one in check_mock_server(load_folder(folder))]
    assert any(problem in one for one in found), found


def test_who_has_no_mock_server_has_no_problem(folder: Path) -> None:
    (folder / "mock_server.toml").unlink()
    assert check_mock_server(load_folder(folder)) == []
    assert folder.name in sys.modules
