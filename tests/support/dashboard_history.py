"""A parcel with a past: changes of every kind, and polls of every outcome."""

from __future__ import annotations

from msgspec.structs import replace

from parcelwire.domain.changes import (
    Change,
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
    CourierCorrected,
    DeliveryWindowChanged,
    Event,
    StatusChanged,
)
from parcelwire.domain.clock import HOUR, MINUTE, SECOND
from parcelwire.domain.report import DeliveryWindow, Outcome
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import PastPoll, PollResult, Save
from tests.support.dashboard import Desk
from tests.support.dashboard_parcels import checkpoint

WINDOW = DeliveryWindow(earliest="2026-03-03T14:00", latest="2026-03-03T17:00", source="carrier")


def kinds_of_change(desk: Desk) -> list[tuple[Change, ...]]:
    """Return what may change, several things at a time."""
    posted = checkpoint(desk.clock, 30, "Aufgegeben", status=Status.TRANSIT)
    sorted_in = checkpoint(desk.clock, 20, "Sortiert für die Zustellung", location="Härkingen")
    worded = replace(sorted_in, text="Sortiert", local_time="2026-02-28T15:10")
    return [
        (
            CourierCorrected(
                from_courier="dhl", to_courier="swiss-post", reason="dhl does not know it"
            ),
        ),
        (
            StatusChanged(
                from_status=Status.PENDING,
                from_substatus=None,
                to_status=Status.TRANSIT,
                to_substatus=Substatus.TRANSIT,
            ),
            CheckpointAdded(checkpoint=posted),
        ),
        (CheckpointAdded(checkpoint=sorted_in), DeliveryWindowChanged(before=None, after=WINDOW)),
        (
            CheckpointCorrected(before=sorted_in, after=worded),
            DeliveryWindowChanged(before=WINDOW, after=replace(WINDOW, latest="2026-03-04")),
        ),
        (CheckpointWithdrawn(checkpoint=posted), DeliveryWindowChanged(before=WINDOW, after=None)),
        (
            StatusChanged(
                from_status=Status.TRANSIT,
                from_substatus=Substatus.TRANSIT,
                to_status=Status.EXCEPTION,
                to_substatus=Substatus.EXCEPTION_CUSTOMS_HOLD,
                reason=Reason.CUSTOMS_PAYMENT,
            ),
        ),
        (
            StatusChanged(
                from_status=Status.EXCEPTION,
                from_substatus=Substatus.EXCEPTION_CUSTOMS_HOLD,
                to_status=Status.TRANSIT,
                to_substatus=Substatus.TRANSIT_AT_HUB,
            ),
        ),
    ]


async def put_changes(desk: Desk, tracking: Tracking, *changes: tuple[Change, ...]) -> Tracking:
    """Store events of a parcel, one per tuple of changes, an hour apart and the last one now."""
    store, now = desk.house.store, desk.clock.now()
    stored = await store.load(desk.world_id, tracking.id)
    assert stored is not None
    before = stored.tracking
    for place, several in enumerate(changes, 1 - len(changes)):
        after = replace(before, version=before.version + 1, sequence=before.sequence + 1)
        at = now + place * HOUR
        event = Event(
            id=desk.house.identifiers.new_id(at),
            world_id=desk.world_id,
            tracking_id=after.id,
            sequence=after.sequence,
            at=at,
            status=after.status,
            substatus=after.substatus,
            changes=several,
        )
        change = Save(tracking=after, expected_version=before.version, event=event)
        assert await store.save(change)
        before = after
    return before


async def put_polls(desk: Desk, tracking: Tracking) -> list[PastPoll]:
    """Store polls of a parcel of every outcome; return them newest first."""
    store, now = desk.house.store, desk.clock.now()
    stored = await store.load(desk.world_id, tracking.id)
    assert stored is not None
    usual = "on its way: every 4 hours; after the carrier's night"
    told = [
        PastPoll(
            at=now - (26 - place) * HOUR,
            outcome=outcome,
            duration_ms=380 + 400 * place,
            connector="" if outcome is Outcome.NO_CONNECTION else "swiss-post",
            has_changes=outcome is Outcome.FOUND,
            reason="new: asked at once" if place == 0 else usual,
            detail="HTTP 503" if outcome is Outcome.UNAVAILABLE else "",
        )
        for place, outcome in enumerate(Outcome)
    ]
    same = PastPoll(
        at=now - 5 * MINUTE,
        outcome=Outcome.FOUND,
        duration_ms=412,
        connector="swiss-post",
        reason="asked for by hand or by a program",
    )
    for past in (*told, same):
        await store.save_polls([PollResult(tracking_id=tracking.id, poll=stored.poll, past=past)])
    await store.postpone_polls(
        [tracking.id],
        due_at=stored.poll.due_at or now,
        due_reason="waiting for its turn in the carrier's budget",
        at=now - 2 * HOUR,
    )
    result = PollResult(tracking_id=tracking.id, poll=stored.poll)
    await store.save_polls([result])
    deferred = PastPoll(
        at=(now - 2 * HOUR) // SECOND * SECOND,
        outcome="deferred",
        reason="waiting for its turn in the carrier's budget",
    )
    return [same, deferred, *reversed(told)]
