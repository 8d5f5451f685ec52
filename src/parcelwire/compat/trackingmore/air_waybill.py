"""``trackingmore.air_waybill``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from parcelwire.client import calls
from parcelwire.compat.trackingmore.exception import TrackingMoreException
from parcelwire.compat.trackingmore.request import Envelope, make_request, need

__all__ = ["create_an_air_waybill"]

_FORM = re.compile(r"[0-9]{3}[ -]?[0-9]{8}")


def create_an_air_waybill(params: Mapping[str, Any]) -> Envelope:
    """Return what the airline knows about ``params["awb_number"]``.

    Raises:
        TrackingMoreException: it is no such number, or there is no answer that could be returned.
    """
    need(params, "awb_number", "Awb number cannot be empty")
    number = str(params["awb_number"])
    if _FORM.fullmatch(number) is None:
        msg = "The air waybill number format is invalid"
        raise TrackingMoreException(msg)
    return make_request(calls.read_air_waybill(number))
