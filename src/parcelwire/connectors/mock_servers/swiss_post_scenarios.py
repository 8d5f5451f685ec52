"""What the parcels of the mock Swiss Post live through: events of the real code table."""

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from parcelwire.connectors.mock_servers import Script
from parcelwire.domain.clock import DAY, HOUR, SECOND, Instant, to_datetime

HOME: Final = ZoneInfo("Europe/Zurich")
SITE: Final = "300099"
"""Number of the one site of this carrier where parcels wait."""


class Place(msgspec.Struct, frozen=True):
    """Where an event happens."""

    zip: str
    city: str
    country: str = "CH"


class Step(msgspec.Struct, frozen=True):
    """One event: when in the scenario (0 to 1), its code, and what the shipment then says."""

    at: float
    code: str
    status: str
    place: Place | None = None
    reason: str | None = None


class Happened(msgspec.Struct, frozen=True):
    """A step that has come to pass."""

    step: Step
    at: Instant


_ZURICH: Final = Place("8010", "Zürich-Mülligen")
_HAERKINGEN: Final = Place("4621", "Härkingen Paketzentrum")
_BERN: Final = Place("3000", "Bern Zustellung")
_COUNTER: Final = Place(SITE, "Bern Musterplatz")
_LEIPZIG: Final = Place("04109", "Leipzig", "DE")

_ON_THE_WAY: Final = (
    Step(0.05, "600", "REGISTERED"),
    Step(0.20, "100", "TO_BE_DELIVERED", _ZURICH),
    Step(0.35, "1202", "TO_BE_DELIVERED", _HAERKINGEN),
    Step(0.50, "1201", "TO_BE_DELIVERED", _HAERKINGEN),
)
_OUT: Final = (*_ON_THE_WAY, Step(0.70, "1003", "IN_DELIVERY", _BERN))

SCENARIOS: Final[dict[str, tuple[Step, ...]]] = {
    "delivered": (*_OUT, Step(1.0, "4000", "DELIVERED", _BERN)),
    "counter": (
        *_OUT,
        Step(0.80, "2100", "MISSED_DELIVERY", _COUNTER),
        Step(1.0, "2000", "DELIVERED", _COUNTER),
    ),
    "returned": (
        *_OUT,
        Step(0.80, "3600", "RETURNED", _BERN, "2"),
        Step(1.0, "4000", "RETURNED", _ZURICH),
    ),
    "customs": (
        Step(0.05, "620", "REGISTERED", Place("", "", "DE")),
        Step(0.15, "912", "TO_BE_DELIVERED", _LEIPZIG),
        Step(0.30, "915", "TO_BE_DELIVERED", _LEIPZIG),
        Step(0.40, "818", "TO_BE_DELIVERED", _ZURICH),
        Step(0.50, "803", "CUSTOMS", _ZURICH),
        Step(0.60, "804", "TO_BE_DELIVERED", _ZURICH),
        Step(0.75, "1003", "IN_DELIVERY", _BERN),
        Step(1.0, "4000", "DELIVERED", _BERN),
    ),
    "po-box": (*_ON_THE_WAY, Step(1.0, "3900", "DELIVERED", _BERN)),
    "letter": (
        Step(0.05, "1", "TO_BE_DELIVERED", _ZURICH),
        Step(0.30, "13", "TO_BE_DELIVERED", _ZURICH),
        Step(0.60, "12", "TO_BE_DELIVERED", _BERN),
        Step(1.0, "40", "DELIVERED", _BERN),
    ),
    # The machine is where the carrier's overall status says DELIVERED too early.
    "machine": (
        *_OUT,
        Step(0.80, "2102", "DELIVERED", _COUNTER),
        Step(1.0, "4000", "DELIVERED", _COUNTER),
    ),
    "withdrawn": (
        *_OUT,
        Step(0.80, "4000", "DELIVERED", _BERN),
        Step(0.90, "4000", "IN_DELIVERY", _BERN, "CANPDS"),
        Step(1.0, "4000", "DELIVERED", _BERN),
    ),
    "new-code": (*_ON_THE_WAY, Step(0.70, "7777", "TO_BE_DELIVERED", _BERN)),
}

BY_ENDING: Final = {
    "902": "counter",
    "903": "returned",
    "904": "customs",
    "905": "po-box",
    "906": "letter",
    "907": "machine",
    "908": "withdrawn",
    "909": "new-code",
}
"""Which scenario the end of a number chooses; every other parcel or letter is delivered."""

_API_STATUS: Final = {
    "REGISTERED": "NOT_YET_SENT",
    "TO_BE_DELIVERED": "ON_GOING_DELIVERY",
    "IN_DELIVERY": "ON_GOING_DELIVERY",
    "MISSED_DELIVERY": "WAITING_FOR_PICKUP",
}
_WAITING: Final = frozenset({"2100", "2102"})
_LETTER_BEGINNINGS: Final = ("98", "R")
"""Registered letters: with a franking licence, or the S10 numbers that begin with R."""


def choose_scenario(script: Script, number: str) -> str:
    """Return the name of the scenario of ``number``.

    Raises:
        KeyError: when the script names a scenario that does not exist.
    """
    default = "letter" if number.startswith(_LETTER_BEGINNINGS) else "delivered"
    name = script.scenarios.get(number) or BY_ENDING.get(number[-3:], default)
    if name not in SCENARIOS:
        raise KeyError(name)
    return name


def list_happened(script: Script, number: str, now: Instant) -> list[Happened]:
    """Return what has happened to ``number`` by ``now``, oldest first.

    A scenario without length is over when it is first asked about: it then ended at that moment and
    took the hour before, so that its events keep their order.
    """
    progress = script.progress(number, now)
    begun_at = script.begun_at(number, now)
    length = round(script.scenario_seconds * SECOND)
    if length <= 0:
        begun_at, length = begun_at - HOUR, HOUR
    steps = SCENARIOS[choose_scenario(script, number)]
    return [
        Happened(step, begun_at + round(step.at * length)) for step in steps if step.at <= progress
    ]


def print_time(at: Instant) -> str:
    """Return ``at`` as the carrier prints times: home time with its offset."""
    return to_datetime(at).astimezone(HOME).isoformat(timespec="seconds")


def describe_shipment(number: str, identity: str, happened: list[Happened]) -> dict[str, Any]:
    """Return the shipment as ``ekp-web`` lists it."""
    first, last = happened[0], happened[-1]
    source = "LETTER" if happened[0].step.code in {"1", "2"} else "PARCEL"
    status = last.step.status
    is_waiting = last.step.code in _WAITING
    is_import = any(event.step.code == "620" for event in happened)
    promised = to_datetime(first.at + DAY).astimezone(HOME)
    midnight = promised.replace(hour=0, minute=0, second=0, microsecond=0)
    delivered_at = print_time(last.at) if status == "DELIVERED" else None
    return {
        "shipmentNumber": number,
        "formattedShipmentNumber": ".".join((number[:2], number[2:4], number[4:10], number[10:])),
        "internationalBarcode": None,
        "identity": identity,
        "product": f"{source}.*.{_product(source)}",
        "status": f"{source}.*.{_product(source)}.4",
        "globalStatus": status,
        "calculatedDeliveryDate": midnight.isoformat(),
        "deliveryDate": delivered_at,
        "deliveryRange": None,
        "deliveryTimeWindow": "STANDARD" if source == "LETTER" else None,
        "deliveryTimeInterval": _describe_interval(last, midnight),
        "lastEventDateTime": print_time(last.at),
        "sendingDateTime": print_time(first.at),
        "creationDateTime": print_time(first.at),
        "physicalProperties": {
            "dimension1": 250,
            "dimension2": 400,
            "dimension3": 155,
            "weight": 1140,
        },
        "addressee": {"name1": None, "street": None, "zip": "3000", "city": "Bern"},
        "deliveryPostOfficeZip": SITE if is_waiting else None,
        "avis": {
            "deliveryPostOfficeZip": SITE,
            "arrivalPostOfficeZip": None,
            "deadline": (midnight + timedelta(days=7)).isoformat(),
        }
        if is_waiting
        else None,
        "displayedAvisCode": None,
        "delivered": status == "DELIVERED",
        "returned": status == "RETURNED",
        "closed": status == "DELIVERED",
        "signatureRequired": False,
        "customsShipment": is_import,
        "internationalImport": is_import,
        "internationalExport": False,
        "senderCountry": "DE" if is_import else "CH",
        "recipientCountry": "CH",
        "source": source,
        "returnCount": 0,
        "events": [],
    }


def describe_web_event(number: str, event: Happened) -> dict[str, Any]:
    """Return an event as ``ekp-web`` gives it: a dotted code and no words."""
    step = event.step
    source = "LETTER" if len(step.code) <= 2 else "PARCEL"
    place = step.place or Place("", "", "CH")
    return {
        "eventCode": f"{source}.*.{_product(source)}.{step.code}",
        "eventCodeType": "LOGISTICS",
        "shipmentNumber": number,
        "timestamp": print_time(event.at),
        "zip": place.zip or None,
        "city": place.city or None,
        "country": place.country,
        "subEventId": step.reason,
        "subEventDetailCode": None,
        "externalMetadata": None,
    }


def describe_detail(happened: list[Happened], title: str) -> dict[str, Any]:
    """Return the detail of a mailpiece as the business API gives it."""
    status = happened[-1].step.status
    is_waiting = happened[-1].step.code in _WAITING
    return {
        "status": {
            "status": "WAITING_FOR_PICKUP" if is_waiting else _API_STATUS.get(status, status),
            "title": title,
            "subtitle": None,
        },
        "productName": "PostPac Priority",
        "physicalDimensions": {"weight": "1.14 kg", "dimensions": "40.0 x 25.0 x 15.5 cm"},
        "deliveryAddress": {
            "pickupOffice": "Filiale 3000 Bern Musterplatz" if is_waiting else None,
            "addressDetail": {"name1": None, "city": "Bern", "zip4": "3000", "country": "CH"},
        },
    }


def describe_api_event(event: Happened, title: str) -> dict[str, Any]:
    """Return an event as the business API gives it."""
    source = "LETTER" if len(event.step.code) <= 2 else "PARCEL"
    parts = [source, "*", _product(source), event.step.code]
    if event.step.reason is not None:
        parts += ["*", event.step.reason]
    place = event.step.place
    return {
        "code": ".".join(parts),
        "title": title,
        "subtitle": None,
        "timestamp": print_time(event.at),
        "location": {"city": place.city, "zip": place.zip, "country": place.country}
        if place
        else None,
    }


def describe_site() -> dict[str, Any]:
    """Return the one site's record."""
    return {
        "zip": SITE,
        "zip4": "3000",
        "postOffice": True,
        "postAgency": False,
        "description": "Filiale 3000 Bern Musterplatz",
        "descriptionName": "Die Post Bern Musterplatz",
        "street": "Musterplatz",
        "streetNumber": "1",
        "city": "Bern",
        "addressZip": "300000",
    }


def _describe_interval(last: Happened, midnight: datetime) -> dict[str, str] | None:
    """Return the hours of delivery, which are only known once the parcel is on the vehicle."""
    if last.step.code != "1003":
        return None
    start, end = (midnight + timedelta(hours=hour) for hour in (9, 12))
    return {"start": start.isoformat(), "end": end.isoformat()}


def _product(source: str) -> str:
    return "11" if source == "LETTER" else "2"
