"""Version 2 of TrackingMore's API, as the frame serves it."""

from __future__ import annotations

from typing import Final

from parcelwire.api.house import House
from parcelwire.api.trackingmore.declaration import Bound, Declaration
from parcelwire.api.trackingmore.tracking_path import locate_tracking
from parcelwire.api.v2.aircargo import AirCargoCalls
from parcelwire.api.v2.changes import SingleCalls
from parcelwire.api.v2.couriers import CourierCalls
from parcelwire.api.v2.creation import CreationCalls
from parcelwire.api.v2.errors import refused_for, render_refusal
from parcelwire.api.v2.listing import ListingCalls
from parcelwire.api.v2.many import ManyCalls
from parcelwire.api.v2.render import Renderer
from parcelwire.api.v2.routes import ONE, ROUTES
from parcelwire.api.v2.tables import TableCalls

KEY_HEADER: Final = b"trackingmore-api-key"
NEW_KEY_HEADER: Final = b"tracking-api-key"
"""v3's and v4's name of it: their clients fall back to v2 for air cargo."""


def _bind(context: House) -> Bound:
    settings = context.settings
    renderer = Renderer(context.registry, context.service.carriers.phrase)
    couriers = CourierCalls(context)
    creation, listing = CreationCalls(context, renderer), ListingCalls(context, renderer)
    single, many = SingleCalls(context, renderer), ManyCalls(context)
    tables = TableCalls(context)
    return Bound(
        handlers={
            "list_couriers": couriers.list_couriers,
            "detect_courier": couriers.detect_courier,
            "create_tracking": creation.create_tracking,
            "create_trackings": creation.create_trackings,
            "read_real_time": creation.read_real_time,
            "list_trackings": listing.list_trackings,
            "count_statuses": listing.count_statuses,
            "read_tracking": single.read_tracking,
            "update_tracking": single.update_tracking,
            "delete_tracking": single.delete_tracking,
            "change_courier": single.change_courier,
            "update_trackings": many.update_trackings,
            "delete_trackings": many.delete_trackings,
            "stop_trackings": many.stop_trackings,
            "read_user_info": tables.read_user_info,
            "find_remote_areas": tables.find_remote_areas,
            "read_lane_times": tables.read_lane_times,
            "read_air_waybills": AirCargoCalls(context).read_air_waybills,
        },
        locate=locate_tracking(ONE, context.registry),
        answer_openly=couriers.picture,
        disabled=frozenset(path.strip("/ ") for path in settings.v2_disabled_calls),
        is_payment_required=settings.is_payment_required,
    )


V2: Final = Declaration(
    prefix="v2",
    key_headers=(KEY_HEADER, NEW_KEY_HEADER),
    routes=ROUTES,
    refused_for=refused_for,
    render_refusal=render_refusal,
    bind=_bind,
)
"""TrackingMore's version 2."""
