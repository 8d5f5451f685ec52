"""Several processes are asked about one parcel at the same moment: its carrier is asked once."""

from __future__ import annotations

import asyncio

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from parcelwire.tracking.ports import Stored
from parcelwire.tracking.service import TrackingService
from tests.contract.poll_yard import PatientClock, Yard, drive, followed, until
from tests.contract.store.samples import WORLD
from tests.support.house import report


@pytest.fixture
def processes(yard: Yard) -> list[TrackingService]:
    """Services as three processes have them: they share nothing but the store."""
    return [
        yard.service(clock=PatientClock(yard.clock), fetch_wait_seconds=600.0) for _ in range(3)
    ]


async def test_those_who_read_it_at_the_same_moment_ask_once(
    yard: Yard, processes: list[TrackingService]
) -> None:
    stored = await followed(yard, processes[0], days=1)
    yard.carriers.script("dhl", "A1B2C3D4", report("", yard.delivered(60)))
    gate = yard.carriers.hold("dhl")
    # Each has read it before any of the others has asked.
    asking = [asyncio.create_task(one.refresh_now(stored)) for one in processes]
    await until(lambda: len(yard.carriers.calls) > 1)
    for _ in range(50):
        await asyncio.sleep(0.001)
    gate.set()
    told = await asyncio.gather(*asking)
    assert len(yard.carriers.calls) == 2
    assert yard.carriers.overlaps == []
    assert {one.tracking.status for one in told} == {Status.DELIVERED}
    assert all(one == told[0] for one in told)
    await yard.check_history(stored.tracking)


async def test_what_a_worker_has_claimed_in_between_is_waited_for(
    yard: Yard, processes: list[TrackingService]
) -> None:
    stored = await followed(yard, processes[0], days=1)
    yard.carriers.script("dhl", "A1B2C3D4", report("", yard.delivered(60)))
    gate = yard.carriers.hold("dhl")
    worker = yard.worker()
    await worker.step()
    await until(lambda: len(yard.carriers.calls) == 2)
    waiting = asyncio.create_task(processes[1].refresh_now(stored))
    for _ in range(20):
        await asyncio.sleep(0.001)
    gate.set()
    await worker.drain()
    assert (await waiting).tracking.status is Status.DELIVERED
    assert len(yard.carriers.calls) == 2
    assert yard.carriers.overlaps == []


async def test_one_whose_clock_is_behind_knows_the_lease_of_one_who_is_ahead(yard: Yard) -> None:
    """Less than a second is left between the clocks of two machines."""
    behind = FrozenClock(yard.clock.now() - 900)
    ahead = yard.service(clock=PatientClock(yard.clock), fetch_wait_seconds=600.0)
    slow = yard.service(clock=PatientClock(behind), fetch_wait_seconds=600.0)
    stored = await followed(yard, ahead, days=1)
    behind.set(yard.clock.now() - 900)
    yard.carriers.script("dhl", "A1B2C3D4", report("", yard.delivered(60)))
    gate = yard.carriers.hold("dhl")
    first = asyncio.create_task(ahead.refresh_now(stored))
    await until(lambda: len(yard.carriers.calls) > 1)
    leased = await yard.store.load(WORLD, stored.tracking.id)
    assert leased is not None
    second = asyncio.create_task(slow.refresh_now(leased))
    for _ in range(50):
        await asyncio.sleep(0.001)
    gate.set()
    assert (await second).tracking.status is (await first).tracking.status is Status.DELIVERED
    assert len(yard.carriers.calls) == 2
    assert yard.carriers.overlaps == []


async def test_an_answer_that_came_in_between_is_not_asked_for_again(
    yard: Yard, processes: list[TrackingService]
) -> None:
    stored = await followed(yard, processes[0], days=1)
    first = await processes[1].refresh_now(stored)
    second = await processes[2].refresh_now(stored)
    assert second == first
    assert len(yard.carriers.calls) == 2
    assert (await yard.poll(stored.tracking)).leased_until == 0


async def test_a_stop_in_between_is_not_undone(
    yard: Yard, processes: list[TrackingService]
) -> None:
    stored = await followed(yard, processes[0], days=1)
    await processes[1].stop(stored)
    after = await processes[2].refresh_now(stored)
    assert after.tracking.stopped_reason == "by_user"
    poll = await yard.poll(stored.tracking)
    assert (poll.due_at, poll.leased_until) == (None, 0)
    asked = len(yard.carriers.calls)
    yard.clock.advance(90 * 86_400)
    await drive(yard.worker())
    assert len(yard.carriers.calls) == asked


async def test_a_stop_while_the_carrier_is_asked_is_not_undone(
    yard: Yard, processes: list[TrackingService]
) -> None:
    stored = await followed(yard, processes[0], days=1)
    gate = yard.carriers.hold("dhl")
    asking = asyncio.create_task(processes[2].refresh_now(stored))
    await until(lambda: len(yard.carriers.calls) == 2)
    await processes[1].stop(await processes[1].get(WORLD, stored.tracking.id))
    gate.set()
    await asking
    assert (await yard.poll(stored.tracking)).due_at is None


async def test_another_courier_in_between_is_not_asked_by_the_old_ones_plan(
    yard: Yard, processes: list[TrackingService]
) -> None:
    stored = await followed(yard, processes[0], days=1)
    moved = await processes[1].change_courier(stored, "ups")
    after: Stored = await processes[2].refresh_now(stored)
    assert after.tracking.courier_code == "ups"
    assert len(yard.carriers.calls) == 1
    poll = await yard.poll(stored.tracking)
    assert (poll.due_at, poll.leased_until) == (moved.poll.due_at, 0)
