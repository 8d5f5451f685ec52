"""How many API processes share one database, so that each grants its part of a rate limit.

    each process: every few seconds its own record; of all records, count those that are fresh

The buckets stay in memory: a call costs no look into the database. A process that dies is counted
for some seconds more, one that starts is counted by the others some seconds later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import msgspec

from parcelwire.domain.clock import MINUTE, SECOND, Clock, Instant
from parcelwire.store.port import RecordStore, StoreUnavailableError
from parcelwire.tracking.periodic_task import PeriodicTask

HEARTBEAT_SECONDS: Final = 5.0
FRESH: Final = 3 * round(HEARTBEAT_SECONDS) * SECOND
"""A record that is older was left by a process that is gone."""

_KIND: Final = "api-process"
_SCOPE: Final = "all"
_MOST: Final = 1_000

log = logging.getLogger(__name__)


class ApiProcesses(PeriodicTask):
    """Counts the API processes while this one is among them."""

    def __init__(
        self, store: RecordStore, *, clock: Clock, process_id: str, on_count: Callable[[int], None]
    ) -> None:
        """``on_count`` is called with the number of processes whenever they are counted."""
        super().__init__("api processes", clock=clock, idle_seconds=HEARTBEAT_SECONDS)
        self._store = store
        self._process_id = process_id
        self._on_count = on_count
        self._count = 0

    async def step(self) -> int:
        """Renew this process's record and count them all."""
        now = self._clock.now()
        heartbeat = msgspec.json.encode(now)
        await self._store.change_record(
            _KIND, _SCOPE, self._process_id, lambda _: heartbeat, at=now
        )
        await self._store.prune_records(_KIND, now - MINUTE)
        records = await self._store.list_records(_KIND, _SCOPE, limit=_MOST)
        count = max(1, sum(_is_fresh(document, now) for _, document in records))
        if count != self._count:
            if self._count:
                log.info("%d API processes share the rate limits", count)
            self._count = count
        self._on_count(count)
        return 0

    async def run(self) -> None:
        """Count until ``stop`` is called, then leave."""
        try:
            await super().run()
        finally:
            await self._leave()

    async def _leave(self) -> None:
        try:
            await self._store.change_record(
                _KIND, _SCOPE, self._process_id, lambda _: None, at=self._clock.now()
            )
        except StoreUnavailableError:
            log.debug("the record of this process ends by time")


def _is_fresh(document: bytes, now: Instant) -> bool:
    # The clocks of two machines may differ a little.
    return abs(now - msgspec.json.decode(document, type=int)) <= FRESH
