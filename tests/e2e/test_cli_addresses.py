"""A server behind something that wants a user name and a password, as part of its address."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest

from tests.support.process import free_port
from tests.support.terminal import Answer, Call, Terminal, listener

SECRET = "s3cr%2Fet"
EMPTY = json.dumps({"meta": {"code": 200, "message": ""}, "data": [], "endpoints": []}).encode()
REFUSED = json.dumps({"meta": {"code": 401, "message": "No."}, "data": []}).encode()


def with_password(url: str) -> str:
    return url.replace("http://", f"http://me:{SECRET}@")


@pytest.mark.parametrize("command", [("list",), ("webhook", "list")])
def test_it_is_sent_beside_the_key_and_not_shown(
    terminal: Terminal, command: tuple[str, ...]
) -> None:
    heard: list[Call] = []

    def answer(call: Call) -> Answer:
        heard.append(call)
        return 200, EMPTY, {"content-type": "application/json"}

    with listener(answer) as url:
        result = terminal.run(*command, "--host", with_password(url), "--key", "key_1")
    for call in heard:
        kind, _, token = call.headers["authorization"].partition(" ")
        assert (kind, b64decode(token)) == ("Basic", b"me:s3cr/et")
        keys = {call.headers.get("tracking-api-key"), call.headers.get("parcelwire-api-key")}
        assert "key_1" in keys
    assert heard
    assert "s3cr" not in result.out + result.err


def test_no_fault_shows_it(terminal: Terminal) -> None:
    nobody = with_password(f"http://127.0.0.1:{free_port()}")
    for command in (("webhook", "list"), ("webhook", "log")):
        line = terminal.run(*command, "--host", nobody, "--key", "key_1")
        assert line.code != 0
        assert "127.0.0.1" in line.err
        assert "s3cr" not in line.out + line.err
    odd = terminal.fails("list", "--host", "http://[s3cr", "--key", "key_1")
    assert "base_url" in odd
    assert "s3cr" not in odd


def test_a_login_keeps_it_and_does_not_show_it(terminal: Terminal) -> None:
    heard: list[Call] = []
    answers: list[bytes] = [REFUSED, EMPTY, EMPTY]

    def answer(call: Call) -> Answer:
        heard.append(call)
        body = answers.pop(0)
        return (401 if body == REFUSED else 200), body, {}

    with listener(answer) as url:
        refused = terminal.run("login", "--host", with_password(url), "--key", "key_1")
        taken = terminal.run("login", "--host", with_password(url), "--key", "key_1")
        assert (refused.code != 0, taken.code) == (True, 0)
        used = terminal.run("list")
    assert used.code == 0
    assert {b64decode(call.headers["authorization"].split()[1]) for call in heard} == {
        b"me:s3cr/et"
    }
    for result in (refused, taken, used):
        assert "s3cr" not in result.out + result.err
