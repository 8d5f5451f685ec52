"""How often callers may call: rate limits for every dialect."""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.domain.clock import SECOND, Clock, Instant

_MOST: Final = 1_000
_FIGURES: Final = tuple(b"%d" % figure for figure in range(_MOST))


class Allowance(msgspec.Struct, frozen=True):
    """How a caller stands against its rate limit."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Return ``RateLimit-*`` headers (and ``Retry-After`` when refused).

        None without a limit.
        """
        if self.limit == 0:
            return ()
        # Every answer has them: figures are mostly small, and written once.
        limit, remaining, reset = self.limit, self.remaining, self.reset_seconds
        headers = (
            (b"ratelimit-limit", _FIGURES[limit] if limit < _MOST else b"%d" % limit),
            (
                b"ratelimit-remaining",
                _FIGURES[remaining] if remaining < _MOST else b"%d" % remaining,
            ),
            (b"ratelimit-reset", _FIGURES[reset] if reset < _MOST else b"%d" % reset),
        )
        if self.is_allowed:
            return headers
        return (*headers, (b"retry-after", b"%d" % self.reset_seconds))


NO_LIMIT: Final = Allowance(is_allowed=True, limit=0, remaining=0, reset_seconds=0)


class RateLimiter:
    """A token bucket per (world, kind of call).

    The buckets are this process's own. Processes that share a database divide the limits among them
    (``api.processes``).
    """

    def __init__(self, clock: Clock, limits: dict[str, float]) -> None:
        """``limits``: kind of call -> calls a second of all processes together (0 = no limit).

        A bucket holds one second's worth.
        """
        self._clock = clock
        self._limits = {kind: rate for kind, rate in limits.items() if rate > 0}
        self._rates = dict(self._limits)
        self._buckets: dict[tuple[int, str], tuple[float, Instant]] = {}

    def share_with(self, processes: int) -> None:
        """Grant this process's part of each limit, ``processes`` being the number of all."""
        self._rates = {kind: rate / processes for kind, rate in self._limits.items()}

    def take(self, world_id: int, kind: str) -> Allowance:
        """Count one call of ``kind`` for ``world_id``."""
        rate = self._rates.get(kind)
        if rate is None:
            return NO_LIMIT
        now = self._clock.now()
        key = (world_id, kind)
        bucket = self._buckets.get(key)
        if bucket is None:
            tokens = _depth(rate)
        else:
            tokens, then = bucket
            # A clock that jumped back adds nothing and takes nothing.
            if now > then:
                tokens += (now - then) * rate / SECOND
            if tokens > rate:
                tokens = min(tokens, _depth(rate))
        is_allowed = tokens >= 1
        if is_allowed:
            tokens -= 1
        self._buckets[key] = (tokens, now)
        return _allowance(tokens, rate, is_allowed)

    def current(self, world_id: int, kind: str) -> Allowance:
        """Return what is left, without counting anything; for a call that was let through."""
        return self.charge(world_id, kind, 0)

    def charge(self, world_id: int, kind: str, more: int) -> Allowance:
        """Count ``more`` calls at once for one that was let through and turned out to be many.

        They may be more than the bucket has: then the next call waits until they are made up for.
        """
        rate = self._rates.get(kind)
        if rate is None:
            return NO_LIMIT
        tokens, then = self._buckets.get((world_id, kind), (_depth(rate), self._clock.now()))
        tokens -= max(0, more)
        self._buckets[world_id, kind] = (tokens, then)
        return _allowance(tokens, rate, True)


def _depth(rate: float) -> float:
    return rate if rate > 1.0 else 1.0


def _allowance(tokens: float, rate: float, is_allowed: bool) -> Allowance:
    limit = int(_depth(rate))
    if tokens >= 1:
        return Allowance(is_allowed, limit, int(tokens), 0)
    return Allowance(is_allowed, limit, 0, max(1, round((1 - tokens) / rate + 0.5)))
