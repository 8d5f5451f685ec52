"""The shell blocks of the pages, done as they stand: calls of curl, and commands."""

from __future__ import annotations

import asyncio
import io
import re
from itertools import takewhile
from pathlib import Path

import pytest

from parcelwire.cli import exit_codes
from tests.support.clients import whole_door
from tests.support.house import open_house, serve
from tests.support.pages_run import blocks, commands, fetch
from tests.support.terminal import Answer, Call, Terminal, listener

CURL = {
    "docs/native.md": ("sh", [200, 201, 201]),
    "docs/v4.md": ("sh", [200]),
    "docs/v2.md": ("", [200]),
}


@pytest.mark.parametrize(("page", "shown"), CURL.items(), ids=list(CURL))
async def test_calls_of_curl(page: str, shown: tuple[str, list[int]], tmp_path: Path) -> None:
    language, statuses = shown
    calls = [block for block in blocks(page, language) if block.startswith("curl")]
    async with open_house(tmp_path, lambda _: []) as house, serve(whole_door(house)) as address:
        answered = []
        for call in calls:
            line = call.replace("127.0.0.1:8787", address)
            key = house.key if "pw_live_" in call else house.test_key
            answered.append(await asyncio.to_thread(fetch, line, key))
    assert [status for status, _ in answered] == statuses
    for _, said in answered:
        assert said.get("meta", {"code": 200})["code"] == 200


class Person(io.StringIO):
    """Somebody at the keyboard."""

    def isatty(self) -> bool:
        return True


def test_the_life_of_an_endpoint(terminal: Terminal) -> None:
    """What webhooks.md does from making an endpoint to replacing its secret."""
    heard: list[str] = []

    def hear(call: Call) -> Answer:
        heard.append(call.headers["parcelwire-event"])
        return 204, b"", {}

    (terminal.folder / "parcelwire.toml").write_text(
        '[webhooks]\nallowed_networks = ["127.0.0.0/8"]\n'
    )
    terminal.run("key", "create", "--account", "you@shop.example")
    told = {"ENDPOINT": "", "MESSAGE": ""}
    done = []
    with listener(hear) as hook:
        told["https://shop.example.com/hook"] = f"{hook}/hook"
        for program, *words in commands("docs/webhooks.md"):
            assert program == "parcelwire"
            if words[:2] == ["webhook", "forward"]:
                continue  # it goes on until Ctrl-C; tests/e2e/test_webhook_forward.py has it
            out = terminal(*(told.get(word, word) for word in words))
            done.append(words[1])
            if words[1] == "create":
                told["ENDPOINT"] = re.findall(r"^endpoint +(\w+)", out, re.MULTILINE)[0]
                assert re.search(r"^secret +whsec_", out, re.MULTILINE)
            if words[1] == "log":
                told["MESSAGE"] = re.findall(r"\b[0-9a-f]{32}\b", out)[0]
                assert "HTTP 204" in out
    assert done == ["create", "test", "log", "pause", "enable", "resend", "replay", "rotate-secret"]
    assert heard == ["endpoint.test"]


def test_the_life_of_a_key_file(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What secrets.md does: the key is shown, rotated, prepared, and reset when it is lost."""
    terminal.run("key", "create", "--account", "you@shop.example")
    terminal("webhook", "create", "https://shop.example/hook")
    file = terminal.folder / "parcelwire.key"
    seen = {file.read_text()}
    done = []
    for program, *words in commands("docs/secrets.md"):
        assert program == "parcelwire"
        if words[1] == "reset":
            file.unlink()
            monkeypatch.setattr("sys.stdin", Person("y\n"))
        result = terminal.run(*words)
        assert result.code == 0, result
        done.append(" ".join(words[1:]))
        seen.add(file.read_text())
    assert done == ["status", "rotate", "rotate --prepare", "rotate", "reset"]
    # The first key, the rotated one, both of the preparation, the second alone, and a new one.
    assert len(seen) == 5
    assert "its secret was lost with the installation's key" in terminal("webhook", "list")


def test_orders_are_imported_and_exported(terminal: Terminal) -> None:
    """What importing-from-csv.md does with the file that it shows."""
    terminal.run("key", "create", "--account", "you@shop.example")
    table, sums = blocks("docs/importing-from-csv.md", "")
    assert table.startswith("Tracking number;Carrier")
    (terminal.folder / "orders.csv").write_text(table)
    done = []
    for program, *words in commands("docs/importing-from-csv.md"):
        assert program == "parcelwire"
        if "--profile" in words:
            continue  # two servers; tests/unit/cli/test_spreadsheet.py has what goes between
        result = terminal.run(*words)
        assert result.code == 0, result
        done.append(words[0])
        if words[-1] == "--dry-run":
            assert "There are no trackings" in terminal("list")
        elif words[0] == "import":
            form = re.sub(r"\d[\d,]*", r"\\d+", sums.strip())
            assert re.fullmatch(form, result.out.strip()), result
            assert "2 rows: 2 created" in result.out
    assert done == ["import", "import", "export", "export"]
    exported = (terminal.folder / "parcels.csv").read_text("utf-8-sig")
    assert "996012345678901234" in exported
    assert (terminal.folder / "delivered.ndjson").read_text() == ""


NOT_DONE = {
    "durability-test": "takes minutes; tests/e2e/test_prove.py",
    "carrier test": "asks a real carrier; tests/e2e/test_cli_connections.py",
    "carrier connect swiss-post": "asks at the keyboard; tests/e2e/test_cli.py",
    "webhook forward": "goes on until Ctrl-C; tests/e2e/test_webhook_forward.py",
    "notify test": "wants a mail server; tests/e2e/test_notices.py",
    "track 99.00": "asks a real carrier; tests/e2e/test_carriers.py",
    "export --profile": "wants two servers",
    "detect 12345678901234 --profile": "wants a server; tests/e2e/test_cli_people.py",
    "detect --evaluate": "tests/e2e/test_cli.py judges a file",
    "couriers refresh": "asks TrackingMore's service; tests/e2e/test_cli_network_errors.py",
    "watch --json": "goes on until Ctrl-C",
    "login": "wants a server; tests/e2e/test_cli_people.py",
    "logout": "wants a login; tests/e2e/test_cli_people.py",
}
ENDS_OTHERWISE = {
    # Nobody follows these in the folder of this test.
    "show 99.00.123456.12345678": exit_codes.NOT_FOUND,
    "show SIM-CUSTOMS-0001 --test": exit_codes.NOT_FOUND,
    "retrack 99.60.123456.78901234": exit_codes.NOT_FOUND,
}


def test_the_examples_of_the_commands(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cli.md shows for each command, one after the other in one installation."""
    (terminal.folder / "orders.csv").write_text(
        "Tracking number;Ref.\n9400111899223857925397;1019\n"
    )
    (terminal.folder / "secret.txt").write_text("made-up\n")
    endpoint, done, unused = "", set(), {*NOT_DONE}
    for program, *words in commands("docs/cli.md"):
        words = [*takewhile(lambda word: word not in (">", ">>", "<", "|"), words)]
        line = " ".join(words)
        if program != "parcelwire" or line == "watch":
            continue
        if left_out := {one for one in NOT_DONE if line.startswith(one)}:
            unused -= left_out
            continue
        monkeypatch.setattr("sys.stdin", io.StringIO("a long password\n"))
        if words[0] == "delete":
            monkeypatch.setattr("sys.stdin", Person("y\n"))
        result = terminal.run(*(endpoint if word == "ENDPOINT" else word for word in words))
        assert result.code == ENDS_OTHERWISE.get(line, exit_codes.DONE), (line, result)
        if words[:2] == ["webhook", "create"]:
            (endpoint,) = re.findall(r"^endpoint +(\w+)", result.out, re.MULTILINE)
        if words[:2] == ["account", "suspend"]:
            terminal("account", "resume", words[2])
        done.add(words[0])
    assert done >= {"key", "account", "carrier", "webhook", "secrets", "track", "create"}
    assert done >= {"list", "show", "delete", "retrack", "import", "export", "detect", "couriers"}
    assert "watch" in done
    assert unused == set()
