"""Looking for old rows in a table that stands nearly in the order of its time.

The old ones are at the front, so a portion of young ones ends the search. But a clock that was
ahead may have left young ones in front of all others, for years. So every search that ends also
looks at a few portions somewhere behind, further on each time, and begins anew at the table's end.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

BEHIND: Final = 5
"""Portions that are looked at behind the front, at each call."""

Looked = Sequence[tuple[int, bool, bool]]
"""A portion of rows in the order of their keys: key, whether it is old, whether it may go."""


class Sweep:
    """Where the search in one table stands."""

    def __init__(self) -> None:
        """Begin at the front."""
        self._front = 0
        self._behind = 0

    async def prune(
        self,
        look: Callable[[int], Awaitable[Looked]],
        delete: Callable[[list[int]], Awaitable[int]],
        *,
        limit: int,
    ) -> int:
        """Delete up to ``limit`` old rows; return how many went.

        ``look`` returns the portion after a key, ``delete`` deletes by key and tells how many went.
        """
        gone, after, is_done = 0, self._front, False
        while gone < limit and not is_done:
            rows = await look(after)
            old = _old(rows, limit - gone)
            if old:
                gone += await delete(old)
            is_done = not any(is_old for _, is_old, _ in rows)
            if rows:
                after = old[-1] if old and gone >= limit else rows[-1][0]
        # Those that must not go are passed over once in a round, not at every call.
        self._front = 0 if is_done else after
        if is_done:
            gone += await self._prune_behind(look, delete, limit - gone)
        return gone

    async def _prune_behind(
        self,
        look: Callable[[int], Awaitable[Looked]],
        delete: Callable[[list[int]], Awaitable[int]],
        limit: int,
    ) -> int:
        gone = 0
        for _ in range(BEHIND):
            if gone >= limit:
                break
            rows = await look(self._behind)
            if not rows:
                self._behind = 0
                break
            old = _old(rows, limit - gone)
            if old:
                gone += await delete(old)
            self._behind = old[-1] if old and gone >= limit else rows[-1][0]
        return gone


def _old(rows: Looked, limit: int) -> list[int]:
    return [key for key, is_old, may_go in rows if is_old and may_go][:limit]
