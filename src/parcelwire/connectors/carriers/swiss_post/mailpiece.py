"""Read the mailpieces of the ``api`` transport.

Of ``detail`` only the status is documented in public. The other fields read here are those of the
record that the carrier's own app gets, which shares its names with this API; README.md tells more.
"""

from collections.abc import Mapping
from typing import Any, Final

from parcelwire.connectors.base import Response, TrackingQuery
from parcelwire.connectors.carriers.swiss_post.events import (
    Event,
    Understood,
    find_summary_gap,
    find_untold,
    understand,
)
from parcelwire.connectors.carriers.swiss_post.json_values import (
    read_answer,
    read_moment,
    read_postal_code,
)
from parcelwire.connectors.reading.units import read_printed_sizes, read_weight
from parcelwire.connectors.reading.values import (
    read_country,
    read_handle,
    read_mapping,
    read_number,
    read_text,
    walk,
)
from parcelwire.domain.report import CarrierReport, Outcome, ParcelFacts, UnmappedCode
from parcelwire.domain.status import Substatus

_MAX_EVENTS: Final = 300


def parse_search(response: Response, number: str) -> str | None:
    """Return the key that the answer gives for ``number``, wherever in it that stands."""
    wanted = read_number(number)
    for item in walk(read_answer(response)):
        key = read_handle(item.get("mailpieceKey"))
        if key is not None and read_number(item.get("mailpieceId")) == wanted:
            return key
    return None


def is_listed(response: Response, number: str) -> bool:
    """Tell whether any object of the answer is identified by ``number``."""
    wanted = read_number(number)
    return any(
        read_number(item.get(field)) == wanted
        for item in walk(read_answer(response))
        for field in ("mailpieceId", "mailpieceKey", "identCode", "id")
    )


def parse_answers(
    query: TrackingQuery, detail: Mapping[str, Any], told: list[Any], language: str
) -> CarrierReport:
    """Return the report of a found mailpiece, still without its raw answer."""
    summary = read_text(read_mapping(detail.get("status")).get("status"), 40)
    events: list[Event] = []
    unmapped: list[UnmappedCode] = []
    for item in told[:_MAX_EVENTS]:
        event = _read_event(read_mapping(item), language)
        if event is not None:
            events.append(event)
        elif not unmapped:
            unmapped.append(UnmappedCode(kind="answer", value="an event without a code or a time"))
    understood = understand(events, summary, language, is_returned=summary == "RETURNED")
    return CarrierReport(
        number=query.number,
        outcome=Outcome.FOUND,
        checkpoints=understood.checkpoints,
        facts=_read_facts(detail, understood),
        unmapped=(
            *understood.unmapped,
            *unmapped,
            *find_summary_gap(summary),
            *find_untold(summary, understood.last),
        ),
    )


def _read_event(item: Mapping[str, Any], language: str) -> Event | None:
    place = item.get("location")
    spot = read_mapping(place)
    country = read_country(spot.get("country"))
    raw_code = read_text(item.get("code"), 100)
    moment = read_moment(item.get("timestamp"), country)
    if raw_code is None or moment is None:
        return None
    city = read_text(spot.get("city"), 100)
    words = [read_text(item.get(field)) for field in ("title", "subtitle")]
    text = " – ".join(dict.fromkeys(word for word in words if word)) or None
    return Event(
        raw_code=raw_code,
        moment=moment,
        text=text,
        language=language if text else None,
        location=read_text(place, 160) or read_text(spot.get("name"), 160) or city,
        city=city,
        postal_code=read_postal_code(spot.get("zip"), country),
        country=country,
        sample=item,
    )


def _read_facts(detail: Mapping[str, Any], understood: Understood) -> ParcelFacts:
    """Read what the carrier's app gets in the record of the same name; absent here, it is None."""
    physical = read_mapping(detail.get("physicalDimensions"))
    address = read_mapping(detail.get("deliveryAddress"))
    where = read_mapping(address.get("addressDetail"))
    country = read_country(where.get("country"))
    length, width, height = read_printed_sizes(physical.get("dimensions"))
    last = understood.last
    is_waiting = last is not None and last.substatus is Substatus.PICKUP_READY_FOR_COLLECTION
    summary = read_mapping(detail.get("status")).get("status")
    return ParcelFacts(
        product=read_text(detail.get("productName"), 100),
        weight_grams=read_weight(physical.get("weight")),
        length_mm=length,
        width_mm=width,
        height_mm=height,
        destination_country=country,
        destination_city=read_text(where.get("city"), 100),
        destination_postal_code=read_postal_code(where.get("zip4"), country),
        pickup_point=read_text(address.get("pickupOffice"), 160) if is_waiting else None,
        is_returning=True if summary == "RETURNED" else None,
    )
