"""The events feed's far end: where it begins, and forgetting what is old."""

from __future__ import annotations

import asyncio
from typing import Final

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import event_at
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.base import Part
from parcelwire.store.sqlite.connection import Row

WINDOW: Final = 1_000
"""Events looked at in one step when old ones are sought."""


class Feed(Part):
    """The part of ``TrackingStore`` that keeps the events feed short."""

    async def first_cursor(self, world_id: int) -> int | None:
        """See ``TrackingStore``."""
        ((cursor,),) = await self._reader.rows(queries.FIRST_CURSOR, (world_id,))
        return cursor  # type: ignore[no-any-return]  # the column's type

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``TrackingStore``."""
        gone, after = 0, 0
        while gone < limit:
            rows = await self._reader.scan(queries.OLDEST_EVENTS, (after, WINDOW))
            old = (await asyncio.to_thread(_old, rows, before))[: limit - gone]
            if not old:
                break
            gone += await self._delete_events(old)
            after = rows[-1][0]
        return gone

    async def _delete_events(self, cursors: list[int]) -> int:
        wanted = msgspec.json.encode(cursors).decode()

        def work(connection: apsw.Connection) -> int:
            connection.execute(queries.DELETE_EVENTS, (wanted,))
            return connection.changes()

        return await self._write(work)


def _old(rows: list[Row], before: Instant) -> list[int]:
    """Return the cursors of those that happened before.

    Some young ones may stand among them, from a clock that was ahead.
    """
    return [cursor for cursor, packed in rows if event_at(packed) < before]
