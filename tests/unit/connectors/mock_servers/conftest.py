"""A carrier that exists only as a description, asked by plain HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from parcelwire.connectors.carriers.swiss_post import CONNECTOR
from parcelwire.connectors.mock_servers import Script
from parcelwire.connectors.mock_servers.description import read_description
from parcelwire.connectors.mock_servers.server import MockServer
from parcelwire.connectors.mock_servers.serving import run_mock_server
from parcelwire.domain.clock import FrozenClock


class Mock:
    """A running server, and somebody who asks it."""

    def __init__(self, clock: FrozenClock, script: Script) -> None:
        self.clock = clock
        self.script = script
        self.address = ""
        self.server: MockServer
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())

    async def close(self) -> None:
        await self._http.close()

    async def ask(self, request: str, **more: Any) -> tuple[int, str]:
        """Return status and body of the answer to ``GET /path``."""
        method, _, path = request.partition(" ")
        async with self._http.request(method, self.address + path, **more) as answer:
            return answer.status, await answer.text()


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Give a function that puts a description on a port."""
    async with AsyncExitStack() as stack:

        async def run(text: str, **more: Any) -> Mock:
            mock = Mock(FrozenClock(), Script(scenario_seconds=0))
            mock.server = MockServer(
                CONNECTOR, mock.clock, mock.script, description=read_description(text), **more
            )
            server = run_mock_server(mock.server.application())
            mock.address = await stack.enter_async_context(server)
            # Closed first: the server waits for whoever is connected.
            stack.push_async_callback(mock.close)
            return mock

        yield run
