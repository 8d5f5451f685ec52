"""B8: one tracking's message always fails; 999 others of the same endpoint flow."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from prove.deliveries.judge import judge_lines
from prove.deliveries.plants import OneLine, Overtaking
from prove.deliveries.yard import every, open_yard
from prove.outcome import Outcome
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_office import SETTINGS
from tests.contract.webhook_receivers import Received, receiver

PARCELS: Final = 1_000
EVENTS: Final = 3
PLANTS: Final = (OneLine, Overtaking)

Wrap = Callable[[Any], Any]


def run(*, scale: float, seed: int) -> Outcome:
    """Refuse one parcel's messages for ever; ``seed`` decides which one it is."""
    return asyncio.run(prove_stuck(max(10, round(PARCELS * scale)), seed))


PROOFS = {"B8": run}


async def prove_stuck(parcels: int, seed: int) -> Outcome:
    """Run the honest trial and the planted ones."""
    refused, violations = await _trial(parcels, seed)
    found = 0
    for plant in PLANTS:
        _, seen = await _trial(12, seed, wrap=plant)
        found += bool(seen)
    return Outcome(
        id="B8",
        name=f"one of {parcels:,} trackings always fails",
        tried=parcels * EVENTS,
        # Every message was sent beside one that had failed or was failing.
        fired=parcels * EVENTS if refused else 0,
        violations=violations,
        notes=f"refused {refused} times; all others arrived before its next attempt was due",
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def _trial(
    parcels: int, seed: int, *, wrap: Wrap = lambda store: store
) -> tuple[int, list[str]]:
    """Return how often the one was refused, and the violations."""
    stuck = f"{1 + seed % parcels:032x}"
    refused: list[Received] = []
    accepted: list[Received] = []

    async def choosy(request: Received, writer: asyncio.StreamWriter) -> None:
        is_stuck = request.line[0] == stuck
        (refused if is_stuck else accepted).append(request)
        await receivers.answer(500 if is_stuck else 200)(request, writer)

    async with open_yard() as office, receiver(choosy) as shop:
        endpoint = await office.add_endpoint(shop.url)
        await office.post(endpoint, parcels=parcels, events=EVENTS)
        worker = office.worker(store=wrap(office.store))
        # Time stands still: whoever waits for the stuck one waits for ever.
        while await worker.step():
            pass
        wanted = every(parcels, EVENTS)
        del wanted[stuck]
        violations = judge_lines(accepted, wanted)
        if len(refused) != 1 or refused[0].line[1] != 1:
            violations.append(f"the stuck one was sent {len(refused)} times")
        if await office.pending() != EVENTS + sum(map(len, wanted.values())) - len(accepted):
            violations.append("messages are neither delivered nor pending")
        worker = office.worker(store=office.store, settings=replace(SETTINGS, max_attempts=3))
        for _ in range(5 * EVENTS):
            office.clock.advance(200)
            while await worker.step():
                pass
        if {one.line for one in refused} != {(stuck, 1 + at) for at in range(EVENTS)}:
            violations.append("the stuck one's later messages were never tried")
    return len(refused), violations
