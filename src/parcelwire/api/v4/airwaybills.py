"""``awb``: what an airline knows about an air waybill."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.api.house import House
from parcelwire.api.trackingmore.refusals import Refused
from parcelwire.api.v4.errors import AWB_INVALID, AWB_UNSUPPORTED, success
from parcelwire.api.v4.models import (
    AirEvent,
    AirlineInfo,
    AirWaybillObject,
    Flight,
    FlightPlan,
)
from parcelwire.api.v4.requests import AirWaybillRequest, Body, content_of, text_of
from parcelwire.api.wire import Call, Reply
from parcelwire.domain import air_waybill as source
from parcelwire.domain.air_waybill import air_waybill_number

_encode: Final = msgspec.json.Encoder().encode


class AirWaybillCalls:
    """Answers air waybills, where somebody here knows them."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._body = Body.of(AirWaybillRequest)

    async def read_air_waybill(self, call: Call) -> Reply:
        """Answer one air waybill.

        Raises:
            Refused: 4160 for what is no number of an air waybill, 4161 where nobody can be asked.
        """
        try:
            request: AirWaybillRequest = self._body.read(content_of(call.body))
            typed = text_of(request.awb_number, "awb_number") or ""
        except Refused as refused:
            raise Refused(AWB_INVALID) from refused
        number = air_waybill_number(typed.strip())
        if number is None:
            raise Refused(AWB_INVALID)
        house = self._house.air_waybills
        if house is None:
            raise Refused(AWB_UNSUPPORTED)
        found = await house.air_waybill(call.world_id, number)
        if found is None:
            raise Refused(AWB_UNSUPPORTED)
        return success(_encode(air_waybill_object(found)))


def air_waybill_object(found: source.AirWaybill) -> AirWaybillObject:
    """Return an air waybill as v4 shows it."""
    latest = found.events[0] if found.events else None
    return AirWaybillObject(
        awb_number=found.number,
        awb_status=found.status,
        awb_substatus=found.substatus,
        status_number=found.status_number,
        weight=_weight(found.weight_kg),
        piece=str(found.pieces),
        origin=found.origin,
        destination=found.destination,
        flight_way_station=list(found.stations),
        last_event=f"{latest.text},{latest.station},{_time(latest.time)}" if latest else None,
        flight_info_new=[_flight(flight) for flight in found.flights],
        flight_info={flight.number: _plan(flight) for flight in found.flights},
        track_info=[_event(event) for event in found.events],
        airline_info=AirlineInfo(
            name=found.airline.name,
            url=found.airline.url,
            track_url=None,
            trackpage_url=None,
        ),
    )


def _flight(flight: source.Flight) -> Flight:
    return Flight(
        flight_number=flight.number,
        depart_station=flight.depart_station,
        arrival_station=flight.arrival_station,
        plan_depart_time=_time(flight.planned_departure),
        depart_time=_time(flight.departure),
        plan_arrival_time=_time(flight.planned_arrival),
        arrival_time=_time(flight.arrival),
        piece=str(flight.pieces),
        weight=_weight(flight.weight_kg),
        status=flight.status,
    )


def _plan(flight: source.Flight) -> FlightPlan:
    return FlightPlan(
        depart_station=flight.depart_station,
        arrival_station=flight.arrival_station,
        plan_depart_time=_time(flight.planned_departure),
        depart_time=_time(flight.departure),
        plan_arrival_time=_time(flight.planned_arrival),
        arrival_time=_time(flight.arrival),
    )


def _event(event: source.AirEvent) -> AirEvent:
    return AirEvent(
        plan_date=_time(event.planned_time),
        actual_date=_time(event.time),
        event=event.text,
        station=event.station,
        flight_number=event.flight_number,
        status=event.code,
        piece=str(event.pieces),
        weight=_weight(event.weight_kg),
        checkpoint_status=event.status,
        checkpoint_substatus=event.substatus,
    )


def _time(iso: str | None) -> str | None:
    return iso.replace("T", " ") if iso is not None else None


def _weight(kilograms: float) -> str:
    return f"{kilograms:g}"
