"""Polling when the wall clock jumps, on both engines: an hour, a day, ten years, and back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, HOUR, SECOND, Instant
from parcelwire.domain.report import CarrierReport, DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.ports import Pause
from parcelwire.store.port import Store
from tests.contract.poll_yard import (
    YEARS,
    AwayError,
    Unreliable,
    Yard,
    drive,
    kill,
    until,
)
from tests.contract.store.samples import (
    NOW,
    create,
)
from tests.support.house import report

OpenAnother = Callable[[], Awaitable[Store]]


class TestClock:
    @pytest.mark.parametrize("jump", [HOUR, DAY, YEARS])
    async def test_a_clock_that_was_ahead_for_a_while_delays_nothing(
        self, yard: Yard, jump: int
    ) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        finished = await create(yard.store, "A2", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(0)))
        yard.carriers.script("dhl", "A2", report("", yard.delivered(0)))
        worker = yard.worker()
        await drive(worker)
        yard.clock.set(NOW + 5 * HOUR + jump)
        await drive(worker)
        assert yard.carriers.numbers_asked("dhl").count("A1") == 2
        yard.clock.set(NOW + 5 * HOUR)
        await drive(worker)
        yard.clock.advance(30 * 3600)
        await drive(worker)
        assert yard.carriers.numbers_asked("dhl").count("A1") >= 3
        assert yard.carriers.numbers_asked("dhl").count("A2") == 1
        assert (await yard.check_history(parcel)).status is Status.TRANSIT
        assert (await yard.poll(finished)).due_at is None

    @pytest.mark.parametrize("jump", [HOUR, DAY, YEARS])
    async def test_a_worker_started_after_the_clock_went_back_asks_soon(
        self, yard: Yard, jump: int
    ) -> None:
        yard.clock.set(NOW + jump)
        ahead = NOW + jump
        parcel = await create(yard.store, "A1", courier_code="dhl", due_at=ahead, created_at=ahead)
        yard.carriers.connect("dhl")
        await drive(yard.worker())
        yard.clock.set(NOW)
        other = yard.worker()
        await drive(other)
        poll = await yard.poll(parcel)
        assert poll.due_at is not None
        assert poll.due_at <= NOW + 3 * HOUR
        yard.clock.advance(3 * 3600)
        await drive(other)
        assert len(yard.carriers.asked) == 2

    async def test_a_clock_that_is_ahead_between_two_looks_delays_nothing(
        self, yard: Yard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(0)))
        worker = yard.worker()
        ask = yard.carriers.fetch

        async def ask_and_jump(
            world_id: int, courier_code: str, trackings: Sequence[Tracking]
        ) -> list[CarrierReport]:
            answers = await ask(world_id, courier_code, trackings)
            yard.clock.set(NOW + 2 * DAY)
            return answers

        with monkeypatch.context() as patch:
            patch.setattr(yard.carriers, "fetch", ask_and_jump)
            await worker.step()
            await worker.drain()
        yard.clock.set(NOW + SECOND)
        await drive(worker)
        yard.clock.advance(30 * 3600)
        await drive(worker)
        assert yard.carriers.numbers_asked("dhl") == ["A1", "A1"]

    async def test_all_polls_are_looked_at_only_after_a_jump(
        self, yard: Yard, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks: list[bool] = []
        recall = yard.store.recall_polls

        async def note(now: Instant, *, beyond: Instant, far_only: bool = False) -> int:
            looks.append(far_only)
            return await recall(now, beyond=beyond, far_only=far_only)

        monkeypatch.setattr(yard.store, "recall_polls", note)
        worker = yard.worker()
        for ms in (0, HOUR // 2, HOUR // 2, HOUR, -2 * HOUR, SECOND):
            yard.clock.set(yard.clock.now() + ms)
            await worker.step()
        assert looks == [False, True, True, False]

    async def test_a_clock_that_goes_back_while_the_store_is_away_delays_nothing(
        self, yard: Yard
    ) -> None:
        await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.script("dhl", "A1", report("", yard.scan(0)))
        store = Unreliable(yard.store)
        worker = yard.worker(store)
        yard.clock.set(NOW + YEARS)
        await drive(worker)
        yard.clock.set(NOW)
        store.is_away = True
        with pytest.raises(AwayError):
            await worker.step()
        store.is_away = False
        await drive(worker)
        yard.clock.advance(30 * 3600)
        await drive(worker)
        assert store.fired > 0
        assert yard.carriers.numbers_asked("dhl") == ["A1", "A1"]

    @pytest.mark.parametrize("jump", [HOUR, DAY, YEARS])
    async def test_what_a_carrier_says_after_the_clock_went_back_is_the_latest(
        self, yard: Yard, jump: int
    ) -> None:
        parcel = await create(yard.store, "A1", courier_code="dhl")
        first, second = yard.scan(7_200), yard.scan(3_600, raw_code="S2")
        corrected = replace(first, text="Sorted in Zürich")
        gone = replace(second, is_withdrawn=True)
        early, late = ParcelFacts(weight_grams=100), ParcelFacts(weight_grams=200)
        soon = DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", source="dhl")
        later = replace(soon, latest="2026-03-04")
        yard.carriers.script(
            "dhl",
            "A1",
            report("", first, second, facts=early, window=soon),
            report("", corrected, gone, facts=late, window=later),
        )
        worker = yard.worker()
        yard.clock.set(NOW + jump)
        await drive(worker)
        yard.clock.set(NOW)
        await drive(worker)
        yard.clock.advance(30 * 3600)
        await drive(worker)
        after = await yard.check_history(parcel)
        assert [one.text for one in after.visible_checkpoints] == ["Sorted in Zürich"]
        assert after.facts == late
        assert after.window is not None
        assert after.window.latest == "2026-03-04"

    @pytest.mark.parametrize("jump", [HOUR, DAY, YEARS])
    async def test_a_lease_from_a_clock_that_was_ahead_holds_nobody_up(
        self, yard: Yard, jump: int, open_another: OpenAnother
    ) -> None:
        await create(yard.store, "A1", courier_code="dhl")
        yard.carriers.connect("dhl")
        yard.carriers.hold("dhl")
        yard.clock.set(NOW + jump)
        dead = yard.worker()
        await dead.step()
        await until(lambda: bool(yard.carriers.calls))
        await kill(dead)
        yard.carriers.gates.clear()
        yard.clock.set(NOW)
        other = yard.worker(await open_another())
        for _ in range(25):
            await drive(other)
            yard.clock.advance(3 * 60)
        assert len(yard.carriers.asked) >= 1

    @pytest.mark.parametrize("jump", [DAY, YEARS])
    async def test_a_pause_from_a_clock_that_was_ahead_is_not_believed(
        self, yard: Yard, jump: int
    ) -> None:
        yard.carriers.connect("dhl")
        ahead = Pause(until=NOW + jump + HOUR, failures=9, reason="503", since=NOW + jump)
        await yard.store.set_pause("dhl", ahead)
        await create(yard.store, "A1", courier_code="dhl")
        await drive(yard.worker())
        assert len(yard.carriers.asked) == 1
        assert await yard.store.pauses() == {}
