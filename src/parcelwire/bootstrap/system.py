"""The machine's clock and its source of randomness."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from typing import Final

from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.tracking import url_text

steady_ns: Final[Callable[[], int]] = (
    partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic_ns
)
"""Nanoseconds on a clock that nobody can set, from an unknown beginning; where the system has such
a clock, it goes on while the machine sleeps."""


class SystemClock:
    """The machine's clock; once held, one that goes on from there and cannot be set from outside.

    Not held, it follows whoever sets the machine's clock right, as one process on one machine
    should. Held, it is what several processes share: none of them sees time jump alone.
    """

    def __init__(
        self,
        time_ns: Callable[[], int] = time.time_ns,
        steady_ns: Callable[[], int] = steady_ns,
    ) -> None:
        """``time_ns`` returns what the machine says, in nanoseconds since 1970 UTC; ``steady_ns``
        nanoseconds of a clock that nobody sets.
        """
        self._time_ns = time_ns
        self._steady_ns = steady_ns
        self._read_ns = time_ns
        self._added_ms = 0
        self.ahead_ms = 0
        """By how much the machine's clock was ahead (negative: behind) when it was last compared
        with the time that counts; 0: by less than a second."""

    def now(self) -> Instant:
        """Return the present instant."""
        return self._read_ns() // 1_000_000 + self._added_ms

    def machine_time(self) -> Instant:
        """Return the instant that the machine's own clock shows."""
        return self._time_ns() // 1_000_000

    def steady_ms(self) -> int:
        """Return milliseconds on the clock that nobody sets, from an unknown beginning."""
        return self._steady_ns() // 1_000_000

    def hold(self) -> None:
        """Go on from the present instant, whatever becomes of the machine's clock."""
        if self._read_ns is not self._steady_ns:
            self._added_ms += self.machine_time() - self.steady_ms()
            self._read_ns = self._steady_ns

    def move(self, milliseconds: int) -> None:
        """Let time jump by so much; negative: back."""
        self._added_ms += milliseconds

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
