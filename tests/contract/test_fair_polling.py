"""Carriers' budgets and places are shared fairly between accounts, and our own queue is nobody's
fault.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from parcelwire.domain.account import account_of, world_of
from parcelwire.domain.clock import MINUTE
from parcelwire.domain.report import CarrierReport
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.tracking.on_demand_refresh import NO_SLOT
from parcelwire.tracking.ports import DEFERRED
from tests.contract.poll_yard import WatchedCarriers, Yard, draft, drive, until
from tests.contract.store.samples import NOW, OTHER_WORLD, TEST_WORLD, WORLD, create, make_new


class FullCarriers(WatchedCarriers):
    """Carriers at which others hold all conversations while ``is_full``."""

    is_full = True

    async def fetch(  # type: ignore[override]  # as the port allows, and the script never does
        self, world_id: int, courier_code: str, trackings: Sequence[Tracking]
    ) -> Sequence[CarrierReport | None]:
        if self.is_full:
            return [None] * len(trackings)
        return await super().fetch(world_id, courier_code, trackings)


@pytest.fixture
def full(yard: Yard) -> FullCarriers:
    """Make the yard's carriers full."""
    carriers = FullCarriers(yard.clock)
    carriers.connect("dhl", batch_size=1, requests_per_minute=60)
    yard.carriers = carriers
    return carriers


async def crowd(store: Store, count: int, world_id: int) -> None:
    for start in range(0, count, 500):
        await store.create_trackings(
            [
                make_new(
                    f"C{index:06d}", courier_code="dhl", world_id=world_id, due_at=NOW - MINUTE
                )
                for index in range(start, min(count, start + 500))
            ]
        )


async def test_a_crowd_does_not_use_up_the_budget_that_others_share(yard: Yard) -> None:
    yard.carriers.connect("dhl", batch_size=1, requests_per_minute=60)
    await crowd(yard.store, 600, WORLD)
    worker = yard.worker()
    await drive(worker)
    await create(yard.store, "B1", courier_code="dhl", world_id=OTHER_WORLD)
    before = len(yard.carriers.asked)
    for _ in range(20):
        yard.clock.advance(1)
        await drive(worker)
        if "B1" in yard.carriers.numbers_asked("dhl"):
            break
    position = yard.carriers.numbers_asked("dhl").index("B1") - before
    assert position <= 10
    assert yard.clock.now() <= NOW + 10_000


async def test_two_crowds_share_the_budget(yard: Yard) -> None:
    yard.carriers.connect("dhl", batch_size=1, requests_per_minute=60)
    await crowd(yard.store, 200, WORLD)
    await crowd(yard.store, 200, OTHER_WORLD)
    worker = yard.worker()
    for _ in range(60):
        await drive(worker)
        yard.clock.advance(2)
    counts = {
        world_id: sum(asked[0] == world_id for asked in yard.carriers.asked)
        for world_id in (WORLD, OTHER_WORLD)
    }
    assert min(counts.values()) >= 30
    assert max(counts.values()) <= 2 * min(counts.values())


async def test_a_test_worlds_crowd_does_not_keep_a_live_parcel_waiting(yard: Yard) -> None:
    """Thousands of parcels of a test world are due, and one comes after them."""
    yard.carriers.connect("dhl", batch_size=10, requests_per_minute=100_000)
    await crowd(yard.store, 3_000, TEST_WORLD)
    worker = yard.worker()
    await worker.step()
    live = await create(yard.store, "LIVE1", courier_code="dhl", world_id=world_of(5, False))
    await worker.step()
    await worker.drain()
    assert (await yard.poll(live)).checks == 1
    # Of the crowd, at most what two claims take.
    assert len(yard.carriers.asked) <= 2 * 200


async def test_a_question_without_a_place_is_left_to_the_workers(
    yard: Yard, full: FullCarriers
) -> None:
    service = yard.service()
    stored = await service.create(WORLD, draft())
    await service.drain()
    poll = await yard.poll(stored.tracking)
    assert (poll.checks, poll.leased_until, poll.last_outcome) == (0, 0, "")
    assert poll.due_at == NOW
    (past,) = await yard.store.past_polls(stored.tracking.id)
    assert (past.outcome, past.reason) == (DEFERRED, NO_SLOT)

    # Nothing is said against the carrier, and the budget is whole.
    assert await yard.store.pauses() == {}
    granted = await yard.store.take_budget("dhl", now=NOW, wanted=99, per_minute=60, per_day=None)
    assert granted == 10
    await yard.store.return_budget("dhl", count=10, per_minute=60)

    full.is_full = False
    await drive(yard.worker())
    assert (await yard.poll(stored.tracking)).checks == 1


async def test_a_worker_without_a_place_puts_off_and_notes_nothing(
    yard: Yard, full: FullCarriers
) -> None:
    parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(3)]
    worker = yard.worker()
    await drive(worker)
    for parcel in parcels:
        poll = await yard.poll(parcel)
        assert (poll.checks, poll.leased_until, poll.last_outcome) == (0, 0, "")
        assert poll.due_at is not None
        assert NOW < poll.due_at <= NOW + MINUTE
    assert await yard.store.pauses() == {}
    full.is_full = False
    yard.clock.advance(30)
    await drive(worker)
    assert sorted(full.numbers_asked("dhl")) == ["A0", "A1", "A2"]


async def test_accounts_have_the_places_of_a_lane_in_turn(yard: Yard) -> None:
    yard.carriers.connect("dhl", batch_size=1, requests_per_minute=6_000)
    await crowd(yard.store, 30, WORLD)
    worker = yard.worker()
    gate = yard.carriers.hold("dhl")
    await worker.step()
    await create(yard.store, "B1", courier_code="dhl", world_id=OTHER_WORLD)
    await worker.step()
    asked, other = worker._concurrency._carriers, account_of(OTHER_WORLD)
    await until(lambda: any(one.loads[other] for one in asked.values()))
    gate.set()
    await worker.drain()
    # Four were under way when it came, and four more had their places.
    assert yard.carriers.numbers_asked("dhl").index("B1") <= 8
