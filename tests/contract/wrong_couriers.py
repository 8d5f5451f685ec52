"""Numbers that were given to the wrong courier, for the tests of its correction."""

from __future__ import annotations

from typing import Any

from parcelwire.domain.tracking import Tracking
from parcelwire.polling.worker import PollWorker
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.ports import Stored
from tests.contract.poll_yard import Yard, drive, until
from tests.contract.store.samples import WORLD

SWISS = "996012345678901234"
"""Fits Swiss Post alone (made up)."""
AMBIGUOUS = "12345678901234"
"""Fits DPD best, then several others (made up)."""


async def follow(yard: Yard, number: str = SWISS, **fields: Any) -> Stored:
    """Follow a number with a courier that can be asked and does not know it."""
    courier = fields.pop("courier_code", "poste-italiane")
    if courier is not None:
        yard.carriers.connect(courier)
    draft = Draft(number=number, courier_code=courier, **fields)
    return await yard.service().create(WORLD, draft)


async def pass_cycles(yard: Yard, tracking: Tracking, count: int = 1) -> Stored:
    """Let the workers do what is due for this tracking, ``count`` times."""
    worker = yard.worker()
    for _ in range(count):
        due_at = (await yard.poll(tracking)).due_at
        if due_at is None:
            break
        yard.clock.set(max(yard.clock.now(), due_at))
        await drive(worker)
    return await yard.stored(tracking)


async def begin_probe(yard: Yard, worker: PollWorker, courier: str = "swiss-post") -> None:
    """Let a worker ask the own courier, then the candidate, whose answer is held up."""
    await worker.step()
    await worker.drain()
    await worker.step()
    await until(lambda: yard.carriers.under_way[courier, SWISS] == 1)


async def due_probe(yard: Yard, **own: Any) -> tuple[Stored, PollWorker]:
    """Follow a number whose own courier did not know it twice: the candidate is due."""
    yard.carriers.connect("poste-italiane", **own)
    created = await yard.service().create(WORLD, Draft(number=SWISS, courier_code="poste-italiane"))
    due_at = created.poll.due_at
    assert due_at is not None
    yard.clock.set(due_at)
    worker = yard.worker()
    await worker.step()
    await worker.drain()
    return await yard.stored(created.tracking), worker
