"""Whose due trackings are claimed next: what both engines decide alike.

    a claim of 200 = the 100 longest due, whoever owns them
                   + 100 from worlds in turn, live ones first;
                     of each, what was never asked about first

The first half keeps the order of arrival: whatever others have, nothing waits for more than twice
as many claims as it would if first come were first served. The second half bounds what a crowd can
do to others: a world with one due tracking has it claimed within one round of the worlds, however
many trackings another world has.

When less is due than the first half takes, that is all there is, and nobody counts worlds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from parcelwire.domain.account import is_test_world
from parcelwire.domain.clock import SECOND, Instant

BELIEVED: Final = SECOND
"""How long a list of the worlds with due trackings is believed."""


def first_come(limit: int) -> int:
    """Return how many of a claim go to those that are due longest."""
    return -(-limit // 2)


class Share:
    """One round: up to ``each`` trackings from every one of ``worlds``."""

    def __init__(self, worlds: Sequence[int], each: int) -> None:
        self.worlds = worlds
        self.each = each
        self.got: dict[int, int] = {}

    def note(self, world_id: int, count: int) -> None:
        """Note how many a world had."""
        self.got[world_id] = count


class Turns:
    """The worlds with due trackings, and which of them had the last turn."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._due: list[int] = []
        self._looked_at = 0
        self._read_at: Instant | None = None
        self._claimed = 0
        self._last: dict[bool, int] = {}
        """The last world that had a turn, of the test worlds and of the others."""

    def are_stale(self, now: Instant) -> bool:
        """Tell whether the worlds are to be looked at anew.

        Looking takes one step for every world, idle ones too: it is done again when about as many
        trackings have been claimed, so that it never costs more than the claims themselves.
        """
        return (
            self._read_at is None
            or not 0 <= now - self._read_at < BELIEVED
            or not self._due
            or self._claimed >= self._looked_at
        )

    def renew(self, rows: Iterable[Sequence[Any]], now: Instant) -> None:
        """Take (world, whether anything of it is due) of every world with planned trackings."""
        found = [(row[0], row[1]) for row in rows]
        self._due = [world_id for world_id, is_due in found if is_due]
        self._looked_at = len(found)
        self._read_at = now
        self._claimed = 0

    def count(self, claimed: int) -> None:
        """Count what was claimed since the worlds were looked at."""
        self._claimed += claimed

    def shares(self, limit: int) -> Iterator[Share]:
        """Hand out ``limit`` turns in rounds; whoever takes a share notes what each world had.

        A world that had less than its share has no more, and leaves the list.
        """
        left = limit
        while left > 0 and self._due:
            chosen = self._in_order()[:left]
            share = Share(chosen, max(1, left // len(chosen)))
            yield share
            left -= sum(share.got.values())
            for world_id in chosen:
                self._last[is_test_world(world_id)] = world_id
            spent = {one for one in chosen if share.got.get(one, 0) < share.each}
            self._due = [world_id for world_id in self._due if world_id not in spent]

    def _in_order(self) -> list[int]:
        # At equal terms what somebody waits for goes before what somebody tries out.
        return [*self._after_last(is_test=False), *self._after_last(is_test=True)]

    def _after_last(self, *, is_test: bool) -> list[int]:
        worlds = sorted(one for one in self._due if is_test_world(one) is is_test)
        last = self._last.get(is_test, -1)
        return [one for one in worlds if one > last] + [one for one in worlds if one <= last]
