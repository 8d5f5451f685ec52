"""The use cases on both engines: what a shop asks for is stored, told, and asked of the carrier."""

from __future__ import annotations

import asyncio
import time

import pytest

from parcelwire.domain.clock import SECOND
from parcelwire.domain.status import Status
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUndetectedError,
    CourierUnknownError,
    NumberInvalidError,
    NumberMissingError,
    OverQuotaError,
)
from parcelwire.tracking.ports import Stored, TrackingFilter
from parcelwire.tracking.service import TrackingService
from tests.contract.poll_yard import (
    AwayError,
    PatientClock,
    Unreliable,
    Yard,
    draft,
    drive,
    followed,
    outage,
    until,
)
from tests.contract.store.samples import NOW, OTHER_WORLD, WORLD
from tests.support.house import report

EVERYTHING = TrackingFilter()


class TestCreate:
    async def test_the_carrier_is_asked_at_once(self, yard: Yard, service: TrackingService) -> None:
        stored = await followed(yard, service)
        assert stored.tracking.status is Status.TRANSIT
        assert stored.poll.checked_at == NOW
        assert stored == await service.get(WORLD, stored.tracking.id)
        assert stored.poll.leased_until == 0
        await yard.check_history(stored.tracking)

    async def test_a_slow_carrier_answers_later_and_is_still_stored(self, yard: Yard) -> None:
        service = yard.service(fetch_wait_seconds=0.05)
        yard.carriers.script("dhl", "A1B2C3D4", report("", yard.scan(3600)))
        gate = yard.carriers.hold("dhl")
        began = time.monotonic()
        stored = await service.create(WORLD, draft())
        assert time.monotonic() - began < 5
        assert stored.tracking.status is Status.PENDING
        # Meanwhile no worker asks a second time, and a real-time query joins the first question.
        await drive(yard.worker())
        again = await service.refresh_now(await service.get(WORLD, stored.tracking.id))
        assert again.tracking.status is Status.PENDING
        gate.set()
        await service.drain()
        assert (await service.get(WORLD, stored.tracking.id)).tracking.status is Status.TRANSIT
        assert len(yard.carriers.asked) == 1
        assert yard.carriers.overlaps == []

    async def test_a_carrier_that_never_answers_is_broken_off_and_left_to_the_worker(
        self, yard: Yard
    ) -> None:
        service = yard.service(fetch_wait_seconds=0.01, fetch_timeout_seconds=0.05)
        yard.carriers.connect("dhl")
        yard.carriers.hold("dhl")
        stored = await service.create(WORLD, draft())
        await service.drain()
        poll = await yard.poll(stored.tracking)
        assert (poll.last_outcome, poll.leased_until) == ("unavailable", 0)
        assert poll.due_at is not None
        assert poll.due_at <= NOW + 5 * 60 * SECOND

    async def test_whoever_goes_away_while_the_carrier_is_asked_takes_nothing_along(
        self, yard: Yard, service: TrackingService
    ) -> None:
        yard.carriers.script("dhl", "A1B2C3D4", report("", yard.scan(3600)))
        gate = yard.carriers.hold("dhl")
        asking = asyncio.create_task(service.create(WORLD, draft()))
        await until(lambda: bool(yard.carriers.calls))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        gate.set()
        await service.drain()
        ((stored),) = await yard.store.list_trackings(WORLD, EVERYTHING, offset=0, limit=9)
        assert stored.tracking.status is Status.TRANSIT

    async def test_a_spent_budget_leaves_the_question_to_the_worker(self, yard: Yard) -> None:
        service = yard.service()
        yard.carriers.connect("dhl", requests_per_minute=1, batch_size=1)
        await service.create(WORLD, draft("A1B2C3D4"))
        second = await service.create(WORLD, draft("A1B2C3D5"))
        assert len(yard.carriers.asked) == 1
        poll = await yard.poll(second.tracking)
        assert (poll.due_at, poll.leased_until) == (NOW, 0)
        yard.clock.advance(70)
        await drive(yard.worker())
        assert yard.carriers.numbers_asked("dhl") == ["A1B2C3D4", "A1B2C3D5"]

    async def test_a_store_that_goes_away_after_the_creation_loses_no_parcel(
        self, yard: Yard, caplog: pytest.LogCaptureFixture
    ) -> None:
        unreliable = Unreliable(yard.store)
        service = yard.service(unreliable)
        yard.carriers.script("dhl", "A1B2C3D4", report("", yard.scan(3600)))
        gate = yard.carriers.hold("dhl")
        asking = asyncio.create_task(service.create(WORLD, draft()))
        await until(lambda: bool(yard.carriers.calls))
        unreliable.is_away = True
        gate.set()
        stored = await asking
        assert stored.tracking.status is Status.PENDING
        assert unreliable.fired
        assert "asking at once failed" in caplog.text
        yard.clock.advance(31)
        await drive(yard.worker())
        assert (await yard.stored(stored.tracking)).tracking.status is Status.TRANSIT
        with pytest.raises(AwayError):
            await service.create(WORLD, draft("A1B2C3D5"))

    async def test_the_same_number_again_is_refused_and_named(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        with pytest.raises(AlreadyExistsError) as refusal:
            await service.create(WORLD, draft("a1b2-c3d4"))
        assert refusal.value.existing_id == stored.tracking.id
        await service.create(WORLD, draft(courier="ups"))
        await service.create(OTHER_WORLD, draft())
        assert await yard.store.count_trackings(WORLD, EVERYTHING) == 2

    async def test_the_quota_holds(self, yard: Yard, service: TrackingService) -> None:
        await service.create(WORLD, draft("A1B2C3D4"), quota=1)
        with pytest.raises(OverQuotaError):
            await service.create(WORLD, draft("A1B2C3D5"), quota=1)
        assert await yard.store.count_trackings(WORLD, EVERYTHING) == 1

    @pytest.mark.parametrize(
        ("wrong", "error"),
        [
            (draft(None), NumberMissingError),
            (draft("  "), NumberMissingError),
            (draft("A!"), NumberInvalidError),
            (draft(courier="nobody-at-all"), CourierUnknownError),
            (draft("A1B2C3D4E", courier=None), CourierUndetectedError),
        ],
    )
    async def test_a_wrong_draft_stores_nothing(
        self, yard: Yard, service: TrackingService, wrong: Draft, error: type[Exception]
    ) -> None:
        with pytest.raises(error):
            await service.create(WORLD, wrong)
        assert await yard.store.count_trackings(WORLD, EVERYTHING) == 0
        assert yard.carriers.asked == []

    async def test_many_at_once_have_an_outcome_each_in_order(
        self, yard: Yard, service: TrackingService
    ) -> None:
        yard.carriers.connect("dhl")
        known = await service.create(WORLD, draft("A1B2C3D4"))
        outcomes = await service.create_many(
            WORLD,
            [
                draft("A1B2C3D5"),
                draft("A1B2C3D4"),
                draft("!"),
                draft("A1B2C3D5"),
                draft("A1B2C3D6", courier="nobody-at-all"),
                draft("A1B2C3D7"),
                draft("A1B2C3D8"),
            ],
            quota=3,
        )
        assert [type(one.error) for one in outcomes] == [
            type(None),
            AlreadyExistsError,
            NumberInvalidError,
            AlreadyExistsError,
            CourierUnknownError,
            type(None),
            OverQuotaError,
        ]
        first = outcomes[0].tracking
        assert first is not None
        assert isinstance(outcomes[1].error, AlreadyExistsError)
        assert outcomes[1].error.existing_id == known.tracking.id
        assert isinstance(outcomes[3].error, AlreadyExistsError)
        assert outcomes[3].error.existing_id == first.id
        assert await service.create_many(WORLD, []) == []
        assert await yard.store.count_trackings(WORLD, EVERYTHING) == 3
        # They are asked about soon after, by the workers.
        await drive(yard.worker())
        assert set(yard.carriers.numbers_asked("dhl")) == {"A1B2C3D4", "A1B2C3D5", "A1B2C3D7"}

    async def test_of_concurrent_creations_of_one_number_one_wins(
        self, yard: Yard, service: TrackingService
    ) -> None:
        results = await asyncio.gather(
            *(service.create(WORLD, draft()) for _ in range(8)), return_exceptions=True
        )
        assert sum(isinstance(result, Stored) for result in results) == 1
        assert sum(isinstance(result, AlreadyExistsError) for result in results) == 7


class TestRefreshNow:
    async def test_a_fresh_answer_is_not_asked_for_again(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        yard.clock.advance(59)
        assert await service.refresh_now(stored) == stored
        assert len(yard.carriers.asked) == 1
        yard.clock.advance(1)
        again = await service.refresh_now(stored)
        assert again.poll.checks == 2
        assert again.poll.checked_at == yard.clock.now()
        assert again == await service.get(WORLD, stored.tracking.id)
        assert len(yard.carriers.asked) == 2

    async def test_two_at_once_ask_once(self, yard: Yard, service: TrackingService) -> None:
        stored = await followed(yard, service, days=1)
        gate = yard.carriers.hold("dhl")
        both = [asyncio.create_task(service.refresh_now(stored)) for _ in range(2)]
        await until(lambda: len(yard.carriers.calls) == 2)
        # The worker finds it leased, though it is due.
        await drive(yard.worker())
        gate.set()
        first, second = await asyncio.gather(*both)
        assert first == second
        assert len(yard.carriers.calls) == 2
        assert yard.carriers.overlaps == []

    async def test_what_a_worker_asks_at_this_moment_is_waited_for(self, yard: Yard) -> None:
        service = yard.service(clock=PatientClock(yard.clock), fetch_wait_seconds=600.0)
        stored = await followed(yard, service, days=1)
        yard.carriers.script("dhl", "A1B2C3D4", report("", yard.delivered(60)))
        gate = yard.carriers.hold("dhl")
        worker = yard.worker()
        await worker.step()
        await until(lambda: len(yard.carriers.calls) == 2)
        leased = await service.get(WORLD, stored.tracking.id)
        waiting = asyncio.create_task(service.refresh_now(leased))
        await asyncio.sleep(0)
        gate.set()
        await worker.drain()
        assert (await waiting).tracking.status is Status.DELIVERED
        assert yard.carriers.overlaps == []

    async def test_without_a_way_or_a_budget_the_store_answers(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await service.create(WORLD, draft(courier="ups"))
        assert await service.refresh_now(stored) == stored
        yard.carriers.connect("ups")
        yard.carriers.outages["ups"] = outage()
        trouble = await service.refresh_now(stored)
        assert trouble.poll.last_outcome == "unavailable"
        paused = await service.refresh_now(trouble)
        assert paused.poll.due_at == trouble.poll.due_at
        assert len(yard.carriers.asked) == 1

    async def test_a_delivered_parcel_may_be_asked_about_by_request(
        self, yard: Yard, service: TrackingService
    ) -> None:
        yard.carriers.script("dhl", "A1B2C3D4", report("", yard.delivered(60)))
        stored = await service.create(WORLD, draft())
        assert stored.poll.due_at is None
        yard.clock.advance(3600)
        again = await service.refresh_now(stored)
        assert (again.poll.checks, again.poll.due_at) == (2, None)
