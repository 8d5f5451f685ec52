"""How a body that does not arrive at once comes along."""

from __future__ import annotations

from typing import Final

from parcelwire.server.limits import (
    MAX_CHUNK_OVERHEAD,
    OVERHEAD_PER_BODY_BYTE,
    ServerLimits,
)

_FREE_OVERHEAD: Final = 65_536


class BodyProgress:
    """The time that one body has, and what comes with it that is no body."""

    def __init__(self, limits: ServerLimits, now: float, received: int) -> None:
        """``received``: bytes that came with the head. ``now``: seconds, monotonic."""
        self._limits = limits
        self._began_at = self._last_at = now
        self._received = received
        self._overhead = 0
        self._overhead_in_a_row = 0
        self.deadline = now + limits.body_idle_timeout_seconds
        """When the next part must have come."""

    def advance(self, fed: int, received: int, now: float) -> bool:
        """Note that ``fed`` bytes came, and that the body has ``received`` bytes by now.

        What is neither is chunk sizes, chunk extensions or trailers. False: it is too much of
        them.
        """
        limits = self._limits
        gained, self._received, self._last_at = received - self._received, received, now
        latest = self._began_at + limits.body_timeout_seconds + received / limits.min_body_rate
        self.deadline = min(now + limits.body_idle_timeout_seconds, latest)
        overhead = fed - gained
        self._overhead += overhead
        self._overhead_in_a_row = 0 if gained else self._overhead_in_a_row + overhead
        return (
            self._overhead_in_a_row <= MAX_CHUNK_OVERHEAD
            and self._overhead <= _FREE_OVERHEAD + OVERHEAD_PER_BODY_BYTE * received
        )

    def resume(self, now: float) -> None:
        """Note that until now the application let the client wait: that time does not count."""
        self._began_at += now - self._last_at
        self._last_at = now
        self.deadline = now + self._limits.body_idle_timeout_seconds
