"""How trackings look in the answers of the native API.

The answered form is the one that webhooks carry (``webhooks.native``), and beside it how fresh it
is, and where its page is. Its shapes here describe it; a test holds the two against each other.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parcelwire.api.house import House
from parcelwire.api.native.problems import Problem
from parcelwire.api.native.tracking_requests import ProductObject
from parcelwire.domain.checkpoint import Leg, TimeSource
from parcelwire.domain.clock import Instant, iso_utc
from parcelwire.domain.report import Outcome, ParcelFacts
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Milestones, Tracking
from parcelwire.tracking.ports import PollState, Stored
from parcelwire.webhooks.native import Wire, tracking_to_wire


class CheckpointObject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that happened to the parcel, as its carrier reported it."""

    occurred_at: Annotated[
        str,
        Meta(
            description="ISO 8601 date or time, with an offset only where one is known;"
            " `time_source` says how it is known"
        ),
    ]
    local_time: Annotated[str, Meta(description="The clock as the carrier printed it")]
    time_source: TimeSource
    text: str
    leg: Leg
    offset_minutes: int | UnsetType = UNSET
    received_at: datetime | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    substatus: Substatus | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    language: str | UnsetType = UNSET
    raw_code: str | UnsetType = UNSET
    carrier_event_id: str | UnsetType = UNSET
    location: str | UnsetType = UNSET
    city: str | UnsetType = UNSET
    state: str | UnsetType = UNSET
    postal_code: str | UnsetType = UNSET
    country: str | UnsetType = UNSET


class DeliveryWindowObject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When the parcel is promised: local dates or times, who said so, when we heard it."""

    earliest: str
    latest: str
    source: str
    reported_at: datetime | UnsetType = UNSET


class DetailsObject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was said of the parcel by whoever had it followed."""

    order_number: str | UnsetType = UNSET
    order_id: str | UnsetType = UNSET
    order_date: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    customer_name: str | UnsetType = UNSET
    customer_email: str | UnsetType = UNSET
    customer_phone: str | UnsetType = UNSET
    recipient_postcode: str | UnsetType = UNSET
    logistics_channel: str | UnsetType = UNSET
    note: str | UnsetType = UNSET
    label: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    origin_country: str | UnsetType = UNSET
    destination_country: str | UnsetType = UNSET
    postal_code: str | UnsetType = UNSET
    ship_date: str | UnsetType = UNSET
    courier_account: str | UnsetType = UNSET
    tracking_origin_country: str | UnsetType = UNSET
    tracking_destination_country: str | UnsetType = UNSET
    key: str | UnsetType = UNSET
    products: list[ProductObject] | UnsetType = UNSET


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """When the carrier was asked, what came of it, and when it will be asked again."""

    checked_at: Annotated[
        datetime | None, Meta(description="Last time the carrier gave an answer of any kind")
    ]
    last_outcome: Annotated[
        Outcome | None, Meta(description="Whether the parcel is quiet, or the connector is ill")
    ]
    check_count: int
    next_check_at: Annotated[datetime | None, Meta(description="null: not by itself")]
    next_check_reason: Annotated[str, Meta(description="A sentence for people")]


class CorrectionObject(msgspec.Struct, frozen=True, kw_only=True):
    """One time the courier was corrected."""

    corrected_at: datetime
    from_courier: str
    to_courier: str
    reason: str
    is_automatic: bool


class TrackingObject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tracking. As in webhooks, what is not known is left out of it."""

    id: str
    number: Annotated[str, Meta(description="The compact form")]
    typed_number: str
    courier_code: str
    status: Status
    is_final: Annotated[bool, Meta(description="Delivered, or back with the sender")]
    is_archived: bool
    is_stopped: Annotated[bool, Meta(description="The carrier is asked no more")]
    sequence: Annotated[int, Meta(description="Number of the tracking's last event")]
    created_at: datetime
    updated_at: datetime
    details: DetailsObject
    milestones: Milestones
    checkpoints: Annotated[list[CheckpointObject], Meta(description="Oldest first")]
    freshness: Freshness
    courier_name: str
    is_auto_correct_disabled: bool
    corrections: list[CorrectionObject]
    page_url: Annotated[str, Meta(description="The tracking page, for the recipient only")]
    substatus: Substatus | UnsetType = UNSET
    reason: Reason | UnsetType = UNSET
    stopped_reason: str | UnsetType = UNSET
    status_override: Status | UnsetType = UNSET
    ordered_at: datetime | UnsetType = UNSET
    expired_at: datetime | UnsetType = UNSET
    shipment: ParcelFacts | UnsetType = UNSET
    delivery_window: DeliveryWindowObject | UnsetType = UNSET


class TrackingBatchItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one number of a batch: the tracking, or the problem."""

    number: Annotated[str, Meta(description="As it was sent")]
    tracking: TrackingObject | None
    problem: Problem | None


class TrackingBatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each number, in the order sent. They were stored together."""

    created_count: Annotated[int, Meta(description="How many of them are new")]
    items: list[TrackingBatchItem]


class TrackingCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many trackings there are, in all and of each status."""

    total: int
    by_status: dict[Status, int]
    is_estimate: Annotated[
        bool,
        Meta(
            description="Whether some of the figures are estimates. Without conditions, with only"
            " `status` and `is_archived`, and up to 10,000 trackings in all, they are exact."
        ),
    ]


class RawResponseObject(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier's answer as it came."""

    received_at: datetime
    connector: str
    outcome: str
    body: str
    body_encoding: Annotated[
        Literal["utf-8", "base64"], Meta(description="`base64` where the body is no text")
    ]


class RawResponseList(msgspec.Struct, frozen=True, kw_only=True):
    """The newest answers of the carrier, newest first."""

    items: list[RawResponseObject]


def tracking_object(house: House, stored: Stored) -> Wire:
    """Return a tracking as ``TrackingObject`` describes it, ready to be encoded."""
    tracking = stored.tracking
    said = tracking_to_wire(tracking)
    said["freshness"] = _freshness(stored.poll)
    courier = house.registry.get(tracking.courier_code)
    said["courier_name"] = courier.name if courier is not None else tracking.courier_code
    said["is_auto_correct_disabled"] = tracking.is_auto_correct_disabled
    said["corrections"] = _corrections(tracking)
    said["page_url"] = f"{house.settings.public_url}/t/{tracking.page_token}"
    if tracking.status_override is not None:
        said["status_override"] = tracking.status_override
    if tracking.ordered_at is not None:
        said["ordered_at"] = iso_utc(tracking.ordered_at)
    return said


def _freshness(poll: PollState) -> dict[str, Any]:
    return {
        "checked_at": _iso(poll.checked_at),
        "last_outcome": poll.last_outcome or None,
        "check_count": poll.checks,
        "next_check_at": _iso(poll.due_at),
        "next_check_reason": poll.due_reason,
    }


def _corrections(tracking: Tracking) -> list[dict[str, Any]]:
    return [
        {
            "corrected_at": iso_utc(one.at),
            "from_courier": one.from_courier,
            "to_courier": one.to_courier,
            "reason": one.reason,
            "is_automatic": one.is_automatic,
        }
        for one in tracking.corrections
    ]


def _iso(instant: Instant | None) -> str | None:
    return None if instant is None else iso_utc(instant)
