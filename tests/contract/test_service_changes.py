"""Edits, courier changes and messages on both engines: nothing is lost, nothing is told twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.domain.report import DeliveryWindow, Outcome, ParcelFacts
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUnknownError,
    NotFoundError,
    RetrackNotAllowedError,
    TrackingBusyError,
)
from parcelwire.tracking.ports import Stored
from parcelwire.tracking.refresh import MAX_TRIES
from parcelwire.tracking.service import TrackingService
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.poll_yard import Yard, draft, drive, followed, outage
from tests.contract.store.samples import NOW, OTHER_WORLD, WORLD
from tests.support.house import report
from tests.support.rivals import Rivals


class TestEdits:
    async def test_only_what_is_given_changes_and_it_is_a_version(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        yard.clock.advance(5)
        after = await service.update(
            stored,
            details={"title": "Shoes", "note": "fragile"},
            is_archived=True,
            ordered_at=NOW - DAY,
        )
        tracking = after.tracking
        assert (tracking.details.title, tracking.is_archived) == ("Shoes", True)
        assert (tracking.ordered_at, tracking.version) == (
            NOW - DAY,
            stored.tracking.version + 1,
        )
        assert tracking.updated_at == yard.clock.now()
        assert after == await service.get(WORLD, tracking.id)
        # It tells nobody: nothing happened to the parcel.
        assert tracking.sequence == stored.tracking.sequence
        first = await service.update(after, ordered_at=0)
        assert first.tracking.ordered_at == 0
        after = await service.update(first, ordered_at=NOW - DAY)
        less = await service.update(after, details={"note": None})
        assert less.tracking.details == Details(title="Shoes")
        assert await service.update(less) == less

    async def test_a_status_by_hand_wins_until_it_is_taken_back(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        by_hand = await service.update(stored, status_override=Status.DELIVERED)
        assert by_hand.tracking.status is Status.DELIVERED
        assert by_hand.poll.due_at is None
        yard.clock.advance(86_400)
        await drive(yard.worker())
        assert len(yard.carriers.asked) == 1

        back = await service.update(by_hand, clears_override=True)
        assert back.tracking.status is Status.TRANSIT
        assert not back.tracking.is_stopped
        assert back.poll.due_at == yard.clock.now()
        await drive(yard.worker())
        assert len(yard.carriers.asked) == 2
        history = await yard.check_history(stored.tracking)
        assert history.sequence == 3

    async def test_a_stopped_parcel_is_not_asked_about_whatever_is_edited(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        stopped = await service.stop(stored)
        assert (stopped.poll.due_at, stopped.poll.due_reason) == (None, "stopped by request")
        await service.update(stopped, details={"title": "Shoes"})
        yard.clock.advance(90 * 86_400)
        await drive(yard.worker())
        assert len(yard.carriers.asked) == 1
        assert (await yard.stored(stored.tracking)).tracking.status is Status.TRANSIT

    async def test_an_expired_parcel_is_taken_up_again_and_asked_about_at_once(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        with pytest.raises(RetrackNotAllowedError):
            await service.retrack(stored)
        yard.clock.advance(31 * 86_400)
        expired = await service.refresh_now(stored)
        assert expired.tracking.status is Status.EXPIRED
        assert expired.poll.due_at is None
        again = await service.retrack(expired)
        assert again.tracking.status is Status.TRANSIT
        assert again.poll.due_at == yard.clock.now()
        await drive(yard.worker())
        assert (await yard.stored(again.tracking)).tracking.status is Status.TRANSIT
        await yard.check_history(stored.tracking)

    @pytest.mark.parametrize("said", [Substatus.TRANSIT, Substatus.EXCEPTION_CUSTOMS_HOLD])
    async def test_a_status_by_hand_outlives_the_silence_and_is_taken_up_again(
        self, yard: Yard, service: TrackingService, said: Substatus
    ) -> None:
        stored = await followed(yard, service)
        yard.clock.advance(86_400)
        scan = yard.scan(1, status=said.status, substatus=said, raw_code="S2")
        yard.carriers.script("dhl", "A1B2C3D4", report("", scan))
        asked = await service.refresh_now(stored)
        by_hand = await service.update(asked, status_override=Status.EXCEPTION)
        yard.clock.advance(70 * 86_400)
        silent = await service.refresh_now(by_hand)
        assert silent.tracking.status is Status.EXCEPTION
        assert silent.tracking.stopped_reason == "expired"
        assert silent.poll.due_at is None

        again = await service.retrack(silent)
        assert again.tracking.status is Status.EXCEPTION
        assert not again.tracking.is_stopped
        assert again.poll.due_at == yard.clock.now()
        await drive(yard.worker())
        assert (await yard.stored(again.tracking)).tracking.status is Status.EXCEPTION
        with pytest.raises(RetrackNotAllowedError):
            await service.retrack(await yard.stored(again.tracking))
        await yard.check_history(stored.tracking)

    async def test_eight_edits_at_once_all_end_up(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service, days=1)
        fields = (
            "title",
            "note",
            "label",
            "order_id",
            "order_number",
            "customer_name",
            "customer_email",
            "customer_phone",
        )
        yard.carriers.script("dhl", "A1B2C3D4", report("", yard.delivered(60)))
        worker = yard.worker()
        await worker.step()
        await asyncio.gather(
            *(service.update(stored, details={name: f"<{name}>"}) for name in fields),
            worker.drain(),
        )
        now = await yard.check_history(stored.tracking)
        assert {name: getattr(now.details, name) for name in fields} == {
            name: f"<{name}>" for name in fields
        }
        assert now.status is Status.DELIVERED
        assert now.version == stored.tracking.version + 9

    async def test_what_was_deleted_meanwhile_is_not_found(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        other = await service.create(WORLD, draft("A1B2C3D5"))
        gone = await service.delete(WORLD, [stored.tracking.id, "0" * 32])
        assert gone == [stored.tracking.id]
        assert await service.delete(OTHER_WORLD, [other.tracking.id]) == []
        for call in (
            service.get(WORLD, stored.tracking.id),
            service.update(stored, details={"title": "Shoes"}),
            service.stop(stored),
            service.change_courier(stored, "ups"),
            service.find(WORLD, "A1B2C3D4", "dhl"),
        ):
            with pytest.raises(NotFoundError):
                await call


class TestChangeCourier:
    async def test_the_id_stays_and_the_new_courier_is_asked_at_once(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        yard.carriers.script("ups", "A1B2C3D4", report("", yard.delivered(60)))
        after = await service.change_courier(stored, "ups", why="the shop said so")
        assert after.tracking.id == stored.tracking.id
        assert (after.tracking.courier_code, after.tracking.checkpoints) == ("ups", ())
        assert after.tracking.status is Status.PENDING
        assert after.poll.due_at == NOW
        (correction,) = after.tracking.corrections
        assert (correction.from_courier, correction.to_courier, correction.reason) == (
            "dhl",
            "ups",
            "the shop said so",
        )
        assert not correction.is_automatic
        await drive(yard.worker())
        assert (await yard.check_history(after.tracking)).status is Status.DELIVERED
        assert await service.change_courier(after, "ups") == after

    async def test_a_courier_that_is_taken_is_refused_and_named(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        other = await service.create(WORLD, draft(courier="ups"))
        with pytest.raises(AlreadyExistsError) as refusal:
            await service.change_courier(stored, "ups")
        assert refusal.value.existing_id == other.tracking.id
        assert (await yard.stored(stored.tracking)).tracking == stored.tracking
        with pytest.raises(CourierUnknownError):
            await service.change_courier(stored, "nobody-at-all")

    async def test_a_change_meets_an_edit(self, yard: Yard, service: TrackingService) -> None:
        stored = await followed(yard, service)
        await service.update(stored, details={"title": "Shoes"})
        after = await service.change_courier(stored, "ups")
        assert after.tracking.details.title == "Shoes"
        await asyncio.gather(
            service.change_courier(after, "fedex"),
            service.update(after, details={"note": "fragile"}),
            service.stop(after),
        )
        now = await yard.check_history(stored.tracking)
        assert (now.courier_code, now.details.note) == ("fedex", "fragile")


class TestRivals:
    async def test_an_edit_outlasts_many_others(self, yard: Yard, service: TrackingService) -> None:
        stored = await followed(yard, service)
        rivals = Rivals(service, MAX_TRIES - 1)
        after = await service.update(stored, details={"title": "Shoes"})
        assert rivals.fired == MAX_TRIES - 1
        assert after.tracking.details == Details(title="Shoes", note=f"{MAX_TRIES - 1} by others")
        assert (await yard.stored(stored.tracking)).tracking == after.tracking

    async def test_an_edit_that_never_gets_its_turn_is_refused_and_stores_nothing(
        self, yard: Yard, service: TrackingService
    ) -> None:
        stored = await followed(yard, service)
        edits: list[Callable[[], Awaitable[Stored]]] = [
            lambda: service.update(stored, details={"title": "Shoes"}),
            lambda: service.stop(stored),
            lambda: service.change_courier(stored, "ups"),
        ]
        for edit in edits:
            rivals = Rivals(service, MAX_TRIES)
            with pytest.raises(TrackingBusyError):
                await edit()
            assert rivals.fired == MAX_TRIES
        now = await yard.check_history(stored.tracking)
        assert now.details == Details(note=f"{MAX_TRIES} by others")
        assert (now.courier_code, now.is_stopped) == ("dhl", False)
        assert now.version == stored.tracking.version + 3 * MAX_TRIES

    async def test_an_answer_that_never_gets_its_turn_is_asked_for_again(
        self, yard: Yard, service: TrackingService, caplog: pytest.LogCaptureFixture
    ) -> None:
        stored = await followed(yard, service)
        yard.carriers.script("dhl", "A1B2C3D4", report("", yard.delivered(60)))
        yard.clock.advance(7 * 86_400)
        crowd: Any = Rivals(service, MAX_TRIES)
        await drive(yard.worker(crowd))
        assert crowd.fired == MAX_TRIES
        set_aside = await yard.stored(stored.tracking)
        assert set_aside.tracking.status is Status.TRANSIT
        assert set_aside.poll.due_reason == "its answer could not be stored: TrackingBusyError"
        assert "could not be stored" in caplog.text
        assert set_aside.poll.due_at is not None
        yard.clock.advance(86_400)
        await drive(yard.worker(crowd))
        assert (await yard.check_history(stored.tracking)).status is Status.DELIVERED


class TestMessages:
    async def test_each_event_is_told_to_the_endpoints_that_want_it(
        self, yard: Yard, service: TrackingService
    ) -> None:
        everything = await yard.add_endpoint(WORLD)
        at_the_end = await yard.add_endpoint(WORLD, statuses=("delivered",))
        switched_off = await yard.add_endpoint(WORLD, is_enabled=False)
        foreign = await yard.add_endpoint(OTHER_WORLD)
        yard.carriers.script(
            "dhl",
            "A1B2C3D4",
            report("", yard.scan(3600)),
            report("", yard.scan(3600), yard.delivered(60)),
        )
        stored = await service.create(WORLD, draft())
        yard.clock.advance(3600)
        await service.refresh_now(stored)
        await service.update(stored, details={"title": "Shoes"})

        async def told(endpoint_id: str) -> list[tuple[int, str]]:
            world = OTHER_WORLD if endpoint_id == foreign.id else WORLD
            messages = (
                await yard.store.list_messages(world, MessageFilter(endpoint_id=endpoint_id))
            ).messages
            return sorted((message.sequence, message.event_type) for message in messages)

        moved = "tracking.status_changed"
        assert await told(everything.id) == [(1, moved), (2, moved)]
        assert await told(at_the_end.id) == [(2, moved)]
        # They wait for the endpoint to be switched on again.
        assert await told(switched_off.id) == [(1, moved), (2, moved)]
        assert await told(foreign.id) == []
        await yard.check_history(stored.tracking)

    async def test_an_answer_without_news_tells_nothing(
        self, yard: Yard, service: TrackingService
    ) -> None:
        endpoint = await yard.add_endpoint(WORLD)
        stored = await followed(yard, service)
        for _ in range(3):
            yard.clock.advance(3600)
            stored = await service.refresh_now(stored)
        messages = (
            await yard.store.list_messages(WORLD, MessageFilter(endpoint_id=endpoint.id))
        ).messages
        assert len(messages) == 1
        assert stored.tracking.version == 2
        assert stored.poll.checks == 4

    async def test_what_a_carrier_says_again_is_no_new_version(
        self, yard: Yard, service: TrackingService
    ) -> None:
        # Facts and window come with every answer, each time at another moment.
        said = report(
            "",
            yard.scan(3600),
            facts=ParcelFacts(service="Priority", weight_grams=350),
            window=DeliveryWindow(earliest="2026-03-04", latest="2026-03-05", source="dhl"),
        )
        yard.carriers.script("dhl", "A1B2C3D4", said)
        stored = await service.create(WORLD, draft())
        yard.clock.advance(3600)
        again = await service.refresh_now(stored)
        assert again.poll.checks == 2
        assert again.tracking == stored.tracking
        assert again == await service.get(WORLD, stored.tracking.id)

    async def test_an_unknown_number_is_told_once(
        self, yard: Yard, service: TrackingService
    ) -> None:
        yard.carriers.connect("dhl")
        stored = await service.create(WORLD, draft())
        assert stored.tracking.status is Status.NOTFOUND
        yard.clock.advance(2 * HOUR / SECOND)
        again = await service.refresh_now(stored)
        assert again.tracking.sequence == 1
        yard.carriers.outages["dhl"] = outage(Outcome.NOT_UNDERSTOOD)
        yard.clock.advance(2 * HOUR / SECOND)
        kept = await service.refresh_now(again)
        assert kept.tracking.status is Status.NOTFOUND
        assert kept.poll.last_outcome == "not_understood"
