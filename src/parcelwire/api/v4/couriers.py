"""``couriers/all`` and ``couriers/detect``."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.creation import detect_couriers
from parcelwire.api.v4.errors import FIELD_OF, success
from parcelwire.api.v4.models import CourierObject
from parcelwire.api.v4.requests import Body, DetectRequest, content_of, text_of
from parcelwire.api.wire import Call, Reply
from parcelwire.couriers.registry import Courier

_encode: Final = msgspec.json.Encoder().encode


class CourierCalls:
    """Answers who exists, and whose number it is."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._body = Body.of(DetectRequest)
        self._all: Reply | None = None

    async def list_couriers(self, _: Call) -> Reply:
        """Answer every courier. The registry does not change while the server runs."""
        if self._all is None:
            couriers = [courier_object(courier) for courier in self._house.registry.all()]
            self._all = success(_encode(couriers))
        return self._all

    async def detect_courier(self, call: Call) -> Reply:
        """Answer the couriers of one number, best guess first.

        Raises:
            Refused: the body is wrong.
            TrackingError: no number, no possible number, or no courier for it. Open in the sources:
                a number of nobody could also be an empty list; 4121 is the code that says so.
        """
        request: DetectRequest = self._body.read(content_of(call.body))
        typed = text_of(request.tracking_number, "tracking_number")
        number = self._house.service.drafting.number(typed)
        found = await detect_couriers(self._house, call.world_id, number)
        return success(_encode([courier_object(courier) for courier in found]))


def courier_object(courier: Courier) -> CourierObject:
    """Return a courier as v4 shows it."""
    fields = [FIELD_OF[name] for name in courier.required_fields if name in FIELD_OF]
    return CourierObject(
        courier_name=courier.name,
        courier_code=courier.code,
        courier_country_iso2=courier.country,
        courier_url=courier.homepage,
        courier_phone=courier.phone,
        courier_type=courier.kind,
        tracking_required_fields=fields or None,
        optional_fields=None,
        default_language=courier.languages[0] if courier.languages else "en",
        support_language=list(courier.languages),
        # Parcelwire ships no couriers' logos: they are the couriers' marks.
        courier_logo=None,
    )
