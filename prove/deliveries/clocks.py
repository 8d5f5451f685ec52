"""B3: the wall clock jumps (an hour, a day, ten years, ahead and back) while messages are under
way.

The jumps happen inside requests: the receiver sets the clock while the sender waits for its answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND
from prove.deliveries.judge import judge_lines
from prove.deliveries.plants import Forgetful, NeverRecalling, Overtaking
from prove.deliveries.yard import every, open_yard
from prove.outcome import Outcome
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_office import SETTINGS
from tests.contract.webhook_receivers import Received, receiver

TRIALS: Final = 60
PARCELS: Final = 8
EVENTS: Final = 4
JUMPS: Final = (HOUR, -HOUR, DAY, -DAY, 3_650 * DAY, -3_650 * DAY)
PLANTS: Final = (NeverRecalling, Forgetful, Overtaking)

Wrap = Callable[[Any], Any]


def run(*, scale: float, seed: int) -> Outcome:
    """Set the clock in ``TRIALS`` (times ``scale``) runs of a worker."""
    return asyncio.run(prove_clocks(max(len(JUMPS), round(TRIALS * scale)), seed))


PROOFS = {"B3": run}


async def prove_clocks(trials: int, seed: int) -> Outcome:
    """Run the honest trials and the planted ones."""
    violations: list[str] = []
    fired = 0
    jumps = 0
    for trial in range(trials):
        jump = JUMPS[trial % len(JUMPS)]
        count, seen = await _trial(jump, seed + trial)
        fired += count > 0
        jumps += count
        violations += [f"jump of {jump // HOUR} h: {one}" for one in seen]
    found = 0
    for plant in PLANTS:
        for attempt in range(3 * len(JUMPS)):
            # The longest jumps first: what one of them puts off is easiest to see.
            _, seen = await _trial(JUMPS[-1 - attempt % len(JUMPS)], seed + attempt, wrap=plant)
            if seen:
                found += 1
                break
    return Outcome(
        id="B3",
        name=f"the clock jumps in the middle of requests, {trials} runs",
        tried=trials,
        fired=fired,
        violations=violations,
        notes=f"{jumps:,} jumps; afterwards everything arrived within the schedule's own waits",
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def _trial(
    jump: int, seed: int, *, wrap: Wrap = lambda store: store
) -> tuple[int, list[str]]:
    """Return how often the clock jumped with a request under way, and the violations."""
    chance = random.Random(seed)
    accepted: list[Received] = []
    jumps = 0
    is_stormy = True

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal jumps
        is_time = chance.random() < 0.1 or len(shop.received) == 5
        if is_stormy and jumps < 4 and is_time:
            jumps += 1
            # There and back, there and back: retries are put off by both clocks.
            office.clock.advance((jump if jumps % 2 else -jump) / SECOND)
        if is_stormy and chance.random() < 0.5:
            await receivers.answer(500)(request, writer)
            return
        accepted.append(request)
        await receivers.answer(200)(request, writer)

    async with open_yard() as office, receiver(behave) as shop:
        endpoint = await office.add_endpoint(shop.url)
        worker = office.worker(
            store=wrap(office.store), settings=replace(SETTINGS, disable_after_seconds=0)
        )
        for sequence in range(1, EVENTS + 1):
            await office.post(endpoint, parcels=PARCELS, first=sequence)
            for _ in range(6):
                await worker.step()
                office.clock.advance(MINUTE / SECOND)
        is_stormy = False
        # A wait that another clock began can be as long as the schedule's own, and no longer.
        waited = 0
        while await office.pending() and waited < 40 * HOUR:
            if not await worker.step():
                office.clock.advance(600)
                waited += 600 * SECOND
        violations = judge_lines(accepted, every(PARCELS, EVENTS))
        if shop.most_in_flight_of_one_tracking > 1:
            violations.append("two requests of one tracking at the same time")
        if pending := await office.pending():
            violations.append(f"{pending} messages are still waiting after 40 hours")
    return jumps, violations
