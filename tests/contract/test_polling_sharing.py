"""Polling beside others, on both engines: workers that share, changes made meanwhile, the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from parcelwire.domain.report import Outcome
from parcelwire.domain.status import Status
from parcelwire.polling.worker import PollWorker
from parcelwire.store.port import Store
from parcelwire.tracking.ports import PollState
from tests.contract.poll_yard import PatientClock, Yard, drive, kill, until
from tests.contract.store.holdings import rows_of
from tests.contract.store.samples import NOW, WORLD, create, make_change
from tests.support.house import report

OpenAnother = Callable[[], Awaitable[Store]]


async def asking(yard: Yard, **settings: Any) -> tuple[PollWorker, asyncio.Event]:
    """Return a worker that waits for the carrier's answer, and the gate that lets it come."""
    gate = yard.carriers.hold("dhl")
    worker = yard.worker(**settings)
    await worker.step()
    await until(lambda: bool(yard.carriers.calls))
    return worker, gate


class TestSharing:
    async def test_a_dead_workers_parcels_are_asked_about_when_its_lease_ends(
        self, yard: Yard, open_another: OpenAnother
    ) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.connect("dhl")
        dead, _ = await asking(yard)
        await kill(dead)
        yard.carriers.gates.clear()

        other = yard.worker(await open_another())
        yard.clock.advance(26.9)
        await drive(other)
        assert len(yard.carriers.calls) == 1
        yard.clock.advance(0.1)
        await drive(other)
        assert len(yard.carriers.calls) == 2
        assert (await yard.poll(parcel)).checks == 1

    async def test_two_workers_never_ask_about_one_parcel_at_once(
        self, yard: Yard, open_another: OpenAnother
    ) -> None:
        yard.carriers.connect("dhl", batch_size=3)
        parcels = [await create(yard.store, f"A{i:02d}", courier_code="dhl") for i in range(60)]
        for index in range(60):
            yard.carriers.script("dhl", f"A{index:02d}", report("", yard.scan(60)))
        workers = [
            yard.worker(store, claim_size=7)
            for store in (yard.store, await open_another(), await open_another())
        ]
        for _ in range(20):
            if not sum(await asyncio.gather(*(worker.step() for worker in workers))):
                break
        for worker in workers:
            await worker.drain()
        assert sorted(yard.carriers.numbers_asked("dhl")) == [f"A{i:02d}" for i in range(60)]
        assert yard.carriers.overlaps == []
        for parcel in parcels:
            assert (await yard.check_history(parcel)).sequence == 1

    async def test_a_worker_that_waited_too_long_gives_its_parcels_back(
        self, yard: Yard, open_another: OpenAnother
    ) -> None:
        yard.carriers.connect("dhl", batch_size=1)
        parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(8)]
        slow, gate = await asking(yard, concurrency=1)
        yard.clock.advance(24)
        gate.set()
        await slow.drain()
        assert len(yard.carriers.calls) == 1
        polls = [await yard.poll(parcel) for parcel in parcels]
        assert sum("turn" in poll.due_reason and poll.leased_until == 0 for poll in polls) == 7

        yard.clock.advance(20)
        await drive(yard.worker(await open_another()))
        assert sorted(yard.carriers.numbers_asked("dhl")) == [f"A{index}" for index in range(8)]
        assert yard.carriers.overlaps == []

    async def test_a_parcel_stopped_while_it_is_asked_about_stays_stopped(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.connect("dhl")
        worker, gate = await asking(yard)
        # The first answer makes it "not found"; the second changes nothing.
        gate.set()
        await worker.drain()
        yard.clock.advance(3 * 3600)
        gate.clear()
        await worker.step()
        await until(lambda: len(yard.carriers.calls) == 2)
        service = yard.service()
        await service.stop(await service.get(WORLD, parcel.id))
        gate.set()
        await worker.drain()
        poll = await yard.poll(parcel)
        assert (poll.due_at, poll.due_reason) == (None, "stopped by request")

    async def test_a_parcel_stopped_while_it_waits_for_its_place_is_not_asked_about(
        self, yard: Yard
    ) -> None:
        yard.carriers.connect("dhl", batch_size=1)
        first = await create(yard.store, "A1", courier_code="dhl", due_at=NOW - 1)
        second = await create(yard.store, "A2", courier_code="dhl")
        worker, gate = await asking(yard, concurrency=1)
        service = yard.service()
        await service.stop(await service.get(WORLD, second.id))
        gate.set()
        await worker.drain()
        assert yard.carriers.numbers_asked("dhl") == ["A1"]
        assert (await yard.poll(first)).checks == 1
        assert (await yard.poll(second)).due_at is None

    async def test_an_answer_of_the_courier_before_is_not_the_new_ones(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.delivered(60)))
        yard.carriers.connect("ups")
        worker, gate = await asking(yard)
        service = yard.service()
        await service.change_courier(await service.get(WORLD, parcel.id), "ups")
        gate.set()
        await worker.drain()
        stored = await yard.stored(parcel)
        assert (stored.tracking.courier_code, stored.tracking.checkpoints) == ("ups", ())
        assert stored.poll.due_at == NOW
        await drive(worker)
        assert yard.carriers.numbers_asked("ups") == ["A1"]

    async def test_an_edit_while_the_carrier_is_asked_and_its_answer_both_end_up(
        self, yard: Yard
    ) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(60)))
        worker, gate = await asking(yard)
        service = yard.service()
        await service.update(await service.get(WORLD, parcel.id), details={"title": "Shoes"})
        gate.set()
        await worker.drain()
        now = await yard.check_history(parcel)
        assert (now.details.title, now.status) == ("Shoes", Status.TRANSIT)


class TestRunning:
    async def test_it_wakes_up_for_what_became_due_and_finishes_what_it_began(
        self, yard: Yard
    ) -> None:
        yard.carriers.connect("dhl")
        gate = yard.carriers.hold("dhl")
        worker = yard.worker(clock=PatientClock(yard.clock))
        running = asyncio.create_task(worker.run())
        await asyncio.sleep(0.02)
        parcel = await create(yard.store, "A1", courier_code="dhl")
        worker.wake()
        await until(lambda: bool(yard.carriers.calls))
        worker.stop()
        await asyncio.sleep(0.02)
        assert not running.done()
        gate.set()
        await running
        assert (await yard.poll(parcel)).checks == 1

    @pytest.mark.parametrize(
        "outcome", [Outcome.FOUND, Outcome.UNKNOWN_NUMBER, Outcome.NOT_UNDERSTOOD]
    )
    async def test_what_is_answered_about_a_deleted_parcel_is_dropped(
        self, yard: Yard, outcome: Outcome
    ) -> None:
        gone, kept = [
            await create(yard.store, number, courier_code="dhl") for number in ("A1", "A2")
        ]
        for number in ("A1", "A2"):
            scans = [yard.scan(60)] if outcome is Outcome.FOUND else []
            answer = report("", *scans, outcome=outcome, raw=b"Jo Doe, Bern")
            yard.carriers.script("dhl", number, answer)
        worker, gate = await asking(yard)
        await yard.store.delete_trackings(WORLD, [gone.id])
        gate.set()
        await worker.drain()
        assert set((await rows_of(yard.store, gone.id)).values()) == {0}
        assert (await yard.poll(kept)).checks == 1

    async def test_a_change_by_somebody_else_is_not_undone(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(60)))
        worker, gate = await asking(yard)
        other = make_change(
            parcel,
            tells=False,
            checkpoints=(yard.delivered(30),),
            status=Status.DELIVERED,
            poll=PollState(due_at=None, due_reason="finished"),
        )
        assert await yard.store.save(other)
        gate.set()
        await worker.drain()
        stored = await yard.stored(parcel)
        assert stored.tracking.status is Status.DELIVERED
        assert len(stored.tracking.checkpoints) == 2
        assert stored.poll.due_at is None
