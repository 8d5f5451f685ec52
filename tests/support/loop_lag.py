"""How long an event loop was busy with something else than its timers.

    async with loop_lag() as lag:
        ...
    assert lag.longest < 2

``longest`` counts what others hold up too, a thread inside one long call into C for instance.
``busiest`` is the loop's own: what its thread computed without a break.
Other programs on the machine count too: bounds are seconds, for freezes that would be many.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import thread_time

TICK_SECONDS = 0.01


class LoopLag:
    """What was seen so far."""

    def __init__(self) -> None:
        self.longest = 0.0
        """Seconds that a tick came too late, at most."""
        self.busiest = 0.0
        """Seconds that the loop's thread computed between two ticks, at most."""

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + TICK_SECONDS
        computed = thread_time()
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            now = loop.time()
            self.longest = max(self.longest, now - due)
            before, computed = computed, thread_time()
            self.busiest = max(self.busiest, computed - before)
            due = now + TICK_SECONDS


@asynccontextmanager
async def loop_lag() -> AsyncIterator[LoopLag]:
    """Watch the running loop until the block ends; a last freeze counts too."""
    lag = LoopLag()
    task = asyncio.create_task(lag.watch())
    await asyncio.sleep(0)
    try:
        yield lag
    finally:
        await asyncio.sleep(2 * TICK_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
