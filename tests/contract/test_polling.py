"""What is promised about polling, on both engines: real workers, a clock that is moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from parcelwire.domain.clock import HOUR, MINUTE
from parcelwire.domain.report import Outcome, UnmappedCode
from parcelwire.domain.status import Status
from parcelwire.store.port import Store
from parcelwire.tracking.ports import RawResponse
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.poll_yard import Yard, drive, outage
from tests.contract.store.samples import (
    NOW,
    OTHER_WORLD,
    WORLD,
    create,
)
from tests.support.house import report

OpenAnother = Callable[[], Awaitable[Store]]


class TestAsking:
    async def test_a_due_parcel_is_asked_about_stored_and_planned_again(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(3600)))
        await drive(yard.worker())
        stored = await yard.stored(parcel)
        assert stored.tracking.status is Status.TRANSIT
        assert stored.tracking.sequence == 1
        assert stored.poll.checked_at == NOW
        assert stored.poll.checks == 1
        assert stored.poll.leased_until == 0
        assert stored.poll.due_at is not None
        assert NOW + 3 * HOUR < stored.poll.due_at < NOW + 5 * HOUR
        assert "every 4 hours" in stored.poll.due_reason
        await yard.check_history(parcel)

    async def test_what_changed_nothing_is_written_without_a_new_version(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(3600)))
        worker = yard.worker()
        await drive(worker)
        yard.clock.advance(5 * 3600)
        await drive(worker)
        stored = await yard.stored(parcel)
        assert (stored.poll.checks, stored.tracking.version, stored.tracking.sequence) == (2, 2, 1)
        assert stored.poll.checked_at == yard.clock.now()

    async def test_batches_are_of_one_world_one_courier_and_the_carriers_size(
        self, yard: Yard
    ) -> None:
        yard.carriers.connect("dhl", batch_size=10)
        yard.carriers.connect("ups", batch_size=1)
        for index in range(25):
            await create(yard.store, f"D{index}", courier_code="dhl")
        for index in range(3):
            await create(yard.store, f"D{index}", courier_code="dhl", world_id=OTHER_WORLD)
            await create(yard.store, f"U{index}", courier_code="ups")
        await drive(yard.worker())
        sizes = sorted(
            (world, courier, len(numbers)) for world, courier, numbers in yard.carriers.calls
        )
        assert sizes == [
            (WORLD, "dhl", 5),
            (WORLD, "dhl", 10),
            (WORLD, "dhl", 10),
            *[(WORLD, "ups", 1)] * 3,
            (OTHER_WORLD, "dhl", 3),
        ]

    async def test_without_a_way_to_ask_it_is_looked_at_again_later(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        await drive(yard.worker())
        poll = await yard.poll(parcel)
        assert poll.due_at == NOW + 6 * HOUR
        assert "no connection to dhl" in poll.due_reason
        assert poll.last_outcome == "no_connection"
        assert poll.checked_at is None

    async def test_messages_are_stored_with_the_change(self, yard: Yard) -> None:
        endpoint = await yard.add_endpoint(WORLD)
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(3600)))
        await drive(yard.worker())
        (message,) = (
            await yard.store.list_messages(WORLD, MessageFilter(endpoint_id=endpoint.id))
        ).messages
        assert (message.tracking_id, message.sequence) == (parcel.id, 1)
        assert yard.notified == 1

    async def test_an_answer_not_understood_is_kept_raw_with_its_gap(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        gap = UnmappedCode(kind="answer", value="text/html", sample="<html>")
        said = outage(Outcome.NOT_UNDERSTOOD, raw=b"<html>sorry</html>", unmapped=(gap,))
        yard.carriers.script("dhl", "A1", said)
        await drive(yard.worker())
        stored = await yard.stored(parcel)
        assert stored.tracking == parcel
        assert stored.poll.last_outcome == "not_understood"
        assert await yard.store.raw_responses(parcel.id) == [
            RawResponse(
                at=NOW, connector="scripted", outcome="not_understood", body=b"<html>sorry</html>"
            )
        ]
        ((connector, kind, value, count, sample, _),) = await yard.store.list_unmapped_codes()
        assert (connector, kind, value, count) == ("scripted", "answer", "text/html", 1)
        assert sample == "<html>"


class TestEnds:
    async def test_a_delivered_parcel_is_never_asked_about_again(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.delivered(60)))
        worker = yard.worker()
        await drive(worker)
        poll = await yard.poll(parcel)
        assert (poll.due_at, poll.leased_until) == (None, 0)
        assert "finished" in poll.due_reason
        yard.clock.advance(400 * 86_400)
        await drive(worker)
        assert len(yard.carriers.asked) == 1

    async def test_an_invalid_number_is_not_asked_about_again(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", outage(Outcome.INVALID_NUMBER))
        await drive(yard.worker())
        assert (await yard.poll(parcel)).due_at is None
        assert (await yard.stored(parcel)).tracking.stopped_reason == "invalid_number"

    @pytest.mark.parametrize(("courier", "days"), [("dhl", 30), ("swiss-post", 60)])
    async def test_a_silent_parcel_expires_after_the_days_of_its_kind(
        self, yard: Yard, courier: str, days: int
    ) -> None:
        kind = yard.registry.get(courier)
        assert kind is not None
        days = {"express": 30, "globalpost": 60}[kind.kind]
        parcel = await create(yard.store, "A1", courier_code=courier)
        yard.carriers.script(courier, "A1", report("", yard.scan(0)))
        worker = yard.worker()
        for _ in range(days - 1):
            await drive(worker)
            yard.clock.advance(86_400)
        await drive(worker)
        assert (await yard.stored(parcel)).tracking.status is Status.TRANSIT
        for _ in range(2):
            yard.clock.advance(86_400)
            await drive(worker)
        stored = await yard.stored(parcel)
        assert (stored.tracking.status, stored.poll.due_at) == (Status.EXPIRED, None)
        assert "expired" in stored.poll.due_reason
        await yard.check_history(parcel)

    async def test_what_happened_while_we_were_switched_off_is_asked_before_it_expires(
        self, yard: Yard
    ) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(0)))
        worker = yard.worker()
        await drive(worker)
        yard.clock.advance(40 * 86_400)
        await drive(worker)
        stored = await yard.stored(parcel)
        assert stored.tracking.status is Status.TRANSIT
        yard.clock.advance(2 * 86_400)
        await drive(worker)
        assert (await yard.stored(parcel)).tracking.status is Status.EXPIRED


class TestBudget:
    async def test_what_the_budget_does_not_allow_waits_for_its_turn_and_says_so(
        self, yard: Yard
    ) -> None:
        yard.carriers.connect("dhl", batch_size=1, requests_per_minute=3)
        parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(9)]
        worker = yard.worker()
        await drive(worker)
        assert len(yard.carriers.asked) == 1
        waiting = [
            poll for parcel in parcels if "budget" in (poll := await yard.poll(parcel)).due_reason
        ]
        assert len(waiting) == 8
        assert all(poll.leased_until == 0 and poll.checks == 0 for poll in waiting)
        turns = sorted(poll.due_at or 0 for poll in waiting)
        assert turns[0] > NOW
        assert turns[-1] <= NOW + 3 * MINUTE

        for _ in range(48):
            yard.clock.advance(5)
            await drive(worker)
        assert sorted(yard.carriers.numbers_asked("dhl")) == [f"A{index}" for index in range(9)]

    async def test_a_crowd_at_a_small_budget_is_not_looked_at_again_and_again(
        self, yard: Yard
    ) -> None:
        yard.carriers.connect("dhl", batch_size=1, requests_per_minute=60)
        for index in range(300):
            await create(yard.store, f"A{index}", courier_code="dhl")
        worker = yard.worker(claim_size=50)
        claims = await drive(worker)
        for _ in range(90):
            yard.clock.advance(5)
            claims += await drive(worker)
        assert len(yard.carriers.asked) == 300
        assert claims <= 3 * 300

    async def test_the_days_budget_holds_whoever_asks(
        self, yard: Yard, open_another: OpenAnother
    ) -> None:
        yard.carriers.connect("dhl", batch_size=10, requests_per_day=4)
        for index in range(60):
            await create(yard.store, f"A{index}", courier_code="dhl")
        workers = [yard.worker(claim_size=20), yard.worker(await open_another(), claim_size=20)]
        for _ in range(20):
            for worker in workers:
                await drive(worker)
            yard.clock.advance(60)
        assert len(yard.carriers.calls) == 4
        assert len(yard.carriers.asked) == 40
        yard.clock.advance(86_400)
        await drive(workers[0])
        assert len(set(yard.carriers.numbers_asked("dhl"))) == 60

    async def test_a_slow_carrier_does_not_hold_up_the_others(self, yard: Yard) -> None:
        yard.carriers.connect("dhl", batch_size=1)
        yard.carriers.connect("ups", batch_size=1)
        for index in range(150):
            await create(yard.store, f"D{index}", courier_code="dhl")
        for index in range(20):
            await create(yard.store, f"U{index}", courier_code="ups", due_at=NOW + 1)
        gate = yard.carriers.hold("dhl")
        worker = yard.worker(claim_size=40)
        yard.clock.advance(0.001)
        for _ in range(60):
            await worker.step()
            for _ in range(20):
                await asyncio.sleep(0.002)
            if len(yard.carriers.numbers_asked("ups")) == 20:
                break
        assert len(yard.carriers.numbers_asked("ups")) == 20
        assert sum(yard.carriers.under_way.values()) <= 4
        gate.set()
        await worker.drain()
