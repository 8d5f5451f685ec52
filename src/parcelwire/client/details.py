"""What is sent: the shop's words about a parcel, dates included, in the forms of the wire."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Any, Final, Required, TypedDict

Text = str | int | None
"""A field of text. None and the empty text mean "not given", on create and on update."""


class TrackingDetails(TypedDict, total=False):
    """What may be said about a parcel, by its name in v4."""

    order_number: Text
    order_id: Text
    order_date: str | date | None
    """A ``datetime`` is a ``date`` too; with or without offset."""
    origin_country_iso2: str | None
    destination_country_iso2: str | None
    customer_name: Text
    customer_email: str | None
    customer_sms: Text
    recipient_postcode: Text
    title: Text
    logistics_channel: Text
    tracking_courier_account: Text
    tracking_postal_code: Text
    tracking_origin_country: str | None
    tracking_destination_country: str | None
    tracking_ship_date: str | date | None
    tracking_key: Text
    language: str | None
    note: Text
    label: Text
    auto_correct: Text


_FREE_TEXTS: Final = frozenset({"customer_name", "logistics_channel", "title", "note", "label"})
"""Fields that may hold any number: in the others, one with a fraction or below 0 would be read as
another.
"""


class TrackingCreateParams(TrackingDetails, total=False):
    """One item of ``create_many``."""

    tracking_number: Required[str | int]
    courier_code: str | None


def fields_of(details: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields that are given, as text; dates in the form of their field.

    Raises:
        TypeError: a value is neither text, whole number (0 or more) nor date.
        ValueError: a text holds half of a surrogate pair, which cannot be sent.
    """
    fields: dict[str, str] = {}
    for name, value in details.items():
        if value is None or value == "":
            continue
        if isinstance(value, date):
            fields[name] = _date(name, value)
        elif isinstance(value, bool):
            fields[name] = "1" if value else "0"
        elif _is_text(value) or (name in _FREE_TEXTS and _is_number(value)):
            fields[name] = _sendable(name, str(value))
        else:
            raise TypeError(_unfit(name, value))
    return fields


def _sendable(name: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        msg = f"{name} holds half of a surrogate pair, which cannot be sent"
        raise ValueError(msg) from None
    return text


def number_text(number: str | int) -> str:
    """Return a tracking number to look for, as text.

    Raises:
        TypeError: it is neither text nor a whole number.
    """
    # A truth value is an ``int`` as well, and nobody's number.
    if isinstance(number, bool) or not _is_text(number):
        raise TypeError(_unfit("tracking_number", number))
    return str(number)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int) and value >= 0)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))


def _unfit(name: str, value: Any) -> str:
    if isinstance(value, int) and value < 0:
        # The sign would be passed over as a hyphen of the number.
        return f"{name} must be text or a whole number from 0 on, not {value!r}: give it as text"
    if isinstance(value, float):
        # 12345678.0 is what a table makes of a column of numbers with a gap in it.
        return f"{name} must be text or a whole number, not {value!r}: give it as text"
    return f"{name} must be text, a whole number or a date, not {type(value).__name__}"


def _date(name: str, value: date) -> str:
    if name == "tracking_ship_date":
        return value.strftime("%Y%m%d")
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat()


Bound = str | date | None
"""An end of a period: an aware ``datetime``, a ``date`` (a day in UTC, included) or ISO 8601."""

_LAST_MOMENT: Final = time(23, 59, 59, tzinfo=UTC)
_FIRST_MOMENT: Final = time(tzinfo=UTC)


def instant_text(name: str, value: Bound) -> str:
    """Return a bound as ISO 8601 with offset; text is taken as it is.

    Raises:
        ValueError: a ``datetime`` without offset, which is no instant.
    """
    if value is None or isinstance(value, str):
        return value or ""
    if not isinstance(value, datetime):
        at = _LAST_MOMENT if name.endswith("_max") else _FIRST_MOMENT
        value = datetime.combine(value, at)
    if value.tzinfo is None:
        msg = f"{name} needs a time zone: a time without offset is no instant"
        raise ValueError(msg)
    return value.isoformat(timespec="seconds")


def joined(values: str | Iterable[str] | None) -> str | None:
    """Return several words as one, separated by commas; one word as it is.

    The empty text means no condition. None: ``values`` holds no words, so nothing can match.
    """
    if values is None or isinstance(values, str):
        return str(values or "")
    return ",".join(text for value in values if (text := str(value).strip())) or None


def is_none_of(*conditions: Collection[str] | None) -> bool:
    """Tell whether one of several conditions is an empty collection, which nothing can match."""
    return any(words is not None and not words for words in conditions)
