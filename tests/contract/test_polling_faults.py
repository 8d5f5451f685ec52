"""Polling when things go wrong, on both engines: carriers and stores."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from parcelwire.domain.clock import MINUTE, SECOND, Instant
from parcelwire.domain.report import Outcome
from parcelwire.domain.status import Status
from parcelwire.polling.worker import OWN_FAULT_WAIT
from parcelwire.store.port import StoreUnavailableError, UnavailableReason
from tests.contract.poll_yard import PatientClock, Unreliable, Yard, drive, outage, until
from tests.contract.store.samples import NOW, create
from tests.contract.webhook_office import PassingClock
from tests.support.house import report


class Readable(Unreliable):
    """Reading goes on, as it does on a full disk: something is due, and cannot be claimed."""

    async def next_poll_due(self) -> Instant | None:
        return await self._store.next_poll_due()


class NearlyFull(Unreliable):
    """Has room for small writes only, as a disk that is nearly full."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def save(self, *arguments: Any, **named: Any) -> Any:
        if self.is_away:
            self.fired += 1
            raise StoreUnavailableError("no room", UnavailableReason.DISK_FULL)
        return await self._store.save(*arguments, **named)


class TestTrouble:
    async def test_an_outage_pauses_the_carrier_and_not_the_others(
        self, yard: Yard, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        yard.carriers.connect("dhl", batch_size=1)
        yard.carriers.connect("ups")
        yard.carriers.outages["dhl"] = outage()
        parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(30)]
        fine = await create(yard.store, "B1", courier_code="ups")
        worker = yard.worker(claim_size=5, concurrency_per_carrier=1)
        await drive(worker)
        asked_first = len(yard.carriers.numbers_asked("dhl"))
        assert asked_first <= 5
        polls = [await yard.poll(parcel) for parcel in parcels]
        paused = [poll for poll in polls if "paused: 503" in poll.due_reason]
        assert len(paused) >= 25
        assert {poll.due_at for poll in paused} == {NOW + 30 * SECOND}
        assert (await yard.poll(fine)).last_outcome == "unknown_number"

        # Still out of order: one question finds out, and the pause grows.
        yard.clock.advance(30)
        await drive(worker)
        assert len(yard.carriers.numbers_asked("dhl")) == asked_first + 1
        ((_, pause),) = (await yard.store.pauses()).items()
        assert (pause.failures, pause.until, pause.since) == (2, NOW + 90 * SECOND, NOW)

        del yard.carriers.outages["dhl"]
        for _ in range(12):
            yard.clock.advance(30)
            await drive(worker)
        assert await yard.store.pauses() == {}
        polls = [await yard.poll(parcel) for parcel in parcels]
        assert {poll.last_outcome for poll in polls} == {"unknown_number"}
        told = [record.getMessage() for record in caplog.records if "dhl" in record.getMessage()]
        assert len(told) == 2
        assert "paused: 503" in told[0]
        assert "answers again" in told[1]

    async def test_a_rate_limited_carrier_is_left_alone_for_as_long_as_it_says(
        self, yard: Yard
    ) -> None:
        yard.carriers.connect("dhl", batch_size=1)
        yard.carriers.outages["dhl"] = outage(Outcome.RATE_LIMITED, retry_at=NOW + 17 * MINUTE)
        parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(9)]
        worker = yard.worker(claim_size=1)
        await drive(worker)
        assert len(yard.carriers.asked) == 1
        assert {(await yard.poll(parcel)).due_at for parcel in parcels} == {NOW + 17 * MINUTE}
        yard.clock.advance(17 * 60 - 1)
        await drive(worker)
        assert len(yard.carriers.asked) == 1
        yard.carriers.outages.clear()
        yard.clock.advance(60)
        await drive(worker)
        yard.clock.advance(60)
        await drive(worker)
        assert len(set(yard.carriers.numbers_asked("dhl"))) == 9

    async def test_refused_credentials_stop_the_connection_and_are_told_once(
        self, yard: Yard, caplog: pytest.LogCaptureFixture
    ) -> None:
        yard.carriers.connect("dhl")
        yard.carriers.outages["dhl"] = outage(Outcome.AUTH_FAILED, detail="401")
        parcel = await create(yard.store, "A1", courier_code="dhl")
        worker = yard.worker()
        for _ in range(5):
            await drive(worker)
            yard.clock.advance(3600)
        poll = await yard.poll(parcel)
        assert poll.last_outcome == "auth_failed"
        assert 4 <= len(yard.carriers.asked) <= 5
        told = [record for record in caplog.records if "dhl is paused: 401" in record.getMessage()]
        assert len(told) == 1

    async def test_a_carrier_that_never_answers_is_an_outage(self, yard: Yard) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.connect("dhl")
        yard.carriers.hold("dhl")
        await drive(yard.worker(fetch_timeout_seconds=0.05, slot_seconds=0.0))
        poll = await yard.poll(parcel)
        assert (poll.last_outcome, poll.checked_at) == ("unavailable", None)
        assert "no answer within 0.05 s" in poll.last_detail
        assert list(await yard.store.pauses()) == ["dhl"]

    async def test_an_answer_that_breaks_us_harms_no_other_parcel(
        self, yard: Yard, caplog: pytest.LogCaptureFixture
    ) -> None:
        parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(5)]
        for index in range(5):
            time = "not a time" if index == 2 else "2026-03-01T08:00:00"
            said = report("", yard.scan(local_time=time))
            yard.carriers.script("dhl", f"A{index}", said)
        worker = yard.worker()
        await drive(worker)
        statuses = [(await yard.stored(parcel)).tracking.status for parcel in parcels]
        assert statuses == [Status.TRANSIT] * 2 + [Status.PENDING] + [Status.TRANSIT] * 2
        poll = await yard.poll(parcels[2])
        assert (poll.due_at, poll.leased_until) == (NOW + OWN_FAULT_WAIT, 0)
        assert "ValueError" in poll.due_reason
        assert any(parcels[2].id in record.getMessage() for record in caplog.records)

    async def test_a_store_that_goes_away_and_comes_back_loses_nothing(
        self, yard: Yard, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(8)]
        for index in range(8):
            yard.carriers.script("dhl", f"A{index}", report("", yard.scan(60)))
        unreliable = Unreliable(yard.store)
        gate = yard.carriers.hold("dhl")
        worker = yard.worker(unreliable, clock=PatientClock(yard.clock))
        running = asyncio.create_task(worker.run())
        await until(lambda: bool(yard.carriers.under_way))
        unreliable.is_away = True
        gate.set()
        await until(lambda: unreliable.fired > 5)
        unreliable.is_away = False
        assert len(yard.carriers.asked) == 8
        # Their lease ends, and they are asked about again.
        yard.clock.advance(31)
        await until(lambda: len(yard.carriers.asked) >= 16)
        worker.stop()
        await running
        for parcel in parcels:
            assert (await yard.check_history(parcel)).status is Status.TRANSIT
        told = [record.getMessage() for record in caplog.records if "polling" in record.name]
        assert [one for one in told if "interrupted" in one][1:] == []
        assert [one for one in told if "goes on" in one][1:] == []
        assert "interrupted" in told[0]

    async def test_an_answer_that_found_no_room_is_asked_for_again_when_the_lease_ends(
        self, yard: Yard
    ) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(60)))
        store = NearlyFull(yard.store)
        gate = yard.carriers.hold("dhl")
        worker = yard.worker(store)
        await worker.step()
        await until(lambda: bool(yard.carriers.under_way))
        store.is_away = True
        gate.set()
        await worker.drain()
        assert store.fired == 1
        store.is_away = False
        yard.clock.advance(31)
        await drive(worker)
        assert (await yard.check_history(parcel)).status is Status.TRANSIT

    async def test_a_store_that_is_away_is_not_asked_again_and_again(self, yard: Yard) -> None:
        await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.connect("dhl")
        store = Readable(yard.store)
        store.is_away = True
        worker = yard.worker(store, clock=PassingClock(yard.clock.now()), idle_seconds=0.2)
        running = asyncio.create_task(worker.run())
        await until(lambda: store.fired >= 2)
        store.is_away = False
        await until(lambda: yard.carriers.asked)
        worker.stop()
        await running
        assert store.fired <= 5
