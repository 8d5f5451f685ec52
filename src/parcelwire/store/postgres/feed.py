"""The events feed on PostgreSQL.

    save -> pending_event                             in the transaction of what happened
    read -> number_events: pending_event -> event     each world alone, cursors ascending

An event gets its cursor after it was committed, from whoever reads the feed next. So a reader needs
to know nothing of transactions that are still open, here or anywhere else in the cluster, and no
save waits for another one of its world.
"""

from __future__ import annotations

import asyncio
from typing import Final

from parcelwire.domain.changes import Event
from parcelwire.domain.clock import Instant
from parcelwire.store.port import StoreUnavailableError, UnavailableReason
from parcelwire.store.postgres.idempotency import IdempotencyMixin
from parcelwire.store.postgres.pool import Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import LARGEST, is_id, within
from parcelwire.store.sweeping import Looked, Sweep
from parcelwire.store.unreadable import Unreadable

_SQL: Final = load_queries("trackings.sql")

WINDOW: Final = 1_000
"""Events looked at in one step when old ones are sought."""

NUMBERED_AT_ONCE: Final = 1_000
"""Events that get their cursors in one transaction, unless a reader wants more."""


class Feed(IdempotencyMixin):
    """The part of ``TrackingStore`` that reads events and forgets old ones."""

    _event_sweep: Sweep
    _unreadable: Unreadable

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        """See ``TrackingStore``."""

        async def fetch(after: int, most: int) -> list[Row]:
            return await self._rows_after(world_id, after, most)

        return await self._unreadable.events(fetch, within(cursor), limit)

    async def feed_ends(self) -> dict[int, int | None]:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(_SQL["feed_ends"])
        ends: dict[int, int | None] = {world_id: end for world_id, end in rows if end is not None}
        return ends | {world_id: None for world_id, end in rows if end is None}

    async def events_of(
        self, world_id: int, tracking_id: str, *, before: int | None = None, limit: int = 50
    ) -> list[tuple[int, Event]]:
        """See ``TrackingStore``."""
        if not is_id(tracking_id):
            return []
        end = within(before) if before is not None else LARGEST
        await self._number_pending_events(world_id)

        async def fetch(end: int, most: int) -> list[Row]:
            return await self._database.fetch(_SQL["events_of"], world_id, tracking_id, end, most)

        return await self._unreadable.events(fetch, end, limit)

    async def first_cursor(self, world_id: int) -> int | None:
        """See ``TrackingStore``."""
        await self._number_pending_events(world_id)
        rows = await self._database.fetch(_SQL["first_cursor"], world_id)
        return rows[0][0] if rows else None

    async def pruned_cursor(self, world_id: int) -> int:
        """See ``TrackingStore``."""
        rows = await self._database.fetch(_SQL["pruned_cursor"], world_id)
        return rows[0][0] if rows else 0

    async def prune_events(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``TrackingStore``."""

        async def look(after: int) -> Looked:
            rows = await self._database.fetch(_SQL["oldest_events"], after, WINDOW)
            return await asyncio.to_thread(self._unreadable.look_for_old_events, rows, before)

        async def delete(old: list[int]) -> int:
            rows = await self._database.fetch(_SQL["delete_events"], old, is_repeatable=False)
            return int(rows[0][0])

        # Those of worlds that nobody reads, too.
        for (world_id,) in await self._database.fetch(_SQL["worlds_of_pending_events"]):
            await self._number_pending_events(world_id)
        return await self._event_sweep.prune(look, delete, limit=limit)

    async def _rows_after(self, world_id: int, cursor: int, limit: int) -> list[Row]:
        most, is_all = max(limit, NUMBERED_AT_ONCE), False
        while True:
            rows = await self._database.fetch(_SQL["events_after"], world_id, cursor, limit)
            are_pending = bool(rows) and rows[-1][0] is None
            # A full page stands before all that would get their cursors now.
            if not are_pending or len(rows) > limit or is_all:
                return [row for row in rows if row[0] is not None]
            is_all = await self._number_events(world_id, most)

    async def _number_pending_events(self, world_id: int) -> None:
        ((are_pending,),) = await self._database.fetch(_SQL["has_pending_events"], world_id)
        while are_pending:
            are_pending = not await self._number_events(world_id, NUMBERED_AT_ONCE)

    async def _number_events(self, world_id: int, most: int) -> bool:
        """Give cursors to up to ``most`` of a world's events that have none, the oldest first.

        Tell whether now all have one that were committed before; or can have none, because nothing
        can be written: then those that have one can still be read.
        """
        try:
            while True:
                rows = await self._database.fetch(_SQL["number_events"], world_id, most)
                has_head, sought = rows[0]
                if has_head:
                    return int(sought) < most
                await self._database.fetch(_SQL["add_feed_head"], world_id)
        except StoreUnavailableError as error:
            if error.reason is UnavailableReason.UNREACHABLE:
                raise
            return True
