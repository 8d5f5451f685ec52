"""B7: an endpoint is off while 1,000 changes happen, then it is enabled, and all is replayed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from msgspec.structs import replace

from parcelwire.webhooks.ports import MessageFilter, MessageState
from parcelwire.webhooks.standing import enable, pause
from prove.deliveries.judge import judge_lines
from prove.deliveries.plants import HalfReplay, Overtaking
from prove.deliveries.yard import every, open_yard
from prove.outcome import Outcome
from tests.contract import webhook_receivers as receivers
from tests.contract.webhook_office import SETTINGS, Office
from tests.contract.webhook_receivers import Receiver, receiver

CHANGES: Final = 1_000
EVENTS: Final = 10
WAYS: Final = ("paused by its owner", "disabled by 410", "everything given up")
PLANTS: Final = (HalfReplay, Overtaking)

Wrap = Callable[[Any], Any]


def run(*, scale: float, seed: int) -> Outcome:
    """Switch an endpoint off in three ways; there is no chance in it."""
    return asyncio.run(prove_pause(max(EVENTS, round(CHANGES * scale))))


PROOFS = {"B7": run}


async def prove_pause(changes: int) -> Outcome:
    """Run the honest trials and the planted ones."""
    parcels = max(1, changes // EVENTS)
    violations: list[str] = []
    fired = 0
    for way in WAYS:
        was_off, seen = await _trial(way, parcels)
        fired += was_off
        violations += [f"{way}: {one}" for one in seen]
    found = 0
    for plant in PLANTS:
        _, seen = await _trial(WAYS[0], 9, wrap=plant)
        found += any("lost" in one or "order" in one or "replay" in one for one in seen)
    return Outcome(
        id="B7",
        name=f"{parcels * EVENTS:,} changes while an endpoint is off, in {len(WAYS)} ways",
        tried=len(WAYS) * parcels * EVENTS,
        fired=fired,
        violations=violations,
        planted_found=found,
        planted_of=len(PLANTS),
    )


async def _trial(
    way: str, parcels: int, *, wrap: Wrap = lambda store: store
) -> tuple[int, list[str]]:
    """Return how many changes came about while it was off, and the violations."""
    async with open_yard() as office, receiver(receivers.answer(200)) as shop:
        store = wrap(office.store)
        endpoint = await office.add_endpoint(shop.url)
        settings = replace(SETTINGS, max_attempts=1) if way == WAYS[2] else SETTINGS
        worker = office.worker(store=store, settings=settings)
        violations: list[str] = []
        if way == WAYS[0]:
            await store.save_endpoint(pause(endpoint))
        elif way == WAYS[1]:
            shop.behaviour = receivers.answer(410)
        else:
            shop.behaviour = receivers.answer(500)
        began = office.clock.now()
        for sequence in range(1, EVENTS + 1):
            await office.post(endpoint, parcels=parcels, first=sequence)
            while await worker.step():
                pass
            office.clock.advance(60)
        off = MessageState.DEAD if way == WAYS[2] else MessageState.PENDING
        kept = await office.messages(off)
        total = parcels * EVENTS
        if len(kept) != total:
            violations.append(f"{len(kept)} of {total} messages are kept and visible")
        waiting = await store.count_waiting(endpoint.id)
        if off is MessageState.PENDING and waiting != total:
            violations.append(f"{waiting} of {total} messages are counted as waiting")
        shop.behaviour = receivers.answer(200)
        shop.received.clear()
        stored = await store.load_endpoint(office.world_id, endpoint.id)
        await store.save_endpoint(enable(stored))
        worker = office.worker(store=store)
        where = MessageFilter(endpoint_id=endpoint.id, created_min=began)
        if way == WAYS[2]:
            await _replay(office, store, where, total, violations)
        await office.settle(worker, steps=20 * total)
        violations += judge_lines(shop.received, every(parcels, EVENTS))
        # The receiver lost its database: once more from the beginning, in order.
        violations += await _once_more(office, store, shop, where, parcels)
    return len(kept), violations


async def _once_more(
    office: Office, store: Any, shop: Receiver, where: MessageFilter, parcels: int
) -> list[str]:
    before = {one.message_id for one in shop.received}
    shop.received.clear()
    violations: list[str] = []
    await _replay(office, store, where, parcels * EVENTS, violations)
    await office.settle(office.worker(store=store), steps=20 * parcels * EVENTS)
    violations += [f"replay: {one}" for one in judge_lines(shop.received, every(parcels, EVENTS))]
    if {one.message_id for one in shop.received} - before:
        violations.append("replay: messages came under other ids")
    return violations


async def _replay(
    office: Office, store: Any, where: MessageFilter, total: int, violations: list[str]
) -> None:
    taken = await store.replay(office.world_id, where, office.clock.now())
    if taken != total:
        violations.append(f"replay took {taken} of {total}")
