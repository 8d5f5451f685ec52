"""One lane per carrier in this process: how many questions it takes now, and when the rest's turn
is.

A carrier that is slow, or has far more parcels than budget, must neither fill the worker nor be
looked at again and again: what finds no room gets a turn of its own, one behind the other at the
carrier's pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from parcelwire.domain.clock import DAY, MINUTE, SECOND, Clock, Instant
from parcelwire.tracking.ports import CarrierPolicy

SLACK: Final = 1.1
"""Turns are this much wider apart than the budget allows: room for create and real-time queries."""

CHUNK: Final = 15 * SECOND
"""Turns within this time fall together: a bucket holds a minute's budget, so they find it full
enough, and they are written with one statement.
"""

HORIZON: Final = DAY
"""Turns are given for this long; then they begin anew (also after a clock has jumped back)."""

_FIRST_GUESS: Final = 0.5
_MOST_LANES: Final = 5_000


class _Lane:
    """The questions to one carrier (one budget) under way or waiting in this process."""

    __slots__ = ("free", "load", "next_turn_at", "seconds")

    def __init__(self, places: int) -> None:
        self.free = asyncio.Semaphore(places)
        self.load = 0
        self.seconds = _FIRST_GUESS
        """What a conversation takes, as seen of late."""
        self.next_turn_at: Instant = 0


class Lanes:
    """All lanes of a worker."""

    def __init__(self, places: int, patience_seconds: float, clock: Clock) -> None:
        """``places`` conversations a lane at a time; as many may wait for one as will have it
        within ``patience_seconds``.
        """
        self._places = places
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._lanes: dict[str, _Lane] = {}

    def room(self, policy: CarrierPolicy) -> int:
        """Return how many numbers can be asked about now or soon."""
        lane = self._lane(policy)
        soon = int(self._places * self._patience_seconds / max(lane.seconds, 0.001))
        return max(0, self._places + soon - lane.load) * policy.batch_size

    def turns(
        self, policy: CarrierPolicy, ids: Sequence[str], now: Instant
    ) -> list[tuple[Instant, Sequence[str]]]:
        """Return when each of ``ids`` is to be looked at again, in groups of one time."""
        lane = self._lane(policy)
        width = max(
            SLACK * MINUTE / max(1, policy.requests_per_minute),
            lane.seconds * SECOND / self._places,
        )
        size = max(1, int(CHUNK / width)) * policy.batch_size
        at = lane.next_turn_at
        if not now < at <= now + HORIZON:
            at = now
        given = []
        for start in range(0, len(ids), size):
            group = ids[start : start + size]
            at += max(1, round(width * -(-len(group) // policy.batch_size)))
            given.append((at, group))
        lane.next_turn_at = at
        return given

    @asynccontextmanager
    async def place(self, policy: CarrierPolicy) -> AsyncIterator[None]:
        """Wait for a place in the carrier's lane, and learn how long it is held."""
        lane = self._lane(policy)
        lane.load += 1
        try:
            async with lane.free:
                began_at = self._clock.now()
                yield
                took = max(0, self._clock.now() - began_at) / SECOND
                lane.seconds = 0.8 * lane.seconds + 0.2 * min(took, 60.0)
        finally:
            lane.load -= 1

    def _lane(self, policy: CarrierPolicy) -> _Lane:
        lane = self._lanes.get(policy.budget_key)
        if lane is None:
            if len(self._lanes) >= _MOST_LANES:
                self._lanes = {key: lane for key, lane in self._lanes.items() if lane.load}
            lane = self._lanes[policy.budget_key] = _Lane(self._places)
        return lane
