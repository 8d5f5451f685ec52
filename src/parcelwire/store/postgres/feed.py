"""The events feed's far end, on PostgreSQL: where it begins, and forgetting what is old."""

from __future__ import annotations

import asyncio
from typing import Final

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import event_at
from parcelwire.store.postgres.done import Doings
from parcelwire.store.postgres.pool import Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.sweeping import Looked, Sweep
from parcelwire.store.unreadable import Unreadable

_SQL: Final = load_queries("trackings.sql")

WINDOW: Final = 1_000
"""Events looked at in one step when old ones are sought."""


class Feed(Doings):
    """The part of ``TrackingStore`` that keeps the events feed short."""

    _event_sweep: Sweep
    _unreadable: Unreadable

    async def first_cursor(self, world_id: int) -> int | None:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(_SQL["first_cursor"], world_id)
        return rows[0][0]  # type: ignore[no-any-return]  # the column's type

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``TrackingStore``."""

        async def look(after: int) -> Looked:
            rows = await self._database.fetch(_SQL["oldest_events"], after, WINDOW)
            return await asyncio.to_thread(_looked, rows, before, self._unreadable)

        async def delete(old: list[int]) -> int:
            rows = await self._database.fetch(_SQL["delete_events"], old, is_repeatable=False)
            return int(rows[0][0])

        return await self._event_sweep.prune(look, delete, limit=limit)


def _looked(rows: list[Row], before: Instant, unreadable: Unreadable) -> Looked:
    found = []
    is_old = False
    for row in rows:
        at = unreadable.read(_at, row, lambda one: f"event {one[0]}")
        # One that cannot be read goes with those around it.
        is_old = is_old if at is None else at < before
        found.append((row[0], is_old, True))
    return found


def _at(row: Row) -> Instant:
    return event_at(row[1])
