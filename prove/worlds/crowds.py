"""Crowds: many parcels of several accounts created at once, while their carrier is slow.

Places at the carrier are few then, and budgets small. The parcels are deleted when it is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, TypeVar

from parcelwire.domain.clock import MINUTE, SECOND
from parcelwire.polling.budget import refill
from prove.worlds.carriers import Carriers
from prove.worlds.ledger import Ledger, Parcel
from prove.worlds.process import Process
from prove.worlds.sky import Plan
from prove.worlds.users import Shop

MISSED_TURNS: Final = 28
"""How many turns a first question may wait longer than is fair. Processes give out turns without
asking each other: with four of them most fall together, and all but one of those are missed. Alone,
a process keeps to some sixteen.
"""

T = TypeVar("T")

ARRIVING_SECONDS: Final = 20.0
IMPATIENT_LOOKS: Final = 8
ROUNDS: Final = 2
ROUND: Final = MINUTE


class Crowd(Shop):
    """One account's part of a crowd."""

    _process: Process | None = None

    async def run(self, parcels: int) -> None:
        """Create ``parcels`` within seconds, and ask about them by hand again and again."""
        crowd = self._plan.crowd
        if crowd is None:
            return
        await self._until(crowd.start)
        own = [self._crowd_parcel(index) for index in range(parcels)]
        await asyncio.gather(*(self._within(ARRIVING_SECONDS, self._create(one)) for one in own))
        if self._plan.machines and not crowd.is_slow:
            # Each look takes from the budget, by the clock of another machine than the last one.
            looks = [self._look_now(one) for one in own for _ in range(IMPATIENT_LOOKS)]
            await asyncio.gather(*(self._within(ROUND / SECOND, one) for one in looks))
        for at in range(crowd.end - ROUNDS * ROUND, crowd.end, ROUND):
            await self._until(at)
            asking = [self._within(ROUND / SECOND, self._look_twice(one)) for one in own]
            await asyncio.gather(*asking)
        await self._until(crowd.end)
        await asyncio.gather(*(self._delete_now(one) for one in own))

    async def _within(self, seconds: float, doing: Coroutine[Any, Any, None]) -> None:
        await asyncio.sleep(self._chance.random() * seconds)
        await doing

    async def _look_twice(self, parcel: Parcel) -> None:
        await asyncio.gather(self._look_now(parcel), self._look_now(parcel))

    async def _ask(self, work: Callable[[Process], Awaitable[T]]) -> T:
        """Go to one process while carriers are slow, as behind a proxy that keeps to one."""
        crowd = self._plan.crowd
        if self._process is None or not self._process.is_alive:
            self._process = await self._alive()
        if crowd is None or not crowd.is_slow:
            self._process = await self._alive()
        return await self._process.call(work)

    def _crowd_parcel(self, index: int) -> Parcel:
        parcel = self._known_parcel(900_000 + index)
        self._ledger.crowd.append(parcel)
        return parcel


def judge_crowd(plan: Plan, carriers: Carriers, ledger: Ledger) -> list[str]:
    """No parcel of a crowd waits for its first question much longer than first come, first served.

    Twice as long, since accounts take turns: one with few parcels may go before those of the other.
    When each question of a budget was asked is taken as it was.
    """
    crowd = plan.crowd
    if crowd is None or not crowd.is_quiet:
        return []  # who waits may wait for other reasons, too
    first_asked: dict[str, int] = {}
    keys: dict[str, str] = {}
    for ask in ledger.asks:
        for number in ask.numbers:
            first_asked.setdefault(number, ask.at)
            keys.setdefault(number, ask.budget_key)
    groups: dict[str, list[tuple[int, int, str]]] = {}
    for parcel in ledger.crowd:
        if parcel.id:
            created = ledger.made_at[parcel.id]
            asked = min(crowd.end, first_asked.get(parcel.number, crowd.end))
            # Who was never asked about stands with those that share the budget.
            key = keys.get(parcel.number) or (f"account {parcel.account}")
            groups.setdefault(key, []).append((created, asked, parcel.number))
    policy = next(iter(carriers.policies.values()))
    slack = MINUTE + MISSED_TURNS * MINUTE // refill(policy.requests_per_minute)
    return [fault for one in groups.values() for fault in _unfair(one, slack)]


def _unfair(group: list[tuple[int, int, str]], slack: int) -> list[str]:
    turns = sorted(asked for _, asked, _ in group)
    found = []
    for (created, asked, number), turn in zip(sorted(group), turns, strict=True):
        fair = turn - created
        if asked - created > 2 * fair + slack:
            found.append(
                f"{number} was first asked about after {(asked - created) / 1_000:.0f} s;"
                f" first come, first served it would have been {fair / 1_000:.0f} s"
            )
    return found
