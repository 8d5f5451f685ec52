"""Where a parcel goes from and to, and how long that took."""

from __future__ import annotations

from datetime import date

import msgspec

from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking


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


def _transit_days(tracking: Tracking) -> int | None:
    accepted, delivered = tracking.milestones.accepted, tracking.milestones.delivered
    if accepted is None or delivered is None:
        return None
    days = (date.fromisoformat(delivered[:10]) - date.fromisoformat(accepted[:10])).days
    return days if days >= 0 else None
