"""How many trackings a test world may hold: trying things out must not fill the database.

The store's own counters say how many there are. They are read anew when half of what was left is
used up, or after some seconds: several processes together may exceed the quota by a few.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from parcelwire.domain.account import is_test_world
from parcelwire.domain.clock import SECOND, Clock, Instant
from parcelwire.tracking.ports import TrackingFilter, TrackingStore

BELIEVED: Final = 10 * SECOND
_MOST_WORLDS: Final = 10_000


class LivingQuota:
    """Bounds the trackings that a test world holds at a time; live worlds have none of it."""

    def __init__(self, store: TrackingStore, clock: Clock, most: int) -> None:
        """``most`` trackings a test world, 0: any number."""
        self._store = store
        self._clock = clock
        self._most = most
        self._rooms: dict[int, tuple[int, Instant]] = {}
        """What may be made before the counters are read again, and when they were read."""
        self._being_made: Counter[int] = Counter()

    @asynccontextmanager
    async def room(self, world_id: int, count: int) -> AsyncIterator[bool]:
        """Tell whether ``count`` more trackings fit into a world; they are to be made before the
        context ends.
        """
        if not self._most or not is_test_world(world_id):
            yield True
            return
        if not await self._has_room(world_id, count):
            yield False
            return
        self._being_made[world_id] += count
        try:
            yield True
        finally:
            self._being_made[world_id] -= count
            if not self._being_made[world_id]:
                del self._being_made[world_id]

    async def _has_room(self, world_id: int, count: int) -> bool:
        now = self._clock.now()
        room, read_at = self._rooms.get(world_id, (0, now))
        if room < count or not 0 <= now - read_at < BELIEVED:
            before = self._being_made[world_id]
            there = await self._store.count_trackings(world_id, TrackingFilter())
            # Those being made may be counted already, or not yet.
            left = self._most - there - max(before, self._being_made[world_id])
            if left < count:
                self._rooms.pop(world_id, None)
                return False
            if len(self._rooms) >= _MOST_WORLDS:
                self._rooms.clear()
            room, read_at = max(count, left // 2), now
        self._rooms[world_id] = (room - count, read_at)
        return True
