"""What both engines must decide alike: pure functions and figures, no database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

import msgspec

from parcelwire.domain.checkpoint import fold
from parcelwire.domain.clock import DAY, HOUR, MINUTE, Instant
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.tracking.ports import NewTracking, Save

KEPT_RAW_ANSWERS: Final = 5
"""How many raw answers of one tracking are kept."""

LONGEST_LEASE: Final = HOUR
"""A lease that ends later than this from now was given by a clock that has since jumped back: it
counts as ended, or work would lie idle until the clock has caught up.
"""


def check_new(new: Sequence[NewTracking]) -> None:
    """Check that all of a batch belong to one world.

    Raises:
        ValueError: when they do not.
    """
    if len({item.tracking.world_id for item in new}) > 1:
        msg = "the trackings of one batch must belong to one world"
        raise ValueError(msg)


def check_save(change: Save) -> None:
    """Check that a change's version follows the one it expects.

    Raises:
        ValueError: when it does not.
    """
    if change.tracking.version != change.expected_version + 1:
        msg = f"version {change.tracking.version} does not follow {change.expected_version}"
        raise ValueError(msg)


def place_key(text: str) -> str:
    """Return a postcode or town for comparing: case, accents, blanks and hyphens do not matter."""
    return fold(text).replace(" ", "").replace("-", "")


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


class Budget(msgspec.Struct, frozen=True):
    """What is left of a carrier's budget: a bucket for the minute, a count for the UTC day."""

    tokens: float
    at: Instant
    day: int
    """Days since 1970-01-01 UTC."""
    used_today: int


def take_from_budget(
    budget: Budget | None, now: Instant, wanted: int, per_minute: int, per_day: int | None
) -> tuple[int, Budget]:
    """Return how many requests are granted, and what is left.

    The bucket starts full and refills smoothly. Time that runs backwards refills nothing, and the
    bucket goes on from the earlier time, so that a jump costs a minute at most; a day's count ends
    with its date, whichever way the date changes.
    """
    today = now // DAY
    if budget is None:
        budget = Budget(float(per_minute), now, today, 0)
    refill = max(0, now - budget.at) * per_minute / MINUTE
    tokens = min(float(per_minute), budget.tokens + refill)
    used_today = budget.used_today if budget.day == today else 0
    granted = max(0, min(wanted, int(tokens + 1e-9)))
    if per_day is not None:
        granted = max(0, min(granted, per_day - used_today))
    return granted, Budget(tokens - granted, now, today, used_today + granted)
