"""Looks whether a running process still has the keys of the database; a rotation changes them."""

from __future__ import annotations

import logging
from typing import Final

from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.clock import MINUTE, Clock, Instant
from parcelwire.store.port import SealingStore
from parcelwire.tracking.periodic_task import PeriodicTask

_log: Final = logging.getLogger(__name__)

IDLE_SECONDS: Final = 15.0
AGAIN: Final = 10 * MINUTE
"""After so long the same problem is logged once more."""


class KeyWatch(PeriodicTask):
    """Takes up a new key from the key file, or tells the operator that it is missing there."""

    def __init__(self, store: SealingStore, ring: KeyRing, clock: Clock) -> None:
        super().__init__("keys", clock=clock, idle_seconds=IDLE_SECONDS)
        self._store = store
        self._ring = ring
        self._logged = ""
        self._logged_at: Instant = 0

    async def step(self) -> int:
        """Look once."""
        problem = self._ring.learn(await self._store.sealing_keys())
        now = self._clock.now()
        if problem and (problem != self._logged or not 0 <= now - self._logged_at < AGAIN):
            _log.error(
                "no secrets can be sealed or opened here, so no webhooks go out: %s", problem
            )
            self._logged_at = now
        elif self._logged and not problem:
            _log.warning("the key file %s holds the database's key again", self._ring.path)
        self._logged = problem
        return 0
