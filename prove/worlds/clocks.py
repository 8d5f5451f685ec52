"""Several machines with clocks of their own, kept together by the real watch.

The database's clock is the world's (``sky.WorldClock``). A machine's is some way off, goes a little
too fast or too slow, and is set by itself now and then. Each process on it looks what it differs
from the database's, and takes that off, as ``parcelwire.bootstrap.clock_watch`` does it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from parcelwire.bootstrap.clock_watch import IDLE_SECONDS, LOOK_MS, ClockWatch, TimeSource
from parcelwire.bootstrap.system import SystemClock
from parcelwire.domain.clock import HOUR, MINUTE, SECOND
from prove.worlds.sky import Plan, Skew, WorldClock

UNSEEN: Final = LOOK_MS + round(IDLE_SECONDS * SECOND) + SECOND
"""For so long a clock can be wrong before it is looked at."""


class MachineClock(SystemClock):
    """A process's clock on a machine of its own."""

    def __init__(self, world: WorldClock, skew: Skew, on_moved: Callable[[int], None]) -> None:
        """``skew``: how the machine's clock differs from the true time; ``on_moved`` is told by how
        much the time of the process jumped.
        """
        self._world = world
        self.skew = skew
        self._on_moved = on_moved
        super().__init__(self._machine_ns, self._machine_steady_ns)

    def _machine_ns(self) -> int:
        true = self._world.true_ms()
        return (self._world.true() + self.skew.ahead_at(true)) * 1_000_000

    def _machine_steady_ns(self) -> int:
        """As fast or slow as the machine's clock, which nobody sets."""
        true = self._world.true_ms()
        return (true + self.skew.drift_at(true)) * 1_000_000

    def move(self, milliseconds: int) -> None:
        """See ``SystemClock``."""
        super().move(milliseconds)
        self._on_moved(milliseconds)


class WorldWatch(ClockWatch):
    """The real watch, which leaves out looks at which nothing can have changed."""

    def __init__(
        self,
        store: TimeSource,
        clock: MachineClock,
        *,
        true_ms: Callable[[], int],
        changes: tuple[int, ...],
    ) -> None:
        """``changes``: true times at which the clock or the database's is set."""
        super().__init__(store, clock)
        self._true_ms = true_ms
        self._changes = changes
        self._looked_true = 0

    async def look(self) -> None:
        """See ``ClockWatch``."""
        self._looked_true = self._true_ms()
        await super().look()

    async def _rest(self, seconds: float) -> None:
        now = self._true_ms()
        is_unseen = any(self._looked_true <= one <= now for one in self._changes)
        after = [one - now for one in self._changes if one > now]
        # A clock that goes a little wrong is as good as right for hours.
        ahead = 0 if is_unseen else min((*after, HOUR)) / SECOND
        await super()._rest(seconds * (1 + ahead // seconds))


def wrong_spans(plan: Plan) -> list[tuple[int, int]]:
    """Return the true times (from, to) in which a clock is wrong that is set by itself.

    What it has leased lasts a minute longer.
    """
    return [(at, at + UNSEEN + MINUTE) for at in plan.clock_changes]
