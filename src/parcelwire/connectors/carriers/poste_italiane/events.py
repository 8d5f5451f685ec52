"""From a scan of Poste Italiane to a checkpoint, and what a whole list of them says."""

from collections.abc import Sequence
from typing import Final

import msgspec

from parcelwire.connectors.carriers.poste_italiane.places import Place, read_place
from parcelwire.connectors.carriers.poste_italiane.text_patterns import split_place
from parcelwire.connectors.reading.times import LocalTime
from parcelwire.connectors.reading.values import sample_of
from parcelwire.connectors.status_table import Meaning
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import UnmappedCode
from parcelwire.domain.status import Status, Substatus

DELIVERED: Final = Meaning(status=Status.DELIVERED, substatus=Substatus.DELIVERED)
FAILED: Final = Meaning(status=Status.UNDELIVERED, substatus=Substatus.UNDELIVERED_OTHER)

_ON_THE_WAY: Final = frozenset({Status.INFORECEIVED, Status.TRANSIT, Status.PICKUP})


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One event as the carrier printed it, tamed."""

    time: LocalTime
    text: str
    printed_place: str = ""
    office: Place = Place()
    """The place as its own fields give it, where they do."""
    postal_code: str | None = None
    raw_code: str | None = None


def to_checkpoint(scan: Scan, meaning: Meaning | None) -> Checkpoint:
    """Return ``scan`` with what it means; None leaves the stage open."""
    location = scan.printed_place or split_place(scan.text)[1]
    place = read_place(location) if location else Place()
    status = meaning.status if meaning is not None else None
    return Checkpoint(
        local_time=scan.time.local_time,
        offset_minutes=scan.time.offset_minutes,
        time_source=scan.time.source,
        text=scan.text,
        status=status,
        substatus=meaning.substatus if meaning is not None else None,
        reason=meaning.reason if meaning is not None else None,
        raw_code=scan.raw_code,
        location=location,
        city=scan.office.city or place.city,
        state=scan.office.province or place.province,
        postal_code=scan.postal_code,
        country=scan.office.country or place.country,
        language="it",
    )


def unknown_text(text: str, event: object) -> UnmappedCode:
    """Return the unmapped code for a wording that nobody has mapped yet."""
    return UnmappedCode(kind="text", value=text[:200], sample=sample_of(event))


def unreadable_event(event: object) -> UnmappedCode:
    """Return the unmapped code for an event without a readable time, or without any word."""
    return UnmappedCode(
        kind="answer", value="an event without time or text", sample=sample_of(event)
    )


def is_on_the_way(meaning: Meaning | None) -> bool:
    """Tell whether nothing but being under way (or nothing at all) is known."""
    return meaning is None or meaning.status is None or meaning.status in _ON_THE_WAY


def collection_point(checkpoints: Sequence[Checkpoint]) -> str | None:
    """Return where the parcel waits, when the newest stage is waiting (oldest first)."""
    for checkpoint in reversed(checkpoints):
        if checkpoint.status is not None:
            is_waiting = checkpoint.substatus is Substatus.PICKUP_READY_FOR_COLLECTION
            return checkpoint.location if is_waiting else None
    return None
