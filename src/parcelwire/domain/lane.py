"""Where a parcel goes from and to, and how long that took."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Milestones, Tracking

_DAY: Final = timedelta(days=1)


class Lane(msgspec.Struct, frozen=True):
    """Where a tracking goes from and to (ISO 3166 alpha-2), and how long it took when delivered."""

    origin: str | None
    destination: str | None
    transit_days: int | None


def lane_of(tracking: Tracking) -> Lane:
    """Return a tracking's lane: countries as the carrier gave them, else as the shop did.

    Transit days count calendar days from the carrier's first scan to the delivery, see
    ``days_between`` (a parcel of one day's way takes 1, not 0.8).
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
    only announced is not under way.
    """
    began = reached.accepted or next(
        (scan.iso_time for scan in scans if scan.status not in _NOT_UNDER_WAY), None
    )
    if began is None:
        return None
    ended = reached.delivered or scans[-1].iso_time
    return max(0, days_between(began, ended))


_NOT_UNDER_WAY: Final = frozenset({None, Status.PENDING, Status.NOTFOUND, Status.INFORECEIVED})
"""None: a scan that says nothing about where the parcel stands, or that nobody understands."""


def days_between(began: str, ended: str) -> int:
    """Return how many days lie between two times, as people count: Monday to Wednesday is two.

    Both are ISO 8601 as ``Checkpoint.iso_time`` gives it, and are counted on the local calendars
    that the carrier printed. Between far places these say less, or more: over the date line a
    parcel may arrive on the day before. So, where both offsets are known, the days are at least
    those that have wholly passed, and one more at most. Negative: the second is the earlier one.
    """
    first, last = datetime.fromisoformat(began), datetime.fromisoformat(ended)
    days = (last.date() - first.date()).days
    if first.tzinfo is None or last.tzinfo is None:
        return days
    passed = last - first
    return min(max(days, passed // _DAY), -(-passed // _DAY))


def _transit_days(tracking: Tracking) -> int | None:
    accepted, delivered = tracking.milestones.accepted, tracking.milestones.delivered
    if accepted is None or delivered is None:
        return None
    days = days_between(accepted, delivered)
    return days if days >= 0 else None
