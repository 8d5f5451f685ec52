"""The types that strict v4 clients parse, field by field in the order of the wire.

From the models of TrackingMore's Go and Java clients: Go fails on a value of another type, Java on
an unknown property in ``meta`` or beside ``meta`` and ``data``. Each table maps a field to what it
may hold: a type, a tuple of types, a table of its own (an object), or a list of one (an array).
"""

from __future__ import annotations

from typing import Any

TEXT = (str, type(None))
ISO_UTC = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"

EVENT = {
    "checkpoint_date": str,
    "checkpoint_delivery_status": TEXT,
    "checkpoint_delivery_substatus": TEXT,
    "tracking_detail": str,
    "location": TEXT,
    "country_iso2": TEXT,
    "state": TEXT,
    "city": TEXT,
    "zip": TEXT,
    "raw_status": TEXT,
}
MILESTONES = dict.fromkeys(
    (
        "inforeceived_date",
        "pickup_date",
        "outfordelivery_date",
        "delivery_date",
        "returning_date",
        "returned_date",
    ),
    TEXT,
)
LEG = {
    "courier_code": TEXT,
    "courier_phone": TEXT,
    "weblink": TEXT,
    "reference_number": TEXT,
    "milestone_date": MILESTONES,
    "pickup_date": TEXT,
    "departed_airport_date": TEXT,
    "arrived_abroad_date": TEXT,
    "customs_received_date": TEXT,
    "trackinfo": [EVENT],
}
TRACKING: dict[str, Any] = {
    "id": str,
    "tracking_number": str,
    "courier_code": str,
    "order_number": TEXT,
    "order_date": TEXT,
    "created_at": str,
    "update_at": str,
    "delivery_status": str,
    "archived": str,
    "updating": bool,
    "source": str,
    "destination_country": TEXT,
    "destination_state": TEXT,
    "destination_city": TEXT,
    "origin_country": TEXT,
    "origin_state": TEXT,
    "origin_city": TEXT,
    "tracking_postal_code": TEXT,
    "tracking_ship_date": TEXT,
    "tracking_destination_country": TEXT,
    "tracking_origin_country": TEXT,
    "tracking_key": TEXT,
    "tracking_courier_account": TEXT,
    "customer_name": TEXT,
    "customer_email": TEXT,
    "customer_sms": TEXT,
    "recipient_postcode": TEXT,
    "order_id": TEXT,
    "title": TEXT,
    "logistics_channel": TEXT,
    "note": TEXT,
    "label": TEXT,
    "signed_by": TEXT,
    "service_code": TEXT,
    "weight": TEXT,
    "weight_kg": TEXT,
    "product_type": TEXT,
    "pieces": TEXT,
    "dimension": TEXT,
    "previously": TEXT,
    "destination_track_number": TEXT,
    "exchange_number": TEXT,
    "scheduled_delivery_date": TEXT,
    "scheduled_address": TEXT,
    "substatus": TEXT,
    "status_info": TEXT,
    "latest_event": TEXT,
    "latest_checkpoint_time": TEXT,
    "transit_time": int,
    "origin_info": LEG,
    "destination_info": LEG,
}
COURIER = {
    "courier_name": str,
    "courier_code": str,
    "courier_country_iso2": TEXT,
    "courier_url": TEXT,
    "courier_phone": TEXT,
    "courier_type": str,
    "tracking_required_fields": (list, type(None)),
    "optional_fields": (list, type(None)),
    "default_language": str,
    "support_language": [str],
    "courier_logo": TEXT,
}
IDENTITY = {"id": str, "tracking_number": str, "courier_code": str}
BATCH = {
    "success": [IDENTITY],
    "error": [
        {
            "id": TEXT,
            "tracking_number": str,
            "courier_code": str,
            "errorCode": int,
            "errorMessage": str,
        }
    ],
}
UPDATE = {
    "id": str,
    "tracking_number": str,
    "courier_code": str,
    **dict.fromkeys(
        (
            "courier_code_new",
            "order_number",
            "order_date",
            "order_id",
            "destination_country",
            "origin_country",
            "tracking_postal_code",
            "tracking_ship_date",
            "tracking_courier_account",
            "tracking_destination_country",
            "tracking_origin_country",
            "tracking_key",
            "customer_name",
            "customer_email",
            "customer_sms",
            "recipient_postcode",
            "title",
            "logistics_channel",
            "note",
            "label",
        ),
        TEXT,
    ),
    "archived_status": str,
}
_PLAN = {
    "depart_station": str,
    "arrival_station": str,
    "plan_depart_time": TEXT,
    "depart_time": TEXT,
    "plan_arrival_time": TEXT,
    "arrival_time": TEXT,
}
AIR_WAYBILL: dict[str, Any] = {
    "awb_number": str,
    "awb_status": str,
    "awb_substatus": TEXT,
    "status_number": int,
    "weight": TEXT,
    "piece": TEXT,
    "origin": TEXT,
    "destination": TEXT,
    "flight_way_station": [str],
    "last_event": TEXT,
    "flight_info_new": [
        {"flight_number": str, **_PLAN, "piece": TEXT, "weight": TEXT, "status": TEXT}
    ],
    "flight_info": {"*": _PLAN},
    "track_info": [
        {
            "plan_date": TEXT,
            "actual_date": TEXT,
            "event": str,
            "station": str,
            "flight_number": TEXT,
            "status": TEXT,
            "piece": TEXT,
            "weight": TEXT,
            "checkpoint_status": TEXT,
            "checkpoint_substatus": TEXT,
        }
    ],
    "airline_info": {"name": str, "url": TEXT, "track_url": TEXT, "trackpage_url": TEXT},
}
META = {"code": int, "message": str}


def check(value: Any, shape: Any, where: str = "$") -> None:
    """Fail unless ``value`` has exactly the fields, in order, and the types of ``shape``."""
    if isinstance(shape, list):
        assert type(value) is list, f"{where}: {value!r} is no array"
        for index, item in enumerate(value):
            check(item, shape[0], f"{where}[{index}]")
    elif isinstance(shape, dict):
        assert type(value) is dict, f"{where}: {value!r} is no object"
        fields = dict.fromkeys(value, shape["*"]) if "*" in shape else shape
        assert list(value) == list(fields), f"{where}: other fields or another order"
        for name, inner in fields.items():
            check(value[name], inner, f"{where}.{name}")
    else:
        kinds = shape if isinstance(shape, tuple) else (shape,)
        # Exactly: a bool is no integer here.
        assert type(value) in kinds, f"{where}: {value!r} is a {type(value).__name__}"
