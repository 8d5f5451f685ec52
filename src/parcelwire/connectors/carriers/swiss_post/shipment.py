"""Read the shipment, the events and the pick-up place of the ``web`` transport."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from parcelwire.connectors.base import Response, TrackingQuery
from parcelwire.connectors.carriers.swiss_post.events import (
    Event,
    Understood,
    find_summary_gap,
    find_untold,
    summarize,
    understand,
)
from parcelwire.connectors.carriers.swiss_post.json_values import (
    read_answer,
    read_clocks,
    read_date,
    read_moment,
    read_postal_code,
    read_promise,
)
from parcelwire.connectors.carriers.swiss_post.products import find_product
from parcelwire.connectors.reading.times import LocalTime
from parcelwire.connectors.reading.units import read_sizes, read_weight
from parcelwire.connectors.reading.values import (
    read_country,
    read_flag,
    read_mapping,
    read_number,
    read_text,
)
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import (
    CarrierReport,
    DeliveryWindow,
    Outcome,
    ParcelFacts,
    UnmappedCode,
)
from parcelwire.domain.status import Substatus, is_final

SAID_BY: Final = "swiss-post"
_EARLY: Final = frozenset(
    {"NOT_YET_SENT", "REGISTERED", "REPORTED", "TO_BE_DELIVERED", "ON_GOING_DELIVERY"}
)
"""Overall statuses that are true from the moment on in which the shipment was posted."""
_MAX_EVENTS: Final = 300


def find_shipment(shipments: Sequence[Any], number: str) -> Mapping[str, Any] | None:
    """Return the one shipment of ``number``; None when there is none, or more than one.

    The endpoint is a search and has been seen to answer with neighbours. A parcel from abroad
    answers to its international barcode too.
    """
    wanted = read_number(number)
    matches = [
        shipment
        for shipment in shipments
        if isinstance(shipment, dict)
        and wanted
        in {
            read_number(shipment.get("shipmentNumber")),
            read_number(shipment.get("internationalBarcode")),
        }
    ]
    return matches[0] if len(matches) == 1 else None


def parse_events(events: Sequence[Any], shipment: Mapping[str, Any], language: str) -> Understood:
    """Return the checkpoints, and an unmapped code for each event without a time."""
    read: list[Event] = []
    unmapped: list[UnmappedCode] = []
    for item in events[:_MAX_EVENTS]:
        event = _read_event(read_mapping(item))
        if event is not None:
            read.append(event)
        elif not unmapped:
            unmapped.append(UnmappedCode(kind="answer", value="an event without a code or a time"))
    summary = read_text(shipment.get("globalStatus"), 40)
    is_returned = _is_returned(shipment)
    understood = understand(read, summary, language, is_returned=is_returned)
    told = _tell_summary(understood, shipment, summary, language)
    whole = Understood((*understood.checkpoints, *told))
    untold = find_untold(summary, whole.last, is_closed=shipment.get("closed") is True)
    return Understood(
        whole.checkpoints, (*understood.unmapped, *unmapped, *find_summary_gap(summary), *untold)
    )


def build_report(
    query: TrackingQuery,
    shipment: Mapping[str, Any],
    understood: Understood,
    place: str | None,
) -> CarrierReport:
    """Return the report of a found shipment, still without its raw answer."""
    # What was promised means nothing once the parcel waits for the recipient or goes back.
    last = understood.last
    is_over = _is_over(last) or _is_waiting(last) or _is_returned(shipment)
    return CarrierReport(
        number=query.number,
        outcome=Outcome.FOUND,
        checkpoints=understood.checkpoints,
        facts=_read_facts(query, shipment, understood, place),
        window=None if is_over else _read_window(shipment),
        unmapped=understood.unmapped,
    )


def find_site(shipment: Mapping[str, Any], understood: Understood) -> str | None:
    """Return the number of the site where the parcel waits, or None when it waits nowhere.

    The notice names two; the carrier's own page takes the one of arrival first.
    """
    if not _is_waiting(understood.last):
        return None
    notice = read_mapping(shipment.get("avis"))
    for field in ("arrivalPostOfficeZip", "deliveryPostOfficeZip"):
        site = read_text(notice.get(field), 16)
        if site is not None and re.fullmatch(r"\d{6}", site):
            return site
    return None


def parse_place(response: Response, site: str) -> str | None:
    """Return name, street and town of the site on one line, or None when it is not this site."""
    place = read_mapping(read_answer(response))
    name = read_text(place.get("description"), 120)
    if response.status != 200 or name is None or read_text(place.get("zip"), 16) != site:
        return None
    street = " ".join(
        part
        for part in (
            read_text(place.get("street"), 120),
            read_text(place.get("streetNumber"), 20),
        )
        if part
    )
    code, city = read_text(place.get("zip4"), 10), read_text(place.get("city"), 80)
    town = f"{code} {city}" if code and city and re.fullmatch(r"\d{4}", code) else ""
    # A machine's record can name it again where the street should be.
    return ", ".join(part for part in (name, "" if street == name else street, town) if part)


def _read_event(item: Mapping[str, Any]) -> Event | None:
    country = read_country(item.get("country"))
    raw_code = read_text(item.get("eventCode"), 100)
    moment = read_moment(item.get("timestamp"), country)
    if raw_code is None or moment is None:
        return None
    city = read_text(item.get("city"), 100)
    return Event(
        raw_code=raw_code,
        reason=read_text(item.get("subEventId"), 20),
        moment=moment,
        text=read_text(read_mapping(item.get("externalMetadata")).get("description")),
        location=city,
        city=city,
        postal_code=read_postal_code(item.get("zip"), country),
        country=country,
        sample=item,
    )


def _tell_summary(
    understood: Understood, shipment: Mapping[str, Any], summary: str | None, language: str
) -> tuple[Checkpoint, ...]:
    """Return the overall status as a checkpoint where it tells what no event does.

    Nothing is invented: both the status and its time stand in the carrier's answer. This happens
    without any readable event, and when the shipment has a time of delivery but no event of it.
    """
    if summary is None:
        return ()
    last = understood.last
    if summary == "DELIVERED" and not _is_returned(shipment):
        moment = _read_time(shipment, "deliveryDate")
        if moment is not None and not _is_over(last) and not _is_waiting(last):
            checkpoint = summarize(summary, moment, language)
            return (checkpoint,) if checkpoint else ()
    if understood.checkpoints:
        return ()
    moment = _read_time(shipment, "lastEventDateTime")
    if moment is None and summary == "DELIVERED":
        # With no other event beside it, a mere date puts nothing into a wrong order.
        moment = read_moment(shipment.get("deliveryDate"))
    elif moment is None and summary in _EARLY:
        moment = _read_time(shipment, "sendingDateTime", "creationDateTime")
    checkpoint = summarize(summary, moment, language) if moment else None
    return (checkpoint,) if checkpoint else ()


def _read_time(shipment: Mapping[str, Any], *fields: str) -> LocalTime | None:
    """Return the first of ``fields`` that holds a time of day; a mere date is no event's time."""
    for field in fields:
        moment = read_moment(shipment.get(field))
        if moment is not None and moment.has_clock:
            return moment
    return None


def _is_returned(shipment: Mapping[str, Any]) -> bool:
    return shipment.get("globalStatus") == "RETURNED" or shipment.get("returned") is True


def _is_over(checkpoint: Checkpoint | None) -> bool:
    return (
        checkpoint is not None
        and checkpoint.status is not None
        and is_final(checkpoint.status, checkpoint.substatus)
    )


def _is_waiting(checkpoint: Checkpoint | None) -> bool:
    return checkpoint is not None and checkpoint.substatus is Substatus.PICKUP_READY_FOR_COLLECTION


def _read_facts(
    query: TrackingQuery, shipment: Mapping[str, Any], understood: Understood, place: str | None
) -> ParcelFacts:
    # The names and the street of the addressee are in the answer; they are nobody's business here.
    addressee = read_mapping(shipment.get("addressee"))
    product = read_text(shipment.get("product"), 60)
    to_country = read_country(shipment.get("recipientCountry"))
    barcode = read_number(shipment.get("internationalBarcode"))
    notice = read_mapping(shipment.get("avis"))
    is_waiting = _is_waiting(understood.last)
    physical = read_mapping(shipment.get("physicalProperties"))
    length, width, height = read_sizes(
        [physical.get(f"dimension{axis}") for axis in (1, 2, 3)], "mm"
    )
    return ParcelFacts(
        service=read_text(shipment.get("source"), 40),
        product=find_product(product) if product else None,
        weight_grams=read_weight(physical.get("weight"), "g"),
        length_mm=length,
        width_mm=width,
        height_mm=height,
        origin_country=read_country(shipment.get("senderCountry")),
        destination_country=to_country,
        destination_city=read_text(addressee.get("city"), 100),
        destination_postal_code=read_postal_code(addressee.get("zip"), to_country),
        exchange_number=barcode if barcode and barcode != read_number(query.number) else None,
        pickup_point=place,
        pickup_until_on=read_date(notice.get("deadline")) if is_waiting else None,
        is_returning=_is_returned(shipment) or read_flag(shipment.get("returned")),
    )


def _read_window(shipment: Mapping[str, Any]) -> DeliveryWindow | None:
    """Return the promise, the finest first: an interval of hours, a range, a day.

    ``deliveryTimeWindow`` is mostly the name of a product class (``STANDARD``) and counts only
    when it holds two times of day.
    """
    day = read_date(shipment.get("calculatedDeliveryDate"))
    for field in ("deliveryTimeInterval", "deliveryTimeWindow", "deliveryRange"):
        value = shipment.get(field)
        span = read_mapping(value)
        earliest, latest = read_promise(span.get("start")), read_promise(span.get("end"))
        clocks = read_clocks(value)
        if clocks is not None and day is not None:
            earliest, latest = (f"{day}T{clock}" for clock in clocks)
        earliest, latest = earliest or latest, latest or earliest
        if earliest is not None and latest is not None and earliest <= latest:
            return DeliveryWindow(earliest=earliest, latest=latest, source=SAID_BY)
    return DeliveryWindow(earliest=day, latest=day, source=SAID_BY) if day else None
