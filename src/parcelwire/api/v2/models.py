"""The shapes that v2 sends, field by field in the order of the wire.

Names and spelling (``singed_by``, ``DepartfromAirport``) are the wire's, taken from answers seen in
2017 and 2019.
"""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint."""

    Date: str
    """``2019-07-25 22:02:05``, the wall clock of the place."""
    StatusDescription: str
    Details: str
    """The place."""
    checkpoint_status: str
    """Empty for a note that says nothing about where the parcel stands."""
    ItemNode: str | UnsetType = UNSET
    """The stage that this checkpoint reached first; left out of the others."""


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of the way."""

    ReferenceNumber: str | None
    ItemReceived: str | None
    ItemDispatched: str | None
    DepartfromAirport: str | None
    ArrivalfromAbroad: str | None
    CustomsClearance: str | None
    DestinationArrived: str | None
    weblink: str | None
    phone: str | None
    carrier_code: str | None
    trackinfo: list[Row]
    """Newest first."""


class FullItem(msgspec.Struct, frozen=True, kw_only=True):
    """One tracking, in get, list, realtime and webhooks."""

    id: str
    tracking_number: str
    carrier_code: str
    status: str
    track_update: bool
    """False once the carrier is asked no more."""
    created_at: str
    updated_at: str | None
    """Null as long as nothing was learned or changed."""
    order_create_time: str | None
    customer_email: str
    title: str | None
    order_id: str | None
    comment: str | None
    customer_name: str | None
    archived: bool
    original_country: str
    """English name, or empty."""
    destination_country: str
    itemTimeLength: int | None  # noqa: N815  (the wire's spelling)
    """Days on the way."""
    stayTimeLength: int | None  # noqa: N815  (the wire's spelling)
    """Days since the last checkpoint."""
    service_code: str | None
    status_info: str | None
    substatus: str | None
    singed_by: str
    """Who signed for it (so spelt on the wire)."""
    origin_info: Info
    destination_info: Info | UnsetType = UNSET
    """Left out where there is no second leg."""
    lastEvent: str | None  # noqa: N815  (the wire's spelling)
    lastUpdateTime: str | None  # noqa: N815  (the wire's spelling)


class ShortItem(msgspec.Struct, frozen=True, kw_only=True):
    """One tracking, in create and batch."""

    id: str
    tracking_number: str
    carrier_code: str
    order_create_time: str | int
    """0 where none was given."""
    status: str
    created_at: str
    customer_email: str | None
    customer_name: str | None
    customer_phone: str | None
    order_id: str | None
    comment: str | None
    title: str | None
    logistics_channel: str | None
    destination: str
    """ISO 3166 alpha-2, or empty."""


class UpdatedItem(ShortItem, frozen=True, kw_only=True):
    """One tracking after an update."""

    updated_at: str
    destination_code: str | None
    archived: bool


class ItemError(msgspec.Struct, frozen=True, kw_only=True):
    """One item of many that came to nothing, and why (a code of v2)."""

    tracking_number: str
    carrier_code: str
    code: int
    message: str


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch."""

    submitted: int
    added: int
    trackings: list[ShortItem]
    errors: list[ItemError]


class ListResult(msgspec.Struct, frozen=True, kw_only=True):
    """One page of trackings."""

    page: int
    limit: int
    total: str
    """A string on the wire."""
    count: int
    """Items on this page."""
    items: list[FullItem]


class RealTimeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What the carrier says now."""

    items: list[FullItem]


class CourierChanged(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a change of courier: a constant of the wire."""

    Usertag: str = ""


class UpdatedMany(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many updates.

    Open in the sources: the name of the count. Both candidates are sent.
    """

    submitted: int
    change: int
    updated: int
    trackings: list[UpdatedItem]
    errors: list[ItemError]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Which tracking."""

    tracking_number: str
    carrier_code: str


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """One deleted tracking: the wire wraps it in ``meta``."""

    meta: Pair


class DeletedMany(msgspec.Struct, frozen=True, kw_only=True):
    """What became of many deletions."""

    submitted: int
    delete: int
    trackings: list[Deleted]
    errors: list[ItemError]


class StoppedMany(msgspec.Struct, frozen=True, kw_only=True):
    """Which trackings are asked about no more."""

    submitted: int
    change: int
    trackings: list[Pair]
    errors: list[ItemError]


class StatusCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many trackings there are of each status."""

    pending: int = 0
    notfound: int = 0
    transit: int = 0
    pickup: int = 0
    delivered: int = 0
    undelivered: int = 0
    exception: int = 0
    expired: int = 0


class UserInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The account."""

    email: str
    regtime: str
    """Unix seconds, as text."""
    phone: str
    money: int
    """Always 0: nobody pays for calls here."""
    track_number: int
    """Trackings created so far, which is what a quota counts.

    Open in the sources: whether the vendor counts these or the ones left.
    """


class CarrierItem(msgspec.Struct, frozen=True, kw_only=True):
    """One courier."""

    name: str
    code: str
    phone: str
    homepage: str
    """Without scheme: ``//www.post.ch/``."""
    type: str
    """``express`` or ``globalpost``."""
    picture: str
    """Without scheme."""


class DetectedCarrier(msgspec.Struct, frozen=True, kw_only=True):
    """One courier that a number can belong to."""

    name: str
    code: str


class RemoteArea(msgspec.Struct, frozen=True, kw_only=True):
    """One place that a company counts as remote.

    Open in the sources: the element's names. The request's come first, then those of version 3.
    """

    country: str
    postcode: str
    company: str
    country_code: str
    postal_code: str
    remote_courier_code: str


class LaneTimes(msgspec.Struct, frozen=True, kw_only=True):
    """How long parcels took on one lane: shares of the delivered ones, between 0 and 1.

    Open in the sources: the names of the ranges. ``range1`` to ``range5`` and ``average`` are what
    v2's page suggests, the rest are version 3's names of the same figures.
    """

    carrier_code: str
    original: str
    destination: str
    total: int
    delivered: int
    range1: float | None
    """Up to 7 days. Null where nothing was delivered yet, as all shares."""
    range2: float | None
    """8 to 15 days."""
    range3: float | None
    """16 to 30 days."""
    range4: float | None
    """31 to 60 days."""
    range5: float | None
    """More than 60 days."""
    average: float | None
    """Days."""
    range_1_7: float | None
    range_8_15: float | None
    range_16_30: float | None
    range_31_60: float | None
    range_60_up: float | None
    average_delivery_time: float | None


class AirEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an air consignment. Times ``YYYY-MM-DD HH:MM:SS``, local."""

    plan_date: str | None
    actual_date: str | None
    event: str
    station: str
    flight_number: str | None
    status: str
    piece: str
    weight: str


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """One flight."""

    depart_station: str
    arrival_station: str
    plan_depart_time: str | None
    depart_time: str | None
    plan_arrival_time: str | None
    arrival_time: str | None


class Airline(msgspec.Struct, frozen=True, kw_only=True):
    """The airline of an air waybill."""

    name: str
    url: str


class AirWaybillItem(msgspec.Struct, frozen=True, kw_only=True):
    """One air waybill."""

    track_number: str
    status_number: int
    weight: str
    piece: str
    origin: str
    destination: str
    flight_way_station: list[str]
    last_event: str | None
    flight_info: dict[str, Flight]
    """By flight number."""
    track_info: list[AirEvent]
    airline_info: Airline
