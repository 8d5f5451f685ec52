"""B4: half of 100 endpoints hang, drip, answer a gigabyte, redirect or break TLS.

The healthy half must hardly notice: what counts is the time from a message's being stored to its
arrival, 95 of 100 of them, beside the same endpoints without such neighbours. Rounds with and
without alternate, and the middle ones of each kind are compared, since the machine has other things
to do as well; while they differ too much, some more rounds are taken. The receivers live in a
process of their own.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import uvloop
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.webhooks.flow_control import FlowControl
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from parcelwire.webhooks.worker import DeliveryWorker
from prove.deliveries.yard import open_yard
from prove.outcome import Outcome
from tests.contract.webhook_office import SETTINGS, Office, PassingClock

ENDPOINTS: Final = 100
ROUNDS: Final = 5
SECONDS: Final = 6.0
SHORTEST_SECONDS: Final = 2.0
MORE_ROUNDS: Final = 3
BEAT_SECONDS: Final = 0.02
MOST_RATIO: Final = 1.2
MOST_RATIO_SHORT: Final = 1.6
"""Of a hundred messages a round, five that met a slow disk are a p95 already."""
MOST_MEGABYTES: Final = 50.0
FAIR: Final = replace(SETTINGS, request_timeout_seconds=8, grace_seconds=0.1, poll_seconds=1)

Spoil = Callable[[DeliveryWorker], None]


class Round(msgspec.Struct):
    """What one round measured."""

    arrived: int
    posted: int
    p95_ms: float
    p50_ms: float
    megabytes: float
    bad_attempts: int
    """Requests that bad receivers were sent, or connections they were offered."""


def run(*, scale: float, seed: int) -> Outcome:
    """Measure with 100 endpoints (a fifth of them in the short form)."""
    endpoints = ENDPOINTS if scale >= 1 else ENDPOINTS // 5
    seconds = max(SHORTEST_SECONDS, SECONDS * min(scale, 1.0))
    return uvloop.run(prove_neighbours(endpoints, ROUNDS if scale >= 1 else 3, seconds))


PROOFS = {"B4": run}


async def prove_neighbours(endpoints: int, rounds: int, seconds: float) -> Outcome:
    """Run the honest rounds and the planted ones."""
    healthy = endpoints // 2
    most_ratio = MOST_RATIO if endpoints >= ENDPOINTS else MOST_RATIO_SHORT
    violations, notes, fired = await _compare(healthy, rounds, seconds, most_ratio=most_ratio)
    found = 0
    for spoil, settings in PLANTS:
        seen, _, _ = await _compare(
            10, 1, SHORTEST_SECONDS, spoil=spoil, settings=settings, more_rounds=0
        )
        found += bool(seen)
    return Outcome(
        id="B4",
        name=f"{endpoints - healthy} of {endpoints} endpoints misbehave, {rounds} rounds",
        tried=rounds,
        fired=fired,
        violations=violations,
        notes=notes,
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def _compare(
    healthy: int,
    rounds: int,
    seconds: float,
    *,
    spoil: Spoil = lambda worker: None,
    settings: WebhookSettings = FAIR,
    more_rounds: int = MORE_ROUNDS,
    most_ratio: float = MOST_RATIO,
) -> tuple[list[str], str, int]:
    """Return violations, notes, and in how many rounds the neighbours really misbehaved."""
    alone: list[Round] = []
    beside: list[Round] = []
    # Two installations: what the bad ones did not take waits, and is tried in every later round.
    async with open_yard() as quiet, open_yard() as office:
        crowd = await Crowd.open()
        try:
            by_themselves = [
                await quiet.add_endpoint(f"{crowd.good}/{number}") for number in range(healthy)
            ]
            good = [
                await office.add_endpoint(f"{crowd.good}/{number}") for number in range(healthy)
            ]
            bad = [
                await office.add_endpoint(crowd.bad[number % len(crowd.bad)])
                for number in range(healthy)
            ]
            alone_yard = _Rounds(quiet, crowd, settings, spoil)
            yard = _Rounds(office, crowd, settings, spoil)
            # Everything is loaded, and connected.
            await alone_yard.measure(by_themselves, [], min(seconds, 1.0))
            await yard.measure(good, bad, min(seconds, 1.0))
            for count in range(rounds + more_rounds):
                if count >= rounds and _ratio(alone, beside) <= most_ratio:
                    break
                alone.append(await alone_yard.measure(by_themselves, [], seconds))
                beside.append(await yard.measure(good, bad, seconds))
        finally:
            await crowd.close()
    ratio = _ratio(alone, beside)
    grown = max(one.megabytes for one in beside)
    violations = [
        f"{one.posted - one.arrived} of {one.posted} messages of the healthy did not arrive"
        for one in alone + beside
        if one.arrived != one.posted
    ]
    if ratio > most_ratio:
        violations.append(f"p95 of the healthy is {ratio:.2f} times their own alone")
    if grown > MOST_MEGABYTES:
        violations.append(f"memory grew by {grown:.0f} MB")
    tries = sum(one.bad_attempts for one in beside)
    notes = (
        f"p95 alone {_list(alone)} ms, beside the bad {_list(beside)} ms: {ratio:.2f} times;"
        f" memory +{max(0.0, grown):.0f} MB; {tries:,} attempts at the bad"
    )
    return violations, notes, sum(one.bad_attempts > 0 for one in beside[:rounds])


def _ratio(alone: Sequence[Round], beside: Sequence[Round]) -> float:
    # The middle ones: a machine is at times much quicker, and at times much slower, than it is.
    return statistics.median(one.p95_ms for one in beside) / statistics.median(
        one.p95_ms for one in alone
    )


def _list(rounds: Sequence[Round]) -> str:
    return " ".join(f"{one.p95_ms:.1f}" for one in rounds)


class _Rounds:
    """Posts messages at a steady beat while a worker runs, and asks the crowd when they came."""

    def __init__(
        self, office: Office, crowd: Crowd, settings: WebhookSettings, spoil: Spoil
    ) -> None:
        self._office = office
        self._crowd = crowd
        self._settings = settings
        self._spoil = spoil
        self._parcels = 0

    async def measure(
        self, good: Sequence[Endpoint], bad: Sequence[Endpoint], seconds: float
    ) -> Round:
        """Return one round's figures."""
        office = self._office
        posted: dict[str, float] = {}
        before, tried = _megabytes(), await self._crowd.bad_attempts()
        peak = before
        async with HttpSender(self._settings) as sender:
            worker = office.worker(
                clock=PassingClock(office.clock.now()), sender=sender, settings=self._settings
            )
            self._spoil(worker)
            running = asyncio.create_task(worker.run())
            beats = round(seconds / BEAT_SECONDS)
            began = time.monotonic()
            for beat in range(2 * beats):
                # In turn, as messages of different shops come: in one instant, twice the messages
                # would be what is measured, whatever becomes of them.
                among = bad if beat % 2 else good
                if among:
                    self._parcels += 1
                    message = office.words(among[beat // 2 % len(among)], self._parcels, 1)
                    await office.store.add_messages([message])
                    if among is good:
                        posted[message.id] = time.monotonic()
                    worker.notify()
                peak = max(peak, _megabytes())
                due = began + (beat + 1) * BEAT_SECONDS / 2
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await asyncio.sleep(0.5)
            worker.stop()
            await running
        arrived = await self._crowd.arrivals()
        waits = [(arrived[one] - at) * 1_000 for one, at in posted.items() if one in arrived]
        waits = waits if len(waits) > 20 else [1e6] * 21
        return Round(
            arrived=sum(one in arrived for one in posted),
            posted=len(posted),
            p95_ms=statistics.quantiles(waits, n=20)[-1],
            p50_ms=statistics.median(waits),
            megabytes=peak - before,
            bad_attempts=await self._crowd.bad_attempts() - tried,
        )


class Crowd:
    """The receivers' process, as seen from here."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.good = ""
        self.bad: list[str] = []

    @classmethod
    async def open(cls) -> Crowd:
        """Start it."""
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
            [sys.executable, "-m", "prove.deliveries.crowd"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        crowd = cls(process)
        told = await crowd._ask(None)
        crowd.good, crowd.bad = told["good"], told["bad"]
        return crowd

    async def arrivals(self) -> dict[str, float]:
        """Return when which message came to a healthy receiver, on the machine's own clock."""
        return await self._ask("arrivals")  # type: ignore[no-any-return]

    async def bad_attempts(self) -> int:
        """Return how often somebody connected to the bad ones so far."""
        return await self._ask("bad")  # type: ignore[no-any-return]

    async def close(self) -> None:
        """End it."""
        stdin = self._process.stdin
        if stdin is not None:
            stdin.close()
        await asyncio.to_thread(self._process.wait, 10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    async def _ask(self, what: str | None) -> Any:
        def ask() -> str:
            stdin, stdout = self._process.stdin, self._process.stdout
            if what is not None and stdin is not None:
                stdin.write(what + "\n")
                stdin.flush()
            return stdout.readline() if stdout is not None else ""

        return json.loads(await asyncio.to_thread(ask))


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def unfair(worker: DeliveryWorker) -> None:
    """Plant: nobody is kept from the slots of the others."""
    flow = FlowControl(in_flight=worker._settings.max_concurrent_deliveries, per_endpoint=16)
    flow._suspect_slots = 10_000
    worker._flow = flow


PLANTS: Final[tuple[tuple[Spoil, WebhookSettings], ...]] = (
    # So few slots that the hanging neighbours hold them all.
    (unfair, replace(FAIR, max_concurrent_deliveries=4)),
    # The whole answer is read, as a client does that was not told otherwise.
    (lambda worker: None, replace(FAIR, answer_bytes=150_000_000)),
)
