"""Where a parcel goes from and to, and how long that took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Milestones, Tracking


class Lane(msgspec.Struct, frozen=True):
    """Where a tracking goes from and to (ISO 3166 alpha-2), and how long it took when delivered."""

    origin: str | None
    destination: str | None
    transit_days: int | None


def lane_of(tracking: Tracking) -> Lane:
    """Return a tracking's lane: countries as the carrier gave them, else as the shop did.

    Transit days count calendar days from the carrier's first scan to the delivery, both on the
    local calendars printed by the carrier (a parcel of one day's way takes 1, not 0.8).
    """
    facts, details = tracking.facts, tracking.details
    origin = (facts.origin_country if facts else None) or details.origin_country
    destination = (facts.destination_country if facts else None) or details.destination_country
    return Lane(
        origin.upper() if origin else None,
        destination.upper() if destination else None,
        _transit_days(tracking) if tracking.status is Status.DELIVERED else None,
    )


def days_under_way(reached: Milestones, scans: Sequence[Checkpoint]) -> int | None:
    """Return the calendar days since the carrier got a parcel, up to its delivery or latest scan.

    ``scans``: those that stand, oldest first. None: nothing says that the carrier has it; what was
    only announced is not under way. Counted as people do, by the local calendars of the scans:
    handed in on Monday and there on Wednesday is two days.
    """
    began = reached.accepted or next(
        (scan.local_time for scan in scans if scan.status not in _NOT_UNDER_WAY), None
    )
    if began is None:
        return None
    ended = reached.delivered or scans[-1].local_time
    return max(0, (date.fromisoformat(ended[:10]) - date.fromisoformat(began[:10])).days)


_NOT_UNDER_WAY: Final = frozenset({None, Status.PENDING, Status.NOTFOUND, Status.INFORECEIVED})
"""None: a scan that says nothing about where the parcel stands, or that nobody understands."""


def _transit_days(tracking: Tracking) -> int | None:
    accepted, delivered = tracking.milestones.accepted, tracking.milestones.delivered
    if accepted is None or delivered is None:
        return None
    days = (date.fromisoformat(delivered[:10]) - date.fromisoformat(accepted[:10])).days
    return days if days >= 0 else None
