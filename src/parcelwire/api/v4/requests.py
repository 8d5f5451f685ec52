"""What v4's clients send, read tolerantly.

Go's client sends every optional field as ``""``, Java's as null, others leave them out: all three
mean "not given", on create and on update. A number or a truth value where text belongs is taken as
its text; an object or an array there is refused (4130). So is a number with a fraction where a
number or code belongs (4110 and 4120 where it names the parcel): the point of ``12345678.0`` would
be passed over as punctuation, and another parcel be meant.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from parcelwire.api.trackingmore import bodies
from parcelwire.api.trackingmore.bodies import (
    MAX_TEXT,
    NotJsonError,
    Text,
    decode_json,
    is_storable,
    read_switch,
)
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.trackingmore.timestamps import read_ship_date
from parcelwire.api.v4.dates import read_instant
from parcelwire.api.v4.errors import COURIER_INVALID, FORMAT_INVALID, NUMBER_INVALID
from parcelwire.couriers.number import is_other_number
from parcelwire.domain.clock import Instant


class CreateRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Body of ``trackings/create``, and each item of ``trackings/batch``."""

    tracking_number: Text = None
    courier_code: Text = None
    order_number: Text = None
    order_id: Text = None
    order_date: Text = None
    origin_country_iso2: Text = None
    destination_country_iso2: Text = None
    customer_name: Text = None
    customer_email: Text = None
    customer_sms: Text = None
    recipient_postcode: Text = None
    title: Text = None
    logistics_channel: Text = None
    tracking_courier_account: Text = None
    tracking_postal_code: Text = None
    tracking_origin_country: Text = None
    tracking_destination_country: Text = None
    tracking_ship_date: Text = None
    tracking_key: Text = None
    language: Text = None
    note: Text = None
    label: Text = None
    auto_correct: Text = None


class UpdateRequest(CreateRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Body of ``trackings/update/{id}``: the options of create and these.

    ``tracking_number`` and ``courier_code`` are read and ignored: the id says which tracking.
    """

    courier_code_new: Text = None
    archived_status: Text = None
    # The answer calls the countries so, and clients send back what they were given.
    origin_country: Text = None
    destination_country: Text = None


class DetectRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of ``couriers/detect``."""

    tracking_number: Text = None


class AirWaybillRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Body of ``awb``."""

    awb_number: Text = None


_CODE_OF_FRACTION: Final = {
    "tracking_number": NUMBER_INVALID,
    "courier_code": COURIER_INVALID,
    "courier_code_new": COURIER_INVALID,
    **dict.fromkeys(
        (
            "awb_number",
            "recipient_postcode",
            "tracking_courier_account",
            "tracking_postal_code",
            "tracking_key",
        ),
        FORMAT_INVALID,
    ),
}
"""Fields that hold a number or a code, which no fraction and nothing negative is -> its refusal."""

_Body = TypeVar("_Body", bound=msgspec.Struct)

_PATH: Final = re.compile(r"at `\$(?:\[\.\.\.\]|\[[0-9]+\])?\.([A-Za-z0-9_]+)`")


class Body(msgspec.Struct, frozen=True):
    """Reads bodies of one shape."""

    decoder: msgspec.json.Decoder[Any]

    @classmethod
    def of(cls, shape: Any) -> Body:
        """Return the reader of ``shape``."""
        return cls(msgspec.json.Decoder(shape))

    def read(self, raw: bytes) -> Any:
        """Return the body as the shape, whatever its content type said.

        Raises:
            Refused: not JSON, or a value of the wrong type (4130 with its field).
        """
        try:
            return decode_json(raw, self.decoder)
        except msgspec.ValidationError as error:
            raise Refused(FORMAT_INVALID, field=field_of(error)) from error
        except NotJsonError as error:
            raise Refused(FORMAT_INVALID, field="request body") from error


def field_of(error: msgspec.ValidationError) -> str:
    """Return the field of the body that has a wrong type; msgspec tells it in its text only."""
    named = _PATH.search(str(error))
    return named[1] if named else "request body"


def content_of(raw: bytes) -> bytes:
    """Return a body's content, and an object without fields where it has none.

    Empty bodies and null mean no fields, and so does ``[]``: PHP encodes an empty list of fields
    that way.
    """
    # A body that begins with a brace, as nearly all do, needs no second look.
    if raw[:1] == b"{":
        return raw
    content = bodies.content_of(raw)
    return b"{}" if content in (b"", b"[]", b"null") else content


def text_of(value: Any, field: str) -> str | None:
    """Return a field's text, or None where nothing was given.

    Raises:
        Refused: it is no text, too long, or holds a NUL (which no database column takes); or a
            number with a fraction or below 0 where a number or code belongs.
    """
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else _text_of_other(value, field)
    if not is_storable(text):
        raise Refused(FORMAT_INVALID, field=field)
    return text if not text.isspace() else None


def _text_of_other(value: Any, field: str) -> str:
    if isinstance(value, list | dict):
        raise Refused(FORMAT_INVALID, field=field)
    if is_other_number(value) and field in _CODE_OF_FRACTION:
        raise Refused(_CODE_OF_FRACTION[field], field=field)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def texts_of(body: Any, shape: type[CreateRequest] = CreateRequest) -> dict[str, str]:
    """Return the texts of the fields of ``shape`` that ``body`` (decoded JSON) gives.

    The body is not made into a ``shape`` first: of its two dozen fields a client fills a few.

    Raises:
        Refused: it is no object, or one of the fields cannot be kept.
    """
    if type(body) is not dict:
        raise Refused(FORMAT_INVALID, field="request body")
    fields = _FIELDS[shape]
    given: dict[str, str] = {}
    for field, value in body.items():
        if field not in fields:
            continue
        # Nearly every value is an ordinary text; only the others need a second look.
        if type(value) is str and 0 < len(value) <= MAX_TEXT and value.isprintable():
            if not value.isspace():
                given[field] = value
        elif (text := text_of(value, field)) is not None:
            given[field] = text
    return given


_FIELDS: Final = {
    shape: frozenset(shape.__struct_fields__) for shape in (CreateRequest, UpdateRequest)
}

_DETAIL_OF: Final = {
    "order_number": "order_number",
    "order_id": "order_id",
    "order_date": "order_date",
    "customer_name": "customer_name",
    "customer_email": "customer_email",
    "customer_sms": "customer_phone",
    "recipient_postcode": "recipient_postcode",
    "title": "title",
    "logistics_channel": "logistics_channel",
    "tracking_courier_account": "courier_account",
    "tracking_postal_code": "postal_code",
    "tracking_origin_country": "tracking_origin_country",
    "tracking_destination_country": "tracking_destination_country",
    "tracking_ship_date": "ship_date",
    "tracking_key": "key",
    "language": "language",
    "note": "note",
    "label": "label",
    "origin_country_iso2": "origin_country",
    "destination_country_iso2": "destination_country",
    "origin_country": "origin_country",
    "destination_country": "destination_country",
}
"""Wire name -> name in ``Details``."""

_ISO2: Final = re.compile(r"[A-Za-z]{2}")


def _country(text: str) -> str | None:
    # As it should be; the rest is for those that want a second look.
    if len(text) == 2 and text.isascii() and text.isupper() and text.isalpha():
        return text
    text = text.strip()
    return text.upper() if _ISO2.fullmatch(text) is not None else None


_FORMS: Final = {
    "tracking_ship_date": read_ship_date,
    "origin_country_iso2": _country,
    "destination_country_iso2": _country,
    "origin_country": _country,
    "destination_country": _country,
}
"""Fields that are not kept as given: text -> its one form, or None when it has not that form."""


def details_of(texts: dict[str, str]) -> dict[str, Any]:
    """Return the details that ``texts`` give, by their names in ``Details``.

    Raises:
        Refused: a value is not of its form.
    """
    given: dict[str, str] = {}
    for field, text in texts.items():
        if field in _FORMS:
            kept = _FORMS[field](text)
            if kept is None:
                raise Refused(FORMAT_INVALID, field=field)
            given[_DETAIL_OF[field]] = kept
        elif field in _DETAIL_OF:
            given[_DETAIL_OF[field]] = text
    return given


def ordered_at_of(texts: dict[str, str]) -> Instant | None:
    """Return when the shop's order was made, where it was given.

    Raises:
        Refused: ``order_date`` is no date.
    """
    text = texts.get("order_date")
    if text is None:
        return None
    instant = read_instant(text)
    if instant is None:
        raise Refused(FORMAT_INVALID, field="order_date")
    return instant


def read_archived(text: str | None) -> bool | None:
    """Return what ``archived_status`` asks for: archived, not archived, or (None) both.

    ``true`` and ``tracking`` are the published words; ``archived`` and ``false`` are their obvious
    opposites. Open in the sources what else there is.
    """
    word = text.strip().lower() if text is not None else ""
    if word == "archived":
        return True
    return False if word == "tracking" else read_switch(word)
