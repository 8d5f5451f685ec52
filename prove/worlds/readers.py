"""Who reads an account's events feed."""

from __future__ import annotations

import asyncio
import random

from parcelwire.store.port import StoreUnavailableError
from prove.worlds.ledger import Ledger
from prove.worlds.process import UnknownOutcomeError
from prove.worlds.sky import WorldClock
from prove.worlds.users import Alive


class FeedReader:
    """Follows the events feed of one world by its cursor, page by page."""

    def __init__(
        self,
        clock: WorldClock,
        ledger: Ledger,
        *,
        alive: Alive,
        world_id: int,
        chance: random.Random,
    ) -> None:
        """Begin before the first event."""
        self._clock = clock
        self._ledger = ledger
        self._alive = alive
        self._world_id = world_id
        self._chance = chance
        self._cursor = 0

    async def run(self, until: int) -> None:
        """Read now and then until a moment, then to the end."""
        while self._clock.true_ms() < until:
            await asyncio.sleep(self._chance.expovariate(1 / 7_200))
            await self._read(self._chance.randint(1, 4))
        await self._read(1_000)

    async def _read(self, pages: int) -> None:
        limit = self._chance.randint(1, 8)
        for _ in range(pages):
            try:
                page = await (await self._alive()).call(
                    lambda one: one.store.events_after(self._world_id, self._cursor, limit)
                )
            except (UnknownOutcomeError, StoreUnavailableError):
                continue
            for at, event in page:
                if at <= self._cursor:
                    self._ledger.wrong(f"the feed went back from {self._cursor} to {at}")
                self._cursor = at
                self._ledger.followed[self._world_id].append((at, event.id))
            if not page:
                return
