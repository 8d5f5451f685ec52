"""One parcel of Dovequando: ``listaMovimenti[]`` to checkpoints, and what else it tells.

``box`` is the stage of a movement (2 accepted, 3 under way, 4 failed, 5 delivered), ``stato`` the
stage of the parcel (1 unknown, 2 being processed, 4 under way, 5 delivered). The texts are often
fragments ("in data") to which the page adds the beginning, so the stage counts where they are dumb.
"""

from typing import Any, Final

from parcelwire.connectors.carriers.poste_italiane.answers import flag, words
from parcelwire.connectors.carriers.poste_italiane.delivery_window import read_promise
from parcelwire.connectors.carriers.poste_italiane.events import (
    DELIVERED,
    FAILED,
    Scan,
    collection_point,
    is_on_the_way,
    to_checkpoint,
    unknown_text,
    unreadable_event,
)
from parcelwire.connectors.carriers.poste_italiane.places import Place
from parcelwire.connectors.carriers.poste_italiane.text_patterns import read_text
from parcelwire.connectors.carriers.poste_italiane.timestamps import SENTENCES, TIMES
from parcelwire.connectors.reading.returns import (
    RETURNED,
    RETURNING,
    relabel,
    settle_returns,
    tells_of_return,
)
from parcelwire.connectors.reading.times import LocalTime, find_time, read_epoch
from parcelwire.connectors.reading.values import pick, read_items, read_number
from parcelwire.connectors.status_table import Meaning
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import DeliveryWindow, ParcelFacts, UnmappedCode
from parcelwire.domain.status import Status

STAGE_FAILED: Final = "4"
STAGE_DELIVERED: Final = "5"

Reading = tuple[
    tuple[Checkpoint, ...], ParcelFacts, DeliveryWindow | None, tuple[UnmappedCode, ...]
]


def read_parcel(parcel: dict[str, Any], received_at: Instant) -> Reading:
    """Return the checkpoints (oldest first), facts, window and unmapped codes of ``parcel``."""
    checkpoints: list[Checkpoint] = []
    unmapped: list[UnmappedCode] = []
    for movement in read_items(pick(parcel, "listaMovimenti")):
        scan = _scan(movement)
        if scan is None:
            unmapped.append(unreadable_event(movement))
            continue
        meaning = read_text(scan.text)
        if meaning is None:
            unmapped.append(unknown_text(scan.text, movement))
        checkpoints.append(to_checkpoint(scan, _staged(meaning, movement, parcel)))
    checkpoints.sort(key=lambda checkpoint: checkpoint.occurred_at)
    if words(pick(parcel, "stato")) == STAGE_DELIVERED:
        unmapped.extend(_settle_delivery(parcel, checkpoints))
    checkpoints = settle_returns(checkpoints)
    promise = words(pick(parcel, "dataPrevistaConsegna"))
    window = read_promise(promise, received_at) if promise else None
    if promise and window is None:
        unmapped.append(
            UnmappedCode(kind="text", value=promise[:200], sample="dataPrevistaConsegna")
        )
    return tuple(checkpoints), _facts(parcel, checkpoints), window, tuple(unmapped)


def _scan(movement: Any) -> Scan | None:
    time = read_epoch(pick(movement, "dataOra"), TIMES)
    text = words(pick(movement, "statoLavorazione"))
    if time is None or not text:
        return None
    province = words(pick(movement, "provinciaUfficio")) or None
    city = words(pick(movement, "comuneUfficio")) or None
    return Scan(
        time=time,
        text=text,
        printed_place=words(pick(movement, "luogo")),
        office=Place(city, province, "IT" if province else None),
        postal_code=words(pick(movement, "capUfficio")) or None,
    )


def _staged(meaning: Meaning | None, movement: Any, parcel: dict[str, Any]) -> Meaning | None:
    """Return ``meaning`` with what stage and return flag of the movement add to it."""
    stage = words(pick(movement, "box"))
    if stage == STAGE_DELIVERED and is_on_the_way(meaning):
        meaning = DELIVERED
    elif stage == STAGE_FAILED and meaning is None:
        meaning = FAILED
    goes_back = flag(pick(movement, "flagRitorno")) is True
    if meaning is None or meaning.status is None:
        return meaning
    if meaning.status is Status.DELIVERED:
        return RETURNED if goes_back or flag(pick(parcel, "flagRitorno")) is True else meaning
    return RETURNING if goes_back and is_on_the_way(meaning) else meaning


def _settle_delivery(parcel: dict[str, Any], checkpoints: list[Checkpoint]) -> list[UnmappedCode]:
    """Make ``checkpoints`` (oldest first) tell of the delivery that ``stato`` 5 states.

    Where no movement tells of it: a newest movement of unknown wording is the delivery; else the
    summary line with its own time, when there is one, is added (the carrier printed it); else the
    newest movement takes the status over. Failures and returns in the way are left as they are.
    """
    ends = (Status.DELIVERED, Status.EXCEPTION, Status.UNDELIVERED)
    summary = words(pick(parcel, "sintesiStato"))
    is_returning = (
        flag(pick(parcel, "flagRitorno")) is True
        or tells_of_return(checkpoints)
        or read_text(summary) == RETURNED
    )
    end = RETURNED if is_returning else DELIVERED
    if any(checkpoint.status is Status.DELIVERED for checkpoint in checkpoints):
        return []
    newest = checkpoints[-1] if checkpoints else None
    time = _time_of_end(summary, newest)
    if newest is not None and newest.status is None:
        if time is None or time.local_time[:16] == newest.local_time[:16]:
            checkpoints[-1] = relabel(newest, end)
            return []
    elif newest is not None and newest.status in ends and not is_returning:
        return [UnmappedCode(kind="code", value="stato 5 after a failure", sample=newest.text)]
    if newest is not None and newest.substatus is RETURNED.substatus:
        return []
    if time is not None:
        checkpoints.append(to_checkpoint(Scan(time=time, text=summary), end))
        return []
    if newest is not None:
        checkpoints[-1] = relabel(newest, end)
    return [UnmappedCode(kind="code", value="stato 5 without a delivery", sample=summary)]


def _time_of_end(summary: str, newest: Checkpoint | None) -> LocalTime | None:
    """Return the time in "La spedizione è stata consegnata in data 25-01-2021 11:42"."""
    meaning = read_text(summary)
    if meaning is None or meaning.status not in {Status.DELIVERED, Status.EXCEPTION}:
        return None
    time = find_time(summary, SENTENCES)
    if time is None or (newest is not None and time.local_time < newest.local_time[:10]):
        return None
    return time


def _facts(parcel: dict[str, Any], checkpoints: list[Checkpoint]) -> ParcelFacts:
    product = words(pick(parcel, "tipoProdotto"))
    if read_number(product) == read_number(pick(parcel, "idTracciatura")):
        # Plain letters carry their own number here.
        product = ""
    goes_back = flag(pick(parcel, "flagRitorno"))
    return ParcelFacts(
        product=product or None,
        pickup_point=collection_point(checkpoints),
        is_returning=tells_of_return(checkpoints) or goes_back,
    )
