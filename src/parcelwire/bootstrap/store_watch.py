"""Looks after the database of a running server: damage, and room on the disk.

Whatever is found is logged once and told to the operators once. The database itself cannot keep
note of it: nothing is written to a damaged file.
"""

from __future__ import annotations

import logging
import threading
from typing import Final

from parcelwire.domain.clock import HOUR, MINUTE, SECOND, Clock, Instant
from parcelwire.notices.operators import Channels
from parcelwire.store.port import Store
from parcelwire.tracking.periodic_task import PeriodicTask

IDLE_SECONDS: Final = 30.0

SUSPICION: Final = 10 * MINUTE
"""A disk that refuses is looked at no more often."""

MOST_TRIES: Final = 5
"""How often the operators are told of damage until all could be reached."""

_log: Final = logging.getLogger(__name__)


class StoreWatch(PeriodicTask):
    """Checks the database file now and then, and its disk."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Clock,
        integrity_check_hours: float,
        channels: Channels | None = None,
    ) -> None:
        """``integrity_check_hours``: how often the whole file is read; 0 is never."""
        idle_seconds = min(IDLE_SECONDS, integrity_check_hours * HOUR / SECOND or IDLE_SECONDS)
        super().__init__("store watch", clock=clock, idle_seconds=idle_seconds)
        self._store = store
        self._every = integrity_check_hours * HOUR
        self._channels = channels
        self._is_stopping = threading.Event()
        self._checked_at: Instant = clock.now()
        self._suspected_at: Instant | None = None
        self._warned_at: Instant | None = None
        self._tries_left = MOST_TRIES

    def stop(self) -> None:
        """See ``PeriodicTask``; a check under way ends at its next step."""
        self._is_stopping.set()
        super().stop()

    async def step(self) -> int:
        """See ``PeriodicTask``."""
        if self._is_due() and not self._store.damage:
            self._checked_at = self._clock.now()
            await self._store.check(self._is_stopping)
        await self._alert_of_damage()
        self._warn_of_low_space()
        return 0

    def _is_due(self) -> bool:
        if not self._every:
            return False
        now = self._clock.now()
        if self._store.wants_check and not _is_within(now, self._suspected_at, SUSPICION):
            self._suspected_at = now
            return True
        return not _is_within(now, self._checked_at, self._every)

    async def _alert_of_damage(self) -> None:
        if not self._store.damage or self._channels is None or not self._tries_left:
            return
        self._tries_left -= 1
        is_told = await self._channels.tell(
            "Parcelwire: the database is damaged",
            "Nothing more is stored, and new parcels are refused. What to do is in the server's"
            f" log. Found: {self._store.damage}",
        )
        if is_told:
            self._tries_left = 0

    def _warn_of_low_space(self) -> None:
        space = self._store.disk_space()
        now = self._clock.now()
        if space is None or not space.is_low or _is_within(now, self._warned_at, HOUR):
            return
        self._warned_at = now
        _log.warning(
            "the database's disk has %d MB left of %d: make room before writes are refused",
            space.free_bytes // 1_000_000,
            space.total_bytes // 1_000_000,
        )


def _is_within(now: Instant, since: Instant | None, duration: float) -> bool:
    # A clock that was put back does not put off what is due.
    return since is not None and 0 <= now - since < duration
