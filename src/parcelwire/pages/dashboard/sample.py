"""A made-up parcel to show a brand with. Pure."""

from __future__ import annotations

from typing import Final

from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import DAY, HOUR, Instant, to_datetime
from parcelwire.domain.report import DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import PollState

SAMPLES: Final = {
    "transit": "On its way",
    "delivered": "Delivered",
    "exception": "In trouble",
}


def sample_of(kind: str, now: Instant) -> tuple[Tracking, PollState]:
    """Return a parcel of one of ``SAMPLES``, as it would stand now."""
    points = [
        (52, "Your parcel is announced", Status.INFORECEIVED, Substatus.INFORECEIVED, "Bern"),
        (30, "Handed over at the counter", Status.TRANSIT, Substatus.TRANSIT, "Bern"),
        (12, "Sorted for delivery", Status.TRANSIT, Substatus.TRANSIT_AT_HUB, "Härkingen"),
    ]
    status, substatus, reason = Status.TRANSIT, Substatus.TRANSIT_AT_HUB, None
    if kind == "delivered":
        status, substatus = Status.DELIVERED, Substatus.DELIVERED
        points.append((2, "Delivered to the letter box", status, substatus, "Zürich"))
    elif kind == "exception":
        status, substatus = Status.EXCEPTION, Substatus.EXCEPTION_CUSTOMS_HOLD
        reason = Reason.CUSTOMS_HOLD
        points.append((2, "Held for a customs check", status, substatus, "Zürich"))
    checkpoints = tuple(
        Checkpoint(
            local_time=f"{to_datetime(now - hours * HOUR):%Y-%m-%dT%H:%M}",
            offset_minutes=0,
            time_source=TimeSource.CARRIER,
            text=text,
            status=reached,
            substatus=finer,
            location=place,
            country="CH",
            language="en",
        )
        for hours, text, reached, finer, place in points
    )
    tomorrow = f"{to_datetime(now + DAY):%Y-%m-%d}"
    tracking = Tracking(
        id="0" * 32,
        world_id=0,
        number="990012345612345678",
        typed_number="99.00.123456.12345678",
        courier_code="swiss-post",
        created_at=now - 3 * DAY,
        updated_at=now - 2 * HOUR,
        page_token="",
        status=status,
        substatus=substatus,
        reason=reason,
        checkpoints=checkpoints,
        facts=ParcelFacts(origin_country="CH", destination_country="CH"),
        window=DeliveryWindow(
            earliest=f"{tomorrow}T14:00", latest=f"{tomorrow}T17:00", source="carrier"
        ),
    )
    return tracking, PollState(checked_at=now, last_outcome="found")
