"""The events feed's far end, on PostgreSQL: where it begins, and forgetting what is old."""

from __future__ import annotations

import asyncio
from typing import Final

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import event_at
from parcelwire.store.postgres.done import Doings
from parcelwire.store.postgres.pool import Row
from parcelwire.store.postgres.queries import load_queries

_SQL: Final = load_queries("trackings.sql")

WINDOW: Final = 1_000
"""Events looked at in one step when old ones are sought."""


class Feed(Doings):
    """The part of ``TrackingStore`` that keeps the events feed short."""

    async def first_cursor(self, world_id: int) -> int | None:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(_SQL["first_cursor"], world_id)
        return rows[0][0]  # type: ignore[no-any-return]  # the column's type

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``TrackingStore``."""
        gone, after = 0, 0
        while gone < limit:
            rows = await self._database.fetch(_SQL["oldest_events"], after, WINDOW)
            old = (await asyncio.to_thread(_old, rows, before))[: limit - gone]
            if not old:
                break
            deleted = await self._database.fetch(_SQL["delete_events"], old, is_repeatable=False)
            gone += deleted[0][0]
            after = rows[-1][0]
        return gone


def _old(rows: list[Row], before: Instant) -> list[int]:
    """Return the cursors of those that happened before.

    Some young ones may stand among them, from a clock that was ahead.
    """
    return [cursor for cursor, body in rows if event_at(body) < before]
