"""When to look for due times that a clock wrote which was ahead, and how thoroughly.

Everything that waits has to be looked at after the clock went back, and at the first look, because
nobody knows what it did before. Otherwise it is enough to look once an hour for what no right clock
can have put off so far, which stands at the far end of an index.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from parcelwire.domain.clock import HOUR, MINUTE, Instant

JUMP: Final = MINUTE
"""A clock that goes back by less was only adjusted."""


class Recall(Enum):
    """How thoroughly to look."""

    ALL = auto()
    FAR = auto()
    """Only at what is due later than a right clock can have said."""


class Recalls:
    """What one worker has seen of the clock."""

    def __init__(self) -> None:
        """Nothing yet: the first look is a thorough one."""
        self._latest: Instant = 0
        self._latest_at_look: Instant = 0
        self._done_at: Instant | None = None

    def note(self, at: Instant) -> None:
        """Take note of a time that is going to be stored."""
        self._latest = max(self._latest, at)

    def due(self, now: Instant) -> Recall | None:
        """Tell what is to be looked at now; ``done`` follows when that was done."""
        went_back = now < self._latest - JUMP
        self.note(now)
        self._latest_at_look = self._latest
        if went_back or self._done_at is None:
            return Recall.ALL
        return Recall.FAR if now - self._done_at >= HOUR else None

    def done(self, now: Instant) -> None:
        """Take note that what ``due(now)`` asked for was done.

        Not before: had the store been away, it would still have to be done.
        """
        self._done_at = now
        # What was noted meanwhile is later than all before, and may be of a clock that was ahead
        # for that moment only.
        if self._latest == self._latest_at_look:
            self._latest = now
