"""Which path is which call of v4: the dialect and its OpenAPI description follow this table."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from parcelwire.api.v4.models import (
    AirWaybillObject,
    BatchResult,
    CourierObject,
    Identity,
    TrackingObject,
    UpdateResult,
)
from parcelwire.api.v4.requests import (
    AirWaybillRequest,
    CreateRequest,
    DetectRequest,
    UpdateRequest,
)
from parcelwire.domain.access import Scope, WorldRule


class Parameter(msgspec.Struct, frozen=True):
    """One value of a query."""

    name: str
    description: str
    kind: Literal["string", "integer"] = "string"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    name: str
    method: str
    path: tuple[str, ...]
    """Segments after ``/v4``, without the id."""
    summary: str
    scope: Scope
    """What a key must at least be good for."""
    world: WorldRule
    """Whose things it shows and changes."""
    answer: Any
    """Shape of ``data`` on success."""
    request: Any = None
    """Shape of the body; None: the call has none (and a body sent with it is passed over)."""
    parameters: tuple[Parameter, ...] = ()
    has_id: bool = False
    """An id follows the path."""
    is_list: bool = False
    """``data`` is an array, on success and (empty) on error."""
    limit: Literal["create", "other"] = "other"
    """Which of the two rate limits counts it."""
    counts_items: bool = False
    """Counts as many calls as it has items: its rate limit headers are made when it is done."""


ROUTES: Final = (
    Route(
        name="list_couriers",
        method="GET",
        path=("couriers", "all"),
        summary="All couriers",
        scope="read",
        world=WorldRule.INSTALLATION,
        answer=list[CourierObject],
        is_list=True,
    ),
    Route(
        name="detect_courier",
        method="POST",
        path=("couriers", "detect"),
        summary="Couriers that a number can belong to, best guess first",
        scope="read",
        world=WorldRule.OWN,
        request=DetectRequest,
        answer=list[CourierObject],
        is_list=True,
    ),
    Route(
        name="create_tracking",
        method="POST",
        path=("trackings", "create"),
        summary="Follow one number, and answer what is known about it",
        scope="write",
        world=WorldRule.OWN,
        request=CreateRequest,
        answer=TrackingObject,
        limit="create",
    ),
    Route(
        name="create_trackings",
        method="POST",
        path=("trackings", "batch"),
        summary="Follow up to 40 numbers",
        scope="write",
        world=WorldRule.OWN,
        request=list[CreateRequest],
        answer=BatchResult,
        limit="create",
        counts_items=True,
    ),
    Route(
        name="list_trackings",
        method="GET",
        path=("trackings", "get"),
        summary="Trackings by number or by filter, newest created first",
        scope="read",
        world=WorldRule.OWN,
        answer=list[TrackingObject],
        parameters=(
            Parameter("tracking_numbers", "Up to 40 numbers, separated by commas"),
            Parameter("courier_code", "Trackings of one courier"),
            Parameter("created_date_min", "Created at or after this time (ISO 8601)"),
            Parameter("created_date_max", "Created at or before this time (ISO 8601)"),
            Parameter("updated_date_min", "Changed at or after this time (ISO 8601)"),
            Parameter("updated_date_max", "Changed at or before this time (ISO 8601)"),
            Parameter("delivery_status", "Statuses, separated by commas"),
            Parameter("archived_status", "`true`: archived ones; `tracking`: the others; else all"),
            Parameter("lang", "Language of the events' texts, where the carrier's are known"),
            Parameter("pages_amount", "Number of the page, from 1", "integer"),
            Parameter("items_amount", "Trackings on a page, 1 to 200; 100 if left out", "integer"),
        ),
        is_list=True,
    ),
    Route(
        name="update_tracking",
        method="PUT",
        path=("trackings", "update"),
        summary="Change what the shop says about a tracking, or its courier",
        scope="write",
        world=WorldRule.OWN,
        request=UpdateRequest,
        answer=UpdateResult,
        has_id=True,
    ),
    Route(
        name="delete_tracking",
        method="DELETE",
        path=("trackings", "delete"),
        summary="Delete a tracking for good",
        scope="write",
        world=WorldRule.OWN,
        answer=Identity,
        has_id=True,
    ),
    Route(
        name="retrack",
        method="POST",
        path=("trackings", "retrack"),
        summary="Take an expired tracking up again",
        scope="write",
        world=WorldRule.OWN,
        answer=Identity,
        has_id=True,
    ),
    Route(
        name="read_air_waybill",
        method="POST",
        path=("awb",),
        summary="What an airline knows about an air waybill",
        scope="read",
        world=WorldRule.OWN,
        request=AirWaybillRequest,
        answer=AirWaybillObject,
    ),
)
