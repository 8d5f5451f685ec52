"""Which path is which call of v2: the dialect and its OpenAPI description follow this table."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec

from parcelwire.api.v2.bodies import (
    AirCargoRequest,
    ChangeCourierRequest,
    CreateRequest,
    DetectRequest,
    LaneRequest,
    PairRequest,
    RemoteRequest,
    UpdateRequest,
)
from parcelwire.api.v2.models import (
    AirWaybillItem,
    BatchResult,
    CarrierItem,
    CourierChanged,
    DeletedMany,
    DetectedCarrier,
    FullItem,
    LaneTimes,
    ListResult,
    RealTimeResult,
    RemoteArea,
    ShortItem,
    StatusCounts,
    StoppedMany,
    UpdatedItem,
    UpdatedMany,
    UserInfo,
)
from parcelwire.domain.access import Scope, WorldRule


class Parameter(msgspec.Struct, frozen=True):
    """One value of a query, or of a header."""

    name: str
    description: str
    kind: Literal["string", "integer"] = "string"
    place: Literal["query", "header"] = "query"


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One call."""

    name: str
    methods: tuple[str, ...]
    """The documented one first, then those that clients use as well."""
    path: tuple[str, ...]
    """Segments after ``/v2``."""
    summary: str
    scope: Scope
    """What a key must at least be good for."""
    world: WorldRule
    """Whose things it shows and changes."""
    answer: Any
    """Shape of ``data`` on success."""
    code: int = 200
    """``meta.code`` of success."""
    request: Any = None
    """Shape of the body; None: the call has none (and a body sent with it is passed over)."""
    parameters: tuple[Parameter, ...] = ()
    limit: Literal["create", "other"] = "other"
    """Which of the two rate limits counts it."""
    counts_items: bool = False
    """Counts as many calls as it has items: its rate limit headers are made when it is done."""

    @property
    def label(self) -> str:
        """The path as the setting ``v2_disabled_calls`` names it."""
        return "/".join(self.path)


ONE: Final = ("trackings", "{carrier_code}", "{tracking_number}")
"""The path of one tracking. To GET, a fourth segment may be a language."""

_CREATED: Final = (
    Parameter("created_at_min", "Created at or after this time (unix seconds)", "integer"),
    Parameter("created_at_max", "Created at or before this time (unix seconds)", "integer"),
)
_ORDERED: Final = (
    Parameter("order_created_time_min", "Ordered at or after (unix seconds)", "integer"),
    Parameter("order_created_time_max", "Ordered at or before (unix seconds)", "integer"),
)

ROUTES: Final = (
    Route(
        name="list_couriers",
        methods=("GET",),
        path=("carriers",),
        summary="All couriers",
        scope="read",
        world=WorldRule.INSTALLATION,
        answer=list[CarrierItem],
        parameters=(
            Parameter("Lang", "Language of the names: en, cn, tw, es, ru, it", place="header"),
        ),
    ),
    Route(
        name="detect_courier",
        methods=("POST", "GET"),
        path=("carriers", "detect"),
        summary="Couriers that a number can belong to, best guess first",
        scope="read",
        world=WorldRule.OWN,
        request=DetectRequest,
        answer=list[DetectedCarrier],
    ),
    Route(
        name="create_tracking",
        methods=("POST",),
        path=("trackings", "post"),
        summary="Follow one number",
        scope="write",
        world=WorldRule.OWN,
        request=CreateRequest,
        answer=ShortItem,
        limit="create",
    ),
    Route(
        name="create_trackings",
        methods=("POST",),
        path=("trackings", "batch"),
        summary="Follow up to 200 numbers",
        scope="write",
        world=WorldRule.OWN,
        request=list[CreateRequest],
        answer=BatchResult,
        code=201,
        limit="create",
        counts_items=True,
    ),
    Route(
        name="list_trackings",
        methods=("GET", "POST"),
        path=("trackings", "get"),
        summary="Trackings by number, order or filter, newest first (POST: the same names as JSON)",
        scope="read",
        world=WorldRule.OWN,
        answer=ListResult,
        parameters=(
            Parameter("page", "Number of the page, from 1", "integer"),
            Parameter("limit", "Trackings on a page, up to 2000; 100 if left out", "integer"),
            Parameter("numbers", "Up to 40 numbers, separated by commas"),
            Parameter("orders", "Up to 40 order ids, separated by commas"),
            Parameter("status", "One or more of the eight statuses, separated by commas"),
            Parameter("archived", "`true`: archived ones; `false`: the others; else all"),
            *_CREATED,
            Parameter("update_time_min", "Changed at or after (unix seconds)", "integer"),
            Parameter("update_time_max", "Changed at or before (unix seconds)", "integer"),
            *_ORDERED,
            Parameter("lang", "Language of the events' texts, where the carrier's are known"),
        ),
    ),
    Route(
        name="read_real_time",
        methods=("POST", "GET"),
        path=("trackings", "realtime"),
        summary="What the carrier says now; follows the number if nobody does yet",
        scope="write",
        world=WorldRule.OWN,
        request=CreateRequest,
        answer=RealTimeResult,
    ),
    Route(
        name="change_courier",
        methods=("POST",),
        path=("trackings", "update"),
        summary="Give a tracking another courier",
        scope="write",
        world=WorldRule.OWN,
        request=ChangeCourierRequest,
        answer=CourierChanged,
    ),
    Route(
        name="update_trackings",
        methods=("POST",),
        path=("trackings", "updatemore"),
        summary="Change what the shop says about up to 200 trackings",
        scope="write",
        world=WorldRule.OWN,
        request=list[UpdateRequest],
        answer=UpdatedMany,
    ),
    Route(
        name="delete_trackings",
        methods=("POST",),
        path=("trackings", "delete"),
        summary="Delete up to 200 trackings for good",
        scope="write",
        world=WorldRule.OWN,
        request=list[PairRequest],
        answer=DeletedMany,
    ),
    Route(
        name="stop_trackings",
        methods=("POST",),
        path=("trackings", "notupdate"),
        summary="Ask the carriers of up to 200 trackings no more",
        scope="write",
        world=WorldRule.OWN,
        request=list[PairRequest],
        answer=StoppedMany,
    ),
    Route(
        name="read_user_info",
        methods=("GET",),
        path=("trackings", "getuserinfo"),
        summary="The account",
        scope="read",
        world=WorldRule.ACCOUNT,
        answer=UserInfo,
    ),
    Route(
        name="count_statuses",
        methods=("GET", "POST"),
        path=("trackings", "getstatusnumber"),
        summary="How many trackings there are of each status (POST: the same names as JSON)",
        scope="read",
        world=WorldRule.OWN,
        answer=StatusCounts,
        parameters=(*_CREATED, *_ORDERED),
    ),
    Route(
        name="find_remote_areas",
        methods=("POST",),
        path=("trackings", "remote"),
        summary="Which places count as remote, by the operator's table",
        scope="read",
        world=WorldRule.INSTALLATION,
        request=list[RemoteRequest],
        answer=list[RemoteArea],
    ),
    Route(
        name="read_lane_times",
        methods=("POST",),
        path=("trackings", "costtime"),
        summary="How long parcels took between two countries, by the installation's own history",
        scope="read",
        world=WorldRule.INSTALLATION,
        request=list[LaneRequest],
        answer=list[LaneTimes],
    ),
    Route(
        name="read_air_waybills",
        methods=("POST",),
        path=("trackings", "aircargo"),
        summary="What airlines know about air waybills",
        scope="read",
        world=WorldRule.OWN,
        request=AirCargoRequest,
        answer=list[AirWaybillItem],
    ),
    Route(
        name="read_tracking",
        methods=("GET",),
        path=ONE,
        summary="One tracking; a fourth segment of the path asks for a language",
        scope="read",
        world=WorldRule.OWN,
        answer=FullItem,
    ),
    Route(
        name="update_tracking",
        methods=("PUT", "POST"),
        path=ONE,
        summary="Change what the shop says about a tracking",
        scope="write",
        world=WorldRule.OWN,
        request=UpdateRequest,
        answer=UpdatedItem,
    ),
    Route(
        name="delete_tracking",
        methods=("DELETE",),
        path=ONE,
        summary="Delete a tracking for good",
        scope="write",
        world=WorldRule.OWN,
        answer=list[None],
    ),
)
