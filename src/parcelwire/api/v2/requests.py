"""What v2's clients send, read tolerantly.

A body counts by its content, not by its content type. Names come from the query as well as from the
body, because clients send either. ``""`` and null mean "not given", on create and on update; a
number or a truth value where text belongs is taken as its text, an object or an array is refused:
with 4014 for a tracking number, 4015 for a courier, 4012 for the rest. So is a number with a
fraction where a number or code belongs: the point of ``12345678.0`` would be passed over as
punctuation, and another parcel be meant.
"""

from __future__ import annotations

import re
from typing import Any, Final, TypeVar

import msgspec

from parcelwire.api.trackingmore.bodies import (
    NotJsonError,
    Text,
    content_of,
    decode_json,
    is_storable,
    read_switch,
)
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.trackingmore.timestamps import read_ship_date
from parcelwire.api.trackingmore.tracking_pairs import STATUS_FIGURES
from parcelwire.api.v2.bodies import CreateRequest, DetailsRequest, UpdateRequest
from parcelwire.api.v2.countries import iso2_of
from parcelwire.api.v2.dates import is_nothing, read_time, read_unix
from parcelwire.api.v2.errors import (
    COURIER_INVALID,
    NOT_UNDERSTOOD,
    NUMBER_INVALID,
    NUMBER_MISSING,
    STATUS_INVALID,
    TOO_MANY_ITEMS,
)
from parcelwire.api.wire import Call
from parcelwire.couriers.number import is_other_number
from parcelwire.domain.clock import Instant
from parcelwire.domain.tracking import Details
from parcelwire.tracking.drafts import Draft

MAX_ITEMS: Final = 200
"""Items of one call with many. Code 4020 says 200, one page of the manual says 40: both survive
200."""

Shape = TypeVar("Shape", bound=msgspec.Struct)

_FIELD: Final = re.compile(r"at `\$\.([A-Za-z0-9_]+)")
_CODE_OF_FIELD: Final = {
    "tracking_number": NUMBER_INVALID,
    "track_number": NUMBER_INVALID,
    "carrier_code": COURIER_INVALID,
    "update_carrier_code": COURIER_INVALID,
}
_DECODER: Final = msgspec.json.Decoder()


def json_of(body: bytes) -> Any:
    """Return a body as JSON whatever its content type says; None for an empty one.

    Raises:
        Refused: not JSON. 4015 is what the vendor answers then, odd as it reads.
    """
    content = content_of(body)
    if not content:
        return None
    try:
        return decode_json(content, _DECODER)
    except NotJsonError as error:
        raise Refused(COURIER_INVALID) from error


def fields_of(call: Call, *, is_body_optional: bool = False) -> dict[str, Any]:
    """Return the named values of a call: the query's, and the body's before them.

    ``is_body_optional``: a body that cannot be read is passed over, as one that a client happens to
    send with GET.

    Raises:
        Refused: the body is not JSON (4015) or no object (4012).
    """
    query: dict[str, Any] = {**call.query()} if call.query_string else {}
    try:
        content = json_of(call.body)
    except Refused:
        if is_body_optional:
            return query
        raise
    # PHP encodes an empty list of fields as [].
    if content is None or content == []:
        return query
    if not isinstance(content, dict):
        if is_body_optional:
            return query
        raise Refused(NOT_UNDERSTOOD)
    return {**query, **content}


def items_of(call: Call, *, code_of_none: int = NUMBER_MISSING) -> list[Any]:
    """Return the items of a call with many.

    Raises:
        Refused: no item at all (``code_of_none``), no list (4012), or more than ``MAX_ITEMS``.
    """
    content = json_of(call.body)
    # One client in the wild wraps the list.
    if isinstance(content, dict) and "trackings" in content:
        content = content["trackings"]
    if content is None or content in ([], {}):
        raise Refused(code_of_none)
    if not isinstance(content, list):
        raise Refused(NOT_UNDERSTOOD)
    if len(content) > MAX_ITEMS:
        raise Refused(TOO_MANY_ITEMS)
    return content


def shaped(fields: Any, shape: type[Shape]) -> Shape:
    """Return ``fields`` as ``shape``; unknown names are passed over.

    Raises:
        Refused: no object, or a value of the wrong type.
    """
    try:
        return msgspec.convert(fields, shape)
    except msgspec.ValidationError as error:
        named = _FIELD.search(str(error))
        raise Refused(_CODE_OF_FIELD.get(named[1] if named else "", NOT_UNDERSTOOD)) from error


def text_of(value: Text, code: int = NOT_UNDERSTOOD) -> str | None:
    """Return a field's text, or None where nothing was given.

    Raises:
        Refused: it is too long, or holds a NUL, which no database column takes (``code``).
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else str(value)
    if not is_storable(text):
        raise Refused(code)
    return None if text.isspace() else text


def number_of(value: Text) -> str | None:
    """Return a tracking number as typed.

    Raises:
        Refused: 4014 for a fraction, a negative number or a truth value: their text is nobody's
            number.
    """
    if isinstance(value, bool) or is_other_number(value):
        raise Refused(NUMBER_INVALID)
    return text_of(value, NUMBER_INVALID)


def courier_of(value: Text) -> str | None:
    """Return a courier's code as typed.

    Raises:
        Refused: 4015 for a fraction, a negative number, or what is too long to be one.
    """
    return code_of(value, COURIER_INVALID)


def code_of(value: Text, code: int = NOT_UNDERSTOOD) -> str | None:
    """Return the text of a field that holds a number or a code, or None where nothing was given.

    Raises:
        Refused: it is a number with a fraction or below 0, too long, or holds a NUL (``code``).
    """
    if is_other_number(value):
        raise Refused(code)
    return text_of(value, code)


_DETAIL_OF: Final = {
    "title": "title",
    "logistics_channel": "logistics_channel",
    "customer_name": "customer_name",
    "customer_phone": "customer_phone",
    "order": "order_id",
    # After ``order``: where a client sends both, the documented name wins.
    "order_id": "order_id",
    "comment": "note",
    "order_create_time": "order_date",
    "tracking_postal_code": "postal_code",
    "tracking_account_number": "courier_account",
    "specialNumberDestination": "tracking_destination_country",
    "tracking_destination_country": "tracking_destination_country",
    "tracking_origin_country": "tracking_origin_country",
    "tracking_key": "key",
    "lang": "language",
}
"""Wire name -> name in ``Details``, for fields that are kept as given."""
_CODES: Final = ("tracking_postal_code", "tracking_account_number", "tracking_key")
"""Those that hold a number or a code, which no fraction and nothing negative is."""
_READERS: Final = tuple(
    (field, name, code_of if field in _CODES else text_of) for field, name in _DETAIL_OF.items()
)

_ISO2: Final = re.compile(r"[A-Za-z]{2}")


def details_of(request: DetailsRequest) -> dict[str, Any]:
    """Return the details that ``request`` gives, by their names in ``Details``.

    Raises:
        Refused: a value is not of its form.
    """
    given: dict[str, str | None] = {}
    for field, name, read in _READERS:
        if (text := read(getattr(request, field))) is not None:
            given[name] = text
    if is_nothing(given.get("order_date") or ""):
        given.pop("order_date", None)
    if (email := _joined(request.customer_email)) is not None:
        given["customer_email"] = email
    if (country := text_of(request.destination_code)) is not None:
        given["destination_country"] = _country(country)
    if (ship_date := text_of(request.tracking_ship_date)) is not None:
        given["ship_date"] = read_ship_date(ship_date)
        if given["ship_date"] is None:
            raise Refused(NOT_UNDERSTOOD)
    return given


def ordered_at_of(request: DetailsRequest) -> Instant | None:
    """Return when the shop's order was made, where it was given.

    Raises:
        Refused: ``order_create_time`` is no time.
    """
    text = text_of(request.order_create_time)
    if text is None or is_nothing(text):
        return None
    instant = read_time(text)
    if instant is None:
        raise Refused(NOT_UNDERSTOOD)
    return instant


def draft_of(request: CreateRequest) -> Draft:
    """Return what ``request`` asks to have followed.

    Open in the sources: the manual wants ``carrier_code``. Left out, the courier is found from the
    number here, and 4032 says when it cannot be.

    Raises:
        Refused: a value is not of its form.
    """
    return Draft(
        number=number_of(request.tracking_number),
        courier_code=courier_of(request.carrier_code),
        details=Details(**details_of(request)),
        ordered_at=ordered_at_of(request),
        is_auto_correct_disabled=bool(read_switch(text_of(request.auto_correct))),
    )


def archived_of(request: UpdateRequest) -> bool | None:
    """Return whether to archive, to take back from the archive, or (None) neither.

    Raises:
        Refused: neither true nor false.
    """
    text = text_of(request.archived)
    is_archived = read_switch(text)
    if text is not None and is_archived is None:
        raise Refused(NOT_UNDERSTOOD)
    return is_archived


def status_figure_of(request: UpdateRequest) -> int | None:
    """Return 4, 7 or 8, or None where no status was given.

    Raises:
        Refused: 4033 for any other.
    """
    text = text_of(request.status, STATUS_INVALID)
    if text is None:
        return None
    if text.strip() not in map(str, STATUS_FIGURES):
        raise Refused(STATUS_INVALID)
    return int(text)


def bound_of(fields: dict[str, Any], name: str) -> Instant | None:
    """Return one end of a period of a filter.

    Raises:
        Refused: neither unix seconds nor nothing.
    """
    text = word_of(fields, name)
    if is_nothing(text):
        return None
    instant = read_unix(text, is_end=name.endswith("_max"))
    if instant is None:
        raise Refused(NOT_UNDERSTOOD)
    return instant


def word_of(fields: dict[str, Any], name: str) -> str:
    """Return a filter's text, ``""`` where none is given.

    Raises:
        Refused: an object, or a list of anything but texts.
    """
    value = fields.get(name)
    if isinstance(value, list) and all(isinstance(one, str | int) for one in value):
        # Whoever sends JSON likes to send lists.
        return ",".join(str(one) for one in value)
    if value is not None and not isinstance(value, str | int | float):
        raise Refused(NOT_UNDERSTOOD)
    return (text_of(value) or "").strip()


def _joined(value: Text | list[Text]) -> str | None:
    if not isinstance(value, list):
        return text_of(value)
    texts = [text for one in value if (text := text_of(one)) is not None]
    return text_of(",".join(texts))


def _country(typed: str) -> str:
    # Two letters are kept even where nobody knows them (a code may be newer than our table).
    known = iso2_of(typed)
    if known is not None:
        return known
    if _ISO2.fullmatch(typed.strip()) is None:
        raise Refused(NOT_UNDERSTOOD)
    return typed.strip().upper()
