"""Which path is which call of v4: the dialect and its OpenAPI description follow this table."""

from __future__ import annotations

from typing import Final

from parcelwire.api.trackingmore.routes import Parameter, Route
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
from parcelwire.domain.access import WorldRule

ROUTES: Final = (
    Route(
        name="list_couriers",
        methods=("GET",),
        path=("couriers", "all"),
        summary="All couriers",
        scope="read",
        world=WorldRule.INSTALLATION,
        answer=list[CourierObject],
    ),
    Route(
        name="detect_courier",
        methods=("POST",),
        path=("couriers", "detect"),
        summary="Couriers that a number can belong to, best guess first",
        scope="read",
        world=WorldRule.OWN,
        request=DetectRequest,
        answer=list[CourierObject],
    ),
    Route(
        name="create_tracking",
        methods=("POST",),
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
        methods=("POST",),
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
        methods=("GET",),
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
    ),
    Route(
        name="update_tracking",
        methods=("PUT",),
        path=("trackings", "update", "{id}"),
        summary="Change what the shop says about a tracking, or its courier",
        scope="write",
        world=WorldRule.OWN,
        request=UpdateRequest,
        answer=UpdateResult,
    ),
    Route(
        name="delete_tracking",
        methods=("DELETE",),
        path=("trackings", "delete", "{id}"),
        summary="Delete a tracking for good",
        scope="write",
        world=WorldRule.OWN,
        answer=Identity,
    ),
    Route(
        name="retrack",
        methods=("POST",),
        path=("trackings", "retrack", "{id}"),
        summary="Take an expired tracking up again",
        scope="write",
        world=WorldRule.OWN,
        answer=Identity,
    ),
    Route(
        name="read_air_waybill",
        methods=("POST",),
        path=("awb",),
        summary="What an airline knows about an air waybill",
        scope="read",
        world=WorldRule.OWN,
        request=AirWaybillRequest,
        answer=AirWaybillObject,
    ),
)
