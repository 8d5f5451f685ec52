"""Version 4 of TrackingMore's API, as the frame serves it."""

from __future__ import annotations

from typing import Final

from parcelwire.api.house import House
from parcelwire.api.trackingmore.declaration import Bound, Declaration
from parcelwire.api.v4.airwaybills import AirWaybillCalls
from parcelwire.api.v4.changes import ChangeCalls
from parcelwire.api.v4.couriers import CourierCalls
from parcelwire.api.v4.creation import CreationCalls
from parcelwire.api.v4.errors import refused_for, render_refusal
from parcelwire.api.v4.listing import ListingCalls
from parcelwire.api.v4.render import Renderer
from parcelwire.api.v4.routes import ROUTES

KEY_HEADER: Final = b"tracking-api-key"
OLD_KEY_HEADER: Final = b"trackingmore-api-key"
"""v2's name of it: a client that moved from v2 to v4 halfway still gets in."""


def v4_dialect(renderer: Renderer | None = None) -> Declaration:
    """Return TrackingMore's version 4.

    ``renderer`` has to be the one that makes the store's renditions. None: one with the
    installation's registry and phrases.
    """

    def bind(context: House) -> Bound:
        rendering = renderer or Renderer(context.registry, context.service.carriers.phrase)
        couriers = CourierCalls(context)
        creation = CreationCalls(context, rendering)
        changes = ChangeCalls(context)
        return Bound(
            handlers={
                "list_couriers": couriers.list_couriers,
                "detect_courier": couriers.detect_courier,
                "create_tracking": creation.create_tracking,
                "create_trackings": creation.create_trackings,
                "list_trackings": ListingCalls(context, rendering).list_trackings,
                "update_tracking": changes.update_tracking,
                "delete_tracking": changes.delete_tracking,
                "retrack": changes.retrack,
                "read_air_waybill": AirWaybillCalls(context).read_air_waybill,
            }
        )

    return Declaration(
        prefix="v4",
        key_headers=(KEY_HEADER, OLD_KEY_HEADER),
        routes=ROUTES,
        refused_for=refused_for,
        render_refusal=render_refusal,
        bind=bind,
        limits_by_path=True,
    )
