"""Who reads an account's events feed: one all the time, one twice in two months."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

from parcelwire.api.native.events import KEPT_DAYS, check_kept
from parcelwire.api.native.problems import ProblemError
from parcelwire.domain.clock import DAY, SECOND
from parcelwire.store.port import StoreUnavailableError
from prove.worlds.ledger import Ledger
from prove.worlds.process import Process, UnknownOutcomeError
from prove.worlds.sky import WorldClock
from prove.worlds.users import Alive, answered

_MOST: Final = 10_000
"""More events than a world has."""


class _Reader:
    """Who reads the feed of one world."""

    def __init__(
        self,
        clock: WorldClock,
        ledger: Ledger,
        *,
        alive: Alive,
        world_id: int,
        chance: random.Random,
    ) -> None:
        """``alive`` gives a living process."""
        self._clock = clock
        self._ledger = ledger
        self._alive = alive
        self._world_id = world_id
        self._chance = chance


class FeedReader(_Reader):
    """Follows the events feed of one world by its cursor, page by page."""

    _cursor = 0

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
                self._ledger.followed[self._world_id].append((at, event))
            if not page:
                return


class RareReader(_Reader):
    """Reads the feed of one world, and comes back with the cursor when events may be gone.

    Whoever has missed an event must be told so, and nobody else. The feed of a test world, in which
    nothing happens, is as good as any.
    """

    _place = (0, 0)

    async def run(self, active: int) -> None:
        """Read in a world of ``active`` true milliseconds, if it is long enough."""
        first = self._chance.randrange(5 * DAY)
        earliest = first + (KEPT_DAYS + 1) * DAY
        if earliest >= active:
            return
        again = self._chance.randrange(earliest, active)
        await asyncio.sleep(first / SECOND)
        await self._answered(self._read)
        await asyncio.sleep((again - first) / SECOND)
        await self._answered(self._come_back)

    async def _read(self, one: Process) -> None:
        """Read to the end, as a cursor remembers it."""
        now = one.clock.now()
        page = await one.store.events_after(self._world_id, 0, _MOST)
        self._place = (page[-1][0] if page else 0, now)

    async def _come_back(self, one: Process) -> None:
        before = await self._missed(one)
        try:
            await check_kept(one.store, self._world_id, self._place, one.clock.now())
        except ProblemError:
            if not await self._missed(one):
                self._ledger.wrong(
                    f"the feed of world {self._world_id} says that events after"
                    f" {self._place[0]} are gone, and none is"
                )
            self._ledger.note("reader: events are gone", self._world_id)
        else:
            # Clocks that were set can have had events pruned whose time had not come.
            if before and sum(abs(by) for _, by in self._ledger.jumps) < DAY:
                self._ledger.wrong(
                    f"the feed of world {self._world_id} does not say that {sorted(before)} are"
                    " gone"
                )

    async def _missed(self, one: Process) -> set[int]:
        """Return the cursors of events that are gone and were not read here."""
        number = self._place[0]
        kept = {at for at, _ in await one.store.events_after(self._world_id, number, _MOST)}
        return {at for at in self._ledger.pruned[self._world_id] if at > number} - kept

    async def _answered(self, work: Callable[[Process], Awaitable[None]]) -> None:
        async def ask() -> None:
            await (await self._alive()).call(work)

        await answered(ask)
