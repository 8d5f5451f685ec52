"""``trackingmore.courier``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parcelwire.client import calls
from parcelwire.compat.trackingmore.request import Envelope, fields_or_raise, make_request, need

__all__ = ["detect", "get_all_couriers"]


def get_all_couriers() -> Envelope:
    """Return every courier.

    Raises:
        TrackingMoreException: there is no answer that could be returned.
    """
    return make_request(calls.list_couriers())


def detect(params: Mapping[str, Any]) -> Envelope:
    """Return the couriers of ``params["tracking_number"]``.

    Raises:
        TrackingMoreException: no number, or there is no answer that could be returned.
    """
    need(params, "tracking_number", "Tracking number cannot be empty")
    number = fields_or_raise({"tracking_number": params["tracking_number"]})["tracking_number"]
    return make_request(calls.detect_couriers(number))
