"""The simulated carrier's air waybills: what test keys get from the air cargo calls. Pure.

An air waybill has eleven digits: the airline's prefix (IATA), a serial of seven and a check digit.
The answer follows from the number and the instant alone. The journey of a number begins anew every
``CYCLE_DAYS`` days, so that at any time some numbers are booked, some fly and some are delivered.
"""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from parcelwire.connectors.simulated.scenarios import lot
from parcelwire.domain.air_waybill import AirEvent, Airline, AirWaybill, Flight
from parcelwire.domain.clock import DAY, HOUR, MINUTE, Instant, to_datetime
from parcelwire.domain.status import Status, Substatus

CYCLE_DAYS: Final = 12

_NUMBER: Final = re.compile(r"(\d{3})[ -]?(\d{7,8})")


AIRLINES: Final = {
    "001": Airline("AA", "American Airlines Cargo", "https://www.aacargo.com/", "DFW"),
    "006": Airline("DL", "Delta Cargo", "https://www.deltacargo.com/", "ATL"),
    "016": Airline("UA", "United Cargo", "https://www.unitedcargo.com/", "ORD"),
    "020": Airline("LH", "Lufthansa Cargo", "https://www.lufthansa-cargo.com/", "FRA"),
    "057": Airline("AF", "Air France Cargo", "https://www.afklcargo.com/", "CDG"),
    "074": Airline("KL", "KLM Cargo", "https://www.afklcargo.com/", "AMS"),
    "125": Airline("BA", "British Airways World Cargo", "https://www.iagcargo.com/", "LHR"),
    "131": Airline("JL", "Japan Airlines Cargo", "https://www.jal.co.jp/", "NRT"),
    "157": Airline("QR", "Qatar Airways Cargo", "https://www.qrcargo.com/", "DOH"),
    "160": Airline("CX", "Cathay Cargo", "https://www.cathaycargo.com/", "HKG"),
    "172": Airline("CV", "Cargolux", "https://www.cargolux.com/", "LUX"),
    "176": Airline("EK", "Emirates SkyCargo", "https://www.skycargo.com/", "DXB"),
    "180": Airline("KE", "Korean Air Cargo", "https://cargo.koreanair.com/", "ICN"),
    "205": Airline("NH", "ANA Cargo", "https://www.anacargo.jp/", "NRT"),
    "235": Airline("TK", "Turkish Cargo", "https://www.turkishcargo.com/", "IST"),
    "618": Airline("SQ", "Singapore Airlines Cargo", "https://www.siacargo.com/", "SIN"),
    "724": Airline("LX", "Swiss WorldCargo", "https://www.swissworldcargo.com/", "ZRH"),
}

_ZONES: Final = {
    "AMS": "Europe/Amsterdam",
    "ATL": "America/New_York",
    "CDG": "Europe/Paris",
    "DFW": "America/Chicago",
    "DOH": "Asia/Qatar",
    "DXB": "Asia/Dubai",
    "FRA": "Europe/Berlin",
    "HKG": "Asia/Hong_Kong",
    "ICN": "Asia/Seoul",
    "IST": "Europe/Istanbul",
    "JFK": "America/New_York",
    "LHR": "Europe/London",
    "LUX": "Europe/Luxembourg",
    "MEX": "America/Mexico_City",
    "MXP": "Europe/Rome",
    "NRT": "Asia/Tokyo",
    "ORD": "America/Chicago",
    "PVG": "Asia/Shanghai",
    "SIN": "Asia/Singapore",
    "ZRH": "Europe/Zurich",
}

_TEXTS: Final = {
    "BKD": "Booked",
    "RCS": "Received from the shipper",
    "DEP": "Departed",
    "ARR": "Arrived",
    "RCF": "Received from the flight",
    "NFD": "Consignee notified of the arrival",
    "DLV": "Delivered to the consignee",
}
_MEANINGS: Final = {
    "BKD": Substatus.INFORECEIVED,
    "RCS": Substatus.TRANSIT,
    "DEP": Substatus.TRANSIT_LEFT_AIRPORT,
    "ARR": Substatus.TRANSIT_AT_HUB,
    "RCF": Substatus.TRANSIT_AT_HUB,
    "NFD": Substatus.PICKUP_READY_FOR_COLLECTION,
    "DLV": Substatus.DELIVERED,
}
_STATUS_NUMBERS: Final = {
    Status.PENDING: 0,
    Status.INFORECEIVED: 2,
    Status.TRANSIT: 2,
    Status.PICKUP: 3,
    Status.DELIVERED: 4,
}


class _Moment(msgspec.Struct, frozen=True):
    """One planned point of the journey, in milliseconds since its beginning."""

    code: str
    station: str
    planned: int
    flight: int | None = None


def air_waybill(number: str, now: Instant) -> AirWaybill | None:
    """Return what the simulated airline knows about an air waybill at ``now``.

    None when the number has no air waybill's form, or when no airline here has its prefix.
    """
    match = _NUMBER.fullmatch(number.strip())
    if match is None or match[1] not in AIRLINES:
        return None
    journey = _Journey(match[1], match[2], now)
    return journey.tell()


class _Journey:
    def __init__(self, prefix: str, serial: str, now: Instant) -> None:
        self.number = f"{prefix}-{serial}"
        self.airline = AIRLINES[prefix]
        phase = lot(self.number, "phase") % (CYCLE_DAYS * DAY) // MINUTE * MINUTE
        self.begun_at = (now - phase) // (CYCLE_DAYS * DAY) * (CYCLE_DAYS * DAY) + phase
        self.now = now
        self.stations = self._choose_stations()
        self.pieces = 1 + lot(self.number, "pieces") % 24
        self.weight_kg = self.pieces * (50 + lot(self.number, "weight") % 2_000) / 10
        self.moments = self._plan()

    def tell(self) -> AirWaybill:
        events = [self._event(m) for m in self.moments if self._actual(m) <= self.now]
        latest = events[-1] if events else None
        status = latest.status if latest else Status.PENDING
        return AirWaybill(
            number=self.number,
            status=status,
            substatus=latest.substatus if latest else None,
            status_number=_STATUS_NUMBERS[status],
            pieces=self.pieces,
            weight_kg=self.weight_kg,
            origin=self.stations[0],
            destination=self.stations[-1],
            stations=self.stations,
            flights=tuple(self._flight(index) for index in range(len(self.stations) - 1)),
            events=tuple(reversed(events)),
            airline=self.airline,
        )

    def _choose_stations(self) -> tuple[str, ...]:
        hub = self.airline.hub
        others = sorted(set(_ZONES) - {hub})
        first = others.pop(lot(self.number, "from") % len(others))
        last = others[lot(self.number, "to") % len(others)]
        is_direct = lot(self.number, "legs") % 2 == 0
        return (hub, last) if is_direct else (first, hub, last)

    def _plan(self) -> list[_Moment]:
        moments = [
            _Moment("BKD", self.stations[0], 0),
            _Moment("RCS", self.stations[0], 20 * HOUR),
        ]
        clock = 28 * HOUR
        for index, (start, end) in enumerate(zip(self.stations, self.stations[1:], strict=False)):
            landing = clock + 2 * HOUR + lot(self.number, f"flight{index}") % (9 * HOUR)
            landing = landing // (5 * MINUTE) * (5 * MINUTE)
            moments.append(_Moment("DEP", start, clock, index))
            moments.append(_Moment("ARR", end, landing, index))
            moments.append(_Moment("RCF", end, landing + 2 * HOUR, index))
            clock = landing + 16 * HOUR
        moments.append(_Moment("NFD", self.stations[-1], clock - 12 * HOUR))
        moments.append(_Moment("DLV", self.stations[-1], clock + 8 * HOUR))
        return moments

    def _actual(self, moment: _Moment) -> Instant:
        late = lot(self.number, f"{moment.code}{moment.flight}") % 46 * MINUTE
        return self.begun_at + moment.planned + late

    def _local(self, at: Instant, station: str) -> str:
        moment: datetime = to_datetime(at).astimezone(ZoneInfo(_ZONES[station]))
        return moment.replace(tzinfo=None).isoformat(timespec="seconds")

    def _flight_number(self, index: int) -> str:
        return f"{self.airline.code}{1_000 + lot(self.number, f'number{index}') % 8_999}"

    def _event(self, moment: _Moment) -> AirEvent:
        substatus = _MEANINGS[moment.code]
        return AirEvent(
            code=moment.code,
            text=_TEXTS[moment.code],
            station=moment.station,
            planned_time=self._local(self.begun_at + moment.planned, moment.station),
            time=self._local(self._actual(moment), moment.station),
            flight_number=None if moment.flight is None else self._flight_number(moment.flight),
            pieces=self.pieces,
            weight_kg=self.weight_kg,
            status=substatus.status,
            substatus=substatus,
        )

    def _flight(self, index: int) -> Flight:
        departure = next(m for m in self.moments if m.code == "DEP" and m.flight == index)
        arrival = next(m for m in self.moments if m.code == "ARR" and m.flight == index)
        left_at, landed_at = self._actual(departure), self._actual(arrival)
        return Flight(
            number=self._flight_number(index),
            depart_station=departure.station,
            arrival_station=arrival.station,
            planned_departure=self._local(self.begun_at + departure.planned, departure.station),
            departure=self._local(left_at, departure.station) if left_at <= self.now else None,
            planned_arrival=self._local(self.begun_at + arrival.planned, arrival.station),
            arrival=self._local(landed_at, arrival.station) if landed_at <= self.now else None,
            pieces=self.pieces,
            weight_kg=self.weight_kg,
            status="BKD" if left_at > self.now else "DEP" if landed_at > self.now else "ARR",
        )
