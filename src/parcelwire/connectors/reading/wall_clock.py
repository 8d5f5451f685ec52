"""Offsets of times that a carrier prints without one: the one rule for all connectors.

A wall clock in a known zone has one offset, except around the two changes of a year: in autumn an
hour is shown twice, in spring one is skipped. There nothing is certain, and an offset is never
invented; only the order of a carrier's events can tell the two rounds of the autumn hour apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise


def offset_at(moment: datetime, zone: tzinfo) -> int | None:
    """Return the offset, in minutes, of a wall clock (naive) in ``zone``.

    None where the clock showed this time twice, or never.
    """
    first, second = offsets_at(moment, zone)
    return first if first == second else None


def offsets_in_order(moments: Sequence[datetime | None], zone: tzinfo) -> list[int | None]:
    """Return the offsets, in minutes, of wall clocks (naive) that stand in order, oldest first.

    Where a clock that shows each time twice goes back from one event to the next, all before that
    are of its first round and the others of its second. None as for ``offset_at``, when the order
    proves nothing, and for a None. It proves nothing where the certain times of the list stand in
    another order: newest first, or in none.
    """
    offsets = [None if moment is None else offset_at(moment, zone) for moment in moments]
    certain = [
        moment - timedelta(minutes=offset)
        for moment, offset in zip(moments, offsets, strict=True)
        if moment is not None and offset is not None
    ]
    if any(then < one for one, then in pairwise(certain)):
        return offsets
    nights: dict[date, list[tuple[int, datetime]]] = defaultdict(list)
    for index, moment in enumerate(moments):
        if moment is not None and _is_shown_twice(moment, zone):
            nights[moment.date()].append((index, moment))
    for shown in nights.values():
        turns = [at for at, (one, then) in enumerate(pairwise(shown), 1) if then[1] < one[1]]
        # A clock that goes back twice stands in a list that is in no order.
        if len(turns) == 1:
            for at, (index, moment) in enumerate(shown):
                offsets[index] = offsets_at(moment, zone)[at >= turns[0]]
    return offsets


def _is_shown_twice(moment: datetime, zone: tzinfo) -> bool:
    first, second = offsets_at(moment, zone)
    return first > second


def offsets_at(moment: datetime, zone: tzinfo) -> tuple[int, int]:
    """Return the offsets, in minutes, of a wall clock (naive) in its first and its second round.

    They are equal but for the hours that are shown twice or never.
    """
    first, second = (
        moment.replace(tzinfo=zone, fold=fold).utcoffset() or timedelta() for fold in (0, 1)
    )
    return int(first.total_seconds()) // 60, int(second.total_seconds()) // 60
