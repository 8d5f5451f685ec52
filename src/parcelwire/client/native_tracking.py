"""A tracking as the native API has it, read into the same ``Tracking`` as everything else."""

from __future__ import annotations

from typing import Any, Final

from parcelwire.client.models import Tracking
from parcelwire.client.reading import read

Wire = dict[str, Any]

_DETAILS: Final = {
    "customer_phone": "customer_sms",
    "postal_code": "tracking_postal_code",
    "ship_date": "tracking_ship_date",
    "courier_account": "tracking_courier_account",
    "key": "tracking_key",
    "tracking_origin_country": "tracking_origin_country",
    "tracking_destination_country": "tracking_destination_country",
}
"""Its names of details -> v4's, where they differ."""
_POINT: Final = {
    "occurred_at": "checkpoint_date",
    "status": "checkpoint_delivery_status",
    "substatus": "checkpoint_delivery_substatus",
    "text": "tracking_detail",
    "location": "location",
    "country": "country_iso2",
    "state": "state",
    "city": "city",
    "postal_code": "zip",
    "raw_code": "raw_status",
}
_ONLY_HERE: Final = (
    *("delivery_window", "shipment", "milestones", "reason", "is_final", "stopped_reason"),
    *("freshness", "page_url", "sequence"),
)
"""What v4 has no field for."""
_SAME: Final = ("id", "courier_code", "substatus", "created_at", "signed_by")


def tracking_of(said: Any) -> Tracking:
    """Return a tracking of the native API; what v4 has no field for is in ``extra``.

    Raises:
        msgspec.ValidationError: it is no object, or lacks what a tracking cannot do without.
    """
    if not isinstance(said, dict):
        return read(Tracking, said)
    details, shipment = _object(said, "details"), _object(said, "shipment")
    listed = said.get("checkpoints")
    points = [one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict)]
    window = said.get("delivery_window")
    proof = shipment.get("proof")
    wire: Wire = {
        **{name: said.get(name) for name in _SAME},
        **{_DETAILS.get(name, name): value for name, value in details.items()},
        "tracking_number": said.get("number"),
        "delivery_status": said.get("status"),
        "update_at": said.get("updated_at"),
        "archived": "true" if said.get("is_archived") else "tracking",
        "updating": not said.get("is_stopped"),
        "origin_info": _leg(points, is_destination=False, courier=said.get("courier_code")),
        "destination_info": _leg(points, is_destination=True, courier=None),
    }
    if isinstance(window, dict) and isinstance(window.get("latest"), str):
        wire["scheduled_delivery_date"] = window["latest"][:10]
    if isinstance(proof, dict):
        wire["signed_by"] = proof.get("signed_by")
    if isinstance(wire.get("tracking_ship_date"), str):
        wire["tracking_ship_date"] = wire["tracking_ship_date"].replace("-", "")
    for name in _ONLY_HERE:
        if said.get(name) is not None:
            wire[name] = said[name]
    return read(Tracking, wire)


def _object(said: Wire, name: str) -> Wire:
    found = said.get(name)
    return found if isinstance(found, dict) else {}


def _leg(points: list[Wire], *, is_destination: bool, courier: Any) -> Wire:
    mine = [one for one in points if (one.get("leg") == "destination") is is_destination]
    return {
        "courier_code": courier,
        # Oldest first there, newest first here.
        "trackinfo": [
            {theirs: one[own] for own, theirs in _POINT.items() if own in one}
            for one in reversed(mine)
        ],
    }
