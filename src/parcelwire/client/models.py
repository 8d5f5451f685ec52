"""What the server answers, typed.

A field is called as in TrackingMore's v4, so that its manual serves here too, with these
exceptions, whose names on the wire mislead: ``status`` (``delivery_status``), ``updated_at``
(``update_at``), ``is_updating`` (``updating``), ``origin_leg`` and ``destination_leg``
(``origin_info``, ``destination_info``), ``checkpoints`` (``trackinfo``), and in a checkpoint
``text``, ``time``, ``status``, ``substatus``, ``country``, ``postal_code``, ``raw_code``.

Every field but the ids may be None: the hosted service leaves out what it does not know.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from parcelwire.client.frozen import FrozenDict
from parcelwire.client.reading import Model


class Status(StrEnum):
    """The nine statuses. A ``status`` field is plain text, which may also be a tenth, new one."""

    PENDING = "pending"
    NOT_FOUND = "notfound"
    INFO_RECEIVED = "inforeceived"
    TRANSIT = "transit"
    PICKUP = "pickup"
    """Out for delivery, or ready to be collected."""
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXCEPTION = "exception"
    EXPIRED = "expired"


class TrackingRef(Model, frozen=True, kw_only=True):
    """Which tracking. Number and courier are None only where the answer naming them was lost."""

    id: str
    tracking_number: str | None = None
    courier_code: str | None = None


class Checkpoint(Model, frozen=True, kw_only=True):
    """One thing that happened to the parcel, as reported."""

    time: str | None = msgspec.field(default=None, name="checkpoint_date")
    """As the server wrote it; see ``occurred_at`` and ``local_time``."""
    status: str | None = msgspec.field(default=None, name="checkpoint_delivery_status")
    substatus: str | None = msgspec.field(default=None, name="checkpoint_delivery_substatus")
    text: str | None = msgspec.field(default=None, name="tracking_detail")
    location: str | None = None
    country: str | None = msgspec.field(default=None, name="country_iso2")
    state: str | None = None
    city: str | None = None
    postal_code: str | None = msgspec.field(default=None, name="zip")
    raw_code: str | None = msgspec.field(default=None, name="raw_status")
    """The carrier's own code."""

    @property
    def occurred_at(self) -> datetime | None:
        """When it happened, with its offset; None where the offset is not known."""
        moment = _moment(self.time)
        return moment if moment is not None and moment.tzinfo is not None else None

    @property
    def local_time(self) -> datetime | None:
        """What the clock on the wall showed there and then, without offset."""
        moment = _moment(self.time)
        return moment.replace(tzinfo=None) if moment is not None else None


class Milestones(Model, frozen=True, kw_only=True):
    """When each stage was first reached."""

    inforeceived_date: str | None = None
    pickup_date: str | None = None
    """The courier has the parcel (not to be confused with the status ``pickup``)."""
    outfordelivery_date: str | None = None
    delivery_date: str | None = None
    returning_date: str | None = None
    returned_date: str | None = None


class Leg(Model, frozen=True, kw_only=True):
    """The first-mile or the last-mile part of the way."""

    courier_code: str | None = None
    courier_phone: str | None = None
    weblink: str | None = None
    reference_number: str | None = None
    milestones: Milestones | None = msgspec.field(default=None, name="milestone_date")
    pickup_date: str | None = None
    departed_airport_date: str | None = None
    arrived_abroad_date: str | None = None
    customs_received_date: str | None = None
    checkpoints: tuple[Checkpoint, ...] | None = msgspec.field(default=None, name="trackinfo")
    """Newest first."""


class Details(Model, frozen=True, kw_only=True):
    """What the shop says about a parcel."""

    order_number: str | None = None
    order_date: str | None = None
    order_id: str | None = None
    tracking_postal_code: str | None = None
    tracking_ship_date: str | None = None
    tracking_destination_country: str | None = None
    tracking_origin_country: str | None = None
    tracking_key: str | None = None
    tracking_courier_account: str | None = None
    customer_name: str | None = None
    customer_email: str | None = None
    customer_sms: str | None = None
    recipient_postcode: str | None = None
    title: str | None = None
    logistics_channel: str | None = None
    note: str | None = None
    label: str | None = None
    destination_country: str | None = None
    origin_country: str | None = None


class Tracking(Details, frozen=True, kw_only=True):
    """One tracking."""

    id: str
    tracking_number: str
    courier_code: str
    status: str = msgspec.field(name="delivery_status")
    """One of ``Status``, which compares equal to its text."""
    substatus: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = msgspec.field(default=None, name="update_at")
    archived: str | None = None
    """As on the wire; see ``is_archived``."""
    is_updating: bool | None = msgspec.field(default=None, name="updating")
    """False once the carrier is not asked any more."""
    source: str | None = None
    destination_state: str | None = None
    destination_city: str | None = None
    origin_state: str | None = None
    origin_city: str | None = None
    signed_by: str | None = None
    service_code: str | None = None
    weight: str | None = None
    weight_kg: str | None = None
    product_type: str | None = None
    pieces: str | None = None
    dimension: str | None = None
    previously: str | None = None
    destination_track_number: str | None = None
    exchange_number: str | None = None
    scheduled_delivery_date: str | None = None
    scheduled_address: str | None = None
    status_info: str | None = None
    latest_event: str | None = None
    latest_checkpoint_time: str | None = None
    transit_time: int | None = None
    """Days."""
    origin_leg: Leg | None = msgspec.field(default=None, name="origin_info")
    destination_leg: Leg | None = msgspec.field(default=None, name="destination_info")

    @property
    def is_archived(self) -> bool:
        """Whether it is hidden from lists of what is under way."""
        return (self.archived or "tracking") not in ("tracking", "false")

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Everything that happened, newest first: the last leg's before the first leg's."""
        legs = (self.destination_leg, self.origin_leg)
        return tuple(point for leg in legs if leg is not None for point in leg.checkpoints or ())


class UpdateResult(Details, frozen=True, kw_only=True):
    """What the shop says about a parcel, after an update."""

    id: str
    tracking_number: str | None = None
    courier_code: str | None = None
    courier_code_new: str | None = None
    """Given only by an update that changed the courier."""
    archived_status: str | None = None


class Courier(Model, frozen=True, kw_only=True):
    """One courier of the registry."""

    courier_name: str | None = None
    courier_code: str
    courier_country_iso2: str | None = None
    courier_url: str | None = None
    courier_phone: str | None = None
    courier_type: str | None = None
    """``express`` or ``globalpost``."""
    tracking_required_fields: tuple[str, ...] | None = None
    """What a create must give beside the number."""
    optional_fields: tuple[str, ...] | None = None
    default_language: str | None = None
    support_language: tuple[str, ...] | None = None
    courier_logo: str | None = None


class FlightPlan(Model, frozen=True, kw_only=True):
    """One flight, as ``flight_info`` tells it. Times ``YYYY-MM-DD HH:MM:SS``, local."""

    depart_station: str | None = None
    arrival_station: str | None = None
    plan_depart_time: str | None = None
    depart_time: str | None = None
    plan_arrival_time: str | None = None
    arrival_time: str | None = None


class Flight(FlightPlan, frozen=True, kw_only=True):
    """One flight, as ``flight_info_new`` tells it."""

    flight_number: str | None = None
    piece: str | None = None
    weight: str | None = None
    status: str | None = None


class AirEvent(Model, frozen=True, kw_only=True):
    """One thing that happened to an air consignment."""

    plan_date: str | None = None
    actual_date: str | None = None
    event: str | None = None
    station: str | None = None
    flight_number: str | None = None
    status: str | None = None
    piece: str | None = None
    weight: str | None = None
    checkpoint_status: str | None = None
    checkpoint_substatus: str | None = None


class Airline(Model, frozen=True, kw_only=True):
    """The airline of an air waybill."""

    name: str | None = None
    url: str | None = None
    track_url: str | None = None
    trackpage_url: str | None = None


class AirWaybill(Model, frozen=True, kw_only=True):
    """One air waybill."""

    awb_number: str
    awb_status: str | None = None
    awb_substatus: str | None = None
    status_number: int | None = None
    weight: str | None = None
    piece: str | None = None
    origin: str | None = None
    destination: str | None = None
    flight_way_station: tuple[str, ...] | None = None
    last_event: str | None = None
    flight_info_new: tuple[Flight, ...] | None = None
    flight_info: Mapping[str, FlightPlan] | None = None
    """By flight number."""
    track_info: tuple[AirEvent, ...] | None = None
    airline_info: Airline | None = None


class WebhookEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook whose signature fitted."""

    scheme: str
    """Which signature was checked: ``standard``, ``v4`` or ``v2``. Only ``standard`` covers the
    body and the message's id; with the others ``message_id`` and all that the body says are the
    sender's only if nobody stood between.
    """
    timestamp: int
    """When this attempt was signed, in seconds since 1970 UTC."""
    body: Mapping[str, Any]
    """The whole body, decoded."""
    message_id: str | None = None
    """Constant over retries: a message that comes twice has it twice."""
    type: str | None = None
    """For instance ``tracking.updated``; Parcelwire only."""
    tracking_id: str | None = None
    sequence: int | None = None
    """Counts the events of one tracking from 1; Parcelwire only."""
    tracking: Tracking | None = None
    """The tracking as of the event; None where the body is v2's, or about no parcel."""

    def __hash__(self) -> int:
        return hash((self.scheme, self.timestamp, self.message_id, self.tracking_id, self.sequence))

    @property
    def data(self) -> Mapping[str, Any]:
        """The ``data`` of the body."""
        data = self.body.get("data")
        return data if isinstance(data, Mapping) else FrozenDict()


def _moment(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
