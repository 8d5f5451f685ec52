"""A2: SIGKILL on PostgreSQL: of the API, of one of 2 or 4 workers, of the whole cluster.

    shops -> api -> PostgreSQL <- worker 1 .. 4 -> receiver

After every kill of a process of ours, what is leased at that moment is written down; each piece
must have been taken up again, or be done, 30 seconds later. Leases are as long as in the default
settings. After the last kill of ours come those of the cluster: every process of PostgreSQL at
once, as when its machine's memory runs out; ours stay and must find their way back.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import asyncpg
import msgspec

from parcelwire.config import Config, StoreSection
from parcelwire.proofs.kills import ENDPOINTS, KillReport, count, merge
from parcelwire.proofs.load import Load
from parcelwire.proofs.receiver import Receiver, serve
from parcelwire.proofs.scratch import (
    NotSettledError,
    complete,
    furnish,
    scratch_config,
    settle,
    write_config,
)
from parcelwire.proofs.servers import Forge, Server, free_port
from prove.kills_sqlite import ROOT
from prove.outcome import Outcome
from tests.contract.store.postgres_fixture import Cluster

KILLS: Final = 100
CLUSTER_SHARE: Final = 0.1
RESUME_SECONDS: Final = 30.0
SETTLE_SECONDS: Final = 150.0
WORKERS: Final = (2, 4)
AWAY: Final = "512"
"""What v4 answers while the database is away: nothing was promised."""

PLANTED_KILLS: Final = 12
PLANTS: Final = {"early_answer": "lost", "no_lease": "overlap", "long_lease": "resume"}
"""Module of ``prove.planted`` -> the kind of violation by which it must be found."""

_LEASED = """
select 'poll ' || tracking_id, leased_until from poll
where leased_until > $1 and due_at is not null
union all
select 'message ' || endpoint_id || ' ' || tracking_id, leased_until from delivery_queue
where leased_until > $1
"""


def run(*, scale: float, seed: int) -> Outcome:
    """Kill 50 times with 2 workers and 50 times with 4, times ``scale``; find every planted bug."""
    return asyncio.run(prove_kills(round(KILLS * scale), seed, PLANTS))


async def prove_kills(
    kills: int, seed: int, plants: Mapping[str, str], *, is_quick: bool = False
) -> Outcome:
    """Run the honest groups and the planted ones, one after the other on one cluster.

    ``is_quick`` shortens leases, so that the end need not be waited for.
    """
    cluster = await asyncio.to_thread(Cluster)
    try:
        groups = [
            await run_group(cluster, workers, -(-kills // len(WORKERS)), seed, is_quick=is_quick)
            for workers in WORKERS
        ]
        unseen = []
        for name, kind in plants.items():
            found = await run_group(cluster, 2, PLANTED_KILLS, seed, plant=name)
            if not any(line.startswith(f"{kind}:") for line in found.report.violations):
                unseen.append(name)
    finally:
        await asyncio.to_thread(cluster.remove)
    total = merge([one.report for one in groups])
    notes = [f"{one.workers} workers: {one.figures()}" for one in groups]
    if unseen:
        notes.append(f"planted and not found: {', '.join(unseen)}")
    return Outcome(
        id="A2",
        name=f"{kills} SIGKILLs of API, 2 and 4 workers, whole cluster, PostgreSQL",
        tried=total.tried,
        fired=total.kills,
        violations=total.violations,
        notes="; ".join(notes),
        planted_found=len(plants) - len(unseen),
        planted_of=len(plants),
    )


class Group(msgspec.Struct, kw_only=True):
    """What came of one number of workers."""

    workers: int
    report: KillReport
    clusters: int
    """Kills of the whole cluster among them."""
    cut: int
    """Requests whose sender was killed while they were being answered."""
    leased: int
    """Pieces of work that were leased at a kill."""
    slowest_seconds: float
    """How long the slowest of them waited to be taken up."""

    def figures(self) -> str:
        """Return what was counted, for people."""
        return (
            f"{self.report.figures()}, {self.clusters} of the cluster, {self.cut} requests cut,"
            f" {self.leased} leased pieces of work taken up after {self.slowest_seconds:.1f} s"
            " at most"
        )


async def run_group(
    cluster: Cluster,
    workers: int,
    kills: int,
    seed: int,
    *,
    plant: str = "",
    is_quick: bool = False,
) -> Group:
    """Run one API and ``workers`` workers on a database of their own, kill, and judge."""
    with tempfile.TemporaryDirectory(prefix="parcelwire-kills-") as name:
        dsn = await asyncio.to_thread(cluster.create_database)
        stage = _Stage(Path(name), cluster, dsn, workers, plant, is_quick=is_quick)
        try:
            return await stage.play(kills, seed)
        finally:
            await asyncio.to_thread(stage.close)


class _Stage:
    """One API, some workers, and who watches them."""

    def __init__(
        self,
        folder: Path,
        cluster: Cluster,
        dsn: str,
        workers: int,
        plant: str,
        *,
        is_quick: bool,
    ) -> None:
        base = Config(store=StoreSection(pool_size=3))
        port = free_port()
        self.cluster = cluster
        self.config = scratch_config(base, folder, dsn, port, is_quick=is_quick)
        path = write_config(self.config, folder / "scratch.toml")
        modules = ["asyncpg", "parcelwire.store.postgres"]
        if plant:
            modules.append(f"prove.planted.{plant}")
        self.forge = Forge(modules, ROOT)
        self.api = Server(path, port, folder / "api.log", "api", forge=self.forge)
        self.workers = [
            Server(path, None, folder / f"worker{number}.log", "worker", forge=self.forge)
            for number in range(workers)
        ]
        self.leases = _Leases(dsn)

    def close(self) -> None:
        """End everything at once."""
        self.forge.close()

    async def play(self, kills: int, seed: int) -> Group:
        """Kill, settle, judge."""
        started = time.monotonic()
        report = KillReport()
        receiver = Receiver(seed, longest_seconds=0.4)
        clusters = max(round(kills * CLUSTER_SHARE), 1)
        async with serve(receiver.application()) as address:
            furniture = await furnish(self.config, address, ENDPOINTS)
            await asyncio.to_thread(self.api.start)
            for worker in self.workers:
                await asyncio.to_thread(worker.launch)
            load = Load([self.api.port or 0], furniture.key, seed=seed, pause_seconds=0.08)
            loading = asyncio.create_task(load.run())
            watching = asyncio.create_task(self.leases.watch())
            try:
                await self._kill_ours(report, load, random.Random(seed), kills - clusters)
                await self._kill_cluster(report, random.Random(seed + 1), clusters)
                await asyncio.to_thread(self.api.wait_ready)
                load.is_over = True
                await loading
                try:
                    ledger = await settle(self.config, furniture.world_id, seconds=SETTLE_SECONDS)
                    complete(ledger, load, receiver, furniture.endpoints)
                    count(report, ledger, load, receiver, may_be_answered=("200", "none", AWAY))
                except NotSettledError as error:
                    report.violations.append(f"stuck: {error}")
                await self.leases.finish()
                for one in (self.api, *self.workers):
                    code = await asyncio.to_thread(one.stop)
                    if code != 0:
                        report.violations.append(f"stop: {one.command} ended with code {code}")
            finally:
                load.is_over = True
                for task in (loading, watching):
                    task.cancel()
                await asyncio.gather(loading, watching, return_exceptions=True)
        report.violations += self.leases.violations
        report.seconds = time.monotonic() - started
        return Group(
            workers=len(self.workers),
            report=report,
            clusters=clusters,
            cut=receiver.cut,
            leased=self.leases.count,
            slowest_seconds=self.leases.slowest_seconds,
        )

    async def _kill_ours(
        self, report: KillReport, load: Load, chance: random.Random, kills: int
    ) -> None:
        for number in range(kills):
            await asyncio.sleep(chance.uniform(0.1, 1.0))
            # Every fifth is the API, so that creations are hit as well as polls and messages.
            victim = self.api if number % 5 == 4 else chance.choice(self.workers)
            answered = load.answers["200"]
            report.tried += 1
            ending = await asyncio.to_thread(victim.kill)
            if ending.was_alive:
                report.kills += 1
                report.served += load.answers["200"] >= answered
            else:
                report.violations.append(
                    f"died: {victim.command} ended by itself with exit code {ending.code}:"
                    f" {victim.tail()[-300:]}"
                )
            await self.leases.note()
            await asyncio.to_thread(victim.launch)

    async def _kill_cluster(self, report: KillReport, chance: random.Random, kills: int) -> None:
        for _ in range(kills):
            await asyncio.sleep(chance.uniform(1.0, 3.0))
            report.tried += 1
            await self.leases.pause()
            await asyncio.to_thread(crash, self.cluster)
            report.kills += 1
            report.served += 1
            await asyncio.sleep(chance.uniform(0.0, 2.0))
            await asyncio.to_thread(self.cluster.start)
            self.leases.go_on()
            for one in (self.api, *self.workers):
                if not await asyncio.to_thread(one.is_alive):
                    report.violations.append(
                        f"died: {one.command} ended with the database: {one.tail()[-300:]}"
                    )
                    await asyncio.to_thread(one.launch)


def crash(cluster: Cluster) -> None:
    """Kill every process of a cluster at once."""
    folder = Path(cluster.sql("show data_directory").strip())
    pids = [int(one) for one in cluster.sql("select pid from pg_stat_activity").split()]
    postmaster = int((folder / "postmaster.pid").read_text().split()[0])
    # The first one first, or it would end the others in an orderly way and start them again.
    for pid in (postmaster, *pids):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in (postmaster, *pids):
        _wait_gone(pid)


def _wait_gone(pid: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)


class _Leases:
    """Watches whether leased work is taken up in time after a kill."""

    def __init__(self, dsn: str) -> None:
        self.count = 0
        self.slowest_seconds = 0.0
        self.violations: list[str] = []
        self._dsn = dsn
        self._noted: list[tuple[float, set[tuple[str, int]]]] = []
        self._is_away = False
        self._link: Any = None
        self._lock = asyncio.Lock()
        self._is_clear = asyncio.Event()

    async def note(self) -> None:
        """Write down what is leased now: a process was killed a moment ago."""
        async with self._lock:
            leased = await self._leased(round(time.time() * 1_000))
            if leased:
                self.count += len(leased)
                self._noted.append((time.monotonic(), leased))

    async def watch(self) -> None:
        """Look twice a second, for ever."""
        while True:
            await asyncio.sleep(0.5)
            async with self._lock:
                if self._noted and not self._is_away:
                    await self._look()

    async def finish(self) -> None:
        """Wait until all that was noted has been taken up, or is too late."""
        if self._noted:
            self._is_clear.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._is_clear.wait(), RESUME_SECONDS + 2)
        if self._link is not None:
            await self._link.close()

    async def pause(self) -> None:
        """The database goes away: nobody can take up anything."""
        async with self._lock:
            self._is_away = True
            if self._link is not None:
                await self._link.close()
                self._link = None

    def go_on(self) -> None:
        """The database is back; the 30 seconds begin anew."""
        now = time.monotonic()
        self._noted = [(now, pieces) for _, pieces in self._noted]
        self._is_away = False

    async def _look(self) -> None:
        still = await self._leased(0)
        now = time.monotonic()
        left: list[tuple[float, set[tuple[str, int]]]] = []
        for since, pieces in self._noted:
            waited = now - since
            if pieces - still:
                self.slowest_seconds = max(self.slowest_seconds, waited)
            remaining = pieces & still
            if remaining and waited > RESUME_SECONDS:
                self.violations += [
                    f"resume: {name} was not taken up {waited:.1f} s after a kill"
                    for name, _ in sorted(remaining)
                ]
            elif remaining:
                left.append((since, remaining))
        self._noted = left
        if not left:
            self._is_clear.set()

    async def _leased(self, after: int) -> set[tuple[str, int]]:
        if self._link is None:
            self._link = await asyncpg.connect(self._dsn)
        return {(name, until) for name, until in await self._link.fetch(_LEASED, after)}


PROOFS = {"A2": run}
