"""Which of a parcel's checkpoints came first, also where a carrier gives no hour or no offset.

The order follows from the set of checkpoints alone, however it was learned. Events of one minute
stand in the order of a normal journey.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.clock import MINUTE, Instant
from parcelwire.domain.status import Status

_MOST_INSERTED: Final = 3
"""New checkpoints from which sorting all is cheaper than finding the place of each."""

_PROGRESS: Final = {
    None: 0,
    Status.INFORECEIVED: 1,
    Status.TRANSIT: 2,
    Status.PICKUP: 3,
    Status.UNDELIVERED: 4,
    Status.EXCEPTION: 5,
    Status.DELIVERED: 6,
}

_Key = tuple[Instant, int, bool, tuple[str, ...]]


def in_order(checkpoints: Iterable[Checkpoint]) -> tuple[Checkpoint, ...]:
    """Return ``checkpoints`` oldest first.

    A time without an offset is read with the offset of the event nearest to it. An event of which
    only the date is known stands where it belongs in a normal journey among those of its day:
    before the first that is farther along, else after all of them.
    """
    ones = list(checkpoints)
    if all(map(_is_plain, ones)):
        return tuple(sorted(ones, key=_plain_key))
    timed = [one for one in ones if _has_hour(one)]
    guess = _Offsets(timed)
    keys = {
        one.identity: (guess.instant(one), _progress(one), False, one.identity) for one in timed
    }
    days: dict[tuple[Leg | None, str], list[_Key]] = defaultdict(list)
    for one in timed:
        # Of its own leg, where that has any events on that day.
        for leg in (one.leg, None):
            days[leg, one.local_time[:10]].append(keys[one.identity])
    for day in days.values():
        day.sort()
    for one in ones:
        if not _has_hour(one):
            day = days.get((one.leg, one.local_time)) or days.get((None, one.local_time)) or []
            keys[one.identity] = _dated_key(one, day, guess)
    return tuple(sorted(ones, key=lambda one: keys[one.identity]))


def insert(
    known: tuple[Checkpoint, ...], moved: Sequence[tuple[Checkpoint | None, Checkpoint]]
) -> tuple[Checkpoint, ...] | None:
    """Return ``known`` (oldest first) with each first of ``moved`` replaced by its second.

    None where that needs all of them to be sorted anew: many are new, or one has no hour or no
    offset, and so no place of its own.
    """
    if len(moved) > _MOST_INSERTED:
        return None
    if not (all(map(_is_plain, known)) and all(_is_plain(after) for _, after in moved)):
        return None
    ordered = list(known)
    for before, after in moved:
        if before is not None:
            ordered.remove(before)
        insort(ordered, after, key=_plain_key)
    return tuple(ordered)


class _Offsets:
    """The offsets that are known, by the wall clocks that they are known of."""

    def __init__(self, timed: Iterable[Checkpoint]) -> None:
        self._walls: dict[Leg | None, list[tuple[Instant, int]]] = defaultdict(list)
        for one in timed:
            if one.offset_minutes is not None:
                wall = one.occurred_at + one.offset_minutes * MINUTE
                for leg in (one.leg, None):
                    self._walls[leg].append((wall, one.offset_minutes))
        for walls in self._walls.values():
            walls.sort()

    def instant(self, checkpoint: Checkpoint) -> Instant:
        """Return when a checkpoint happened, as far as can be told."""
        wall = checkpoint.occurred_at
        if checkpoint.offset_minutes is not None:
            return wall
        walls = self._walls.get(checkpoint.leg) or self._walls.get(None)
        if not walls:
            return wall
        after = bisect_left(walls, (wall, -(1 << 30)))
        nearest = min(walls[max(0, after - 1) : after + 1], key=lambda one: abs(one[0] - wall))
        return wall - nearest[1] * MINUTE


def _has_hour(checkpoint: Checkpoint) -> bool:
    return "T" in checkpoint.local_time


def _is_plain(checkpoint: Checkpoint) -> bool:
    return checkpoint.offset_minutes is not None and "T" in checkpoint.local_time


def _progress(checkpoint: Checkpoint) -> int:
    return _PROGRESS.get(checkpoint.status, 0)


def _plain_key(checkpoint: Checkpoint) -> _Key:
    progress = _PROGRESS.get(checkpoint.status, 0)
    return (checkpoint.occurred_at, progress, False, checkpoint.identity)


def _dated_key(checkpoint: Checkpoint, day: Sequence[_Key], offsets: _Offsets) -> _Key:
    """Return the place of a date; ``day`` are the places of its day's events, in order."""
    progress = _progress(checkpoint)
    if day:
        instant = next((key[0] for key in day if key[1] > progress), day[-1][0])
    else:
        instant = offsets.instant(checkpoint)
    return (instant, progress, True, checkpoint.identity)
