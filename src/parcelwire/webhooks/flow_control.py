"""How many requests each endpoint may have under way, so that a bad one never delays a healthy one.

An endpoint begins with one request at a time. Each success doubles that, up to the cap; anything
else takes it back to one. Endpoints that did not just answer well, and soon, may together hold no
more than half of the process's slots, however many they are: the other half is always there for the
healthy ones. Only an endpoint that this process has never called is let in beside that rule, once,
since the store cannot be asked for messages of endpoints by what they are not.

An endpoint's owner can ask for less: ``concurrency`` requests at one time, and ``rate_per_second``
messages. The rate is a bucket of tokens, one for each message, that fills at that rate and holds a
tenth of a second's worth (at least one), so that no burst follows a pause. What finds no token is
not claimed: it waits in the store, in its place. An endpoint's figures are learned with its first
message.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto

import msgspec

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import SECOND, Instant

_REMEMBERED = 10_000
_ROUNDING = 1e-6
"""Sums of fractions of a token must not fall short of a whole one by a rounding error."""


class Health(Enum):
    """What the last answer of an endpoint was, as far as this process knows."""

    UNKNOWN = auto()
    HEALTHY = auto()
    SLOW = auto()
    """It took the message, but so late that many like it would hold everybody up."""
    BAD = auto()


class _Pace(msgspec.Struct):
    allowance: int = 1
    in_flight: int = 0
    health: Health = Health.UNKNOWN
    rests_since: Instant = 0
    rests_until: Instant = 0
    most: int | None = None
    rate: float | None = None
    tokens: float = 1.0
    filled_at: Instant = 0

    def spare(self, now: Instant) -> int:
        allowance = self.allowance if self.most is None else min(self.allowance, self.most)
        spare = allowance - self.in_flight
        return spare if self.rate is None else min(spare, int(self.filled(now, self.rate)))

    def filled(self, now: Instant, rate: float) -> float:
        # By a clock set back no time has passed, and none is owed later.
        passed = max(0, now - self.filled_at)
        self.filled_at = now
        self.tokens = min(self.tokens + passed * rate / SECOND, max(1.0, rate / 10))
        return self.tokens + _ROUNDING

    def is_open(self, now: Instant) -> bool:
        return self.spare(now) > 0 and not self.is_resting(now)

    def is_resting(self, now: Instant) -> bool:
        # Both ends are compared, so that a clock set back does not make the rest last for ever.
        return self.rests_since <= now < self.rests_until


class Slot(msgspec.Struct, frozen=True):
    """One request under way."""

    endpoint_id: str
    is_suspect: bool


class FlowControl:
    """Counts requests in flight per endpoint. One per worker."""

    def __init__(self, *, in_flight: int, per_endpoint: int) -> None:
        self._slots = in_flight
        self._suspect_slots = max(1, in_flight // 2)
        self._per_endpoint = min(per_endpoint, in_flight)
        self._paces: dict[str, _Pace] = {}
        self._had_turn: set[str] = set()
        self._in_flight = 0
        self._suspect_in_flight = 0

    @property
    def free(self) -> int:
        """Slots left."""
        return max(0, self._slots - self._in_flight)

    def is_healthy(self, endpoint_id: str) -> bool:
        """Tell whether an endpoint just answered, well and soon."""
        pace = self._paces.get(endpoint_id)
        return pace is not None and pace.health is Health.HEALTHY

    def refill_suspect(self, now: Instant) -> tuple[int, set[str]]:
        """Return how many messages those may have that did not just answer well, and who else none.

        One each. 0 when there is no room for them, or nobody among them is open. Tell
        ``note_turns`` who had one.
        """
        waiting = {
            endpoint_id
            for endpoint_id, pace in self._paces.items()
            if pace.health in (Health.BAD, Health.SLOW) and pace.is_open(now)
        }
        waiting = waiting - self._had_turn or waiting
        room = min(self.free, self._suspect_slots - self._suspect_in_flight)
        return (max(0, room) if waiting else 0), self._paces.keys() - waiting

    def note_turns(self, endpoint_ids: Collection[str], *, are_all: bool) -> None:
        """Say which suspects had a message, and whether that was everybody who wanted one.

        Where they are more than the room, those with the oldest messages would always be first, and
        the others would starve. So nobody has a second turn before everybody had one.
        """
        if are_all:
            self._had_turn.clear()
        else:
            self._had_turn.update(endpoint_ids)

    def closed(self, now: Instant) -> set[str]:
        """Return the endpoints that are neither healthy nor unknown, or may have no message now."""
        is_half_full = self._suspect_in_flight >= self._suspect_slots
        return {
            endpoint_id
            for endpoint_id, pace in self._paces.items()
            if not pace.is_open(now)
            or pace.health in (Health.BAD, Health.SLOW)
            or (is_half_full and pace.health is Health.UNKNOWN)
        }

    def refill_healthy(self, now: Instant, served: Collection[str]) -> tuple[int, set[str]]:
        """Return how many more messages each of some endpoints may have, and who may have none.

        After every healthy endpoint was asked for one message, the idle ones of ``served`` can take
        more at once. 0 when there is nothing to add.
        """
        spares = {
            endpoint_id: pace.spare(now)
            for endpoint_id, pace in self._paces.items()
            if pace.health is Health.HEALTHY and pace.is_open(now)
        }
        most = max((spares.get(endpoint_id, 0) for endpoint_id in served), default=0)
        # One figure goes for all, so those with less to spare wait until they are the idlest.
        return most, {
            endpoint_id for endpoint_id in self._paces if spares.get(endpoint_id, 0) < most
        }

    def begin(self, endpoint: Endpoint, now: Instant) -> Slot:
        """Count one request more; hand the slot to ``end``."""
        pace = self._paces.setdefault(endpoint.id, _Pace(filled_at=now))
        pace.most, pace.rate = endpoint.concurrency, endpoint.rate_per_second
        if pace.rate is not None:
            pace.filled(now, pace.rate)
            pace.tokens -= 1
        pace.in_flight += 1
        self._in_flight += 1
        slot = Slot(endpoint.id, pace.health is not Health.HEALTHY)
        self._suspect_in_flight += slot.is_suspect
        return slot

    def next_token_seconds(self, now: Instant) -> float | None:
        """Return when the first endpoint that its rate keeps waiting may have a message again.

        None when there is no such endpoint.
        """
        waits = [
            (1 - filled) / pace.rate
            for pace in self._paces.values()
            if pace.rate is not None
            and (filled := pace.filled(now, pace.rate)) < 1
            and not pace.is_resting(now)
        ]
        return max(0.0, min(waits)) if waits else None

    def end(
        self, slot: Slot, health: Health, *, now: Instant, rest_seconds: float = 0.0
    ) -> tuple[Health, Health]:
        """Count one request less; return the endpoint's health before and now.

        ``health`` UNKNOWN: nothing was learned about the endpoint. ``rest_seconds``: for how long
        it wants no request at all.
        """
        pace = self._paces[slot.endpoint_id]
        pace.in_flight -= 1
        self._in_flight -= 1
        self._suspect_in_flight -= slot.is_suspect
        before = pace.health
        if health in (Health.HEALTHY, Health.SLOW):
            pace.allowance = min(pace.allowance * 2, self._per_endpoint)
            pace.health = health
        elif health is Health.BAD:
            pace.allowance = 1
            pace.health = health
        if rest_seconds > 0:
            pace.rests_since = now
            pace.rests_until = now + round(rest_seconds * SECOND)
        if len(self._paces) > _REMEMBERED:
            self._forget(now)
        return before, pace.health

    def _forget(self, now: Instant) -> None:
        self._paces = {
            endpoint_id: pace
            for endpoint_id, pace in self._paces.items()
            if pace.in_flight or pace.is_resting(now)
        }
