"""B5: an endpoint is down for 72 hours while 10,000 changes happen; then all of them arrive."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from parcelwire.domain.clock import HOUR, SECOND
from parcelwire.webhooks.ports import MessageState
from prove.deliveries.judge import judge_lines
from prove.deliveries.plants import Forgetful, Impatient, Overtaking
from prove.deliveries.yard import every, open_yard
from prove.outcome import Outcome
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_office import SETTINGS, Office
from tests.contract.webhook_receivers import Received, receiver

CHANGES: Final = 10_000
EVENTS: Final = 20
HOURS: Final = 72
PLANTS: Final = (Forgetful, Impatient, Overtaking)
_MOST_STEPS: Final = 20_000

Wrap = Callable[[Any], Any]


def run(*, scale: float, seed: int) -> Outcome:
    """Lose an endpoint for 72 hours; ``seed`` decides the jitter of the retries."""
    return asyncio.run(prove_outage(round(CHANGES * scale), seed))


PROOFS = {"B5": run}


async def prove_outage(changes: int, seed: int) -> Outcome:
    """Run the honest trial and the planted ones."""
    parcels = max(3, changes // EVENTS)
    fired, tried, violations, notes = await _trial(parcels, EVENTS, seed)
    found = 0
    for plant in PLANTS:
        _, _, seen, _ = await _trial(12, 8, seed, wrap=plant, most_steps=400)
        found += any(one.startswith(("lost", "out of order")) for one in seen)
    return Outcome(
        id="B5",
        name=f"{tried:,} changes while an endpoint is down for {HOURS} simulated hours",
        tried=tried,
        fired=fired,
        violations=violations,
        notes=notes,
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def _trial(
    parcels: int,
    events: int,
    seed: int,
    *,
    wrap: Wrap = lambda store: store,
    most_steps: int = _MOST_STEPS,
) -> tuple[int, int, list[str], str]:
    """Return how many changes fell into the outage, how many there were, violations and notes."""
    refused = 0
    is_down = True
    accepted: list[Received] = []

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        nonlocal refused
        if is_down:
            refused += 1
            await (receivers.close_at_once if refused % 25 else receivers.answer(503))(
                request, writer
            )
            return
        accepted.append(request)
        await receivers.answer(200)(request, writer)

    async with (
        open_yard() as office,
        receiver(behave) as shop,
        receiver(receivers.answer(200)) as ears,
    ):
        endpoint = await office.add_endpoint(shop.url)
        await office.add_endpoint(ears.url, event_types=("endpoint.failing", NEWS))
        settings = replace(SETTINGS, jitter=0.1)
        worker = office.worker(
            store=wrap(office.store), jitter=random.Random(seed).random, settings=settings
        )
        began = office.clock.now()
        ends = began + HOURS * HOUR
        made = 0
        fired = 0
        for _ in range(most_steps):
            now = office.clock.now()
            is_down = now < ends
            due = min(events, (now - began) * events // (HOURS * HOUR - HOUR) + 1)
            while made < due:
                made += 1
                await office.post(endpoint, parcels=parcels, first=made)
                fired += parcels * is_down
            if await worker.step():
                continue
            next_change = began + made * (HOURS * HOUR - HOUR) // events + 1
            next_due = await office.store.next_message_due()
            if made == events and next_due is None:
                break
            # Due and not sent: the endpoint rests, since it answered 503.
            times = [max(next_due, now + 10 * SECOND)] if next_due else []
            times += [next_change] if made < events else [ends] if now < ends else []
            office.clock.advance((min(times) - now) / SECOND)
        violations = judge_lines(accepted, every(parcels, events))
        violations += await _left(office)
        told = [one.headers["parcelwire-event"] for one in ears.received]
        if told != ["endpoint.failing", NEWS]:
            violations.append(f"others were told {told}")
    hours = (office.clock.now() - ends) / HOUR
    notes = f"{refused:,} attempts refused; the last message arrived {hours:.1f} h after the outage"
    return fired, parcels * events, violations, notes


NEWS = "endpoint.recovered"


async def _left(office: Office) -> list[str]:
    messages = await office.messages()
    states = [one.state for one in messages if one.event_type.startswith("tracking.")]
    return [
        f"{states.count(state)} messages are {state}"
        for state in (MessageState.PENDING, MessageState.DEAD)
        if state in states
    ]
