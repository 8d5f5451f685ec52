"""Time as the rest of the house sees it: an argument, never a global.

An ``Instant`` is an ``int``: milliseconds since 1970-01-01T00:00:00 UTC. Integers compare, sort,
store and
encode the same way in both databases and cost a tenth of a ``datetime``; dialects format them at
the border.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

Instant = int
"""Milliseconds since 1970-01-01T00:00:00 UTC."""

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

CLOCKS_DIFFER = 15 * SECOND
"""So much the clocks of two processes may differ."""


class Clock(Protocol):
    """Where a room gets the time from, and how it waits."""

    def now(self) -> Instant:
        """Return the present instant."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until ``seconds`` have passed on this clock."""
        ...


class FrozenClock:
    """A clock for tests: it stands still until told to move; sleeping moves it at once."""

    def __init__(self, now: Instant = 1_772_359_200_000) -> None:
        """Start at ``now`` (default 2026-03-01T10:00:00Z)."""
        self._now = now

    def now(self) -> Instant:
        """Return the instant the clock was last moved to."""
        return self._now

    def advance(self, seconds: float) -> Instant:
        """Move forward (or, with a negative figure, back) and return the new instant."""
        self._now += round(seconds * SECOND)
        return self._now

    def set(self, now: Instant) -> None:
        """Jump to ``now``."""
        self._now = now

    async def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass without waiting for them."""
        self.advance(max(0.0, seconds))


def to_datetime(instant: Instant) -> datetime:
    """Return ``instant`` as an aware UTC ``datetime``."""
    return datetime.fromtimestamp(instant / SECOND, tz=UTC)


def from_datetime(moment: datetime) -> Instant:
    """Return an aware ``datetime`` as an instant.

    Raises:
        ValueError: when ``moment`` has no offset; a naive time is no instant.
    """
    if moment.tzinfo is None:
        msg = "a naive datetime is not an instant"
        raise ValueError(msg)
    return round(moment.timestamp() * SECOND)


def iso_utc(instant: Instant) -> str:
    """Return ``2026-03-01T10:00:00+00:00``, whole seconds, UTC."""
    # isoformat() takes a seventh of the time of strftime(), and every answer holds several times.
    return datetime.fromtimestamp(instant // SECOND, tz=UTC).isoformat()
