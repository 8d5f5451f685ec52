"""Long computations that do not hold up the event loop, in threads. ``slices`` is the other way.

A thread does not make Python code run in parallel, but the loop gets its turn every few
milliseconds instead of waiting for the end. It does not help against a single long call into C:
what comes from outside is bounded before it gets here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final, TypeVar

_Result = TypeVar("_Result")

AT_ONCE: Final = 2


class BackgroundWork:
    """Threads for what would hold up the event loop; the others wait for their turn."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """``at_once``: how many computations run at the same time."""
        self._places = asyncio.Semaphore(at_once)

    async def run(self, work: Callable[[], _Result]) -> _Result:
        """Return what ``work`` returns, or raise what it raises; it runs in a thread."""
        await self._places.acquire()
        working = asyncio.ensure_future(asyncio.to_thread(work))
        # A thread cannot be stopped: its slot is free when it has ended, whether or not anybody
        # still waits for its result.
        working.add_done_callback(self._end)
        return await asyncio.shield(working)

    def _end(self, working: asyncio.Future[Any]) -> None:
        self._places.release()
        if not working.cancelled():
            working.exception()  # seen, should nobody wait for it any more
