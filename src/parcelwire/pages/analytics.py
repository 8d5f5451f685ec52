"""Figures about journeys, from counts. Pure: what is counted where is for the caller to know.

A figure about parcels is about those created in the days asked for, and of these about the ones it
can be said of: transit times of the delivered, on-time shares of the delivered that had a promise.
How many these were stands beside it, for a share of three parcels says little.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final, Protocol

import msgspec

from parcelwire.domain.status import Status
from parcelwire.tracking.journeys import (
    JourneyColumn,
    JourneyCount,
    JourneyCounts,
    JourneyFilter,
)

BY_COURIER: Final[tuple[JourneyColumn, ...]] = (
    "courier_code",
    "status",
    "transit_days",
    "is_on_time",
    "is_first_attempt",
    "had_exception",
    "reason",
)
BY_LANE: Final[tuple[JourneyColumn, ...]] = ("origin", "destination", "transit_days")
BY_DAY: Final[tuple[JourneyColumn, ...]] = ("created_on", "courier_code")

PERCENTILES: Final = (50, 80, 95)
MOST_LANES: Final = 25
UNSAID: Final = "not said"

Cell = str | int | float | None
"""A float is a share from 0 to 1; None: nothing can be said."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Figures as rows, for people and for CSV."""

    name: str
    """Of its file."""
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Counts(msgspec.Struct, frozen=True):
    """What was counted."""

    by_courier: list[JourneyCount]
    by_lane: list[JourneyCount]
    by_day: list[JourneyCount]
    is_cut: bool = False
    """There are as many parcels as are counted, or more: the figures are about the newest."""


class CountingStore(Protocol):
    """Where it is counted."""

    async def count_journeys(
        self, world_id: int, where: JourneyFilter, by: Sequence[JourneyColumn]
    ) -> JourneyCounts:
        """Count the journeys of a world by their values of some columns."""
        ...


async def count_all(store: CountingStore, world_id: int, where: JourneyFilter) -> Counts:
    """Count all that the figures need: three walks over the journeys of these days."""
    by_courier, by_lane, by_day = await asyncio.gather(
        store.count_journeys(world_id, where, BY_COURIER),
        store.count_journeys(world_id, where, BY_LANE),
        store.count_journeys(world_id, where, BY_DAY),
    )
    return Counts(by_courier, by_lane, by_day, by_day.is_cut)


def percentile(days: Mapping[int, int], percent: int) -> int | None:
    """Return the nearest-rank percentile of values by how often they occur; None of nothing.

    So many percent of the parcels took so many days or fewer.
    """
    total = sum(days.values())
    if not total:
        return None
    rank, seen = -(-total * percent // 100), 0
    for value in sorted(days):
        seen += days[value]
        if seen >= rank:
            return value
    return None


def share(part: int, whole: int) -> float | None:
    """Return a share; None of nothing."""
    return part / whole if whole else None


class _Sum:
    """What is counted of one courier."""

    def __init__(self) -> None:
        self.total = self.delivered = self.judged = self.on_time = 0
        self.attempted = self.first = self.troubled = 0
        self.days: Counter[int] = Counter()
        self.reasons: Counter[str] = Counter()


def tables_of(counts: Counts, names: Mapping[str, str] | None = None) -> tuple[Table, ...]:
    """Return all tables. ``names``: couriers' names by code."""
    names = names or {}
    sums = _sums(counts.by_courier)
    everything = _sums([((None, *values[1:]), total) for values, total in counts.by_courier])
    ordered = sorted(sums, key=lambda code: (-sums[code].total, code))
    named = [(names.get(code, code), code, sums[code]) for code in ordered]
    all_of_them = everything.get("", _Sum())
    return (
        _transit(named, all_of_them),
        _lanes(counts.by_lane),
        _comparison(named, all_of_them),
        _reasons(named, all_of_them),
        volume(counts.by_day, weekly=False),
        volume(counts.by_day, weekly=True),
    )


def _sums(counted: Iterable[JourneyCount]) -> dict[str, _Sum]:
    sums: defaultdict[str, _Sum] = defaultdict(_Sum)
    for (courier, status, days, on_time, first, troubled, reason), number in counted:
        one = sums[str(courier or "")]
        one.total += number
        one.delivered += number * (status == Status.DELIVERED.value)
        one.judged += number * (on_time is not None)
        one.on_time += number * (on_time is True)
        one.attempted += number * (first is not None)
        one.first += number * (first is True)
        one.troubled += number * (troubled is True)
        if isinstance(days, int):
            one.days[days] += number
        if troubled is True:
            one.reasons[str(reason or UNSAID)] += number
    return dict(sums)


_Named = list[tuple[str, str, _Sum]]


def _with_all(named: _Named, everything: _Sum) -> _Named:
    return [*named, ("All", "", everything)] if len(named) > 1 else named


def _transit(named: _Named, everything: _Sum) -> Table:
    return Table(
        name="transit-by-courier",
        title="Transit time by courier",
        note="Days from the carrier's first scan to the delivery. Half of the parcels took as long"
        " as the first figure or less, four in five as long as the second, 19 in 20 as the third.",
        columns=("Courier", "Delivered", *(f"{one} %" for one in PERCENTILES)),
        rows=tuple(
            (name, sum(one.days.values()), *(percentile(one.days, p) for p in PERCENTILES))
            for name, _, one in _with_all(named, everything)
            if one.days
        ),
    )


def _lanes(counted: Iterable[JourneyCount]) -> Table:
    lanes: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for (origin, destination, days), number in counted:
        if origin and destination and isinstance(days, int):
            lanes[str(origin), str(destination)][days] += number
    frequent = sorted(lanes, key=lambda lane: (-sum(lanes[lane].values()), lane))[:MOST_LANES]
    return Table(
        name="transit-by-lane",
        title="Transit time by lane",
        note=f"The {MOST_LANES} lanes with most deliveries; days as above.",
        columns=("From", "To", "Delivered", *(f"{one} %" for one in PERCENTILES)),
        rows=tuple(
            (
                *lane,
                sum(lanes[lane].values()),
                *(percentile(lanes[lane], one) for one in PERCENTILES),
            )
            for lane in frequent
        ),
    )


def _comparison(named: _Named, everything: _Sum) -> Table:
    return Table(
        name="couriers",
        title="Couriers compared",
        note="On time: of the delivered parcels that had a promised day, those that came by it."
        " First attempt: of the delivered ones, those that were never undeliverable before."
        " Problems: parcels that were undeliverable or an exception at any time.",
        columns=(
            "Courier",
            "Code",
            "Parcels",
            "Delivered",
            "With a promise",
            "On time",
            "First attempt",
            "Problems",
        ),
        rows=tuple(
            (
                name,
                code,
                one.total,
                one.delivered,
                one.judged,
                share(one.on_time, one.judged),
                share(one.first, one.attempted),
                share(one.troubled, one.total),
            )
            for name, code, one in _with_all(named, everything)
        ),
    )


def _reasons(named: _Named, everything: _Sum) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for reason, number in sorted(everything.reasons.items(), key=lambda one: (-one[1], one[0])):
        worst = max(named, key=lambda one: one[2].reasons[reason])
        rows.append(
            (
                reason,
                number,
                share(number, everything.troubled),
                share(number, everything.total),
                worst[0],
            )
        )
    return Table(
        name="problems",
        title="Problems by reason",
        note="Parcels with a problem on their way, by the newest reason that the carrier gave.",
        columns=("Reason", "Parcels", "Of problems", "Of all parcels", "Most with"),
        rows=tuple(rows),
    )


def volume(counted: Iterable[JourneyCount], *, weekly: bool) -> Table:
    """Return how many parcels there were a day, or a week (which begins on Monday)."""
    found: Counter[date] = Counter()
    for values, number in counted:
        day = date.fromisoformat(str(values[0]))
        found[day - timedelta(days=day.weekday()) if weekly else day] += number
    step = timedelta(days=7 if weekly else 1)
    rows = []
    if found:
        day, last = min(found), max(found)
        while day <= last:
            rows.append((day.isoformat(), found[day]))
            day += step
    return Table(
        name="volume-by-week" if weekly else "volume-by-day",
        title="Parcels a week" if weekly else "Parcels a day",
        note="By the day they were handed to Parcelwire (UTC), once their carrier had spoken of"
        " them.",
        columns=("Week from" if weekly else "Day", "Parcels"),
        rows=tuple(rows),
    )
