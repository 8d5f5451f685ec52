"""Pages of lists: opaque cursors that stay good while rows come and go."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

import msgspec
from msgspec import Meta

from parcelwire.api.native.problems import FieldError, ProblemError

Item = TypeVar("Item")
Row = TypeVar("Row")
Values = TypeVar("Values")

MOST: Final = 200
USUAL: Final = 50

CURSOR_PATTERN: Final = "^[A-Za-z0-9_-]*$"

PlaceInstant = Annotated[int, Meta(ge=0, le=2**53)]
PlaceId = Annotated[str, Meta(pattern="^[0-9a-f]{32}$", max_length=32)]
"""Parts of places. A cursor can be made up by anybody; no store meets a value it cannot take."""

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


Cursor = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=CURSOR_PATTERN,
        description="`next_cursor` of the page before; empty: the first page",
    ),
]
Limit = Annotated[int, Meta(ge=1, le=MOST, description="Items of a page at most")]


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which page of a list. Queries of lists have these fields."""

    cursor: Cursor = ""
    limit: Limit = USUAL


class Page(msgspec.Struct, Generic[Item], frozen=True, kw_only=True):
    """One page of a list."""

    items: list[Item]
    next_cursor: Annotated[
        str | None, Meta(description="What to send as `cursor` for the next page; null: no more")
    ]
    has_more: bool


def make_cursor(kind: str, *values: str | int) -> str:
    """Return an opaque cursor: ``kind`` (of the list it belongs to) and a place in it."""
    packed = base64.urlsafe_b64encode(_encode([kind, *values]))
    return packed.decode().rstrip("=")


def read_cursor(typed: str, kind: str, shape: type[Values]) -> Values:
    """Return the place that ``make_cursor`` packed, as ``shape``: a tuple of
    ``PlaceInstant`` and ``PlaceId``.

    Raises:
        ProblemError: it is none of ours, or of another list.
    """
    refusal = ProblemError(
        "invalid-cursor",
        "cursor: send next_cursor of the page before, unchanged, to the same call",
        errors=(FieldError("cursor", "not a cursor of this list"),),
    )
    try:
        packed = base64.b64decode(typed + "=" * (-len(typed) % 4), altchars=b"-_", validate=True)
        said, *values = _decode(packed)
        place = msgspec.convert(tuple(values), shape)
    except (ValueError, TypeError, binascii.Error, RecursionError, msgspec.MsgspecError):
        raise refusal from None
    # One place has one spelling: bits that base64 does not use are not for others to play with.
    if said != kind or make_cursor(kind, *values) != typed:
        raise refusal
    return place


def page_of(
    rows: Sequence[Row],
    limit: int,
    make_item: Callable[[Row], Any],
    make_place: Callable[[Row], str],
) -> Page[Any]:
    """Return the page of ``rows``, which were read with ``limit + 1`` to see whether more follow.

    ``make_place`` gives the cursor of the last row shown.
    """
    shown = rows[:limit]
    has_more = len(rows) > limit
    return Page(
        items=[make_item(row) for row in shown],
        next_cursor=make_place(shown[-1]) if has_more else None,
        has_more=has_more,
    )
