"""The judge of A3: what a killed process had promised, held against what its heir found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw

from parcelwire.proofs.callscenario import NUMBERS, Findings, Promise
from parcelwire.proofs.inspection import Consistency, damage_of
from parcelwire.proofs.ledger import Ledger, Receipt


def faults_of_file(path: Path) -> list[str]:
    """Return what is broken in a database file, and what in it contradicts itself."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        return damage_of(connection) + Consistency(None).faults(connection)
    finally:
        connection.close()


def judge_made(promises: list[Promise], found: Findings) -> Iterator[str]:
    """Yield what an installation that was being made has lost."""
    for one in promises:
        if one.what == "account" and one.id not in found.accounts:
            yield "an acknowledged account is lost"
        if one.what == "endpoint" and one.id not in found.endpoints:
            yield "an acknowledged endpoint is lost"


def ledger_of(promises: list[Promise], found: Findings, receipts: list[Receipt]) -> Ledger:
    """Return what was promised and received, beside what is stored."""
    asked = [one for one in promises if one.what == "noting"]
    noted = [one for one in promises if one.what == "noted"]
    allowed: dict[str, set[str]] = {}
    for one in asked:
        allowed.setdefault(one.id, {""}).add(one.text)
    if noted:
        # The last acknowledged one, or the one that was being written when the process died.
        allowed[noted[-1].id] = {noted[-1].text, asked[-1].text}
    deleted = {one.id for one in promises if one.what == "deleted"}
    return Ledger(
        acknowledged={one.id for one in promises if one.what == "created"},
        stored=set(found.trackings),
        last_sequences={
            **{identity: len(events) for identity, events in found.events.items()},
            **found.last_sequences,
        },
        event_sequences=found.events,
        receipts=receipts,
        deleted=deleted,
        doubtful={one.id for one in promises if one.what == "deleting"} - deleted,
        allowed_notes=allowed,
        stored_notes=found.notes,
    )


def judge_worked(found: Findings, ledger: Ledger) -> Iterator[str]:
    """Yield what the ledger does not judge.

    What waits, repeats, or was told without being stored.
    """
    if found.waiting:
        yield f"{found.waiting} messages are still waiting"
    numbers = list(found.trackings.values())
    if len(set(numbers)) != len(numbers):
        yield f"one number is followed twice: {sorted(numbers)}"
    for number, heard in zip(NUMBERS, found.recreated, strict=True):
        if heard != ("exists" if number in numbers else "created"):
            yield f"asked again for {number}, a client heard {heard!r}"
    unstored = {one.tracking_id for one in ledger.receipts} - set(found.events)
    if unstored:
        yield f"told of what is not stored: {sorted(unstored)}"
