"""What is remembered of every poll: whom, what came, how long, and why then; on both engines."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import HOUR, MINUTE, SECOND, FrozenClock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.ports import Pause
from parcelwire.store.port import Store
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.on_demand_refresh import BY_REQUEST, NO_BUDGET
from parcelwire.tracking.ports import DEFERRED, PastPoll
from tests.contract.poll_yard import Yard, drive, outage
from tests.contract.store.samples import NOW, WORLD, create
from tests.support.house import report

SWISS = "996012345678901234"
"""Fits Swiss Post alone (made up)."""


@pytest.fixture
def yard(store: Store, clock: FrozenClock) -> Yard:
    return Yard(store, clock)


async def past(yard: Yard, tracking: Tracking) -> list[PastPoll]:
    """Return what is remembered, oldest first."""
    return (await yard.store.past_polls(tracking.id))[::-1]


async def test_every_poll_by_plan_with_the_reason_it_was_due_for(yard: Yard) -> None:
    parcel = await create(yard.store, "A1", courier_code="dhl")
    yard.carriers.script("dhl", "A1", report("", yard.scan(3600)))
    worker = yard.worker()
    await drive(worker)
    planned = (await yard.poll(parcel)).due_reason
    yard.clock.advance(5 * 3600)
    await drive(worker)
    yard.carriers.script("dhl", "A1", outage())
    yard.clock.advance(5 * 3600)
    await drive(worker)
    news = PastPoll(at=NOW, outcome="found", connector="scripted", has_changes=True, reason="new")
    again = replace(news, at=NOW + 5 * HOUR, has_changes=False, reason=planned)
    failed = replace(again, at=NOW + 10 * HOUR, outcome="unavailable", detail="503")
    assert "every 4 hours" in planned
    assert await past(yard, parcel) == [news, again, failed]
    assert (await yard.poll(parcel)).checks == 3


async def test_how_long_the_conversation_took(yard: Yard, monkeypatch: pytest.MonkeyPatch) -> None:
    parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(3)]
    yard.carriers.connect("dhl", batch_size=10)
    ask = yard.carriers.fetch

    async def slowly(
        world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> list[CarrierReport]:
        yard.clock.advance(1.75)
        return await ask(world_id, courier_code, trackings)

    monkeypatch.setattr(yard.carriers, "fetch", slowly)
    await drive(yard.worker())
    for parcel in parcels:
        (one,) = await past(yard, parcel)
        assert (one.at, one.duration_ms) == (NOW, 1_750)


async def test_what_the_budget_did_not_allow_was_put_off(yard: Yard) -> None:
    yard.carriers.connect("dhl", batch_size=1, requests_per_minute=12)
    parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(5)]
    await drive(yard.worker())
    told = [await past(yard, parcel) for parcel in parcels]
    assert sorted(one.outcome for (one,) in told) == [DEFERRED] * 3 + ["unknown_number"] * 2
    for (one,) in told:
        if one.outcome == DEFERRED:
            assert (one.at, one.connector, one.duration_ms) == (NOW, "", 0)
            assert one.reason == "waiting for its turn in the carrier's budget"


async def test_a_pause_put_it_off_and_says_why(yard: Yard) -> None:
    parcel = await create(yard.store, "A1", courier_code="dhl")
    policy = await yard.carriers.policy(WORLD, "dhl")
    assert policy is None
    yard.carriers.connect("dhl")
    policy = await yard.carriers.policy(WORLD, "dhl")
    assert policy is not None
    pause = Pause(until=NOW + MINUTE, failures=3, reason="HTTP 503", since=NOW)
    await yard.store.set_pause(policy.budget_key, pause)
    await drive(yard.worker())
    (one,) = await past(yard, parcel)
    assert (one.outcome, one.reason) == (DEFERRED, "the carrier is paused: HTTP 503")


async def test_without_a_way_to_ask_nobody_was_asked(yard: Yard) -> None:
    parcel = await create(yard.store, "A1", courier_code="dhl")
    await drive(yard.worker())
    (one,) = await past(yard, parcel)
    assert (one.outcome, one.connector, one.reason) == ("no_connection", "", "new")


async def test_asked_at_create_and_by_request(yard: Yard) -> None:
    yard.carriers.connect("dhl", requests_per_minute=2)
    yard.carriers.script("dhl", SWISS, report("", yard.scan(3600)))
    service = yard.service(realtime_interval_seconds=1)
    stored = await service.create(WORLD, Draft(number=SWISS, courier_code="dhl"))
    parcel = stored.tracking
    yard.clock.advance(61)
    stored = await service.refresh_now(stored)
    for number in ("12345678901235", "12345678901236"):
        await service.create(WORLD, Draft(number=number, courier_code="dhl"))
    # Within the budget's minute: it has nothing left.
    yard.clock.advance(1)
    await service.refresh_now(stored)
    first, second, third = await past(yard, parcel)
    assert (first.reason, first.has_changes) == ("new: asked at once", True)
    assert (second.reason, second.has_changes) == (BY_REQUEST, False)
    assert (third.outcome, third.reason) == (DEFERRED, NO_BUDGET)
    assert (second.at, third.at) == (NOW + 61 * SECOND, NOW + 62 * SECOND)


async def test_the_question_to_another_courier_is_remembered_too(yard: Yard) -> None:
    yard.carriers.connect("poste-italiane")
    yard.carriers.script("swiss-post", SWISS, report("", yard.scan(HOUR / SECOND)))
    stored = await yard.service().create(WORLD, Draft(number=SWISS, courier_code="poste-italiane"))
    due_at = (await yard.poll(stored.tracking)).due_at
    assert due_at is not None
    yard.clock.set(due_at)
    await drive(yard.worker())
    first, second, third = await past(yard, stored.tracking)
    assert [first.outcome, second.outcome, third.outcome] == [
        Outcome.UNKNOWN_NUMBER,
        Outcome.UNKNOWN_NUMBER,
        Outcome.FOUND,
    ]
    assert second.reason == third.reason == "its courier does not know it: swiss-post is asked next"
    assert third.has_changes
    assert (await yard.stored(stored.tracking)).tracking.courier_code == "swiss-post"
