"""Looks whether a running process still has the keys of the database; a rotation changes them."""

from __future__ import annotations

import logging
from typing import Final

from parcelwire.connectors.key_ring import KeyRing
from parcelwire.domain.clock import MINUTE, Clock, Instant
from parcelwire.store.port import SealingStore
from parcelwire.tracking.rounds import Rounds

_log: Final = logging.getLogger(__name__)

IDLE_SECONDS: Final = 15.0
AGAIN: Final = 10 * MINUTE
"""After so long what is wrong is said once more."""


class KeyWatch(Rounds):
    """Takes up a new key from the key file, or tells the operator that it is missing there."""

    def __init__(self, store: SealingStore, ring: KeyRing, clock: Clock) -> None:
        super().__init__("keys", clock=clock, idle_seconds=IDLE_SECONDS)
        self._store = store
        self._ring = ring
        self._told = ""
        self._told_at: Instant = 0

    async def step(self) -> int:
        """Look once."""
        wrong = self._ring.learn(await self._store.sealing_keys())
        now = self._clock.now()
        if wrong and (wrong != self._told or not 0 <= now - self._told_at < AGAIN):
            _log.error("nothing that is sealed is touched here, and no webhook sent: %s", wrong)
            self._told_at = now
        elif self._told and not wrong:
            _log.warning("the key file %s holds the database's key; all goes on", self._ring.path)
        self._told = wrong
        return 0
