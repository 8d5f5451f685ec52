"""Air waybills: consignments that airlines carry, and what is known about them."""

from __future__ import annotations

import re
from typing import Final, Protocol

import msgspec

from parcelwire.domain.status import Status, Substatus

_NUMBER: Final = re.compile(r"([0-9]{3})[ -]?([0-9]{1,8})")


class Airline(msgspec.Struct, frozen=True):
    """An airline that carries cargo: two-letter code, name, home page, home airport (IATA)."""

    code: str
    name: str
    url: str
    hub: str


class Flight(msgspec.Struct, frozen=True, kw_only=True):
    """One flight of the journey. Times are local to their station, ``YYYY-MM-DDTHH:MM:SS``.

    The actual times are None until they have come.
    """

    number: str
    depart_station: str
    arrival_station: str
    planned_departure: str
    departure: str | None
    planned_arrival: str
    arrival: str | None
    pieces: int
    weight_kg: float
    status: str
    """Cargo-IMP status code: ``BKD``, ``DEP`` or ``ARR``."""


class AirEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to the consignment, local to ``station``."""

    code: str
    """Cargo-IMP status code, e.g. ``RCS``."""
    text: str
    station: str
    planned_time: str
    time: str
    flight_number: str | None
    pieces: int
    weight_kg: float
    status: Status
    substatus: Substatus


class AirWaybill(msgspec.Struct, frozen=True, kw_only=True):
    """What an airline knows about a consignment: the content of v4 ``awb`` and v2 ``aircargo``."""

    number: str
    """``235-69030430``."""
    status: Status
    substatus: Substatus | None
    status_number: int
    """The state as a figure: 0 pending, 2 transit, 3 arrived, 4 delivered."""
    pieces: int
    weight_kg: float
    origin: str
    destination: str
    stations: tuple[str, ...]
    flights: tuple[Flight, ...]
    events: tuple[AirEvent, ...]
    """Newest first."""
    airline: Airline


class AirWaybills(Protocol):
    """Somebody who knows air waybills: an upstream, or the simulated carrier for test keys."""

    async def air_waybill(self, world_id: int, number: str) -> AirWaybill | None:
        """Return one air waybill, or None when nobody here can say anything about it.

        ``number`` as ``air_waybill_number`` returns it.
        """
        ...


def air_waybill_number(typed: str, *, shortest: int = 8) -> str | None:
    """Return the number of an air waybill as ``020-12345675``: airline's prefix and serial number.

    None when it is none. A serial number has eight digits; from ``shortest`` on fewer do as well.
    """
    match = _NUMBER.fullmatch(typed)
    return f"{match[1]}-{match[2]}" if match is not None and len(match[2]) >= shortest else None
