"""Where in the events feed a time stands."""

from __future__ import annotations

from typing import Protocol

from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Instant


class Events(Protocol):
    """Where events are kept."""

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        """Return events after ``cursor`` with their own cursors, ascending."""
        ...


async def place_before(store: Events, world_id: int, since: Instant) -> int:
    """Return a cursor after which the events of ``since`` and later begin.

    Events stand in the order in which they were stored, which is that of their times but for the
    moments that several processes need to store what happened at once. Found by halving, so that
    the cost is some sixty looks at an index, however long the feed is.
    """
    found = await _earlier(store, world_id, 0, since)
    if found is None:
        return 0
    low, high, step = found, 0, 1
    while not high:
        found = await _earlier(store, world_id, low + step, since)
        if found is None:
            high = low + step
        else:
            low, step = found, step * 2
    while low < high:
        middle = (low + high) // 2
        found = await _earlier(store, world_id, middle, since)
        if found is None:
            high = middle
        else:
            low = found
    return high


async def _earlier(store: Events, world_id: int, cursor: int, since: Instant) -> int | None:
    """Return the cursor of the first event after ``cursor``; None where it is not before since."""
    rows = await store.events_after(world_id, cursor, 1)
    if not rows or rows[0][1].at >= since:
        return None
    return rows[0][0]
