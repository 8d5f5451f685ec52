"""One lane per carrier in this process: how many questions it takes now, and when the rest's turn
is.

A carrier that is slow, or has far more parcels than budget, must neither fill the worker nor be
looked at again and again: what finds no room gets a turn of its own, one behind the other at the
carrier's pace. Accounts that share a carrier take turns: one's crowd does not stand in front of
another's parcel, and places are given out to accounts one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from parcelwire.domain.clock import DAY, MINUTE, SECOND, Clock, Instant
from parcelwire.polling.budget import refill
from parcelwire.tracking.fair_slots import FairSlots, share_out
from parcelwire.tracking.ports import CarrierPolicy

SLACK: Final = 1.1
"""Turns are this much wider apart than the budget allows: room for create and real-time queries."""

CHUNK: Final = 10 * SECOND
"""Turns within this time fall together: a bucket holds ten seconds' budget, so they find it full
enough, and they are written with one statement.
"""

HORIZON: Final = DAY
"""Turns are given for this long; then they begin anew (also after a clock has jumped back)."""

_FIRST_GUESS: Final = 0.5
_MOST_LANES: Final = 5_000
_MOST_ACCOUNTS: Final = 1_000


class _Lane:
    """The questions to one carrier (one budget) under way or waiting in this process."""

    __slots__ = ("free", "loads", "next_turns", "seconds", "served", "slots_given")

    def __init__(self, places: int) -> None:
        self.free = FairSlots(places)
        self.loads: Counter[int] = Counter()
        """Questions of each account under way or waiting for a place."""
        self.seconds = _FIRST_GUESS
        """What a conversation takes, as seen of late."""
        self.next_turns: dict[tuple[int, bool], Instant] = {}
        """The last turn that was given to each account, and to those that have missed theirs."""
        self.slots_given = 0
        self.served: dict[int, int] = {}
        """How many slots had been given when each account had its last one."""

    def note_served(self, account: int) -> None:
        """Note that an account has a place."""
        if len(self.served) >= _MOST_ACCOUNTS:
            self.served.clear()
        self.slots_given += 1
        self.served[account] = self.slots_given


class CarrierConcurrency:
    """All lanes of a worker."""

    def __init__(self, places: int, patience_seconds: float, clock: Clock) -> None:
        """``places`` conversations a lane at a time; as many may wait for one as will have it
        within ``patience_seconds``.
        """
        self._places = places
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._carriers: dict[str, _Lane] = {}

    def capacity(self, policy: CarrierPolicy, wanted: Mapping[int, int]) -> dict[int, int]:
        """Return how many conversations each account may begin now or soon, of those it wants.

        As equal as possible; and whoever has none under way may begin one though others fill the
        room. In front stands who has not had a place for longest: what cannot be shared equally
        goes there.
        """
        lane = self._lane(policy)
        served = lane.served
        wanted = {one: wanted[one] for one in sorted(wanted, key=lambda one: served.get(one, 0))}
        soon = int(self._places * self._patience_seconds / max(lane.seconds, 0.001))
        most, load = self._places + soon, lane.loads.total()
        shares = share_out(list(wanted.values()), max(0, most - load))
        chosen = dict(zip(wanted, shares, strict=True))
        newcomers = [one for one in wanted if not chosen[one] and not lane.loads[one]]
        for account in newcomers[: max(0, 2 * most - load - sum(shares))]:
            chosen[account] = min(1, wanted[account])
        return chosen

    def schedule_deferred(
        self,
        policy: CarrierPolicy,
        ids: Sequence[str],
        now: Instant,
        *,
        account: int,
        is_again: bool = False,
    ) -> list[tuple[Instant, Sequence[str]]]:
        """Return when each of an account's ``ids`` is to be looked at again, in groups of one time.

        With others that wait for turns of theirs, it has every second one, or third, and so on.
        ``is_again``: they have missed a turn. They have the very next ones, whoever else has those
        by now: ``Admission`` lets them go before, so that nobody misses more than a few.
        """
        lane = self._lane(policy)
        lane.next_turns = {
            one: at for one, at in lane.next_turns.items() if now < at <= now + HORIZON
        }
        line = account, is_again
        lines = sorted(one for one in lane.next_turns.keys() | {line} if one[1] is is_again)
        slot = max(
            SLACK * MINUTE / refill(max(1, policy.requests_per_minute)),
            lane.seconds * SECOND / self._places,
        )
        size = max(1, int(CHUNK / (slot * len(lines)))) * policy.batch_size
        at = lane.next_turns.get(line, now)
        given = []
        for start in range(0, len(ids), size):
            group = ids[start : start + size]
            # Of all time's slots each line has its own, in all processes the same: two that come
            # together at one leave the next one empty.
            number = round(at / slot) + 1
            number += (lines.index(line) - number) % len(lines)
            number += (-(-len(group) // policy.batch_size) - 1) * len(lines)
            at = max(at + 1, round(number * slot))
            given.append((at, group))
        if ids:
            lane.next_turns[line] = at
        return given

    @asynccontextmanager
    async def slot(self, policy: CarrierPolicy, account: int) -> AsyncIterator[None]:
        """Wait for a place in the carrier's lane, and learn how long it is held."""
        lane = self._lane(policy)
        lane.loads[account] += 1
        try:
            async with lane.free.slot(account):
                lane.note_served(account)
                began_at = self._clock.now()
                yield
                took = max(0, self._clock.now() - began_at) / SECOND
                lane.seconds = 0.8 * lane.seconds + 0.2 * min(took, 60.0)
        finally:
            lane.loads[account] -= 1
            if not lane.loads[account]:
                del lane.loads[account]

    def _lane(self, policy: CarrierPolicy) -> _Lane:
        lane = self._carriers.get(policy.budget_key)
        if lane is None:
            if len(self._carriers) >= _MOST_LANES:
                self._carriers = {key: lane for key, lane in self._carriers.items() if lane.loads}
            lane = self._carriers[policy.budget_key] = _Lane(self._places)
        return lane
