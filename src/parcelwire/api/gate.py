"""Who calls, and how often they may: keys and rate limits for every dialect."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, Protocol

import msgspec

from parcelwire.accounts.key_format import digest_of, is_well_formed
from parcelwire.domain.account import Account, ApiKey
from parcelwire.domain.clock import SECOND, Clock, Instant

KEY_CACHE_SECONDS: Final = 1.0
"""How long a key's state is believed, and its account's.

A revoked key, or one of a suspended account, works at most this much longer, in every process.
"""


class Refusal(Enum):
    """Why a call does not come in."""

    NO_KEY = auto()
    UNKNOWN_KEY = auto()
    REVOKED_KEY = auto()
    EXPIRED_KEY = auto()


class KeyStore(Protocol):
    """Where keys are kept."""

    async def find_key(self, digest: bytes) -> tuple[ApiKey, Account] | None:
        """Return the key with this digest, revoked or not, and its account."""
        ...


class Gate:
    """Checks keys, with a short memory so that a busy key costs no database read per call."""

    def __init__(self, store: KeyStore, clock: Clock) -> None:
        """Read keys from ``store``; ``clock`` ends the memory."""
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[Instant, tuple[ApiKey, Account]]] = {}

    async def admit_by(
        self, headers: Mapping[bytes, bytes], *names: bytes
    ) -> tuple[ApiKey, Account] | Refusal:
        """Do as ``admit`` with the key in the first header of these names that says something."""
        key = next((raw for name in names if (raw := headers.get(name))), None)
        return await self.admit(key.decode("latin-1") if key is not None else None)

    async def admit(self, key: str | None) -> tuple[ApiKey, Account] | Refusal:
        """Return the key and its account, or why the call is refused."""
        if key is None or not (key := key.strip()):
            return Refusal.NO_KEY
        now = self._clock.now()
        remembered = self._known.get(key)
        if remembered is not None and 0 <= now - remembered[0] < KEY_CACHE_SECONDS * SECOND:
            # What is remembered may end within the second.
            return Refusal.EXPIRED_KEY if remembered[1][0].is_expired(now) else remembered[1]
        if not is_well_formed(key):
            return Refusal.UNKNOWN_KEY
        found = await self._store.find_key(digest_of(key))
        if found is None:
            return Refusal.UNKNOWN_KEY
        if found[0].revoked_at is not None:
            self._known.pop(key, None)
            return Refusal.REVOKED_KEY
        if found[0].is_expired(now):
            self._known.pop(key, None)
            return Refusal.EXPIRED_KEY
        if len(self._known) >= 10_000:
            self._known.clear()
        self._known[key] = (now, found)
        return found


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
