"""A message in Parcelwire's own dialect tells the same tracking as one in v4."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.api.v4.render import Renderer
from parcelwire.client.errors import WebhookVerificationError
from parcelwire.client.models import Tracking
from parcelwire.client.native_tracking import tracking_of
from parcelwire.client.reading import read
from parcelwire.client.webhooks import unwrap
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.checkpoint import Leg
from parcelwire.domain.merge import merge
from parcelwire.domain.report import DeliveryWindow, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Substatus
from parcelwire.domain.tracking import Details
from parcelwire.domain.tracking import Tracking as DomainTracking
from parcelwire.signatures.signing import make_secret, sign_standard
from parcelwire.webhooks.native import render_native, tracking_to_wire
from tests.support.carriers import report
from tests.support.v4 import point
from tests.unit.webhooks.builders import make_event, make_tracking

TEXTS: dict[str, Any] = {
    name: f"said {name}" for name in Details.__struct_fields__ if name != "products"
}


def parcel() -> DomainTracking:
    details = Details(
        **{
            **TEXTS,
            "ship_date": "20260227",
            "language": "en",
        }
    )
    fresh = replace(make_tracking(), details=details, checkpoints=(), is_archived=True)
    points = (
        point("2026-02-27T09:00:00", "Accepted", Substatus.TRANSIT),
        point("2026-02-28T11:00:00", "Arrived", Substatus.TRANSIT_AT_HUB),
        replace(
            point("2026-03-01T09:30:00", "Out for delivery", Substatus.PICKUP_OUT_FOR_DELIVERY),
            leg=Leg.DESTINATION,
        ),
    )
    moved = merge(fresh, report("", *points)).tracking
    return replace(
        moved,
        facts=ParcelFacts(proof=ProofOfDelivery(signed_by="Ada")),
        window=DeliveryWindow(earliest="2026-03-02", latest="2026-03-03", source="carrier"),
    )


def both() -> tuple[Tracking, Tracking]:
    tracking = parcel()
    theirs = msgspec.json.decode(Renderer(default_registry()).tracking(tracking))
    own = msgspec.json.decode(msgspec.json.encode(tracking_to_wire(tracking)))
    return read(Tracking, theirs), tracking_of(own)


def test_every_detail_is_the_same() -> None:
    v4, own = both()
    for name in (
        *("id", "tracking_number", "courier_code", "status", "substatus", "created_at"),
        *("updated_at", "is_archived", "is_updating", "scheduled_delivery_date", "signed_by"),
        *("order_number", "order_id", "customer_name", "customer_email", "customer_sms"),
        *("recipient_postcode", "title", "note", "label", "logistics_channel"),
        *("tracking_postal_code", "tracking_ship_date", "tracking_courier_account"),
        *("tracking_key", "tracking_origin_country", "tracking_destination_country"),
        *("origin_country", "destination_country", "order_date"),
    ):
        assert getattr(own, name) == getattr(v4, name), name
        assert getattr(own, name) not in (None, ""), name


def test_every_checkpoint_is_the_same() -> None:
    v4, own = both()
    names = ("time", "status", "substatus", "text", "location", "country", "city", "raw_code")

    def told(tracking: Tracking) -> list[list[Any]]:
        return [[getattr(one, name) for name in names] for one in tracking.checkpoints]

    assert told(own) == told(v4)
    assert len(own.checkpoints) == 3
    assert own.destination_leg is not None
    assert own.destination_leg.checkpoints is not None
    assert [one.text for one in own.destination_leg.checkpoints] == ["Out for delivery"]
    assert own.extra["delivery_window"]["source"] == "carrier"


def test_a_whole_message() -> None:
    tracking = parcel()
    event = make_event(tracking, at=1_000, id="e" * 32)
    data = msgspec.Raw(render_native(tracking, event))
    body = msgspec.json.encode({"id": event.id, "type": event.type, "data": data})
    secret, now = make_secret(bytes(32)), 1_700_000_000
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(secret, "m1", now, body),
    }
    told = unwrap(body, headers, secret, now=now)
    assert told.tracking is not None
    assert told.tracking.tracking_number == tracking.number


@pytest.mark.parametrize("said", [{}, {"id": "1"}, {"id": "1", "number": 7, "courier_code": []}])
def test_what_is_no_tracking(said: Any) -> None:
    body = msgspec.json.encode({"data": {"tracking": said}})
    secret, now = make_secret(bytes(32)), 1_700_000_000
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(secret, "m1", now, body),
    }
    with pytest.raises(WebhookVerificationError) as caught:
        unwrap(body, headers, secret, now=now)
    assert caught.value.reason == "invalid_body"
