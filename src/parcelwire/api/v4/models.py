"""The shapes that v4 sends, field by field in the order of the wire.

``str | None`` fields are never numbers, ``int`` fields never text: the Go client's types decide.
"""

from __future__ import annotations

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One checkpoint."""

    checkpoint_date: str
    """ISO 8601; with an offset only where it is known."""
    checkpoint_delivery_status: str | None
    """Null for a note that says nothing about where the parcel stands."""
    checkpoint_delivery_substatus: str | None
    tracking_detail: str
    location: str | None
    country_iso2: str | None
    state: str | None
    city: str | None
    zip: str | None
    raw_status: str | None
    """The carrier's own code of the event."""


class MilestoneDates(msgspec.Struct, frozen=True, kw_only=True):
    """When each stage was first reached."""

    inforeceived_date: str | None
    pickup_date: str | None
    """The courier has the parcel (not to be confused with the status ``pickup``)."""
    outfordelivery_date: str | None
    delivery_date: str | None
    returning_date: str | None
    returned_date: str | None


class LegInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One leg of the way, and what happened on it."""

    courier_code: str | None
    courier_phone: str | None
    weblink: str | None
    reference_number: str | None
    milestone_date: MilestoneDates
    pickup_date: str | None
    departed_airport_date: str | None
    arrived_abroad_date: str | None
    customs_received_date: str | None
    trackinfo: list[Event]
    """Newest first."""


class TrackingObject(msgspec.Struct, frozen=True, kw_only=True):
    """One tracking."""

    id: str
    tracking_number: str
    courier_code: str
    order_number: str | None
    order_date: str | None
    created_at: str
    update_at: str
    """So spelt on the wire."""
    delivery_status: str
    archived: str
    """``tracking``, or ``true`` once archived."""
    updating: bool
    source: str
    destination_country: str | None
    destination_state: str | None
    destination_city: str | None
    origin_country: str | None
    origin_state: str | None
    origin_city: str | None
    tracking_postal_code: str | None
    tracking_ship_date: str | None
    tracking_destination_country: str | None
    tracking_origin_country: str | None
    tracking_key: str | None
    tracking_courier_account: str | None
    customer_name: str | None
    customer_email: str | None
    customer_sms: str | None
    recipient_postcode: str | None
    order_id: str | None
    title: str | None
    logistics_channel: str | None
    note: str | None
    label: str | None
    signed_by: str | None
    service_code: str | None
    weight: str | None
    weight_kg: str | None
    product_type: str | None
    pieces: str | None
    dimension: str | None
    previously: str | None
    destination_track_number: str | None
    exchange_number: str | None
    scheduled_delivery_date: str | None
    scheduled_address: str | None
    substatus: str | None
    status_info: str | None
    latest_event: str | None
    latest_checkpoint_time: str | None
    transit_time: int
    """Days from the first event of the journey to delivery, or to the newest event so far."""
    origin_info: LegInfo
    destination_info: LegInfo


class CourierObject(msgspec.Struct, frozen=True, kw_only=True):
    """One courier of the registry."""

    courier_name: str
    courier_code: str
    courier_country_iso2: str | None
    courier_url: str | None
    courier_phone: str | None
    courier_type: str
    """``express`` or ``globalpost``."""
    tracking_required_fields: list[str] | None
    optional_fields: list[str] | None
    default_language: str
    support_language: list[str]
    courier_logo: str | None


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Which tracking: the answer of delete and retrack, a success of batch, ``data`` of 4101."""

    id: str
    tracking_number: str
    courier_code: str


class BatchError(msgspec.Struct, frozen=True, kw_only=True):
    """One item of a batch that was not created. ``id`` is there when the tracking exists."""

    id: str | None
    tracking_number: str
    courier_code: str
    errorCode: int  # noqa: N815  (the wire's spelling)
    errorMessage: str  # noqa: N815  (the wire's spelling)


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch."""

    success: list[Identity]
    error: list[BatchError]


class UpdateResult(msgspec.Struct, frozen=True, kw_only=True):
    """A tracking's changeable fields after an update."""

    id: str
    tracking_number: str
    courier_code: str
    courier_code_new: str | None
    order_number: str | None
    order_date: str | None
    order_id: str | None
    destination_country: str | None
    origin_country: str | None
    tracking_postal_code: str | None
    tracking_ship_date: str | None
    tracking_courier_account: str | None
    tracking_destination_country: str | None
    tracking_origin_country: str | None
    tracking_key: str | None
    customer_name: str | None
    customer_email: str | None
    customer_sms: str | None
    recipient_postcode: str | None
    title: str | None
    logistics_channel: str | None
    note: str | None
    label: str | None
    archived_status: str


class FlightPlan(msgspec.Struct, frozen=True, kw_only=True):
    """One flight, as ``flight_info`` tells it. Times ``YYYY-MM-DD HH:MM:SS``, local."""

    depart_station: str
    arrival_station: str
    plan_depart_time: str | None
    depart_time: str | None
    plan_arrival_time: str | None
    arrival_time: str | None


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """One flight, as ``flight_info_new`` tells it."""

    flight_number: str
    depart_station: str
    arrival_station: str
    plan_depart_time: str | None
    depart_time: str | None
    plan_arrival_time: str | None
    arrival_time: str | None
    piece: str | None
    weight: str | None
    status: str | None


class AirEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to an air consignment."""

    plan_date: str | None
    actual_date: str | None
    event: str
    station: str
    flight_number: str | None
    status: str | None
    piece: str | None
    weight: str | None
    checkpoint_status: str | None
    checkpoint_substatus: str | None


class AirlineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The airline of an air waybill."""

    name: str
    url: str | None
    track_url: str | None
    trackpage_url: str | None


class AirWaybillObject(msgspec.Struct, frozen=True, kw_only=True):
    """One air waybill."""

    awb_number: str
    awb_status: str
    awb_substatus: str | None
    status_number: int
    weight: str | None
    piece: str | None
    origin: str | None
    destination: str | None
    flight_way_station: list[str]
    last_event: str | None
    flight_info_new: list[Flight]
    flight_info: dict[str, FlightPlan]
    """By flight number; an object even when it is empty."""
    track_info: list[AirEvent]
    airline_info: AirlineInfo
