"""Long computations that do not hold up the event loop: in threads, or in slices.

A thread does not make Python code run in parallel, but the loop gets its turn every few
milliseconds instead of waiting for the end. It does not help against a single long call into C:
what comes from outside is bounded before it gets here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

AT_ONCE: Final = 2
SLICE: Final = 50
"""Items after which the loop gets its turn: some milliseconds of decoding or rendering."""


async def map_in_slices(
    work: Callable[[_Item], _Result], items: Sequence[_Item], size: int = SLICE
) -> list[_Result]:
    """Return what ``work`` makes of each item; others on the loop have their turn in between."""
    made = list(map(work, items[:size]))
    for start in range(size, len(items), size):
        await asyncio.sleep(0)
        made.extend(map(work, items[start : start + size]))
    return made


class BackgroundWork:
    """Threads for what would hold up the event loop; the others wait for their turn."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """``at_once``: how many computations run at the same time."""
        self._places = asyncio.Semaphore(at_once)

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what ``work`` returns, or raise what it raises; it runs in a thread."""
        async with self._places:
            return await asyncio.to_thread(work)
