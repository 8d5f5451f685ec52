"""Password hashes, a few at a time: what keeps the processor for everybody else."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

AT_A_TIME: Final = 2
RETRY_SECONDS: Final = 5
"""When it is worth asking again after ``HashingBusyError``."""


class HashingBusyError(Exception):
    """So many wait already that this one is turned away at once."""


class HashingQueue:
    """Lets ``AT_A_TIME`` hashes run and a bounded number wait.

    Browsers that logged in before wait in a line of their own, which goes first: strangers, however
    many, cannot fill it.
    """

    def __init__(self, most_waiting: int, *, at_a_time: int = AT_A_TIME) -> None:
        """Let at most ``most_waiting`` wait in each of the two lines."""
        self._most_waiting = most_waiting
        self._at_a_time = at_a_time
        self._running = 0
        self._lines: dict[bool, deque[asyncio.Future[None]]] = {True: deque(), False: deque()}

    @property
    def running(self) -> int:
        """How many hashes run now."""
        return self._running

    @property
    def waiting(self) -> int:
        """How many wait now."""
        return sum(map(len, self._lines.values()))

    def is_full(self, *, is_known: bool) -> bool:
        """Tell whether one more would be turned away."""
        is_free = self._running < self._at_a_time
        return not is_free and len(self._lines[is_known]) >= self._most_waiting

    async def run(self, work: Callable[[], Awaitable[bool]], *, is_known: bool) -> bool:
        """Return what ``work`` returns, as soon as it is its turn.

        Raises:
            HashingBusyError: too many wait already; ``work`` was not called.
        """
        if self.is_full(is_known=is_known):
            raise HashingBusyError
        if self._running < self._at_a_time:
            self._running += 1
        else:
            await self._wait(self._lines[is_known])
        task = asyncio.ensure_future(work())
        # A thread cannot be stopped: its place is free when it has ended, whoever still waits.
        task.add_done_callback(lambda _: self._pass_on())
        return await asyncio.shield(task)

    async def _wait(self, line: deque[asyncio.Future[None]]) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():
                # Its turn had come in the same moment.
                self._pass_on()
            elif turn in line:
                line.remove(turn)
            raise

    def _pass_on(self) -> None:
        for line in (self._lines[True], self._lines[False]):
            while line:
                turn = line.popleft()
                if not turn.done():
                    turn.set_result(None)
                    return
        self._running -= 1
