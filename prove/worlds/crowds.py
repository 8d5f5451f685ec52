"""Crowds: many parcels of several accounts created at once, while their carrier is slow.

Places at the carrier are few then, and budgets small. The parcels are deleted when it is over.
"""

from __future__ import annotations

import asyncio
from typing import Final

from parcelwire.domain.clock import MINUTE
from prove.worlds.carriers import Carriers
from prove.worlds.ledger import Ledger, Parcel
from prove.worlds.sky import Plan
from prove.worlds.users import Shop

SLACK: Final = 3 * MINUTE
"""What a first question may wait longer than is fair: two leases, a turn that was given away."""


class Crowd(Shop):
    """One account's part of a crowd."""

    async def run(self, parcels: int) -> None:
        """Create ``parcels`` at once; some of them are asked about by two people at a time."""
        crowd = self._plan.crowd
        if crowd is None:
            return
        await self._until(crowd.start)
        own = [self._crowd_parcel(index) for index in range(parcels)]
        await asyncio.gather(*(self._create(one) for one in own))
        await self._until(crowd.end)
        await asyncio.gather(*(self._twice(one) for one in own[::4]))
        await asyncio.gather(*(self._delete_now(one) for one in own))

    def _crowd_parcel(self, index: int) -> Parcel:
        parcel = self._parcel(900_000 + index)
        # Of one carrier, and known to it: a search for the right one would ask others, too.
        parcel.courier = next(iter(self._carriers.policies))
        self._carriers.couriers_of[parcel.number] = parcel.courier
        self._ledger.crowd.append(parcel)
        return parcel

    async def _twice(self, parcel: Parcel) -> None:
        await asyncio.gather(self._look_now(parcel), self._look_now(parcel))


def judge_crowd(plan: Plan, carriers: Carriers, ledger: Ledger) -> list[str]:
    """No parcel of a crowd waits for its first question much longer than first come, first served.

    Twice as long, since accounts take turns: one with few parcels may go before those of the other.
    When each question of a budget was asked is taken as it was.
    """
    crowd = plan.crowd
    if crowd is None or _is_disturbed(plan, carriers, ledger):
        return []
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
    return [fault for one in groups.values() for fault in _unfair(one)]


def _unfair(group: list[tuple[int, int, str]]) -> list[str]:
    turns = sorted(asked for _, asked, _ in group)
    found = []
    for (created, asked, number), turn in zip(sorted(group), turns, strict=True):
        fair = turn - created
        if asked - created > 2 * fair + SLACK:
            found.append(
                f"{number} was first asked about after {(asked - created) / 1_000:.0f} s;"
                f" first come, first served it would have been {fair / 1_000:.0f} s"
            )
    return found


def _is_disturbed(plan: Plan, carriers: Carriers, ledger: Ledger) -> bool:
    """Tell whether more went on than the crowd: then who waits, waits for other reasons, too."""
    assert plan.crowd is not None  # the caller has looked
    start, end = plan.crowd.start, plan.crowd.end
    spells = [(since, until) for spans in carriers.weather.values() for since, until, _ in spans]
    moments = [at for at, _ in (*ledger.jumps, *plan.jumps)] + ledger.deaths
    return any(since <= end and start <= until for since, until in (*spells, *plan.full_disks)) or (
        any(start <= at <= end for at in moments)
    )
