"""The events feed's far end: where it begins, and forgetting what is old."""

from __future__ import annotations

import asyncio
from typing import Final

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.store.sqlite import feed_queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sweeping import Looked

WINDOW: Final = 1_000
"""Events looked at in one step when old ones are sought."""


class Feed(Part):
    """The part of ``TrackingStore`` that keeps the events feed short."""

    async def feed_ends(self) -> dict[int, int | None]:
        """See ``TrackingStore``."""
        return dict(await self._reader.scan(feed_queries.FEED_ENDS))

    async def first_cursor(self, world_id: int) -> int | None:
        """See ``TrackingStore``."""
        ((cursor,),) = await self._reader.rows(feed_queries.FIRST_CURSOR, (world_id,))
        return cursor  # type: ignore[no-any-return]  # the column's type

    async def pruned_cursor(self, world_id: int) -> int:
        """See ``TrackingStore``."""
        rows = await self._reader.rows(feed_queries.PRUNED_CURSOR, (world_id,))
        return rows[0][0] if rows else 0

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``TrackingStore``."""

        async def look(after: int) -> Looked:
            rows = await self._reader.scan(feed_queries.OLDEST_EVENTS, (after, WINDOW))
            return await asyncio.to_thread(self._unreadable.look_for_old_events, rows, before)

        return await self._event_sweep.prune(look, self._delete_events, limit=limit)

    async def _delete_events(self, cursors: list[int]) -> int:
        wanted = msgspec.json.encode(cursors).decode()

        def work(connection: apsw.Connection) -> int:
            connection.execute(feed_queries.MARK_PRUNED, (wanted,))
            connection.execute(feed_queries.DELETE_EVENTS, (wanted,))
            return connection.changes()

        return await self._write(work)
