"""How much of a carrier's answer becomes part of a parcel, whatever its connector reads from it."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from parcelwire.domain.report import CarrierReport, Outcome, UnmappedCode

MOST_EVENTS: Final = 1_000
"""Events of one parcel in one answer; a long journey over three carriers has a hundred."""
LONGEST_TEXT: Final = 2_000
MOST_UNMAPPED: Final = 50
LONGEST_DETAIL: Final = 500
LONGEST_RAW: Final = 200_000

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


def within_limits(report: CarrierReport) -> CarrierReport:
    """Return ``report`` with texts cut to what is kept of them.

    With more events than any parcel has, the answer counts as not understood: to take a part of a
    history would be to invent another one.
    """
    if len(report.checkpoints) > MOST_EVENTS:
        why = f"more than {MOST_EVENTS:,} events"
        return CarrierReport(
            number=report.number,
            outcome=Outcome.NOT_UNDERSTOOD,
            detail=f"{len(report.checkpoints):,} events in one answer; {MOST_EVENTS:,} at most",
            unmapped=(UnmappedCode(kind="answer", value=why),),
            raw=report.raw[:LONGEST_RAW],
            fetched_at=report.fetched_at,
            connector=report.connector,
        )
    changes: dict[str, object] = {}
    checkpoints = tuple(map(_cut, report.checkpoints))
    if checkpoints != report.checkpoints:
        changes["checkpoints"] = checkpoints
    if report.facts is not None and (facts := _cut(report.facts)) is not report.facts:
        changes["facts"] = facts
    unmapped = tuple(map(_cut, report.unmapped[:MOST_UNMAPPED]))
    if unmapped != report.unmapped:
        changes["unmapped"] = unmapped
    if len(report.detail) > LONGEST_DETAIL:
        changes["detail"] = report.detail[:LONGEST_DETAIL]
    if len(report.raw) > LONGEST_RAW:
        changes["raw"] = report.raw[:LONGEST_RAW]
    return replace(report, **changes) if changes else report


def _cut(struct: _Struct) -> _Struct:
    """Return ``struct`` without texts that are too long; itself where there is none."""
    changes: dict[str, object] = {}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if type(value) is str:
            if len(value) > LONGEST_TEXT:
                changes[name] = value[:LONGEST_TEXT]
        elif isinstance(value, msgspec.Struct) and (inner := _cut(value)) is not value:
            changes[name] = inner
    return replace(struct, **changes) if changes else struct
