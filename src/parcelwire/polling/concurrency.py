"""How many questions each carrier takes at a time in this process, and when the rest have a turn.

A carrier that is slow, or has far more parcels than budget, must neither fill the worker nor be
looked at again and again: what exceeds its capacity gets a turn of its own, one behind the other at
the carrier's pace. Accounts that share a carrier take turns: one's crowd does not stand in front of
another's parcel, and slots are given out to accounts one after the other.
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
_MOST_CARRIERS: Final = 5_000
_MOST_ACCOUNTS: Final = 1_000


class _Carrier:
    """The questions to one carrier (one budget) under way or waiting in this process."""

    __slots__ = ("free", "loads", "next_turns", "seconds", "served", "slots_given")

    def __init__(self, slots: int) -> None:
        self.free = FairSlots(slots)
        self.loads: Counter[int] = Counter()
        """Questions of each account under way or waiting for a slot."""
        self.seconds = _FIRST_GUESS
        """What a conversation takes, as seen of late."""
        self.next_turns: dict[tuple[int, bool], Instant] = {}
        """The last turn that was given to each account, and to those that have missed theirs."""
        self.slots_given = 0
        self.served: dict[int, int] = {}
        """How many slots had been given when each account had its last one."""

    def note_served(self, account: int) -> None:
        """Note that an account has a slot."""
        if len(self.served) >= _MOST_ACCOUNTS:
            self.served.clear()
        self.slots_given += 1
        self.served[account] = self.slots_given


class CarrierConcurrency:
    """What one worker asks of all carriers at a time."""

    def __init__(self, slots: int, patience_seconds: float, clock: Clock) -> None:
        """``slots`` conversations with a carrier at a time; as many may wait for one as will have
        it within ``patience_seconds``.
        """
        self._slots = slots
        self._patience_seconds = patience_seconds
        self._clock = clock
        self._carriers: dict[str, _Carrier] = {}

    def capacity(self, policy: CarrierPolicy, wanted: Mapping[int, int]) -> dict[int, int]:
        """Return how many conversations each account may begin now or soon, of those it wants.

        As equal as possible; and whoever has none under way may begin one though others take up
        all there is. In front stands who has not had a slot for longest: what cannot be shared
        equally goes there.
        """
        carrier = self._carrier(policy)
        served = carrier.served
        wanted = {one: wanted[one] for one in sorted(wanted, key=lambda one: served.get(one, 0))}
        soon = int(self._slots * self._patience_seconds / max(carrier.seconds, 0.001))
        most, load = self._slots + soon, carrier.loads.total()
        shares = share_out(list(wanted.values()), max(0, most - load))
        chosen = dict(zip(wanted, shares, strict=True))
        newcomers = [one for one in wanted if not chosen[one] and not carrier.loads[one]]
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
        carrier = self._carrier(policy)
        carrier.next_turns = {
            one: at for one, at in carrier.next_turns.items() if now < at <= now + HORIZON
        }
        line = account, is_again
        lines = sorted(one for one in carrier.next_turns.keys() | {line} if one[1] is is_again)
        slot = max(
            SLACK * MINUTE / refill(max(1, policy.requests_per_minute)),
            carrier.seconds * SECOND / self._slots,
        )
        size = max(1, int(CHUNK / (slot * len(lines)))) * policy.batch_size
        at = carrier.next_turns.get(line, now)
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
            carrier.next_turns[line] = at
        return given

    @asynccontextmanager
    async def slot(self, policy: CarrierPolicy, account: int) -> AsyncIterator[None]:
        """Wait for one of the carrier's slots, and learn how long it is held."""
        carrier = self._carrier(policy)
        carrier.loads[account] += 1
        try:
            async with carrier.free.slot(account):
                carrier.note_served(account)
                began_at = self._clock.now()
                yield
                took = max(0, self._clock.now() - began_at) / SECOND
                carrier.seconds = 0.8 * carrier.seconds + 0.2 * min(took, 60.0)
        finally:
            carrier.loads[account] -= 1
            if not carrier.loads[account]:
                del carrier.loads[account]

    def _carrier(self, policy: CarrierPolicy) -> _Carrier:
        carrier = self._carriers.get(policy.budget_key)
        if carrier is None:
            if len(self._carriers) >= _MOST_CARRIERS:
                self._carriers = {
                    key: carrier for key, carrier in self._carriers.items() if carrier.loads
                }
            carrier = self._carriers[policy.budget_key] = _Carrier(self._slots)
        return carrier
