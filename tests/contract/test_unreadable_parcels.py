"""One parcel whose document cannot be read: the others are asked about, counted and told of."""

from __future__ import annotations

import logging

import pytest

from parcelwire.domain.status import Status
from parcelwire.polling.admission import UNREADABLE
from parcelwire.polling.worker import OWN_FAULT_WAIT
from parcelwire.tracking.errors import UnreadableDocumentError
from parcelwire.tracking.service import TrackingService
from tests.contract.poll_yard import Yard, drive
from tests.contract.store.damaging import DAMAGES, damage, document
from tests.contract.store.samples import NOW, WORLD, create
from tests.support.house import report


async def test_the_others_of_its_batch_are_asked_about(
    yard: Yard, caplog: pytest.LogCaptureFixture
) -> None:
    parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(5)]
    for one in parcels:
        yard.carriers.script("dhl", one.number, report("", yard.scan(60)))
    bad = parcels[2]
    await damage(yard.store, bad.id)
    worker = yard.worker()
    with caplog.at_level(logging.ERROR):
        assert await drive(worker) == 5
    others = [one for one in parcels if one is not bad]
    assert sorted(yard.carriers.numbers_asked("dhl")) == [one.number for one in others]
    for one in others:
        assert (await yard.stored(one)).tracking.status is Status.TRANSIT
    # It is no longer in front of all others, and says why.
    loaded = await yard.store.load(WORLD, bad.id)
    assert loaded is not None
    poll = loaded.poll
    assert (poll.due_at, poll.due_reason) == (NOW + OWN_FAULT_WAIT, UNREADABLE)
    assert poll.leased_until == 0
    assert (await yard.store.past_polls(bad.id))[0].reason == UNREADABLE
    # Mended, it is asked about as ever; until then it is looked at again and told of no more.
    yard.clock.advance(OWN_FAULT_WAIT / 1000)
    with caplog.at_level(logging.ERROR):
        await drive(worker)
    assert len([one for one in caplog.records if "cannot be read" in one.getMessage()]) == 1
    assert await document(yard.store, bad.id) == DAMAGES["cut"]


async def test_once_it_is_mended_it_is_asked_about(yard: Yard) -> None:
    parcel = await create(yard.store, "A1", courier_code="dhl")
    yard.carriers.script("dhl", "A1", report("", yard.scan(60)))
    whole = await document(yard.store, parcel.id)
    await damage(yard.store, parcel.id)
    worker = yard.worker()
    await drive(worker)
    await damage(yard.store, parcel.id, data=whole)
    yard.clock.advance(OWN_FAULT_WAIT / 1000)
    await drive(worker)
    assert (await yard.stored(parcel)).tracking.status is Status.TRANSIT


async def test_what_was_not_asked_costs_the_carrier_no_budget(yard: Yard) -> None:
    yard.carriers.connect("dhl", requests_per_minute=2)
    parcels = [await create(yard.store, f"A{index}", courier_code="dhl") for index in range(2)]
    await damage(yard.store, parcels[0].id)
    worker = yard.worker()
    await drive(worker)
    late = await create(yard.store, "A9", courier_code="dhl", due_at=yard.clock.now())
    await drive(worker)
    assert yard.carriers.numbers_asked("dhl") == ["A1", "A9"]
    assert (await yard.poll(late)).checked_at is not None


async def test_it_is_shown_and_deleted_but_not_changed(
    yard: Yard, service: TrackingService
) -> None:
    parcel = await create(yard.store, "A1", courier_code="dhl")
    await damage(yard.store, parcel.id)
    stored = await service.get(WORLD, parcel.id)
    assert stored.tracking.stopped_reason == "unreadable"
    # Its carrier's answer could not be stored.
    assert await service.refresh_now(stored) == stored
    assert yard.carriers.asked == []
    with pytest.raises(UnreadableDocumentError):
        await service.update(stored, details={"note": "x"})
    assert await document(yard.store, parcel.id) == DAMAGES["cut"]
    assert await service.delete(WORLD, [parcel.id]) == [parcel.id]
