"""Keeps the clocks of all processes on one database together: the database server's clock counts.

A lease, a carrier's budget and the order of events are written down by one process's clock and read
by another's. Two machines whose clocks differ by more than a lease's margin would both send the
same message at once. So each process looks what its machine's clock is ahead of the database's,
before it does anything and then again and again, and takes that off.
"""

from __future__ import annotations

import logging
from typing import Final, Protocol

from parcelwire.bootstrap.system import SystemClock
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.tracking.rounds import Rounds

IDLE_SECONDS: Final = 15.0
LEAST_MS: Final = SECOND
"""A smaller difference does no harm, and is left alone so that time does not jump for nothing."""
SLOWEST_MS: Final = 2 * SECOND
"""An answer that took longer tells the time too roughly."""

_log: Final = logging.getLogger(__name__)


class TimeSource(Protocol):
    """What the watch needs of the store."""

    async def database_time(self) -> Instant | None:
        """Return the time by the database server's clock; None: it has none of its own."""
        ...


class ClockWatch(Rounds):
    """Corrects the clock of this process by the database's."""

    def __init__(self, store: TimeSource, clock: SystemClock) -> None:
        super().__init__("clock", clock=clock, idle_seconds=IDLE_SECONDS)
        self._store = store
        self._corrected = clock

    async def step(self) -> int:
        """Look once."""
        clock = self._corrected
        before = clock.now()
        theirs = await self._store.database_time()
        took = clock.now() - before
        if theirs is None or not 0 <= took <= SLOWEST_MS:
            return 0
        ahead = before + took // 2 - theirs
        if abs(ahead) < LEAST_MS + took:
            return 0
        clock.ahead_ms += ahead
        if abs(clock.ahead_ms) < LEAST_MS:
            clock.ahead_ms = 0
            _log.warning("the clock of this machine is right again and is used as it is")
            return 0
        _log.warning(
            "the clock of this machine is %.1f s %s the database's, whose time is used instead",
            abs(clock.ahead_ms) / SECOND,
            "ahead of" if clock.ahead_ms > 0 else "behind",
        )
        return 0
