"""How trackings look in the native API: what is sent, and what is answered.

The answered form is the one that webhooks carry (``webhooks.native``), and beside it how fresh it
is, and where its page is. Its shapes here describe it; a test holds the two against each other.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parcelwire.api.house import House
from parcelwire.api.native.problems import FieldError, Problem, ProblemError
from parcelwire.couriers.number import LONGEST, SHORTEST
from parcelwire.domain.checkpoint import Leg, TimeSource
from parcelwire.domain.clock import Instant, from_datetime, iso_utc
from parcelwire.domain.report import Outcome, ParcelFacts
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Details, Milestones, Product, Tracking
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.ports import PollState, Stored
from parcelwire.webhooks.native import Wire, tracking_to_wire

MOST_IN_A_BATCH: Final = 200

# PostgreSQL's text has no NUL. "$" alone would let a line feed pass behind the letters.
Text = Annotated[str, Meta(min_length=1, max_length=5_000, pattern="^[^\\x00]*$")]
Country = Annotated[
    str, Meta(pattern="^[A-Za-z]{2}$", max_length=2, description="ISO 3166-1 alpha-2")
]
Code = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern="^[^\\x00]*$",
        description="Code of a courier, or another vendor's word for it",
    ),
]
Number = Annotated[
    str,
    Meta(
        min_length=SHORTEST,
        max_length=200,
        pattern="^[^\\x00]*$",
        description="As typed: spaces, dots and case do not matter."
        f" {SHORTEST} to {LONGEST} letters A-Z and digits remain, one digit at least",
    ),
]
_COUNTRIES: Final = frozenset(
    {
        "origin_country",
        "destination_country",
        "tracking_origin_country",
        "tracking_destination_country",
    }
)
When = Annotated[datetime, Meta(tz=True, description="ISO 8601 with an offset")]

# --- what is sent -----------------------------------------------------------------------------


class ProductObject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing in the parcel."""

    name: Annotated[str, Meta(min_length=1, max_length=300, pattern="^[^\\x00]*$")]
    quantity: Annotated[int, Meta(ge=1, le=1_000_000)] = 1


class DetailsRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What you know of the parcel. Left out: not said (when changing: stays); null: empty."""

    order_number: Text | UnsetType | None = UNSET
    order_id: Text | UnsetType | None = UNSET
    title: Text | UnsetType | None = UNSET
    customer_name: Text | UnsetType | None = UNSET
    customer_email: Text | UnsetType | None = UNSET
    customer_phone: Text | UnsetType | None = UNSET
    recipient_postcode: Text | UnsetType | None = UNSET
    logistics_channel: Text | UnsetType | None = UNSET
    note: Text | UnsetType | None = UNSET
    label: Text | UnsetType | None = UNSET
    language: Text | UnsetType | None = UNSET
    origin_country: Country | UnsetType | None = UNSET
    destination_country: Country | UnsetType | None = UNSET
    postal_code: Text | UnsetType | None = UNSET
    ship_date: date | UnsetType | None = UNSET
    courier_account: Text | UnsetType | None = UNSET
    tracking_origin_country: Country | UnsetType | None = UNSET
    tracking_destination_country: Country | UnsetType | None = UNSET
    key: Text | UnsetType | None = UNSET
    products: (
        Annotated[
            list[ProductObject],
            Meta(max_length=100, description="What is in the parcel; its page lists it"),
        ]
        | UnsetType
        | None
    ) = UNSET


class NewTrackingRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number to follow. Without ``courier_code`` the number says whose it is."""

    number: Number
    courier_code: Code | None = None
    details: DetailsRequest = DetailsRequest()
    ordered_at: Annotated[
        When | None, Meta(description="When the customer ordered; ISO 8601 with an offset")
    ] = None
    is_auto_correct_disabled: Annotated[
        bool, Meta(description="Never try another courier when this one does not know the number")
    ] = False


class BatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers to follow."""

    trackings: Annotated[list[NewTrackingRequest], Meta(min_length=1, max_length=MOST_IN_A_BATCH)]


class TrackingPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays."""

    details: DetailsRequest | UnsetType = UNSET
    ordered_at: When | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET
    status_override: Annotated[
        Literal["delivered", "exception"] | UnsetType | None,
        Meta(description="Wins over what the carrier says, until it is null again"),
    ] = UNSET


class CorrectionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which courier the number really belongs to."""

    courier_code: Code


def details_given(request: DetailsRequest) -> dict[str, Any]:
    """Return the details that were given, as the store keeps them, by their names there."""
    said: dict[str, Any] = {}
    for name in request.__struct_fields__:
        value = getattr(request, name)
        if value is UNSET:
            continue
        if name == "products":
            value = tuple(Product(name=one.name, quantity=one.quantity) for one in value or ())
        elif name in _COUNTRIES and value is not None:
            # As codes are written (ISO 3166-1), and as the other dialects keep them.
            value = value.upper()
        said[name] = value.strftime("%Y%m%d") if isinstance(value, date) else value
    return said


def draft_of(request: NewTrackingRequest) -> Draft:
    """Return what a request asks to have followed."""
    details = details_given(request.details)
    ordered_at = None
    if request.ordered_at is not None:
        ordered_at = instant_of(request.ordered_at, "ordered_at")
        details["order_date"] = order_date_of(request.ordered_at)
    return Draft(
        number=request.number,
        courier_code=request.courier_code,
        details=Details(**details),
        ordered_at=ordered_at,
        is_auto_correct_disabled=request.is_auto_correct_disabled,
    )


def order_date_of(ordered_at: datetime) -> str:
    """Return the text that other dialects show for the time of an order."""
    return ordered_at.isoformat(timespec="seconds")


def instant_of(moment: datetime, field: str, kind: str = "validation-failed") -> Instant:
    """Return a time of the wire as an instant.

    Raises:
        ProblemError: (of ``kind``) it lies before the year 1 or after 9999 where UTC is told.
    """
    try:
        return from_datetime(moment.astimezone(UTC))
    except OverflowError:
        message = "out of range"
        raise ProblemError(
            kind, f"{field}: {message}", errors=(FieldError(field, message),)
        ) from None


# --- what is answered -------------------------------------------------------------------------


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


class BatchItem(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one number of a batch: the tracking, or the problem."""

    number: Annotated[str, Meta(description="As it was sent")]
    tracking: TrackingObject | None
    problem: Problem | None


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each number, in the order sent. They were stored together."""

    created: Annotated[int, Meta(description="How many of them are new")]
    items: list[BatchItem]


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
