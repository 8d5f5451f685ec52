"""SIGKILL of the server at random instants under load: nothing acknowledged is lost, no webhook is
missed.

The short form of A1: 50 kills of ``parcelwire serve`` on SQLite while parcels are created, polled
and told. The instants are
drawn from a seeded source; what the process was doing then is as random as the machine.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from parcelwire.bootstrap import open_installation
from parcelwire.config import load
from parcelwire.connectors.local.serving import run_local_server
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import TrackingFilter
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.store.postgres_fixture import shared_cluster
from tests.support.ledger import Ledger, Receipt
from tests.support.process import Server, free_port, run_command

KILLS = int(os.environ.get("PARCELWIRE_TEST_KILLS", "50"))
WORKER_KILLS = 8
EMAIL = "kill@shop.example"


class Shop:
    """Receives messages and notes them down in the order of arrival."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_post("/hook", self._take)
        return application

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        self.receipts.append(
            Receipt(
                request.headers["parcelwire-tracking-id"],
                int(request.headers["parcelwire-sequence"]),
                request.headers["webhook-id"],
            )
        )
        return web.Response(status=204)


class Load:
    """Creates parcels all the time and notes down which creations were acknowledged."""

    def __init__(self, port: int, key: str) -> None:
        self._url = f"http://127.0.0.1:{port}/v4/trackings/create"
        self._key = key
        self._count = 0
        self.acknowledged: set[str] = set()
        self.is_over = False

    async def run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=10)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            await asyncio.gather(*(self._create(session) for _ in range(4)))

    async def _create(self, session: aiohttp.ClientSession) -> None:
        while not self.is_over:
            self._count += 1
            body = {"tracking_number": f"SIM-NORMAL-{self._count:06d}", "courier_code": "dhl"}
            try:
                async with session.post(
                    self._url, json=body, headers={"Tracking-Api-Key": self._key}
                ) as answer:
                    content = await answer.json()
                    if content["meta"]["code"] == 200:
                        self.acknowledged.add(content["data"]["id"])
            except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
                # The server is being killed: nobody promised anything.
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.12)


def write_config(folder: Path, port: int, **more: str) -> Path:
    config = folder / "parcelwire.toml"
    lines = {
        "server": f"port = {port}",
        "store": more.get("store", f'url = "sqlite:{folder / "kill.db"}"'),
        "secrets": f'key_file = "{folder / "kill.key"}"',
        "webhooks": 'allowed_networks = ["127.0.0.0/8"]\ntotal_seconds = 1.0\n'
        "first_delay_seconds = 0.2",
        "polling": "lease_seconds = 3.0\nask_timeout_seconds = 2.0\nidle_seconds = 0.2",
        "carriers": "simulated_speed = 86400.0",
    }
    config.write_text("\n".join(f"[{name}]\n{text}\n" for name, text in lines.items()))
    return config


async def settle(config: Path, deadline_seconds: float) -> Ledger:
    """Wait until nothing is left to ask or to send, then read the store's side of the ledger."""
    house = await open_installation(load(config, {}))
    try:
        (owner,) = await house.store.list_accounts()
        world_id = owner.number * 2 + 1
        deadline = time.monotonic() + deadline_seconds
        while True:
            trackings = await _all_trackings(house, world_id)
            waiting = await house.store.list_messages(
                world_id, MessageFilter(states=(MessageState.PENDING,)), limit=10
            )
            if not waiting and all(tracking.is_stopped for tracking in trackings):
                break
            assert time.monotonic() < deadline, (
                f"not settled: {len(waiting)} messages wait,"
                f" {sum(not tracking.is_stopped for tracking in trackings)} parcels are open"
            )
            await asyncio.sleep(0.5)
        ledger = Ledger(
            acknowledged=set(),
            stored={tracking.id for tracking in trackings},
            last_sequences={tracking.id: tracking.sequence for tracking in trackings},
            event_sequences={},
            receipts=[],
        )
        cursor = 0
        while page := await house.store.events_after(world_id, cursor, 500):
            for _, event in page:
                ledger.event_sequences.setdefault(event.tracking_id, []).append(event.sequence)
            cursor = page[-1][0]
        return ledger
    finally:
        await house.close()


async def _all_trackings(house: object, world_id: int) -> list[Tracking]:
    found: list[Tracking] = []
    while True:
        page = await house.store.list_trackings(  # type: ignore[attr-defined]
            world_id, TrackingFilter(), offset=len(found), limit=500
        )
        found += [stored.tracking for stored in page]
        if len(page) < 500:
            return found


async def furnish(config: Path, address: str) -> str:
    """Make a key and an endpoint; return the key."""
    key = run_command(config, "key", "create", "--account", EMAIL, "--test", "--quiet").strip()
    run_command(config, "webhook", "add", f"{address}/hook", "--dialect", "v4", "--test")
    return key


async def judge(config: Path, load_generator: Load, shop: Shop, kills: int) -> Ledger:
    """Wait until all is quiet, and hold what came against what was promised."""
    ledger = await settle(config, deadline_seconds=120)
    ledger.acknowledged = load_generator.acknowledged
    ledger.receipts = shop.receipts
    # The run was worth something: creations, events and messages kept coming all along.
    assert len(ledger.acknowledged) > 2 * kills
    assert len(ledger.receipts) > 4 * kills
    assert ledger.violations() == []
    return ledger


@pytest.mark.timeout(420)
async def test_kills_under_load_lose_nothing(tmp_path: Path) -> None:
    randomness = random.Random(20260301)
    port = free_port()
    config = write_config(tmp_path, port)
    shop = Shop()
    async with run_local_server(shop.application()) as address:
        key = await furnish(config, address)
        server = Server(config, port, tmp_path / "server.log")
        await asyncio.to_thread(server.start)
        load_generator = Load(port, key)
        loading = asyncio.create_task(load_generator.run())
        killed = 0
        try:
            while killed < KILLS:
                await asyncio.sleep(randomness.uniform(0.02, 0.9))
                await asyncio.to_thread(server.kill)
                killed += 1
                await asyncio.to_thread(server.start)
            await asyncio.sleep(1)
            load_generator.is_over = True
            await loading
            await judge(config, load_generator, shop, killed)
        finally:
            load_generator.is_over = True
            loading.cancel()
            code = await asyncio.to_thread(server.stop)
    assert killed == KILLS
    assert code == 0


@pytest.mark.timeout(300)
async def test_killed_workers_on_postgres_lose_nothing(tmp_path: Path) -> None:
    """One API process and two workers share PostgreSQL; one worker after the other is killed."""
    randomness = random.Random(20260302)
    port = free_port()
    dsn = shared_cluster().create_database()
    config = write_config(tmp_path, port, store=f'url = "{dsn}"\npool_size = 3')
    shop = Shop()
    async with run_local_server(shop.application()) as address:
        key = await furnish(config, address)
        api = Server(config, port, tmp_path / "api.log", "api")
        workers = [Server(config, None, tmp_path / f"worker{i}.log", "worker") for i in range(2)]
        await asyncio.to_thread(api.start)
        for worker in workers:
            worker.start()
        load_generator = Load(port, key)
        loading = asyncio.create_task(load_generator.run())
        killed = 0
        try:
            while killed < WORKER_KILLS:
                await asyncio.sleep(randomness.uniform(1.0, 2.5))
                victim = workers[killed % 2]
                await asyncio.to_thread(victim.kill)
                killed += 1
                victim.start()
            load_generator.is_over = True
            await loading
            await judge(config, load_generator, shop, killed)
        finally:
            load_generator.is_over = True
            loading.cancel()
            codes = [await asyncio.to_thread(one.stop) for one in (api, *workers)]
    assert killed == WORKER_KILLS
    assert codes == [0, 0, 0]
