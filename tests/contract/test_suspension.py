"""Suspended accounts in the workers: what was claimed before is not sent out either."""

from __future__ import annotations

from tests.contract.poll_yard import Yard, until
from tests.contract.store.samples import OTHER_WORLD, create


async def two_accounts(yard: Yard) -> None:
    for email in ("a@shop.example", "b@shop.example"):
        await yard.store.add_account(email, now=yard.clock.now())


async def test_no_carrier_is_asked_for_a_suspended_account(yard: Yard) -> None:
    await two_accounts(yard)
    yard.carriers.connect("dhl", batch_size=1)
    await create(yard.store, "A1", courier_code="dhl")
    await create(yard.store, "B1", courier_code="dhl", world_id=OTHER_WORLD)
    await yard.store.suspend_account(1, now=yard.clock.now())
    worker = yard.worker()
    assert await worker.step() == 1
    await worker.drain()
    assert yard.carriers.numbers_asked("dhl") == ["B1"]


async def test_what_was_claimed_before_is_not_asked_about_after(yard: Yard) -> None:
    await two_accounts(yard)
    yard.carriers.connect("dhl", batch_size=1)
    for number in ("A1", "A2", "A3"):
        await create(yard.store, number, courier_code="dhl")
    opened = yard.carriers.hold("dhl")
    worker = yard.worker(concurrency=1)
    assert await worker.step() == 3
    await until(lambda: yard.carriers.calls)
    (under_way,) = yard.carriers.calls[0][2]

    await yard.store.suspend_account(1, now=yard.clock.now())
    yard.clock.advance(1)
    opened.set()
    await worker.drain()

    # At most what was under way is finished; the others' leases are given back.
    assert yard.carriers.numbers_asked("dhl") == [under_way]
    assert await worker.step() == 0
    await yard.store.resume_account(1)
    yard.clock.advance(3_601)
    yard.carriers.gates.clear()
    await worker.step()
    await worker.drain()
    assert set(yard.carriers.numbers_asked("dhl")) == {"A1", "A2", "A3"}
