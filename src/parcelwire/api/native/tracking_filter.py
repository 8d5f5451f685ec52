"""Which trackings a list or a count is about: the conditions of a query."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from parcelwire.api.house import House
from parcelwire.api.native.paging import USUAL, Cursor, Limit
from parcelwire.api.native.tracking_requests import Code, When, end_of, instant_of
from parcelwire.couriers.number import LONGEST, normalise
from parcelwire.domain.clock import Instant
from parcelwire.domain.field_problems import NO_NUL_PATTERN
from parcelwire.domain.status import Status
from parcelwire.tracking.ports import TrackingFilter

# Everything at its longest, percent-encoded, stays below the 64 KB that a server takes for a URL.

Prefix = Annotated[
    str,
    Meta(
        pattern="^[A-Za-z0-9]{3,45}$",
        max_length=LONGEST,
        description="What the compact number begins with",
    ),
]


class Conditions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which trackings; all conditions together, bounds inclusive."""

    number: Annotated[
        list[Annotated[str, Meta(max_length=60, pattern=NO_NUL_PATTERN)]],
        Meta(max_length=40, description="Numbers as typed; may be given several times"),
    ] = []
    number_prefix: Prefix | UnsetType = UNSET
    status: Annotated[
        list[Status], Meta(max_length=20, description="May be given several times")
    ] = []
    courier_code: Code | UnsetType = UNSET
    order: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=100, pattern=NO_NUL_PATTERN)]],
        Meta(max_length=20, description="order_number or order_id; may be given several times"),
    ] = []
    created_min: When | UnsetType = UNSET
    created_max: When | UnsetType = UNSET
    updated_min: When | UnsetType = UNSET
    updated_max: When | UnsetType = UNSET
    is_archived: bool | UnsetType = UNSET


class ListQuery(Conditions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which trackings, and which page of them."""

    cursor: Cursor = ""
    limit: Limit = USUAL


def filter_of(house: House, query: Conditions) -> TrackingFilter:
    """Return the conditions as the store takes them."""
    courier_code = None
    if query.courier_code is not UNSET:
        # A courier that nobody knows has no trackings; that is no error in a list.
        courier = house.registry.resolve(query.courier_code)
        courier_code = courier.code if courier is not None else query.courier_code
    return TrackingFilter(
        numbers=tuple(normalise(one) for one in query.number),
        courier_code=courier_code,
        statuses=tuple(dict.fromkeys(query.status)),
        order_ids=tuple(query.order),
        created_min=_from(query.created_min, "created_min"),
        created_max=_until(query.created_max, "created_max"),
        updated_min=_from(query.updated_min, "updated_min"),
        updated_max=_until(query.updated_max, "updated_max"),
        is_archived=None if query.is_archived is UNSET else query.is_archived,
        number_prefix="" if query.number_prefix is UNSET else query.number_prefix.upper(),
    )


def _from(moment: datetime | UnsetType, field: str) -> Instant | None:
    return None if moment is UNSET else instant_of(moment, field, "invalid-query")


def _until(moment: datetime | UnsetType, field: str) -> Instant | None:
    if moment is UNSET:
        return None
    instant_of(moment, field, "invalid-query")
    return end_of(moment)
