"""Keeps the clocks of all processes on one database together: the database server's clock counts.

A lease, a carrier's budget and the order of events are written down by one process's clock and read
by another's. Two machines whose clocks differ by more than a lease's margin would both send the
same message at once. So each process looks what its clock is ahead of the database's, before it
does anything and then again and again, and takes that off. In between its time goes by a clock that
nobody can set: one machine's clock that is set, by hand or by a time service, moves nothing.
"""

from __future__ import annotations

import logging
from typing import Final, Protocol

from parcelwire.bootstrap.system import SystemClock
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.tracking.periodic_task import PeriodicTask

IDLE_SECONDS: Final = 1.0
"""How often the machine's own clock is looked at, which costs nothing."""
LOOK_MS: Final = 15 * SECOND
"""How often the database is asked."""
LEAST_MS: Final = SECOND
"""A smaller difference does no harm, and is left alone so that time does not jump for nothing."""

_log: Final = logging.getLogger(__name__)


class TimeSource(Protocol):
    """What the watch needs of the store."""

    async def database_time(self) -> Instant | None:
        """Return the time by the database server's clock; None: it has none of its own."""
        ...


class ClockWatch(PeriodicTask):
    """Keeps the clock of this process with the database's."""

    def __init__(self, store: TimeSource, clock: SystemClock) -> None:
        super().__init__("clock", clock=clock, idle_seconds=IDLE_SECONDS)
        self._store = store
        self._kept = clock
        self._looked_at: int | None = None
        self._ahead_ms = 0

    async def step(self) -> int:
        """Look at the database's clock when it is time, or when this machine's has been set.

        Where the database is on this machine, its clock was set with it: whoever looks now moves
        with the others.
        """
        clock = self._kept
        is_set = abs(clock.machine_time() - clock.now() - self._ahead_ms) >= LEAST_MS
        if is_set or self._looked_at is None or clock.steady_ms() - self._looked_at >= LOOK_MS:
            await self.look()
        return 0

    async def look(self) -> None:
        """Ask the database for its time, and take it where it differs."""
        clock = self._kept
        # Noted now, so that a database that is away is not asked again at once.
        self._ahead_ms = clock.machine_time() - clock.now()
        asked_at = self._looked_at = clock.steady_ms()
        theirs = await self._store.database_time()
        if theirs is None:
            return
        took = clock.steady_ms() - asked_at
        clock.hold()
        # Read at any moment of ``took``. A difference that the rest of it cannot explain is real,
        # and what is left of it after the correction is smaller, however long the answer took.
        ahead = clock.now() - theirs - took // 2
        is_off = abs(ahead) >= LEAST_MS + took
        if is_off:
            clock.move(-ahead)
        if not self._tell_of_the_machine() and is_off:
            # Who stood still (a machine that was paused), or the database's own clock was set.
            _log.warning("the time moved by %.1f s, to the database's", -ahead / SECOND)
        self._ahead_ms = clock.machine_time() - clock.now()

    def _tell_of_the_machine(self) -> bool:
        """Log what the machine's own clock is ahead of the time used, when that has changed.

        Tell whether it had.
        """
        clock = self._kept
        ahead, told = clock.machine_time() - clock.now(), clock.ahead_ms
        if told and abs(ahead) < LEAST_MS // 2:
            clock.ahead_ms = 0
            _log.warning("the clock of this machine is right again")
            return True
        if abs(ahead) < LEAST_MS or abs(ahead - told) < LEAST_MS:
            return False
        clock.ahead_ms = ahead
        _log.warning(
            "the clock of this machine is %.1f s %s the database's, whose time is used instead",
            abs(ahead) / SECOND,
            "ahead of" if ahead > 0 else "behind",
        )
        return True
