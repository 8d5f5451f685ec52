"""F1: the database goes away and comes back, in every way it can; the server tells, and lives.

    shops -> serve -> PostgreSQL: stopped, stopped at once, killed, frozen
    shops -> serve -> a SQLite file: moved away and put back

While it is away ``/readyz`` answers 503; when it is back, 200, and calls are answered again without
a restart. ``/healthz`` answers 200 throughout. Nothing that was acknowledged is lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from parcelwire.config import Config, StoreSection
from parcelwire.proofs.kills import ENDPOINTS, KillReport, count
from parcelwire.proofs.load import Load
from parcelwire.proofs.receiver import Receiver, serve
from parcelwire.proofs.scratch import complete, furnish, scratch_config, settle, write_config
from parcelwire.proofs.servers import Forge, Server, free_port
from prove.kills_postgres import AWAY, crash
from prove.kills_sqlite import ROOT
from prove.outcome import Outcome
from tests.contract.store.postgres_fixture import Cluster

ROUNDS: Final = 5
TELLS_SECONDS: Final = 10.0
"""How soon readiness must tell, both ways."""

AWAY_SECONDS: Final = 1.0
"""How long it stays away after readiness has told."""

SETTLE_SECONDS: Final = 90.0

Step = Callable[[], None]


def run(*, scale: float, seed: int) -> Outcome:
    """Take the database away five times in each way, times ``scale``; find the planted bug."""
    rounds = max(round(ROUNDS * scale), 1)
    cluster = Cluster()
    try:
        return asyncio.run(prove_away(rounds, seed, ("always_ready",), cluster=cluster))
    finally:
        cluster.remove()


async def prove_away(
    rounds: int, seed: int, plants: Sequence[str] = (), *, cluster: Cluster
) -> Outcome:
    """Take PostgreSQL away in four ways and a SQLite file in one, ``rounds`` times each.

    ``plants`` are modules of ``prove.planted``: each must be found by readiness not saying so.
    """
    on_postgres, on_sqlite, *spoiled = await asyncio.gather(
        _on_postgres(cluster, rounds, seed),
        _on_sqlite(rounds, seed),
        *(_on_sqlite(1, seed, plant) for plant in plants),
    )
    both = (on_postgres, on_sqlite)
    tried = sum(one.tried for one in both)
    return Outcome(
        id="F1",
        name=f"database away and back {tried} times: stopped, killed, frozen, file moved",
        tried=tried,
        fired=sum(one.fired for one in both),
        violations=[line for one in both for line in one.report.violations],
        notes="; ".join(one.figures() for one in both),
        planted_found=sum(
            any(line.startswith("away:") for line in one.report.violations) for one in spoiled
        ),
        planted_of=len(plants),
    )


async def _on_postgres(cluster: Cluster, rounds: int, seed: int) -> _Watch:
    dsn = await asyncio.to_thread(cluster.create_database)
    with tempfile.TemporaryDirectory(prefix="parcelwire-away-") as name:
        return await _Watch(Path(name), dsn).run(_postgres_ways(cluster) * rounds, seed)


async def _on_sqlite(rounds: int, seed: int, plant: str = "") -> _Watch:
    with tempfile.TemporaryDirectory(prefix="parcelwire-away-") as name:
        file, moved = Path(name) / "scratch.db", Path(name) / "elsewhere.db"
        way = ("file moved", lambda: _move(file, moved), lambda: _move(moved, file))
        return await _Watch(Path(name), f"sqlite:{file}", plant).run([way] * rounds, seed)


def _move(here: Path, there: Path) -> None:
    here.rename(there)


def _postgres_ways(cluster: Cluster) -> list[tuple[str, Step, Step]]:
    frozen: list[int] = []

    def freeze() -> None:
        folder = Path(cluster.sql("show data_directory").strip())
        frozen.append(int((folder / "postmaster.pid").read_text().split()[0]))
        frozen.extend(int(one) for one in cluster.sql("select pid from pg_stat_activity").split())
        _signal(frozen, signal.SIGSTOP)

    def thaw() -> None:
        _signal(frozen, signal.SIGCONT)
        frozen.clear()

    return [
        ("stopped", lambda: cluster.stop("fast"), cluster.start),
        ("stopped at once", lambda: cluster.stop("immediate"), cluster.start),
        ("killed", lambda: crash(cluster), cluster.start),
        ("frozen", freeze, thaw),
    ]


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class _Watch:
    """One server whose database is taken away, and what its two health answers say meanwhile."""

    def __init__(self, folder: Path, store_url: str, plant: str = "") -> None:
        base = Config(store=StoreSection(pool_size=3))
        self.tried = 0
        self.fired = 0
        self._modules = ["asyncpg", "parcelwire.store.postgres"]
        if plant:
            self._modules.append(f"prove.planted.{plant}")
        self.report = KillReport()
        self._folder = folder
        self._config = scratch_config(base, folder, store_url, free_port())
        self._path = write_config(self._config, folder / "scratch.toml")
        self._slowest_away = 0.0
        self._slowest_back = 0.0
        self._lively = 0
        self._now = "there"

    def figures(self) -> str:
        """Return what was measured, for people."""
        engine = "SQLite" if self._config.store.url.startswith("sqlite:") else "PostgreSQL"
        return (
            f"{engine}: readiness told it was away after {self._slowest_away:.1f} s at most, back"
            f" after {self._slowest_back:.1f} s; liveness was asked {self._lively} times;"
            f" {self.report.acknowledged} writes acknowledged"
        )

    async def run(self, ways: list[tuple[str, Step, Step]], seed: int) -> _Watch:
        """Take it away in each of ``ways`` in turn."""
        receiver = Receiver(seed)
        forge = Forge(self._modules, ROOT)
        server = Server(
            self._path, self._config.server.port, self._folder / "server.log", forge=forge
        )
        async with serve(receiver.application()) as address:
            furniture = await furnish(self._config, address, ENDPOINTS)
            await asyncio.to_thread(server.start)
            load = Load([server.port or 0], furniture.key, seed=seed, pause_seconds=0.2)
            tasks = [asyncio.create_task(load.run()), asyncio.create_task(self._live(server))]
            try:
                for name, take, give in ways:
                    await self._cycle(server, load, name, take, give)
                load.is_over = True
                await tasks[0]
                ledger = await settle(self._config, furniture.world_id, seconds=SETTLE_SECONDS)
                complete(ledger, load, receiver, furniture.endpoints)
                count(self.report, ledger, load, receiver, may_be_answered=("200", "none", AWAY))
                tasks[1].cancel()
                await asyncio.gather(tasks[1], return_exceptions=True)
                await asyncio.to_thread(server.stop)
            finally:
                load.is_over = True
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await asyncio.to_thread(forge.close)
        return self

    async def _cycle(self, server: Server, load: Load, name: str, take: Step, give: Step) -> None:
        await asyncio.sleep(0.5)
        self._now = name
        self.tried += 1
        await asyncio.to_thread(take)
        try:
            seconds = await self._until(server, 503)
            self._slowest_away = max(self._slowest_away, seconds)
            if seconds < TELLS_SECONDS:
                self.fired += 1
            else:
                self.report.violations.append(f"away: {name}, but readiness did not say so")
            await asyncio.sleep(AWAY_SECONDS)
        finally:
            await asyncio.to_thread(give)
        self._now = f"after being {name}"
        seconds = await self._until(server, 200)
        self._slowest_back = max(self._slowest_back, seconds)
        if seconds >= TELLS_SECONDS:
            self.report.violations.append(f"back: {name}, but readiness did not say so")
        load.answered.clear()
        try:
            await asyncio.wait_for(load.answered.wait(), TELLS_SECONDS)
        except TimeoutError:
            self.report.violations.append(f"back: {name}, but calls are still refused")

    async def _until(self, server: Server, wanted: int) -> float:
        """Return after how many seconds readiness answered ``wanted``."""
        started = time.monotonic()
        while time.monotonic() - started < TELLS_SECONDS:
            if await asyncio.to_thread(server.status, "/readyz") == wanted:
                break
            await asyncio.sleep(0.02)
        return time.monotonic() - started

    async def _live(self, server: Server) -> None:
        while True:
            status = await asyncio.to_thread(server.status, "/healthz", 2.0)
            self._lively += 1
            if status != 200:
                self.report.violations.append(f"dead: {self._now}, liveness answered {status}")
            await asyncio.sleep(0.05)


PROOFS = {"F1": run}
