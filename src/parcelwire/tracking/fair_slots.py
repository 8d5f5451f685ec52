"""A fair semaphore: its slots go to the owners that wait for one, round robin.

A plain semaphore gives the next slot to whoever has waited longest: a hundred calls of one account
then stand in front of everybody else's first. Here each owner has a queue of its own, and the
queues are served one after the other.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class NoSlotError(Exception):
    """No slot became free in time; nothing was begun."""


class FairSlots:
    """A number of slots; owners that wait for one are served round robin."""

    def __init__(
        self, slots: int, *, per_owner: int | None = None, waiting_per_owner: int | None = None
    ) -> None:
        """``per_owner``: how many of ``slots`` one owner holds at most, ``waiting_per_owner``: how
        many of its callers may wait; None: any number.
        """
        self._free = slots
        self._per_owner = per_owner
        self._waiting_per_owner = waiting_per_owner
        self._held: Counter[Hashable] = Counter()
        self._queues: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds a slot or waits for one."""
        return not self._held and not self._queues

    @asynccontextmanager
    async def slot(
        self, owner: Hashable, patience_seconds: float | None = None
    ) -> AsyncIterator[None]:
        """Hold a slot of ``owner`` while the context lasts.

        Raises:
            NoSlotError: none became free within ``patience_seconds`` of real time (None: wait for
                as long as it takes), or too many of this owner's callers wait already.
        """
        await self.acquire(owner, patience_seconds)
        try:
            yield
        finally:
            self.release(owner)

    async def acquire(self, owner: Hashable, patience_seconds: float | None = None) -> None:
        """Take a slot, to be freed with ``release``; raises as ``slot`` does."""
        if self._free > 0 and owner not in self._queues and self._may_have(owner):
            self._hold(owner)
            return
        queue = self._queues.get(owner)
        if (
            queue is not None
            and self._waiting_per_owner is not None
            and len(queue) >= self._waiting_per_owner
        ):
            raise NoSlotError
        if queue is None:
            queue = self._queues[owner] = deque()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(patience_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.release(owner)  # handed over just as we gave up
            else:
                self._leave(owner, turn)
            if isinstance(error, TimeoutError):
                raise NoSlotError from error
            raise

    def release(self, owner: Hashable) -> None:
        """Free a slot; the next owner in turn gets it."""
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._free += 1
        while self._free > 0 and self._hand_on():
            pass

    def _hold(self, owner: Hashable) -> None:
        self._free -= 1
        self._held[owner] += 1

    def _may_have(self, owner: Hashable) -> bool:
        return self._per_owner is None or self._held[owner] < self._per_owner

    def _hand_on(self) -> bool:
        # The dict's order is the order of turns: who was served goes to its end.
        for owner, queue in self._queues.items():
            if not self._may_have(owner):
                continue
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    del self._queues[owner]
                    if queue:
                        self._queues[owner] = queue
                    self._hold(owner)
                    turn.set_result(None)
                    return True
            del self._queues[owner]
            return True
        return False

    def _leave(self, owner: Hashable, turn: asyncio.Future[None]) -> None:
        queue = self._queues.get(owner)
        if queue is not None and turn in queue:
            queue.remove(turn)
            if not queue:
                del self._queues[owner]


def share_out(wants: list[int], total: int) -> list[int]:
    """Return how much of ``total`` each gets: as equal as possible, and nobody more than it wants.

    What cannot be shared equally goes to those in front.
    """
    given = [0] * len(wants)
    left = min(total, sum(wants))
    while left > 0:
        hungry = [index for index, want in enumerate(wants) if given[index] < want]
        each = max(1, left // len(hungry))
        for index in hungry:
            more = min(each, wants[index] - given[index], left)
            given[index] += more
            left -= more
    return given
