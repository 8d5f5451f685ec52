"""From fields of forms and columns of files to drafts, and from errors to sentences. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

import msgspec

from parcelwire.couriers.number import LONGEST, SHORTEST
from parcelwire.domain.clock import Instant, from_datetime
from parcelwire.domain.tracking import Details
from parcelwire.pages.dashboard.visit import Problem
from parcelwire.tracking.drafts import Draft
from parcelwire.tracking.errors import (
    AlreadyExistsError,
    CourierUndetectedError,
    CourierUnknownError,
    FieldsMissingError,
    NotFoundError,
    NumberInvalidError,
    NumberMissingError,
    OverQuotaError,
    RetrackNotAllowedError,
    TrackingBusyError,
    TrackingError,
    UnreadableDocumentError,
)

LONGEST_TEXT: Final = 5_000

DETAIL_LABELS: Final = {
    "order_number": "Order number",
    "order_id": "Order id",
    "title": "Title",
    "customer_name": "Customer",
    "customer_email": "E-mail",
    "customer_phone": "Phone",
    "recipient_postcode": "Recipient's postcode",
    "destination_country": "Destination (two letters)",
    "origin_country": "Origin (two letters)",
    "language": "Language",
    "logistics_channel": "Logistics channel",
    "label": "Label",
    "note": "Note",
    "postal_code": "Postal code for the carrier",
    "ship_date": "Ship date for the carrier",
    "courier_account": "Account with the carrier",
    "key": "Key for the carrier",
    "tracking_origin_country": "Origin for the carrier",
    "tracking_destination_country": "Destination for the carrier",
}
"""Fields of ``Details`` that a form may set, with what the form calls them."""

_DETAIL_OF_COLUMN: Final = {
    **{name: name for name in ("order_number", "order_id", "order_date", "title", "note", "label")},
    "customer_name": "customer_name",
    "customer_email": "customer_email",
    "customer_sms": "customer_phone",
    "recipient_postcode": "recipient_postcode",
    "tracking_postal_code": "postal_code",
    "tracking_ship_date": "ship_date",
    "tracking_courier_account": "courier_account",
    "tracking_key": "key",
    "tracking_origin_country": "tracking_origin_country",
    "tracking_destination_country": "tracking_destination_country",
    "origin_country_iso2": "origin_country",
    "destination_country_iso2": "destination_country",
    "logistics_channel": "logistics_channel",
    "language": "language",
}
"""Columns of ``tracking.spreadsheet`` -> fields of ``Details``."""

_COUNTRIES: Final = ("origin_country", "destination_country")
_COUNTRY: Final = re.compile(r"[A-Za-z]{2}")
_DAY: Final = re.compile(r"\d{4}-?\d{2}-?\d{2}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class FieldError(ValueError):
    """A field holds what it cannot hold."""

    def __init__(self, field: str, message: str) -> None:
        """``field`` is its name in the form or file."""
        super().__init__(message)
        self.field = field
        self.message = message


def check_detail(name: str, value: str) -> str | None:
    """Return a detail as it is kept; None for an empty one.

    Raises:
        FieldError: it is too long, or not of its form.
    """
    value = value.strip()
    if not value:
        return None
    if len(value) > LONGEST_TEXT:
        raise FieldError(name, f"at most {LONGEST_TEXT:,} characters")
    if _CONTROL.search(value):
        raise FieldError(name, "it holds control characters")
    if name in _COUNTRIES:
        if _COUNTRY.fullmatch(value) is None:
            raise FieldError(name, "a country is two letters, e.g. CH")
        return value.upper()
    if name == "ship_date":
        if _DAY.fullmatch(value) is None:
            raise FieldError(name, "a date is written 2026-03-01")
        return value.replace("-", "")
    return value


def details_of(said: Mapping[str, str | None]) -> Details:
    """Return checked details as a whole."""
    return msgspec.convert(dict(said), Details)


def draft_of_row(fields: Mapping[str, str]) -> Draft:
    """Return the draft that a file's row stands for.

    Raises:
        FieldError: a cell holds what its column cannot.
    """
    said: dict[str, str | None] = {}
    for column, detail in _DETAIL_OF_COLUMN.items():
        if column in fields:
            try:
                said[detail] = check_detail(detail, fields[column])
            except FieldError as error:
                raise FieldError(column, error.message) from None
    courier_code = fields.get("courier_code")
    check_detail("courier_code", courier_code or "")
    number = fields.get("tracking_number", "")
    if len(number) > 200:
        raise FieldError("tracking_number", "it is far too long")
    return Draft(
        number=number,
        courier_code=courier_code or None,
        details=details_of(said),
        ordered_at=_instant_of(said.get("order_date")),
        source="CSV",
    )


def _instant_of(text: str | None) -> Instant | None:
    """Return an order date as an instant where it can be read; it is kept as text anyway."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    instant = from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    return instant if instant >= 0 else None


def problem_of(error: TrackingError) -> Problem:
    """Return what is wrong with a form about one number."""
    field = "number"
    if isinstance(error, CourierUnknownError | CourierUndetectedError):
        field = "courier_code"
    elif isinstance(error, FieldsMissingError):
        field = error.fields[0]
    return Problem(field, sentence_of(error))


def sentence_of(error: TrackingError) -> str:
    """Return a sentence about what is wrong."""
    match error:
        case NumberMissingError():
            return "There is no tracking number."
        case NumberInvalidError():
            return (
                f"This is no tracking number: it has {SHORTEST} to {LONGEST} letters A-Z and"
                " digits, one digit at least."
            )
        case CourierUnknownError():
            return f"There is no courier {str(error)[:100]}."
        case CourierUndetectedError():
            return "The number fits no courier; name the courier."
        case FieldsMissingError():
            names = ", ".join(field.replace("_", " ") for field in error.fields)
            return f"{error.courier_code} needs {names} beside the number."
        case AlreadyExistsError():
            return f"{error.number} is followed with {error.courier_code} already."
        case OverQuotaError():
            return "The account may create no more parcels: its quota is used up."
        case RetrackNotAllowedError():
            return "Only an expired parcel can be taken up again."
        case NotFoundError():
            return "There is no such parcel any more."
        case TrackingBusyError():
            return "Others are changing this parcel just now. Nothing was stored; try again."
        case UnreadableDocumentError():
            return (
                "Its stored document cannot be read, so nothing was changed. The operator can"
                " restore it, and the parcel can be deleted."
            )
        case _:
            return "It cannot be followed."
