"""Swiss Post's event codes: from an event of either transport to a checkpoint.

An event code is a dotted path: ``PARCEL.*.2.1003`` is an event 1003 of product 2. A fifth part
may name the scope (``INLAND``, ``IMPORT``, ``EXPORT``, ``*``), a sixth the reason, as in
``PARCEL.*.1.3600.*.2``; the web endpoint gives the reason in a field of its own
(``subEventId``). What counts is the fourth part and the reason: ``3600.2``.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.connectors.reading.times import LocalTime
from parcelwire.connectors.reading.values import sample_of
from parcelwire.connectors.status_table import Meaning, StatusTable, load_status_table
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import UnmappedCode
from parcelwire.domain.status import Reason, Status, Substatus, is_final

PACKAGE: Final = "parcelwire.connectors.carriers.swiss_post"
LANGUAGES: Final = ("en", "de", "fr", "it")

WITHDRAWALS: Final = frozenset({"CAN1", "CANPDS"})
"""Reasons that say: this event was taken back ("Widerruf")."""
PO_BOX: Final = frozenset({"3900", "3901", "39"})
PO_BOX_WITHDRAWAL: Final = "3997"
"""An event of its own that takes back the last "delivered into the PO box"."""

_SOURCES: Final = frozenset({"PARCEL", "LETTER"})
_SCOPES: Final = frozenset({"*", "INLAND", "IMPORT", "EXPORT"})
_PRODUCT_PARTS: Final = 3
"""Source, a star, product: what stands before the event in a dotted code."""

_DELIVERED: Final = Meaning(status=Status.DELIVERED, substatus=Substatus.DELIVERED)
_WAITING: Final = Meaning(status=Status.PICKUP, substatus=Substatus.PICKUP_READY_FOR_COLLECTION)


class EventCode(msgspec.Struct, frozen=True):
    """The parts of an event code that carry meaning."""

    code: str
    reason: str | None = None

    @property
    def key(self) -> str:
        """The code as ``status.toml`` lists it."""
        return self.code if self.reason is None else f"{self.code}.{self.reason}"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event as a transport gave it, before it is understood."""

    raw_code: str
    moment: LocalTime
    reason: str | None = None
    text: str | None = None
    """The carrier's wording, where it sent one."""
    language: str | None = None
    location: str | None = None
    city: str | None = None
    postal_code: str | None = None
    country: str | None = None
    sample: Any = None


class Understood(msgspec.Struct, frozen=True):
    """What came out of a list of events, oldest first."""

    checkpoints: tuple[Checkpoint, ...] = ()
    unmapped: tuple[UnmappedCode, ...] = ()

    @property
    def last(self) -> Checkpoint | None:
        """The newest checkpoint that says where the parcel stands."""
        newest = _newest_stage(self.checkpoints)
        return None if newest is None else self.checkpoints[newest]


@cache
def status_table() -> StatusTable:
    """Return the connector's table of codes, read once."""
    return load_status_table(PACKAGE)


def split_code(raw_code: str, reason: str | None = None) -> EventCode:
    """Return the meaningful parts of ``raw_code``; ``reason`` is that of a separate field."""
    parts = raw_code.strip().split(".")
    if parts[0] in _SOURCES and len(parts) > _PRODUCT_PARTS:
        parts = parts[_PRODUCT_PARTS:]
    parts = [part for part in parts if part and part not in _SCOPES]
    if not parts:
        return EventCode(raw_code.strip(), reason)
    if len(parts) > 2 or not re.fullmatch(r"[\w-]{1,12}", parts[0]):
        # No path that we know: its last part is what the carrier's own page goes by.
        return EventCode(parts[-1], reason)
    inner = parts[1] if len(parts) == 2 else None
    return EventCode(parts[0], reason or inner)


def find_meaning(code: EventCode) -> Meaning | None:
    """Return what ``code`` means, with its reason before without, or None when nobody knows."""
    table = status_table()
    return table.by_code(code.key) or table.by_code(code.code)


def find_phrase(raw_code: str, language: str, reason: str | None = None) -> str | None:
    """Return the wording of ``raw_code`` in ``language``, its reason added where it has words."""
    code = split_code(raw_code, reason)
    table = status_table()
    phrase = table.phrase(code.code, language) or table.phrase(f"{code.code[:2]}*", language)
    detail = None if code.reason is None else table.phrase(code.key, language)
    return " – ".join(words for words in (phrase, detail) if words) or None


def understand(
    events: Iterable[Event], summary: str | None, language: str, *, is_returned: bool
) -> Understood:
    """Return the checkpoints of ``events``, reconciled with what the shipment says as a whole.

    ``summary`` is the shipment's overall status (``DELIVERED`` ...). Two kinds of events cannot
    be read without it. "Delivered into the PO box" is said both when the box was the goal and
    when the parcel waits there. And a parcel that is back at its sender ends with an ordinary
    "delivered". On the other hand the summary says ``DELIVERED`` when a parcel was put into a
    parcel machine, where it only waits: there the event is right and the summary is not asked.
    """
    ordered = _order(list(events))
    checkpoints: list[Checkpoint] = []
    unmapped: dict[str, UnmappedCode] = {}
    codes = [split_code(event.raw_code, event.reason) for event in ordered]
    for event, code in zip(ordered, codes, strict=True):
        meaning = find_meaning(code)
        if meaning is None:
            unmapped_code = UnmappedCode(
                kind="code", value=event.raw_code, sample=sample_of(event.sample, _SAMPLE_FIELDS)
            )
            unmapped.setdefault(event.raw_code, unmapped_code)
            meaning = Meaning()
        checkpoints.append(_checkpoint(event, code, meaning, language))
    _withdraw(checkpoints, codes)
    _settle_po_box(checkpoints, codes, summary)
    if is_returned:
        _settle_return(checkpoints, codes)
    return Understood(tuple(checkpoints), tuple(unmapped.values()))


def summarize(summary: str, moment: LocalTime, language: str) -> Checkpoint | None:
    """Return the shipment's overall status as a checkpoint at ``moment``; None if it is unknown.

    For the answer that has a status and its time, but no event that tells the same.
    """
    meaning = find_meaning(EventCode(summary))
    if meaning is None:
        return None
    return _checkpoint(
        Event(raw_code=summary, moment=moment), EventCode(summary), meaning, language
    )


def find_summary_gap(summary: str | None) -> tuple[UnmappedCode, ...]:
    """Return an unmapped code for an overall status that no row of the table knows."""
    if summary is None or find_meaning(EventCode(summary)) is not None:
        return ()
    return (UnmappedCode(kind="code", value=summary, sample="overall status of the shipment"),)


def find_untold(
    summary: str | None, last: Checkpoint | None, *, is_closed: bool = False
) -> tuple[UnmappedCode, ...]:
    """Return an unmapped code where the overall status tells of a stage that has no checkpoint.

    ``last`` is the newest stage that the checkpoints tell. Without a time there is no event, and
    none is invented; but somebody has to hear why the parcel seems to stand still. A delivery into
    a parcel machine is no such case: there the event is right (see ``understand``). ``RETURNED`` is
    said from the return's beginning on, so its end is missed only once the shipment is closed.
    """
    meaning = find_meaning(EventCode(summary)) if summary is not None else None
    if summary is None or meaning is None or meaning.status is None:
        return ()
    if last is None or last.status is None:
        is_untold = meaning.status is not Status.INFORECEIVED
    else:
        is_over = is_final(last.status, last.substatus)
        is_waiting = last.substatus is Substatus.PICKUP_READY_FOR_COLLECTION
        is_untold = not is_over and (
            (summary == "DELIVERED" and not is_waiting) or (summary == "RETURNED" and is_closed)
        )
    if not is_untold:
        return ()
    value = f"{summary}, but no event of it"
    return (UnmappedCode(kind="answer", value=value, sample="overall status of the shipment"),)


def _order(events: list[Event]) -> list[Event]:
    """Return ``events`` oldest first; those of one moment stay in the carrier's own order."""
    if events and events[0].moment.order > events[-1].moment.order:
        events = events[::-1]
    return sorted(events, key=lambda event: event.moment.order)


def _checkpoint(event: Event, code: EventCode, meaning: Meaning, language: str) -> Checkpoint:
    text, spoken = event.text, event.language
    if text is None:
        for spoken in (language, *LANGUAGES):
            text = find_phrase(event.raw_code, spoken, event.reason)
            if text is not None:
                break
        else:
            text, spoken = event.raw_code, None
    is_withdrawn = code.reason in WITHDRAWALS
    return Checkpoint(
        local_time=event.moment.local_time,
        offset_minutes=event.moment.offset_minutes,
        time_source=event.moment.source,
        text=text,
        language=spoken,
        status=meaning.status,
        substatus=meaning.substatus,
        reason=meaning.reason,
        raw_code=_joined_code(event, is_withdrawn=is_withdrawn),
        location=event.location,
        city=event.city,
        postal_code=event.postal_code,
        country=event.country,
        is_withdrawn=is_withdrawn,
    )


def _joined_code(event: Event, *, is_withdrawn: bool) -> str:
    """Return the event code with its reason, as the carrier's own text table writes it.

    A withdrawn event keeps the code that it had before, so that it meets the older report of
    itself and hides it.
    """
    if is_withdrawn:
        parts = event.raw_code.split(".")
        return ".".join(parts[:-1]) if parts[-1] in WITHDRAWALS else event.raw_code
    if event.reason is None:
        return event.raw_code
    parts = event.raw_code.split(".")
    scope = [] if len(parts) != _PRODUCT_PARTS + 1 or parts[0] not in _SOURCES else ["*"]
    return ".".join([*parts, *scope, event.reason])


def _withdraw(checkpoints: list[Checkpoint], codes: Sequence[EventCode]) -> None:
    """Hide what a later withdrawal takes back: the newest event of the same code before it."""
    for index, code in enumerate(codes):
        if code.reason in WITHDRAWALS:
            taken_back = frozenset({code.code})
        elif code.code == PO_BOX_WITHDRAWAL:
            taken_back = PO_BOX
        else:
            continue
        for earlier in reversed(range(index)):
            if codes[earlier].code in taken_back and not checkpoints[earlier].is_withdrawn:
                checkpoints[earlier] = replace(checkpoints[earlier], is_withdrawn=True)
                break


def _settle_po_box(
    checkpoints: list[Checkpoint], codes: Sequence[EventCode], summary: str | None
) -> None:
    """Decide for each PO box event: delivered there, or waiting there."""
    newest = _newest_stage(checkpoints)
    for index, code in enumerate(codes):
        if code.code not in PO_BOX:
            continue
        # Whatever follows shows that the box was not the end; what DELIVERED means is then later.
        is_end = index == newest and summary == "DELIVERED"
        meaning = _DELIVERED if is_end else _WAITING
        checkpoints[index] = replace(
            checkpoints[index], status=meaning.status, substatus=meaning.substatus
        )


def _settle_return(checkpoints: list[Checkpoint], codes: Sequence[EventCode]) -> None:
    newest = _newest_stage(checkpoints)
    if newest is None:
        return
    if checkpoints[newest].status is Status.DELIVERED or codes[newest].code in PO_BOX:
        checkpoints[newest] = replace(
            checkpoints[newest],
            status=Status.EXCEPTION,
            substatus=Substatus.EXCEPTION_RETURNED,
        )


def _newest_stage(checkpoints: Sequence[Checkpoint]) -> int | None:
    """Return where the newest event stands that moved the parcel.

    An enquiry is a stage of its own to the reader, but it moves nothing: a parcel that came back
    and is searched for afterwards has still come back.
    """
    for index in reversed(range(len(checkpoints))):
        checkpoint = checkpoints[index]
        is_enquiry = checkpoint.reason is Reason.CARRIER_INVESTIGATION
        if checkpoint.status is not None and not checkpoint.is_withdrawn and not is_enquiry:
            return index
    return None


_SAMPLE_FIELDS: Final = (  # An event may name who took the parcel.
    "eventCode",
    "code",
    "subEventId",
    "subEventDetailCode",
    "externalMetadata",
    "title",
    "subtitle",
    "timestamp",
    "country",
)
