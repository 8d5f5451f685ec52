"""How both engines find and count the trackings of a filter at a bounded cost.

Indexes answer what is asked for by an equation: courier, status, archived or not, each in the order
of the list. A filter without statuses is one walk for each, merged. Conditions that no such index
holds (an update's time, an order's, the beginning of a number) have indexes of their own: where few
trackings satisfy one, these are collected and sorted; of many, the walk in the order of the list
finds a page sooner.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from parcelwire.domain.status import Status
from parcelwire.tracking.ports import StatusCounts, TrackingFilter, TrackingPlace

FEW: Final = 10_000
"""Up to so many trackings that satisfy a condition are collected."""

MOST_COUNTED: Final = 10_000
"""So many trackings of a walk are looked at when they are counted; of more, the rest is estimated
from these.
"""


class Walk(NamedTuple):
    """Trackings that stand together in an index, in the order of the list.

    Those of one courier, if the filter names one.
    """

    status: Status | None
    """None: of all."""
    is_archived: bool


def bounded(where: TrackingFilter, start: int | TrackingPlace | None = None) -> TrackingFilter:
    """Return the filter with all that it, and the place where a page begins, say of the creation.

    Nothing is updated before it was created (``tracking.refresh`` sees to that).
    """
    place = start.created_at if isinstance(start, TrackingPlace) else None
    most = [at for at in (where.created_max, where.updated_max, place) if at is not None]
    return replace(where, created_max=min(most)) if most else where


def walks_of(where: TrackingFilter, *, by_status: bool = False) -> list[Walk]:
    """Return the walks that a filter's list is merged of. ``by_status``: each of one status."""
    flags = (False, True) if where.is_archived is None else (where.is_archived,)
    statuses: Iterable[Status | None] = dict.fromkeys(where.statuses)
    if not where.statuses:
        # The index of couriers goes on with the status.
        by_status = by_status or where.courier_code is not None
        statuses = Status if by_status else (None,)
    return [Walk(status, is_archived) for status in statuses for is_archived in flags]


def counts_of(rows: Iterable[tuple[str, int, int, Any, Any, Any]]) -> StatusCounts:
    """Return what walks counted: of each its status, how many trackings were looked at (at most one
    more than ``MOST_COUNTED``, the newest), how many of them are wanted, when the first and the
    last of these were created, and when the oldest of the walk was.
    """
    counts: Counter[Status] = Counter()
    is_estimate = False
    for status, looked_at, wanted, newest, reached, oldest in rows:
        if looked_at > MOST_COUNTED:
            # As if the others were as dense in time.
            wanted = round(wanted * max(1.0, (newest - oldest) / max(1, newest - reached)))
            is_estimate = True
        counts[Status(status)] += wanted
    return StatusCounts(counts, is_estimate=is_estimate)
