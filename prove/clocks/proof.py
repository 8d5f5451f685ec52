"""F2: four workers and an API on five machines whose clocks differ, and are set meanwhile.

    two shops -> api -> PostgreSQL <- worker 1 .. 4 -> the carrier, the shops' receivers

Each process reads a clock of its own (``machines.py``); carrier, receivers and judge read the true
one. While they work, the clocks of two machines are set, one an hour ahead, one an hour back.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from msgspec.structs import replace

from parcelwire.bootstrap import open_installation
from parcelwire.config import Config, StoreSection
from parcelwire.domain.clock import SECOND
from parcelwire.proofs.ledger import Ledger
from parcelwire.proofs.receiver import Receiver, serve
from parcelwire.proofs.scratch import (
    PAGE,
    Furniture,
    NotSettledError,
    furnish,
    scratch_config,
    settle,
    write_config,
)
from parcelwire.proofs.servers import Forge, Server, free_port
from prove.clocks import CARRIER
from prove.clocks.carrier import Carrier
from prove.clocks.machines import set_clock
from prove.kills_sqlite import ROOT
from prove.outcome import Outcome
from tests.contract.store.postgres_fixture import Cluster

WORKERS: Final = (0.0, 0.5, -2.0, 30.0)
"""What the workers' clocks are ahead of the database's, in seconds; negative: behind."""
API: Final = -10.0
JUMPS: Final = {0: 3_600.0, 1: -3_600.0}
"""Worker -> to what its clock is set while it works."""
JUMP_SECONDS: Final = 5.0
"""So long after the start."""
PARCELS: Final = 240
LEAST_PARCELS: Final = 20
PLANTED_PARCELS: Final = 120
SHOPS: Final = ("first", "second")
SETTLE_SECONDS: Final = 600.0
PLANTED_SECONDS: Final = 60.0
ROOM_MS: Final = 2 * SECOND
"""How far what is stored may lie outside of the time in which all happened: two clocks differ by up
to a second, and the second shown by another."""

TELLS_SECONDS: Final = 60.0
_TOLD: Final = re.compile(
    r"the clock of this machine is ([0-9.]+) s (ahead of|behind) the database"
)

PLANTS: Final = {
    "own_clocks": ("budget", "asked", "overlap"),
    "settable_clocks": ("budget", "asked", "overlap"),
}
"""Module of ``prove.planted`` -> the kinds of violation by one of which it must be found."""


def run(*, scale: float, seed: int) -> Outcome:
    """Follow 240 parcels to their ends, times ``scale``; find the planted bugs."""
    cluster = Cluster()
    try:
        parcels = max(round(PARCELS * scale), LEAST_PARCELS)
        return asyncio.run(prove_clocks(parcels, seed, PLANTS, cluster=cluster))
    finally:
        cluster.remove()


async def prove_clocks(
    parcels: int, seed: int, plants: Mapping[str, Sequence[str]], *, cluster: Cluster
) -> Outcome:
    """Run the honest program, then the planted ones, each on a database of its own."""
    result = await _play(cluster, parcels, seed)
    unseen = []
    for name, kinds in plants.items():
        spoiled = await _play(cluster, PLANTED_PARCELS, seed, plant=name, wanted=kinds)
        if not _found(spoiled.violations, kinds):
            unseen.append(name)
    notes = [result.figures()]
    if unseen:
        notes.append(f"planted and not found: {', '.join(unseen)}")
    return Outcome(
        id="F2",
        name=f"{parcels} parcels, 4 workers and an API whose clocks differ and are set, PostgreSQL",
        tried=len(WORKERS) + 1,
        fired=result.told,
        violations=result.violations,
        notes="; ".join(notes),
        planted_found=len(plants) - len(unseen),
        planted_of=len(plants),
    )


class Result(msgspec.Struct, kw_only=True):
    """What came of one run."""

    violations: list[str] = []
    questions: int = 0
    fullest_minute: int = 0
    messages: int = 0
    again: int = 0
    """Messages that came again under the same id."""
    told: int = 0
    """Processes that said in their logs by how much their machine's clock is off."""

    def figures(self) -> str:
        """Return what was counted, for people."""
        return (
            f"{self.questions} questions, {self.fullest_minute} in the fullest minute;"
            f" {self.messages} messages received, {self.again} again under the same id"
        )


def _found(violations: Sequence[str], kinds: Sequence[str]) -> bool:
    return any(line.partition(":")[0] in kinds for line in violations)


async def _play(
    cluster: Cluster, parcels: int, seed: int, *, plant: str = "", wanted: Sequence[str] = ()
) -> Result:
    with tempfile.TemporaryDirectory(prefix="parcelwire-clocks-") as name:
        dsn = await asyncio.to_thread(cluster.create_database)
        return await _Stage(Path(name), dsn, plant).play(parcels, seed, wanted)


class _Stage:
    """Five processes and who stands around them."""

    def __init__(self, folder: Path, dsn: str, plant: str) -> None:
        self._folder = folder
        base = Config(store=StoreSection(pool_size=3))
        config = scratch_config(base, folder, dsn, free_port(), is_quick=False)
        # A day's questions within seconds.
        self._config = replace(config, polling=replace(config.polling, time_scale=3_600.0))
        modules = ["asyncpg", "parcelwire.store.postgres"]
        modules += ["prove.planted.machine_clock", "prove.planted.brisk_carrier"]
        if plant:
            modules.append(f"prove.planted.{plant}")
        self._forge = Forge(modules, ROOT)
        self._carrier = Carrier()
        self._workers: list[Server] = []

    async def play(self, parcels: int, seed: int, wanted: Sequence[str]) -> Result:
        """Start everything, wait for the end of all parcels, judge.

        ``wanted``: it is over, too, when a violation of one of these kinds shows.
        """
        receiver = Receiver(seed, longest_seconds=1.0)
        try:
            async with (
                serve(self._carrier.application()) as carrier,
                serve(receiver.application()) as address,
            ):
                self._config = replace(
                    self._config,
                    carriers=replace(
                        self._config.carriers,
                        unofficial_connectors=(CARRIER,),
                        base_urls=Carrier.base_urls(carrier),
                    ),
                )
                shops = [
                    await furnish(
                        self._config, address, [name], email=f"{name}@shop.invalid", is_test=False
                    )
                    for name in SHOPS
                ]
                return await self._work(parcels, receiver, shops, wanted)
        finally:
            await asyncio.to_thread(self._forge.close)

    async def _work(
        self, parcels: int, receiver: Receiver, shops: list[Furniture], wanted: Sequence[str]
    ) -> Result:
        result = Result()
        began = time.time_ns() // 1_000_000
        self._carrier.began = time.monotonic()
        api = self._machine("api", API, self._config.server.port)
        self._workers = [
            self._machine("worker", ahead, None, number) for number, ahead in enumerate(WORKERS)
        ]
        await asyncio.to_thread(api.start)
        for one in self._workers:
            await asyncio.to_thread(one.launch)
        jumping = asyncio.create_task(self._jump())
        acknowledged = await self._create(shops, parcels)
        try:
            if wanted:
                await self._until_found(receiver, wanted)
            else:
                ledgers = await self._settle(shops)
                for shop, ledger, ids in zip(shops, ledgers, acknowledged, strict=True):
                    self._complete(ledger, shop, receiver)
                    ledger.acknowledged = ids
                    result.violations += ledger.violations()
                    result.again += ledger.duplicates
                await jumping
                result.violations += await self._strange_times(shops, began)
        except NotSettledError as error:
            result.violations.append(f"stuck: {error}")
        finally:
            jumping.cancel()
        result.violations += self._seen(receiver)
        result.questions = len(self._carrier.asked)
        result.fullest_minute = self._carrier.fullest_minute()
        result.messages = len(receiver.receipts)
        result.told = await self._count_told(api) if not wanted else 0
        for one in (api, *self._workers):
            code = await asyncio.to_thread(one.stop)
            if code != 0:
                result.violations.append(f"stop: {one.command} ended with code {code}")
        return result

    def _machine(self, command: str, ahead: float, port: int | None, number: int = 0) -> Server:
        name = f"{command}{number}"
        path = write_config(self._config, self._folder / f"{name}.toml")
        set_clock(path, ahead)
        return Server(path, port, self._folder / f"{name}.log", command, forge=self._forge)

    async def _jump(self) -> None:
        await asyncio.sleep(JUMP_SECONDS)
        for number, ahead in JUMPS.items():
            set_clock(self._workers[number].config, ahead)

    async def _create(self, shops: list[Furniture], parcels: int) -> list[set[str]]:
        """Let the shops create their parcels, in batches; return the ids of each shop's."""
        made = []
        base = f"http://127.0.0.1:{self._config.server.port}/api/trackings/batch"
        async with aiohttp.ClientSession() as session:
            for number, shop in enumerate(shops):
                drafts = [
                    {"number": f"9900123456{number}{one:04d}000", "courier_code": CARRIER}
                    for one in range(parcels // len(shops))
                ]
                ids: set[str] = set()
                for start in range(0, len(drafts), 40):
                    async with session.post(
                        base,
                        json={"trackings": drafts[start : start + 40]},
                        headers={"authorization": f"Bearer {shop.key}"},
                    ) as answer:
                        said = await answer.json()
                        ids |= {one["tracking"]["id"] for one in said["items"]}
                made.append(ids)
        return made

    async def _settle(self, shops: list[Furniture]) -> list[Ledger]:
        return [await settle(self._config, one.world_id, seconds=SETTLE_SECONDS) for one in shops]

    async def _until_found(self, receiver: Receiver, wanted: Sequence[str]) -> None:
        deadline = time.monotonic() + PLANTED_SECONDS
        while not _found(self._seen(receiver), wanted):
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(0.2)

    def _seen(self, receiver: Receiver) -> list[str]:
        """Return what carrier and receivers saw."""
        return [
            *self._carrier.over_budget(),
            *(f"asked: {one}" for one in self._carrier.overlaps),
            *(f"overlap: {one}" for one in receiver.overlaps),
        ]

    def _complete(self, ledger: Ledger, shop: Furniture, receiver: Receiver) -> None:
        ledger.endpoints = shop.endpoints
        ledger.receipts = [one for one in receiver.receipts if one.endpoint in shop.endpoints]

    async def _strange_times(self, shops: list[Furniture], began: int) -> list[str]:
        """Return what was stored with a time at which it cannot have happened."""
        first, last = began - ROOM_MS, time.time_ns() // 1_000_000 + ROOM_MS
        found = []
        house = await open_installation(self._config)
        try:
            for shop in shops:
                cursor = 0
                while page := await house.store.events_after(shop.world_id, cursor, PAGE):
                    found += [event for _, event in page if not first <= event.at <= last]
                    cursor = page[-1][0]
        finally:
            await house.close()
        return [f"time: event {one.id} is from {one.at}" for one in found]

    async def _count_told(self, api: Server) -> int:
        """Wait until every process has said by how much its machine's clock is off; count them."""
        ahead = {one.log: JUMPS.get(n, WORKERS[n]) for n, one in enumerate(self._workers)}
        ahead[api.log] = API
        deadline = time.monotonic() + TELLS_SECONDS
        while True:
            told = sum(_told(log) == round(seconds) for log, seconds in ahead.items())
            if told == len(ahead) or time.monotonic() > deadline:
                return told
            await asyncio.sleep(0.2)


def _told(log: Path) -> int | None:
    """Return what a process said last about its machine's clock, in seconds ahead."""
    said = _TOLD.findall(log.read_text())
    if not said:
        return None
    seconds, direction = said[-1]
    return round(float(seconds)) * (1 if direction == "ahead of" else -1)


PROOFS = {"F2": run}
