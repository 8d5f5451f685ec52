"""How our values travel to columns and back."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

from parcelwire.domain.lane import lane_of
from parcelwire.domain.tracking import Tracking

_ID: Final = re.compile(r"[0-9a-f]{32}")
FIRST_ID: Final = "0" * 32
"""Before all others; stored where there is none."""

LARGEST: Final = 2**63 - 1
"""What a bigint holds at most."""

LONGEST_KEY: Final = 500
"""Bytes of an indexed text; a B-tree entry holds about 2,700, and some hold three of our texts."""


def is_id(text: str) -> bool:
    """Tell whether ``text`` can be an id at all: what cannot, no table holds."""
    return _ID.fullmatch(text) is not None


def only_ids(texts: Any) -> list[str]:
    """Return those of ``texts`` that can be ids, sorted, so that rows are locked in one order."""
    return sorted({text for text in texts if is_id(text)})


def some_id(text: str) -> str:
    """Return the id to store; "" (a message about no tracking) is stored as zeros.

    Raises:
        ValueError: when it is none.
    """
    if not text:
        return FIRST_ID
    if not is_id(text):
        msg = f"not an id of 32 hex digits: {text!r}"
        raise ValueError(msg)
    return text


def read_id(value: Any) -> str:
    """Return the id of a uuid column."""
    text: str = value.hex
    return "" if text == FIRST_ID else text


def clean(text: str) -> str:
    """Return ``text`` as PostgreSQL can keep it: it has no NUL character and no half surrogate."""
    if text.isascii() and "\0" not in text:
        return text
    return text.encode("utf-8", "replace").decode("utf-8").replace("\0", "\ufffd")


def key_of(text: str) -> str:
    """Return ``text`` as an indexed column holds it: whole, or its hash when it is very long."""
    cleaned = clean(text)
    if len(cleaned) <= LONGEST_KEY // 4:
        return cleaned
    encoded = cleaned.encode()
    if len(encoded) <= LONGEST_KEY:
        return cleaned
    return "sha256:" + hashlib.sha256(encoded).hexdigest()


def within(value: int) -> int:
    """Return ``value`` inside what a bigint holds: no bound beyond it makes a difference."""
    return max(-LARGEST, min(LARGEST, value))


def _optional_key(text: str | None) -> str | None:
    return None if text is None else key_of(text)


def tracking_columns(tracking: Tracking) -> tuple[Any, ...]:
    """Return what may change of the row in ``tracking``, in the order of the queries:

    version, updated_at, ordered_at, transit_days, is_archived, status, courier_code, order_id,
    order_number, origin, destination.
    """
    lane = lane_of(tracking)
    details = tracking.details
    return (
        tracking.version,
        tracking.updated_at,
        tracking.ordered_at,
        lane.transit_days,
        tracking.is_archived,
        tracking.status.value,
        key_of(tracking.courier_code),
        _optional_key(details.order_id),
        _optional_key(details.order_number),
        _optional_key(lane.origin),
        _optional_key(lane.destination),
    )
