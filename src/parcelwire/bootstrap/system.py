"""The machine's clock and its source of randomness."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable

from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.tracking import url_text


class SystemClock:
    """The machine's clock, corrected by what it is known to be ahead of the true time."""

    def __init__(self, time_ns: Callable[[], int] = time.time_ns) -> None:
        """``time_ns`` returns what the machine says, in nanoseconds since 1970 UTC."""
        self._time_ns = time_ns
        self.ahead_ms = 0
        """By how much the machine is ahead; negative: behind. It is taken off what it says."""

    def now(self) -> Instant:
        """Return the present instant."""
        return self._time_ns() // 1_000_000 - self.ahead_ms

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class SystemIdentifiers:
    """Ids and tokens from the operating system's random source, drawn some kilobytes at a time.

    A draw is a system call of tens of microseconds, whatever its size; no byte is used twice.
    """

    def __init__(self) -> None:
        """Start without a last id."""
        self._last = 0
        self._pool = b""
        self._used = 0

    def new_id(self, now: Instant) -> str:
        """Return 32 hex digits: 48 bits of milliseconds, then 80 that rise within one millisecond.

        Ids of one process rise even when many are made in one millisecond or the clock steps back
        a little, so that "newest first" by id is the order of creation.
        """
        new = now << 80 | int.from_bytes(self._draw(10)) >> 1
        if new <= self._last and (self._last >> 80) - now < 60 * SECOND:
            new = self._last + 1 + int.from_bytes(self._draw(5))
        self._last = new
        return f"{new:032x}"

    def new_token(self) -> str:
        """Return 160 random bits, URL-safe."""
        return url_text(self._draw(20))

    def _draw(self, count: int) -> bytes:
        if self._used + count > len(self._pool):
            self._pool, self._used = os.urandom(4_096), 0
        taken = self._pool[self._used : self._used + count]
        self._used += count
        return taken
