"""What is sent about trackings to the native API, and how it becomes a draft."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parcelwire.api.native.problems import FieldError, field_problem
from parcelwire.couriers.number import LONGEST, SHORTEST
from parcelwire.domain.clock import SECOND, Instant, from_datetime
from parcelwire.domain.field_problems import NO_NUL_PATTERN
from parcelwire.domain.tracking import Details, Product
from parcelwire.tracking.drafts import Draft

MOST_IN_A_BATCH: Final = 200

# PostgreSQL's text has no NUL. "$" alone would let a line feed pass behind the letters.
Text = Annotated[str, Meta(min_length=1, max_length=5_000, pattern=NO_NUL_PATTERN)]
Country = Annotated[
    str, Meta(pattern="^[A-Za-z]{2}$", max_length=2, description="ISO 3166-1 alpha-2")
]
Code = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=NO_NUL_PATTERN,
        description="Code of a courier, or another vendor's word for it",
    ),
]
Number = Annotated[
    str,
    Meta(
        min_length=SHORTEST,
        max_length=200,
        pattern=NO_NUL_PATTERN,
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


class ProductObject(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing in the parcel."""

    name: Annotated[str, Meta(min_length=1, max_length=300, pattern=NO_NUL_PATTERN)]
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


class TrackingCreateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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


class TrackingBatchRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Numbers to follow."""

    trackings: Annotated[
        list[TrackingCreateRequest], Meta(min_length=1, max_length=MOST_IN_A_BATCH)
    ]


class TrackingUpdateRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to change; what is left out stays."""

    details: DetailsRequest | UnsetType = UNSET
    ordered_at: When | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET
    status_override: Annotated[
        Literal["delivered", "exception"] | UnsetType | None,
        Meta(description="Wins over what the carrier says, until it is null again"),
    ] = UNSET


class CourierCorrectionRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True
):
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


def draft_of(request: TrackingCreateRequest) -> Draft:
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


def end_of(moment: datetime) -> Instant:
    """Return the end of a period as an instant; of a whole second, its last millisecond.

    Answers show whole seconds: "until" a time that was read there includes what has that time.
    """
    instant = from_datetime(moment)
    return instant if moment.microsecond else instant + SECOND - 1


def instant_of(moment: datetime, field: str, kind: str = "validation-failed") -> Instant:
    """Return a time of the wire as an instant.

    Raises:
        ProblemError: (of ``kind``) it lies before the year 1 or after 9999 where UTC is told.
    """
    try:
        return from_datetime(moment.astimezone(UTC))
    except OverflowError:
        raise field_problem(kind, FieldError(field, "out of range")) from None
