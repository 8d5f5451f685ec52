"""Which couriers a world really uses, remembered so that finding a courier never waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from parcelwire.domain.clock import MINUTE, Clock, Instant

log = logging.getLogger(__name__)

KEPT_FOR: Final = 10 * MINUTE
"""Counts this old are read anew at the next question; habits do not change faster."""

PATIENCE_SECONDS: Final = 0.25
"""The first question of a world waits this long for its counts; all later ones not at all."""

MOST_WORLDS: Final = 10_000

NOTHING: Final[Mapping[str, int]] = {}


class CountsStore(Protocol):
    """Where the counts come from."""

    async def courier_counts(self, world_id: int, *, recent: int = 20_000) -> dict[str, int]:
        """Return how many of a world's newest confirmed trackings each courier has."""
        ...


class _Counts(msgspec.Struct, frozen=True):
    counts: Mapping[str, int]
    at: Instant


class CourierHistory:
    """The counts of each world, as they stood some minutes ago."""

    def __init__(self, store: CountsStore, clock: Clock) -> None:
        """Read from ``store``; ``clock`` says when counts are old."""
        self._store = store
        self._clock = clock
        self._known: dict[int, _Counts] = {}
        self._reading: dict[int, asyncio.Task[None]] = {}

    async def of(self, world_id: int) -> Mapping[str, int]:
        """Return how many confirmed parcels the world has had with each courier.

        Old counts are answered at once and read anew behind the answer. A store that fails or is
        slow means no history, never an error: it only sharpens what the number itself says.
        """
        known = self._known.get(world_id)
        if known is not None and 0 <= self._clock.now() - known.at < KEPT_FOR:
            return known.counts
        task = self._reading.get(world_id)
        if task is None:
            task = asyncio.create_task(self._read(world_id))
            self._reading[world_id] = task
            task.add_done_callback(lambda _: self._reading.pop(world_id, None))
        if known is None:
            await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
            known = self._known.get(world_id)
        return known.counts if known is not None else NOTHING

    async def drain(self) -> None:
        """Wait for what is being read (at shutdown)."""
        while self._reading:
            await asyncio.wait(self._reading.values())

    async def _read(self, world_id: int) -> None:
        try:
            counts: Mapping[str, int] = await self._store.courier_counts(world_id)
        except Exception as error:  # noqa: BLE001  # whatever ails the store: see ``of``
            log.warning("cannot read which couriers world %d uses: %s", world_id, error)
            before = self._known.get(world_id)
            counts = before.counts if before is not None else NOTHING
        if len(self._known) >= MOST_WORLDS and world_id not in self._known:
            del self._known[next(iter(self._known))]
        self._known[world_id] = _Counts(counts, self._clock.now())
