"""A bounded queue for password hashes, so that logins leave processor time for everybody else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

AT_A_TIME: Final = 2
RETRY_SECONDS: Final = 5
"""When it is worth asking again after ``HashingBusyError``."""


class HashingBusyError(Exception):
    """So many wait already that this one is refused at once."""


class HashingQueue:
    """Lets ``AT_A_TIME`` hashes run and a bounded number wait.

    Browsers that logged in before wait in a queue of their own, which is served first: strangers,
    however many, cannot fill it.
    """

    def __init__(self, most_waiting: int, *, at_a_time: int = AT_A_TIME) -> None:
        """Let at most ``most_waiting`` wait in each of the two queues."""
        self._most_waiting = most_waiting
        self._at_a_time = at_a_time
        self._running = 0
        self._queues: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}

    @property
    def running(self) -> int:
        """How many hashes run now."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(map(len, self._queues.values()))

    def is_full(self, *, is_known: bool) -> bool:
        """Tell whether one more would be refused."""
        is_free = self._running < self._at_a_time
        return not is_free and len(self._queues[is_known]) >= self._most_waiting

    async def run(self, work: Callable[[], Awaitable[bool]], *, is_known: bool) -> bool:
        """Return what ``work`` returns, as soon as a slot is free.

        Raises:
            HashingBusyError: too many wait already; ``work`` was not called.
        """
        if self.is_full(is_known=is_known):
            raise HashingBusyError
        if self._running < self._at_a_time:
            self._running += 1
        else:
            await self._wait(self._queues[is_known])
        task = asyncio.ensure_future(work())
        # A thread cannot be stopped: its slot is free when it has ended, whether or not anybody
        # still waits for its result.
        task.add_done_callback(lambda _: self._release_slot())
        return await asyncio.shield(task)

    async def _wait(self, queue: deque[asyncio.Future[None]]) -> None:
        slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(slot)
        try:
            await slot
        except asyncio.CancelledError:
            if not slot.cancelled():
                # The slot was handed over in the same moment.
                self._release_slot()
            elif slot in queue:
                queue.remove(slot)
            raise

    def _release_slot(self) -> None:
        for queue in (self._queues[True], self._queues[False]):
            while queue:
                slot = queue.popleft()
                if not slot.done():
                    slot.set_result(None)
                    return
        self._running -= 1
