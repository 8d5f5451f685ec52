"""How often anonymous visitors may ask: per source address first, of all together last.

    source   = the caller's address, as the server layer tells it (``domain.source_address``)
    take()   -> 0: go on; otherwise the seconds until it is worth asking again

What one source may do is far below what all together may, so that no single one can use up what
belongs to everybody. The counters are in memory, in each process; what must hold across processes
(wrong tries of a login or a lookup) is counted in the store, by those whom it concerns.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import msgspec

from parcelwire.domain.clock import MINUTE, SECOND, Clock, Instant
from parcelwire.domain.source_address import counted_for, source_of

if TYPE_CHECKING:
    # Commands that set a password or read settings need no web framework.
    from starlette.requests import HTTPConnection

MOST_SOURCES: Final = 10_000
"""Sources that are counted at one time; of more, those not seen for longest are forgotten."""

BURST_SECONDS: Final = 10
LEAST_BURST: Final = 20
"""What may come in one moment: as much as in ten seconds, and 20 requests at least. A whole
minute's worth at once would keep others waiting."""

LARGEST_FILE: Final = 10_000_000
LARGEST_FORM: Final = 11_000_000
"""Bytes of an uploaded file, and of the form around it: the largest body that anything here takes.
"""


class PageLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the public pages are bounded by. See ``[limits]`` in the settings."""

    lookups_per_source_per_minute: int = 20
    forms_per_source_per_minute: int = 20
    pages_per_source_per_minute: int = 1_200
    lookups_and_forms_per_minute: int = 3_000
    live_per_source: int = 10
    live_per_tracking: int = 20
    live_per_account: int = 500
    live: int = 1_000


def source_in(request: HTTPConnection) -> str:
    """Return the source address that a request counts for; empty where there is none."""
    client = request.scope.get("client")
    return source_of(str(client[0])) if client else ""


def burst_of(per_minute: int) -> int:
    """Return how many requests of ``per_minute`` may come in one moment."""
    return min(per_minute, max(LEAST_BURST, per_minute * BURST_SECONDS // 60))


class SourceLimit:
    """Requests of each source, as a token bucket."""

    def __init__(self, clock: Clock, per_minute: int, *, most_sources: int = MOST_SOURCES) -> None:
        """Allow each source ``per_minute`` requests a minute."""
        self._clock = clock
        self._per_minute = per_minute
        self._most_sources = most_sources
        self._buckets: OrderedDict[str, tuple[float, Instant]] = OrderedDict()

    def take(self, source: str) -> int:
        """Count one request; return 0, or after how many seconds the next will be taken.

        A refused request costs the source nothing.
        """
        now, burst = self._clock.now(), burst_of(self._per_minute)
        levels = []
        for one in counted_for(source):
            rate, most = self._per_minute * one.factor / MINUTE, float(burst * one.factor)
            level, then = self._buckets.get(one.name, (most, now))
            # A clock that jumped back adds nothing and takes nothing.
            level = min(most, level + max(0, now - then) * rate)
            if level < 1:
                if now < then:  # from now on time counts again
                    self._buckets[one.name] = level, now
                return max(1, math.ceil((1 - level) / rate / SECOND))
            levels.append((one.name, level))
        for name, level in levels:
            self._buckets[name] = level - 1, now
            self._buckets.move_to_end(name)
        while len(self._buckets) > self._most_sources:
            self._buckets.popitem(last=False)
        return 0

    def __len__(self) -> int:
        return len(self._buckets)
