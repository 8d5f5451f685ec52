"""``trackings/aircargo``: what airlines know about air waybills."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.v2.bodies import AirCargoRequest
from parcelwire.api.v2.errors import (
    NEEDS_ACTIVATION,
    NO_CONTENT,
    NUMBER_INVALID,
    NUMBER_MISSING,
    TOO_MANY_ITEMS,
    success,
)
from parcelwire.api.v2.models import AirEvent, Airline, AirWaybillItem, Flight
from parcelwire.api.v2.requests import MAX_ITEMS, fields_of, number_of, shaped
from parcelwire.api.wire import Call, Reply
from parcelwire.domain import air_waybill as source
from parcelwire.domain.air_waybill import air_waybill_number

SHORTEST_SERIAL: Final = 7
"""v2's published clients send serial numbers of seven digits, too."""

_encode: Final = msgspec.json.Encoder().encode


class AirCargoCalls:
    """Answers air waybills, where somebody here knows them."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def read_air_waybills(self, call: Call) -> Reply:
        """Answer those of the asked air waybills that somebody here knows.

        Raises:
            Refused: no number (4013), a number of another form (4014), too many (4020), nobody to
                ask (4018), or nothing known about any of them (4031).
        """
        request = shaped(fields_of(call), AirCargoRequest)
        # One SDK sends a single number as text, and several separated by commas.
        asked = request.track_number
        typed = asked if isinstance(asked, list) else (number_of(asked) or "").split(",")
        texts = [text.strip() for one in typed if (text := number_of(one)) is not None]
        if not texts:
            raise Refused(NUMBER_MISSING)
        if len(texts) > MAX_ITEMS:
            raise Refused(TOO_MANY_ITEMS)
        numbers = []
        for text in texts:
            number = air_waybill_number(text, shortest=SHORTEST_SERIAL)
            if number is None:
                raise Refused(NUMBER_INVALID)
            numbers.append(number)
        known = self._house.air_waybills
        if known is None:
            raise Refused(NEEDS_ACTIVATION)
        found = [
            air_waybill_item(one)
            for number in dict.fromkeys(numbers)
            if (one := await known.air_waybill(call.world_id, number)) is not None
        ]
        if not found:
            raise Refused(NO_CONTENT)
        return success(_encode(found))


def air_waybill_item(found: source.AirWaybill) -> AirWaybillItem:
    """Return an air waybill as v2 shows it."""
    latest = found.events[0] if found.events else None
    return AirWaybillItem(
        track_number=found.number,
        status_number=found.status_number,
        weight=f"{found.weight_kg:g}",
        piece=str(found.pieces),
        origin=found.origin,
        destination=found.destination,
        flight_way_station=list(found.stations),
        last_event=f"{latest.text},{latest.station},{_time(latest.time)}" if latest else None,
        flight_info={
            flight.number: Flight(
                depart_station=flight.depart_station,
                arrival_station=flight.arrival_station,
                plan_depart_time=_time(flight.planned_departure),
                depart_time=_time(flight.departure),
                plan_arrival_time=_time(flight.planned_arrival),
                arrival_time=_time(flight.arrival),
            )
            for flight in found.flights
        },
        track_info=[
            AirEvent(
                plan_date=_time(event.planned_time),
                actual_date=_time(event.time),
                event=event.text,
                station=event.station,
                flight_number=event.flight_number,
                status=event.code,
                piece=str(event.pieces),
                weight=f"{event.weight_kg:g}",
            )
            for event in found.events
        ],
        airline_info=Airline(name=found.airline.name, url=found.airline.url),
    )


def _time(iso: str | None) -> str | None:
    return iso.replace("T", " ") if iso is not None else None
