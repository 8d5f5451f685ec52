"""Parcels to look at in the dashboard, as they would stand after their carriers' answers."""

from __future__ import annotations

from typing import Any

import msgspec

from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import HOUR, Clock, to_datetime
from parcelwire.domain.report import DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Details, Product, Tracking, make_page_token
from parcelwire.tracking.ports import NewTracking
from tests.support.dashboard import Desk


def checkpoint(clock: Clock, hours: float, text: str, **fields: Any) -> Checkpoint:
    """Return an event so many hours ago."""
    at = clock.now() - round(hours * HOUR)
    return Checkpoint(
        **{
            "local_time": f"{to_datetime(at):%Y-%m-%dT%H:%M}",
            "offset_minutes": 60,
            "time_source": TimeSource.CARRIER,
            "text": text,
            "raw_code": "LETTER.*.88.912",
            "language": "de",
            "location": "8010 Zürich",
            "country": "CH",
            "received_at": at,
            **fields,
        }
    )


async def put_parcel(desk: Desk, number: str, status: Status, **fields: Any) -> Tracking:
    """Store a parcel as it would stand after its carrier's answers."""
    house, now = desk.house, desk.house.clock.now()
    tracking_id = house.identifiers.new_id(now)
    tracking = Tracking(
        **{
            "id": tracking_id,
            "world_id": desk.world_id,
            "number": number,
            "typed_number": number,
            "courier_code": "swiss-post",
            "created_at": now,
            "updated_at": now,
            "page_token": make_page_token(tracking_id, house.identifiers.new_token()),
            "status": status,
            **fields,
        }
    )
    new = NewTracking(tracking=tracking, due_at=now + HOUR, due_reason="on its way: every hour")
    (creation,) = await house.store.create_trackings([new])
    assert creation.result == "created"
    return tracking


async def put_parcels(desk: Desk) -> dict[str, Tracking]:
    """Store one parcel of each kind that the dashboard treats in its own way."""
    clock = desk.house.clock
    day = f"{to_datetime(clock.now() + 2 * 24 * HOUR):%Y-%m-%d}"
    details = Details(
        order_number="1001",
        title="Two books and a lamp",
        customer_name="Erika Muster",
        customer_email="erika@example.org",
        destination_country="CH",
        products=(Product(name="Lamp <b>", quantity=2),),
    )
    sorted_in = checkpoint(
        clock, 20, "Sortiert für die Zustellung", status=Status.TRANSIT, location="Härkingen"
    )
    return {
        "transit": await put_parcel(
            desk,
            "990012345612345678",
            Status.TRANSIT,
            substatus=Substatus.TRANSIT_AT_HUB,
            details=details,
            checkpoints=(
                checkpoint(clock, 30, "Aufgegeben", status=Status.TRANSIT),
                msgspec.structs.replace(
                    sorted_in, offset_minutes=None, time_source=TimeSource.UNKNOWN
                ),
                checkpoint(clock, 19, "Verzollt", status=Status.TRANSIT, is_withdrawn=True),
                checkpoint(clock, 3, "Hinweis des Empfängers"),
            ),
            facts=ParcelFacts(origin_country="DE", destination_country="CH", weight_grams=1_250),
            window=DeliveryWindow(earliest=f"{day}T14:00", latest=f"{day}T17:00", source="carrier"),
        ),
        "waiting": await put_parcel(
            desk,
            "990012345612345679",
            Status.PICKUP,
            substatus=Substatus.PICKUP_READY_FOR_COLLECTION,
            details=details,
            checkpoints=(checkpoint(clock, 60, "Zur Abholung bereit", status=Status.PICKUP),),
            facts=ParcelFacts(pickup_point="Filiale Zürich 10", pickup_until_on=day),
        ),
        "exception": await put_parcel(
            desk,
            "990012345612345680",
            Status.EXCEPTION,
            substatus=Substatus.EXCEPTION_CUSTOMS_HOLD,
            reason=Reason.CUSTOMS_PAYMENT,
            checkpoints=(checkpoint(clock, 90, "Zollabgaben ausstehend", status=Status.EXCEPTION),),
        ),
        "undelivered": await put_parcel(
            desk,
            "990012345612345681",
            Status.UNDELIVERED,
            substatus=Substatus.UNDELIVERED_NOBODY_HOME,
            reason=Reason.RECIPIENT_ABSENT,
            checkpoints=(checkpoint(clock, 8, "Niemand zu Hause", status=Status.UNDELIVERED),),
        ),
        "expired": await put_parcel(
            desk,
            "990012345612345682",
            Status.EXPIRED,
            substatus=Substatus.EXPIRED,
            is_stopped=True,
            stopped_reason="expired",
            expired_at=clock.now(),
        ),
        "delivered": await put_parcel(
            desk,
            "990012345612345683",
            Status.DELIVERED,
            substatus=Substatus.DELIVERED,
            checkpoints=(checkpoint(clock, 5, "Zugestellt", status=Status.DELIVERED),),
        ),
    }
