"""How long parcels took between two countries, in the ranges that all versions answer."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.tracking.ports import LaneHistory

RANGE_ENDS: Final = (7, 15, 30, 60)
"""Last day of each range but the open one."""


class TransitTimes(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one lane."""

    total: int
    """Parcels that were followed on it."""
    delivered: int
    """Those of them whose days are known."""
    shares: tuple[float | None, ...]
    """Of the delivered, how many took so long: one share for each range. None: none was."""
    average_days: float | None


def transit_times(history: LaneHistory) -> TransitTimes:
    """Return the figures of a lane's history."""
    days = history.transit_days
    counts = [0] * (len(RANGE_ENDS) + 1)
    for day in days:
        counts[sum(day > end for end in RANGE_ENDS)] += 1
    return TransitTimes(
        total=history.total,
        delivered=len(days),
        shares=tuple(round(count / len(days), 4) if days else None for count in counts),
        average_days=round(sum(days) / len(days), 2) if days else None,
    )
