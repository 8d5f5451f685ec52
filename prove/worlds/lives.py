"""Parcels' lives: what truly happens to them, and what their carrier says of it at each moment.

A life follows from its seed alone. Scans become known late, are corrected and withdrawn; a delivery
may have been no delivery; stray scans come after the end. What the carrier's answer makes of it
(order, repetitions, gaps, old copies) is the business of ``carriers``.
"""

from __future__ import annotations

import random
from typing import Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import HOUR, MINUTE, to_datetime
from parcelwire.domain.report import DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Status, Substatus
from prove.worlds.sky import BEGIN

_STAGES: Final[dict[str, tuple[Status | None, Substatus | None, str]]] = {
    "announced": (Status.INFORECEIVED, Substatus.INFORECEIVED, "Announced by the sender"),
    "accepted": (Status.TRANSIT, Substatus.TRANSIT_DISPATCHED, "Handed in"),
    "hub": (Status.TRANSIT, Substatus.TRANSIT_AT_HUB, "Sorted"),
    "depot": (Status.TRANSIT, Substatus.TRANSIT_AT_DELIVERY_FACILITY, "Arrived at the depot"),
    "out": (Status.PICKUP, Substatus.PICKUP_OUT_FOR_DELIVERY, "Out for delivery"),
    "missed": (Status.UNDELIVERED, Substatus.UNDELIVERED_NOBODY_HOME, "Nobody at home"),
    "waiting": (Status.PICKUP, Substatus.PICKUP_READY_FOR_COLLECTION, "Waiting for collection"),
    "held": (Status.EXCEPTION, Substatus.EXCEPTION_CUSTOMS_HOLD, "Held by customs"),
    "returning": (Status.EXCEPTION, Substatus.EXCEPTION_RETURNING, "On its way back"),
    "returned": (Status.EXCEPTION, Substatus.EXCEPTION_RETURNED, "Back with the sender"),
    "delivered": (Status.DELIVERED, Substatus.DELIVERED, "Delivered"),
    "note": (None, None, "The recipient asked for another day"),
    "stray": (Status.TRANSIT, Substatus.TRANSIT_AT_HUB, "Sorted"),
}

_WAYS: Final = (
    ("announced", "accepted", "hub", "depot", "out", "delivered"),
    ("announced", "accepted", "hub", "hub", "note", "depot", "out", "delivered", "stray"),
    ("accepted", "hub", "depot", "out", "missed", "waiting", "delivered"),
    ("accepted", "hub", "held", "hub", "depot", "out", "delivered", "stray"),
    ("announced", "accepted", "hub", "returning", "hub", "returned", "stray"),
    ("accepted", "hub", "hub"),
    ("announced",),
    ("accepted", "depot", "out", "false delivery", "out", "delivered"),
)
_PLACES: Final = ("Härkingen", "Zürich", "Milano", "Chiasso", "Genève")


class Wording(msgspec.Struct, frozen=True):
    """How the carrier words a scan from a moment on (true milliseconds)."""

    since: int
    checkpoint: Checkpoint


class Life(msgspec.Struct, frozen=True):
    """One parcel's life."""

    scans: tuple[tuple[Wording, ...], ...]
    """Of each scan its wordings, oldest first; before the first one nobody knows of it."""
    windows: tuple[tuple[int, DeliveryWindow], ...]
    facts: ParcelFacts | None
    known_at: int
    """When the carrier learns that there is such a parcel."""

    def checkpoints_at(self, at: int) -> list[Checkpoint]:
        """Return the scans that are known at ``at``, in the wording of that moment."""
        found = []
        for wordings in self.scans:
            said = [one for one in wordings if one.since <= at]
            if said:
                found.append(said[-1].checkpoint)
        return found

    def window_at(self, at: int) -> DeliveryWindow | None:
        """Return the promise of that moment."""
        said = [window for since, window in self.windows if since <= at]
        return said[-1] if said else None


def life_of(seed: str, active: int) -> Life:
    """Return the life of a seed; all that is said of it is said within ``active``."""
    chance = random.Random(f"life {seed}")  # it must be repeatable
    way = chance.choice(_WAYS)
    start = chance.randrange(active // 3)
    # Slow parcels are still under way at the end.
    pace = (active - start) / (len(way) + 1) * chance.choice((0.3, 0.8, 0.95))
    has_ids = chance.random() < 0.4
    scans = []
    at = start
    for index, stage in enumerate(way):
        at += round(pace * chance.uniform(0.2, 1.0))
        scans.append(_scan(chance, stage, index, at, active, has_ids=has_ids))
    windows = tuple(
        (
            chance.randrange(start, active),
            DeliveryWindow(
                earliest=f"2026-03-{day:02d}", latest=f"2026-03-{day + 1:02d}", source="carrier"
            ),
        )
        for day in sorted(chance.sample(range(2, 28), chance.randint(0, 3)))
    )
    return Life(
        scans=tuple(scans),
        windows=tuple(sorted(windows, key=lambda one: one[0])),
        facts=ParcelFacts(weight_grams=chance.randrange(100, 9_000), product="parcel")
        if chance.random() < 0.5
        else None,
        known_at=max(0, start - chance.randrange(0, HOUR)),
    )


def _scan(
    chance: random.Random, stage: str, index: int, at: int, active: int, *, has_ids: bool
) -> tuple[Wording, ...]:
    is_false = stage == "false delivery"
    status, substatus, text = _STAGES["delivered" if is_false else stage]
    offset = chance.choice((None, 60, 60, 120))
    moment = to_datetime(BEGIN + at + (offset or 0) * MINUTE)
    place = chance.choice(_PLACES)
    first = Checkpoint(
        local_time=moment.strftime("%Y-%m-%dT%H:%M:%S"),
        text=text,
        offset_minutes=offset,
        time_source=TimeSource.UNKNOWN if offset is None else TimeSource.CARRIER,
        status=status,
        substatus=substatus,
        raw_code=f"{stage.upper()}-{index}",
        event_id=f"ev-{index}" if has_ids else None,
        location=place,
        city=place,
    )
    # Most scans are known at once, some hours later, after others that came behind them.
    known = at + (round(chance.random() ** 3 * active / 4) if chance.random() < 0.3 else 0)
    known = min(known, active - 2)
    wordings = [Wording(known, first)]
    if is_false or chance.random() < 0.08:
        gone = chance.randrange(known + 1, active)
        wordings.append(Wording(gone, replace(first, is_withdrawn=True)))
        if not is_false and chance.random() < 0.3:
            back = chance.randrange(gone, active)
            wordings.append(Wording(back, first))
    elif chance.random() < 0.15:
        since = chance.randrange(known + 1, active)
        wordings.append(Wording(since, replace(first, text=f"{text} (corrected)")))
    return tuple(wordings)
