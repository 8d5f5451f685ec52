"""A wrong courier corrects itself, on both engines, with the real detector."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from parcelwire.couriers.detection import detect
from parcelwire.domain.account import world_of
from parcelwire.domain.changes import CourierCorrected
from parcelwire.domain.clock import DAY, HOUR, SECOND, FrozenClock
from parcelwire.domain.report import Outcome, ParcelFacts
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details
from parcelwire.store.port import Store
from parcelwire.tracking.courier_detection_retry import CYCLE
from parcelwire.tracking.drafts import Draft, hints_of
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.poll_yard import Yard, drive, outage
from tests.contract.store.samples import NOW, WORLD
from tests.contract.wrong_couriers import AMBIGUOUS, SWISS, begin_probe, follow, pass_cycles
from tests.support.house import report


class TestCorrected:
    async def test_the_next_cycle_asks_whose_number_it_is_and_the_id_stays(
        self, yard: Yard
    ) -> None:
        endpoint = await yard.add_endpoint(WORLD)
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(HOUR / SECOND)))
        created = await follow(yard)
        assert created.tracking.status is Status.NOTFOUND
        assert yard.carriers.numbers_asked("swiss-post") == []
        assert created.poll.due_at == NOW + CYCLE
        assert "swiss-post is asked next" in created.poll.due_reason

        after = await pass_cycles(yard, created.tracking)
        tracking = after.tracking
        assert (tracking.id, tracking.courier_code) == (created.tracking.id, "swiss-post")
        assert tracking.status is Status.TRANSIT
        assert len(tracking.checkpoints) == 1
        (correction,) = tracking.corrections
        assert correction.is_automatic
        assert (correction.from_courier, correction.to_courier) == ("poste-italiane", "swiss-post")
        assert "poste-italiane does not know the number, swiss-post does" in correction.reason
        assert after.poll.leased_until == 0
        assert "every 4 hours" in after.poll.due_reason

        # Told in one event, with the status that follows from it.
        await yard.check_history(tracking)
        _, event = (await yard.store.events_after(WORLD, 0, 10))[-1]
        corrected = [one for one in event.changes if isinstance(one, CourierCorrected)]
        assert [(one.from_courier, one.to_courier) for one in corrected] == [
            ("poste-italiane", "swiss-post")
        ]
        assert event.status is Status.TRANSIT
        messages = (
            await yard.store.list_messages(WORLD, MessageFilter(endpoint_id=endpoint.id))
        ).messages
        assert len(messages) == 2

        # From now on Swiss Post alone is asked.
        asked = len(yard.carriers.numbers_asked("poste-italiane"))
        await pass_cycles(yard, tracking, 3)
        assert len(yard.carriers.numbers_asked("poste-italiane")) == asked

    async def test_an_invalid_number_is_no_end_while_another_courier_may_know_it(
        self, yard: Yard
    ) -> None:
        yard.carriers.script("poste-italiane", SWISS, outage(Outcome.INVALID_NUMBER))
        yard.carriers.script("swiss-post", SWISS, report("", yard.delivered(60)))
        created = await yard.service().create(
            WORLD, Draft(number=SWISS, courier_code="poste-italiane")
        )
        assert not created.tracking.is_stopped
        after = await pass_cycles(yard, created.tracking)
        assert after.tracking.courier_code == "swiss-post"
        assert after.tracking.status is Status.DELIVERED
        assert after.poll.due_at is None

    async def test_a_number_alone_finds_its_courier_among_several(self, yard: Yard) -> None:
        details = Details(postal_code="10115")
        likely = [one.courier_code for one in detect(AMBIGUOUS, hints_of(details))[:4]]
        for courier in likely:
            yard.carriers.connect(courier)
        yard.carriers.script(likely[3], AMBIGUOUS, report("", yard.scan(60)))
        created = await follow(yard, AMBIGUOUS, courier_code=None, details=details)
        assert created.tracking.courier_code == likely[0]
        after = await pass_cycles(yard, created.tracking, 3)
        assert after.tracking.courier_code == likely[3]
        order = [courier for _, courier, _ in yard.carriers.calls if courier != likely[0]]
        assert order == likely[1:]
        await yard.check_history(created.tracking)

    async def test_a_parcel_handed_over_later_is_found_a_day_later(self, yard: Yard) -> None:
        yard.carriers.connect("swiss-post")
        created = await follow(yard)
        after = await pass_cycles(yard, created.tracking)
        assert yard.carriers.numbers_asked("swiss-post") == [SWISS]
        # Its own carrier was asked twice, and the candidate's answer is no third time.
        assert after.poll.checks == 2
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(0)))
        while yard.clock.now() < NOW + DAY:
            assert (await yard.stored(created.tracking)).tracking.courier_code != "swiss-post"
            await pass_cycles(yard, created.tracking)
        after = await pass_cycles(yard, created.tracking)
        assert after.tracking.courier_code == "swiss-post"
        assert yard.clock.now() < NOW + 2 * DAY

    async def test_it_can_be_undone_and_is_not_done_again(self, yard: Yard) -> None:
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        created = await follow(yard)
        corrected = await pass_cycles(yard, created.tracking)
        assert corrected.tracking.courier_code == "swiss-post"
        back = await yard.service().change_courier(corrected, "poste-italiane")
        asked = len(yard.carriers.numbers_asked("swiss-post"))
        after = await pass_cycles(yard, back.tracking, 30)
        assert after.tracking.courier_code == "poste-italiane"
        assert after.tracking.status is Status.NOTFOUND
        assert len(yard.carriers.numbers_asked("swiss-post")) == asked
        assert [one.is_automatic for one in after.tracking.corrections] == [True, False]
        await yard.check_history(created.tracking)

    async def test_an_edit_while_the_candidate_is_asked_is_kept(self, yard: Yard) -> None:
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        gate = yard.carriers.hold("swiss-post")
        created = await follow(yard)
        yard.clock.advance(CYCLE / SECOND)
        worker = yard.worker()
        await begin_probe(yard, worker)
        assert yard.carriers.numbers_asked("poste-italiane") == [SWISS, SWISS]
        # Nobody else asks meanwhile: the lease goes on.
        await drive(yard.worker())
        service = yard.service()
        await service.update(
            await service.get(WORLD, created.tracking.id), details={"title": "Shoes"}
        )
        gate.set()
        await worker.drain()
        now = await yard.check_history(created.tracking)
        assert (now.courier_code, now.details.title) == ("swiss-post", "Shoes")
        assert (await yard.poll(now)).leased_until == 0
        assert yard.carriers.overlaps == []

    async def test_in_the_first_cycle_its_own_carrier_alone_is_asked(self, yard: Yard) -> None:
        yard.carriers.connect("poste-italiane")
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        draft = Draft(number=SWISS, courier_code="poste-italiane")
        (outcome,) = await yard.service().create_many(WORLD, [draft])
        assert outcome.tracking is not None
        await drive(yard.worker())
        assert [courier for _, courier, _ in yard.carriers.calls] == ["poste-italiane"]
        after = await pass_cycles(yard, outcome.tracking)
        assert after.tracking.courier_code == "swiss-post"

    async def test_however_fast_the_plan_runs_nobody_asks_beside_the_candidate(
        self, store: Store, clock: FrozenClock
    ) -> None:
        yard = Yard(store, clock, speed=100_000.0)
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        gate = yard.carriers.hold("swiss-post")
        created = await follow(yard)
        yard.clock.advance(1)
        worker = yard.worker()
        await begin_probe(yard, worker)
        calls = len(yard.carriers.calls)
        yard.clock.advance(20)
        await drive(yard.worker())
        assert len(yard.carriers.calls) == calls
        gate.set()
        await worker.drain()
        assert (await yard.stored(created.tracking)).tracking.courier_code == "swiss-post"


class TestNotCorrected:
    async def test_when_nobody_knows_it_it_stays_where_it_was_given(self, yard: Yard) -> None:
        couriers = ("xpressbees", "delhivery", "bartolini")
        # DPD is the likeliest, but wants a postal code, and there is none.
        for courier in (*couriers, "dpd"):
            yard.carriers.connect(courier)
        created = await follow(yard, AMBIGUOUS, courier_code="ups")
        while yard.clock.now() < NOW + 20 * DAY:
            after = await pass_cycles(yard, created.tracking)
        assert after.tracking.courier_code == "ups"
        assert after.tracking.status is Status.NOTFOUND
        assert after.tracking.sequence == 1
        assert {one.courier_code for one in after.tracking.tried_couriers} == set(couriers)
        assert yard.carriers.numbers_asked("dpd") == []
        for courier in couriers:
            # At once, then once a day for the first week.
            assert 6 <= len(yard.carriers.numbers_asked(courier)) <= 8
        # What nobody reads has not touched the time of the last change.
        assert after.tracking.updated_at == NOW

    async def test_an_invalid_number_that_nobody_knows_is_stopped_in_the_end(
        self, yard: Yard
    ) -> None:
        yard.carriers.script("poste-italiane", SWISS, outage(Outcome.INVALID_NUMBER))
        yard.carriers.connect("swiss-post")
        created = await yard.service().create(
            WORLD, Draft(number=SWISS, courier_code="poste-italiane")
        )
        after = await pass_cycles(yard, created.tracking, 50)
        assert (after.tracking.stopped_reason, after.poll.due_at) == ("invalid_number", None)
        assert yard.clock.now() <= NOW + 9 * DAY
        assert len(yard.carriers.numbers_asked("poste-italiane")) <= 12

    @pytest.mark.parametrize(
        ("said", "draft"),
        [
            ({"ago": 40 * DAY}, {}),
            ({"ago": 5 * DAY}, {"ordered_at": NOW - 2 * DAY}),
            (
                {"ago": HOUR, "facts": ParcelFacts(destination_country="IT")},
                {"details": Details(destination_country="CH")},
            ),
        ],
    )
    async def test_another_parcel_with_the_same_number_is_not_taken(
        self, yard: Yard, said: dict[str, Any], draft: dict[str, Any]
    ) -> None:
        fields = {**said}
        scan = yard.scan(fields.pop("ago") / SECOND)
        yard.carriers.script("swiss-post", SWISS, report("", scan, **fields))
        created = await follow(yard, **draft)
        after = await pass_cycles(yard, created.tracking, 3)
        assert yard.carriers.numbers_asked("swiss-post") == [SWISS]
        assert after.tracking.courier_code == "poste-italiane"
        (trial,) = after.tracking.tried_couriers
        assert (trial.courier_code, trial.outcome) == ("swiss-post", "found")

    @pytest.mark.parametrize(
        "why", ["switched off", "has scans", "same connector", "test world", "nobody to ask"]
    )
    async def test_nobody_is_asked(self, yard: Yard, why: str) -> None:
        world = WORLD
        connector = "swiss-post"
        own = report("", outcome=Outcome.UNKNOWN_NUMBER)
        draft = Draft(
            number=SWISS,
            courier_code="poste-italiane",
            is_auto_correct_disabled=why == "switched off",
        )
        if why == "has scans":
            own = report("", yard.scan(60))
        if why == "same connector":
            connector = "poste-italiane"
        if why == "test world":
            # One connector answers for every courier there.
            world, connector = world_of(1, is_test=True), "poste-italiane"
        yard.carriers.script("poste-italiane", SWISS, own)
        if why != "nobody to ask":
            yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
            yard.carriers.connect("swiss-post", connector=connector)
        created = await yard.service().create(world, draft)
        after = await pass_cycles(yard, created.tracking, 5)
        assert after.tracking.courier_code == "poste-italiane"
        assert yard.carriers.numbers_asked("swiss-post") == []
        assert after.poll.due_at is not None
        assert after.poll.due_at > yard.clock.now() + HOUR

    async def test_a_number_followed_with_both_is_not_followed_twice(self, yard: Yard) -> None:
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        wrong = await follow(yard)
        right = await yard.service().create(WORLD, Draft(number=SWISS, courier_code="swiss-post"))
        after = await pass_cycles(yard, wrong.tracking, 2)
        assert after.tracking.courier_code == "poste-italiane"
        assert [one.courier_code for one in after.tracking.tried_couriers] == ["swiss-post"]
        assert (await yard.stored(right.tracking)).tracking.courier_code == "swiss-post"

    async def test_a_candidate_out_of_order_has_its_turn_when_it_is_back(self, yard: Yard) -> None:
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        yard.carriers.outages["swiss-post"] = outage()
        created = await follow(yard)
        after = await pass_cycles(yard, created.tracking)
        assert after.tracking.tried_couriers == ()
        assert after.poll.leased_until == 0
        asked = len(yard.carriers.numbers_asked("swiss-post"))
        yard.clock.advance(1)
        del yard.carriers.outages["swiss-post"]
        after = await pass_cycles(yard, created.tracking)
        assert after.tracking.courier_code == "swiss-post"
        assert len(yard.carriers.numbers_asked("swiss-post")) == asked + 1

    async def test_the_candidates_budget_is_kept(self, yard: Yard) -> None:
        yard.carriers.connect("swiss-post", requests_per_minute=1, batch_size=1)
        parcels = [await follow(yard, f"9960123456789012{index:02d}") for index in range(6)]
        yard.clock.advance(CYCLE / SECOND)
        await drive(yard.worker())
        assert len(yard.carriers.numbers_asked("swiss-post")) == 1
        for parcel in parcels:
            assert (await yard.poll(parcel.tracking)).leased_until == 0

    async def test_a_parcel_stopped_while_the_candidate_is_asked_stays_as_it_is(
        self, yard: Yard
    ) -> None:
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        gate = yard.carriers.hold("swiss-post")
        created = await follow(yard)
        yard.clock.advance(CYCLE / SECOND)
        worker = yard.worker()
        await begin_probe(yard, worker)
        service = yard.service()
        await service.stop(await service.get(WORLD, created.tracking.id))
        gate.set()
        await worker.drain()
        after = await yard.stored(created.tracking)
        assert after.tracking.courier_code == "poste-italiane"
        assert (after.poll.due_at, after.poll.due_reason) == (None, "stopped by request")

    async def test_two_workers_correct_it_once(self, yard: Yard) -> None:
        yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
        created = await follow(yard)
        yard.clock.advance(CYCLE / SECOND)
        await asyncio.gather(*(drive(yard.worker()) for _ in range(3)))
        now = await yard.check_history(created.tracking)
        assert now.courier_code == "swiss-post"
        assert len(now.corrections) == 1
        assert yard.carriers.overlaps == []
