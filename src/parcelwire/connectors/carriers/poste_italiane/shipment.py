"""One shipment of the official API: ``tracking[]`` to checkpoints, and what else it tells."""

from typing import Any

from parcelwire.connectors.carriers.poste_italiane.answers import words
from parcelwire.connectors.carriers.poste_italiane.events import (
    Scan,
    collection_point,
    to_checkpoint,
    unknown_text,
    unreadable_event,
)
from parcelwire.connectors.carriers.poste_italiane.text_patterns import read_text, table
from parcelwire.connectors.carriers.poste_italiane.timestamps import TIMES
from parcelwire.connectors.reading.returns import settle_returns, tells_of_return
from parcelwire.connectors.reading.times import read_times
from parcelwire.connectors.reading.values import pick, read_items
from parcelwire.connectors.status_table import Meaning
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import ParcelFacts, UnmappedCode

# The full sentence first; the others say the same for an app and for the telephone.
_TEXTS = ("StatusDescription", "synthesisStatusDescription", "appStatusDescription")


def read_shipment(
    shipment: dict[str, Any],
) -> tuple[tuple[Checkpoint, ...], ParcelFacts, tuple[UnmappedCode, ...]]:
    """Return the checkpoints (oldest first), the facts and the unmapped codes of ``shipment``.

    ``returnFlag`` is not used: the manual calls it "A/R", others read it as "is going back".
    """
    events = _oldest_first(read_items(pick(shipment, "tracking")))
    times = read_times((pick(event, "data") for event in events), TIMES)
    checkpoints: list[Checkpoint] = []
    unmapped: list[UnmappedCode] = []
    for event, time in zip(events, times, strict=True):
        text = _text(event)
        if time is None or not text:
            unmapped.append(unreadable_event(event))
            continue
        meaning, found = _meaning(event, text)
        unmapped.extend(found)
        code = words(pick(event, "status"))
        scan = Scan(
            time=time,
            text=text,
            printed_place=words(pick(event, "officeDescription")),
            raw_code=code or None,
        )
        checkpoints.append(to_checkpoint(scan, meaning))
    checkpoints = settle_returns(checkpoints)
    facts = ParcelFacts(
        product=words(pick(shipment, "product")) or None,
        pickup_point=collection_point(checkpoints),
        is_returning=tells_of_return(checkpoints) or None,
    )
    return tuple(checkpoints), facts, tuple(unmapped)


def _text(event: Any) -> str:
    texts = (words(pick(event, name)) for name in (*_TEXTS, "phase", "status"))
    return next((text for text in texts if text), "")


def _meaning(event: Any, text: str) -> tuple[Meaning | None, list[UnmappedCode]]:
    """Return what ``event`` means, by its texts, else its code, else its phase.

    The phase comes last, because it is coarse: a parcel held for collection (code 003) was seen
    with the phase IN CONSEGNA. A text that is not in the table is reported even where code or
    phase give a status.
    """
    for name in _TEXTS:
        meaning = read_text(words(pick(event, name)))
        if meaning is not None:
            return meaning, []
    code = words(pick(event, "status")).upper()
    has_text = any(words(pick(event, name)) for name in _TEXTS)
    unmapped = [unknown_text(text, event)] if has_text else []
    meaning = table().by_code(code) or read_text(words(pick(event, "phase")))
    if meaning is None and code:
        unmapped.append(UnmappedCode(kind="code", value=code, sample=text[:200]))
    return meaning, unmapped


def _oldest_first(events: list[Any]) -> list[Any]:
    """Return ``events`` oldest first; the carrier gives the newest first, unless it shows."""
    dates = [words(pick(event, "data")) for event in events]
    known = [date for date in dates if date]
    is_oldest_first = bool(known) and known[0] < known[-1]
    return events if is_oldest_first else events[::-1]
