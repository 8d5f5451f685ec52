"""The native API on a real server: waiting for events, and stopping meanwhile."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.process import Server, free_port, run_command


class Running:
    """A server, and somebody with a key."""

    def __init__(self, server: Server, client: aiohttp.ClientSession) -> None:
        self.server = server
        self.client = client


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    port = free_port()
    config = tmp_path / "parcelwire.toml"
    config.write_text(
        f'[server]\nport = {port}\n[store]\nurl = "sqlite:{tmp_path / "native.db"}"\n'
        f'[secrets]\nkey_file = "{tmp_path / "native.key"}"\n'
    )
    making = ("key", "create", "--account", "native@shop.example", "--quiet")
    key = (await asyncio.to_thread(run_command, config, *making)).strip()
    server = Server(config, port, tmp_path / "server.log")
    await asyncio.to_thread(server.start)
    try:
        async with aiohttp.ClientSession(
            f"http://127.0.0.1:{port}", headers={"authorization": f"Bearer {key}"}
        ) as client:
            yield Running(server, client)
    finally:
        if server.is_alive():
            await asyncio.to_thread(server.kill)


async def test_an_event_ends_the_wait_and_so_does_a_stop(running: Running) -> None:
    client = running.client
    # Nobody can ask this courier here: events come from this test alone.
    async with client.post("/api/trackings", json={"number": "RA123456785CH"}) as answer:
        assert answer.status == 201
        path = answer.headers["location"]
    async with client.get("/api/events") as answer:
        start = (await answer.json())["next_cursor"]
    waiting = asyncio.create_task(_wait(client, start))
    await asyncio.sleep(0.3)
    async with client.patch(path, json={"status_override": "delivered"}) as answer:
        assert answer.status == 200
    items, cursor, seconds = await waiting
    assert items[-1]["data"]["status"] == "delivered"
    assert 0.2 < seconds < 10

    waiting = asyncio.create_task(_wait(client, cursor))
    await asyncio.sleep(0.3)
    began = time.monotonic()
    assert await asyncio.to_thread(running.server.stop) == 0
    # Without a word to those who wait, it would have waited for them.
    assert time.monotonic() - began < 10
    items, last, _ = await waiting
    assert items == []
    assert last


async def _wait(
    client: aiohttp.ClientSession, cursor: str
) -> tuple[list[dict[str, Any]], str, float]:
    began = time.monotonic()
    async with client.get(f"/api/events?wait_seconds=30&after={cursor}") as answer:
        assert answer.status == 200
        said = await answer.json()
    return said["items"], said["next_cursor"], time.monotonic() - began
