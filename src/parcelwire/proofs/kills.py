"""SIGKILL of ``parcelwire serve`` at random instants under load (A1).

    shops -> serve -> receiver          while shops create, change and delete, parcels are polled
      |        ^ SIGKILL, start, ...    and messages sent, the one process is killed and started,
      +-> ledger <- store, receiver     again and again; then all is left to settle and is judged

The instants are drawn from a seeded source. Every fourth is counted from the start of the process,
so that it may fall into the start itself, the others from the first call that the process answered.
What it is doing then is as random as the machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from parcelwire.config import Config
from parcelwire.proofs.ledger import Ledger
from parcelwire.proofs.load import Load
from parcelwire.proofs.receiver import Receiver, serve
from parcelwire.proofs.scratch import (
    Furniture,
    NotSettledError,
    complete,
    furnish,
    scratch_config,
    settle,
    write_config,
)
from parcelwire.proofs.servers import START_SECONDS, DiedError, Forge, Server, free_port

START_WINDOW: Final = 0.4
"""Seconds after a start within which every fourth kill falls. A forked server answers after 0.1."""

WINDOW: Final = 0.6
"""Seconds after the first answered call within which the other kills fall."""

NEW_EVERY: Final = 20
"""One start in so many is a new interpreter, as an operator starts it."""

LEAST_KILLS: Final = 5
"""However short the time is: fewer would tell nothing."""

MOST_DEATHS: Final = 3
SETTLE_SECONDS: Final = 120.0
ENDPOINTS: Final = ("first", "second")


class KillReport(msgspec.Struct, kw_only=True):
    """What came of it."""

    kills: int = 0
    """Servers that were alive when they were killed."""
    tried: int = 0
    served: int = 0
    """Of the kills, those of a server that had answered a call before."""
    acknowledged: int = 0
    """Creations, changes and deletions that were answered with success."""
    receipts: int = 0
    duplicates: int = 0
    refused: int = 0
    violations: list[str] = []
    seconds: float = 0.0

    def figures(self) -> str:
        """Return what was counted, for people."""
        return (
            f"{self.kills} kills, {self.served} of servers that had answered,"
            f" {self.acknowledged} writes acknowledged, {self.receipts} messages received"
            f" ({self.duplicates} again under the same id, {self.refused} refused at first)"
        )


def merge(reports: Sequence[KillReport]) -> KillReport:
    """Return one report for several runs."""
    total = KillReport()
    for one in reports:
        for name in total.__struct_fields__:
            setattr(total, name, getattr(total, name) + getattr(one, name))
    total.seconds = max((one.seconds for one in reports), default=0.0)
    return total


async def run_kills(
    folder: Path,
    base: Config,
    store_url: str,
    *,
    kills: int,
    seed: int,
    seconds: float = 3600.0,
    plants: Sequence[str] = (),
    plants_folder: Path | None = None,
    pause_seconds: float = 0.1,
) -> KillReport:
    """Kill one server ``kills`` times, but for no longer than ``seconds``, and judge.

    ``store_url`` names an empty database, ``base`` the operator's settings. ``plants`` are modules
    that spoil the program on purpose, imported before it starts from ``plants_folder``.
    """
    started = time.monotonic()
    port = free_port()
    config = scratch_config(base, folder, store_url, port)
    path = write_config(config, folder / "scratch.toml")
    receiver = Receiver(seed)
    async with serve(receiver.application()) as address:
        furniture = await furnish(config, address, ENDPOINTS)
        forge = _forge(plants, plants_folder)
        server = Server(path, port, folder / "server.log", forge=forge)
        load = Load([port], furniture.key, seed=seed, pause_seconds=pause_seconds)
        loading = asyncio.create_task(load.run())
        try:
            chance = random.Random(seed)  # noqa: S311  # seeded randomness is wanted
            report = await _kill(server, load, chance, kills, time.monotonic() + seconds)
            await asyncio.to_thread(server.launch)
            try:
                await asyncio.to_thread(server.wait_ready)
                await asyncio.sleep(0.3)
                load.is_over = True
                await loading
                await _judge(report, config, furniture, load, receiver)
                code = await asyncio.to_thread(server.stop)
            except (DiedError, TimeoutError) as error:
                report.violations.append(f"died: {error}")
            else:
                if code != 0:
                    report.violations.append(f"died: the last server's exit code is {code}")
        finally:
            load.is_over = True
            loading.cancel()
            if forge is not None:
                await asyncio.to_thread(forge.close)
            elif server.process is not None:
                await asyncio.to_thread(server.kill)
    report.seconds = time.monotonic() - started
    return report


def _forge(plants: Sequence[str], folder: Path | None) -> Forge | None:
    """Return a forge where forking is safe. macOS' own libraries start threads when imported."""
    if sys.platform == "darwin" and not plants:
        return None
    return Forge(plants, folder)


async def _kill(
    server: Server, load: Load, chance: random.Random, kills: int, deadline: float
) -> KillReport:
    report = KillReport()
    least = min(LEAST_KILLS, kills)
    while report.tried < least or (report.tried < kills and time.monotonic() < deadline):
        report.tried += 1
        is_new = server.forge is None or report.tried % NEW_EVERY == 0
        answered = load.answers["200"]
        await asyncio.to_thread(server.launch, is_new=is_new)
        if report.tried % 4:
            await _first_answer(load, answered)
            await asyncio.sleep(chance.uniform(0.0, WINDOW))
        else:
            await asyncio.sleep(chance.uniform(0.0, START_WINDOW))
        ending = await asyncio.to_thread(server.kill)
        if ending.was_alive:
            report.kills += 1
            report.served += load.answers["200"] > answered
        else:
            report.violations.append(
                f"died: a server ended by itself with exit code {ending.code}:"
                f" {server.tail()[-300:]}"
            )
            if len(report.violations) == MOST_DEATHS:
                break  # it does not start at all; the rest would tell nothing new
    return report


async def _first_answer(load: Load, before: int) -> None:
    """Wait until the server has answered a call; one that never does is found out when killed."""
    if load.answers["200"] == before:
        load.answered.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(load.answered.wait(), START_SECONDS)


async def _judge(
    report: KillReport, config: Config, furniture: Furniture, load: Load, receiver: Receiver
) -> None:
    """Wait until all is quiet, and hold what came against what was promised."""
    try:
        ledger = await settle(config, furniture.world_id, seconds=SETTLE_SECONDS)
    except NotSettledError as error:
        report.violations.append(f"stuck: {error}")
        return
    complete(ledger, load, receiver, furniture.endpoints)
    count(report, ledger, load, receiver)


def count(
    report: KillReport,
    ledger: Ledger,
    load: Load,
    receiver: Receiver,
    *,
    may_be_answered: Sequence[str] = ("200", "none"),
) -> None:
    """Write down what the judge says, and whether the run was worth something.

    ``may_be_answered`` are the codes that calls may get; ``none`` is a call without an answer.
    """
    report.violations += ledger.violations()
    report.acknowledged = load.answers["200"]
    report.receipts = len(receiver.receipts)
    report.duplicates = ledger.duplicates
    report.refused = receiver.refused
    for what, number in (
        ("writes acknowledged", report.acknowledged),
        ("messages", report.receipts),
    ):
        if number < report.kills:
            report.violations.append(f"idle: only {number} {what} beside {report.kills} kills")
    unexpected = {code: n for code, n in load.answers.items() if code not in may_be_answered}
    if unexpected:
        report.violations.append(f"refused: calls were answered with {unexpected}")
