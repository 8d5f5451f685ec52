"""The server is killed in the middle of ``create_many`` and started again: each parcel once."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from parcelwire.client import AsyncParcelwire
from tests.support.clients import SIDES, Side, open_client
from tests.support.process import Server, free_port, run_command

PARCELS = 4_000
KILLS = 4


def write_config(folder: Path, port: int) -> Path:
    config = folder / "parcelwire.toml"
    config.write_text(
        f"[server]\nport = {port}\n"
        f'[store]\nurl = "sqlite:{folder / "kill.db"}"\n'
        f'[secrets]\nkey_file = "{folder / "kill.key"}"\n'
    )
    return config


@pytest.mark.timeout(180)
@pytest.mark.parametrize("side", SIDES)
async def test_kills_during_create_many(side: Side, tmp_path: Path) -> None:
    randomness = random.Random(20260303)
    port = free_port()
    config = write_config(tmp_path, port)
    make_key = ("key", "create", "--account", "kill@shop.example", "--test", "--quiet")
    key = (await asyncio.to_thread(run_command, config, *make_key)).strip()
    server = Server(config, port, tmp_path / "server.log")
    await asyncio.to_thread(server.start)
    items = [
        {"tracking_number": f"SIM-NORMAL-{number:06d}", "courier_code": "dhl"}
        for number in range(PARCELS)
    ]
    try:
        address = f"http://127.0.0.1:{port}"
        options: dict[str, Any] = {"max_retries": 12, "timeout_seconds": 10}
        pauses: list[float] = []
        done: list[float] = []

        async def sleep(seconds: float) -> None:
            pauses.append(seconds)
            await asyncio.sleep(seconds)
            done.append(seconds)

        def block(seconds: float) -> None:
            pauses.append(seconds)
            time.sleep(seconds)
            done.append(seconds)

        options["sleep"] = sleep if side == "async" else block
        async with (
            open_client(side, key, address, **options) as client,
            AsyncParcelwire(key, address) as observer,
        ):
            creating = asyncio.create_task(client.trackings.create_many(items))
            killed = 0
            while killed < KILLS:
                await asyncio.sleep(randomness.uniform(0.05, 0.25))
                # A kill while the client waits disturbs nobody.
                while len(done) < len(pauses):  # noqa: ASYNC110  (the client may be in a thread)
                    await asyncio.sleep(0.01)
                if creating.done():
                    break
                await asyncio.to_thread(server.kill)
                killed += 1
                await asyncio.to_thread(server.start)
            result = await creating
            assert killed == KILLS, "it was over before it could be disturbed"
            assert len(pauses) >= KILLS, "no try was disturbed by them"
            assert result.failed == []
            there = await observer.trackings.list(page_size=200).all()
    finally:
        code = await asyncio.to_thread(server.stop)
    assert code == 0
    assert len(there) == PARCELS
    assert {one.tracking_number for one in there} == {
        f"SIMNORMAL{number:06d}" for number in range(PARCELS)
    }
    assert {ref.id for ref in result.created} == {one.id for one in there}
