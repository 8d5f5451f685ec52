"""``parcelwire carrier test``: a connection's credentials, tried with its carrier."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from parcelwire.bootstrap import SystemClock
from parcelwire.cli import exit_codes
from parcelwire.connectors.carriers.swiss_post import CONNECTOR
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from tests.support.terminal import Terminal

CLIENT = {"client_id": "shop", "client_secret": "made-up-for-this-test"}
NUMBER = "99.00.123456.12345111"
COMPACT = "990012345612345111"


def connected(terminal: Terminal, **client: str) -> str:
    """Connect the account to Swiss Post; return the connection's id."""
    fields = (word for name, value in client.items() for word in ("--set", f"{name}={value}"))
    said = terminal("carrier", "connect", "swiss-post", *fields)
    return said.removeprefix("connection ").partition(":")[0]


def write_settings(folder: Path, urls: dict[str, str]) -> None:
    table = json.dumps(urls).replace(": ", " = ")
    text = f'[carriers]\nbase_urls = {{ "swiss-post" = {table} }}\n'
    (folder / "parcelwire.toml").write_text(text, "utf-8")


async def test_the_carrier_says_whether_it_takes_the_credentials(shop: Terminal) -> None:
    script = Script(scenario_seconds=0)
    mock = MockServer(CONNECTOR, SystemClock(), script, credentials=CLIENT)
    async with run_mock_server(mock.application()) as address:
        write_settings(shop.folder, mock.base_urls(address))

        def talk() -> None:
            right = connected(shop, **CLIENT)
            accepts = f"swiss-post accepts the credentials; {COMPACT}: the carrier"
            assert shop("carrier", "test", right, NUMBER) == f"{accepts} knows this number\n"
            script.show(Behaviour.UNKNOWN)
            assert shop("carrier", "test", right, NUMBER).startswith(f"{accepts} does not know")
            script.show(Behaviour.RATE_LIMITED)
            line = shop.fails("carrier", "test", right, NUMBER, code=exit_codes.NO_ANSWER)
            assert f"{COMPACT}: the carrier asks us to wait" in line
            script.show(Behaviour.FOUND)
            wrong = connected(shop, client_id="shop", client_secret="another")
            line = shop.fails("carrier", "test", wrong, NUMBER)
            assert "the carrier refused the credentials" in line
            assert "another" not in line
            # Nothing but a test: the connection that was refused is not marked as failing.
            states = [line.split()[-1] for line in shop("carrier", "connections").splitlines()]
            assert states == ["OK", "OK"]

        await asyncio.to_thread(talk)


def test_a_number_that_the_carrier_cannot_be_asked_about(shop: Terminal) -> None:
    connection_id = connected(shop, **CLIENT)
    assert "cannot be a tracking number" in shop.fails("carrier", "test", connection_id, "x")
    # Swiss Post publishes no number for tests.
    assert "pass NUMBER" in shop.refuses("carrier", "test", connection_id)
