"""Places that many want at the same time, given out to their owners in turn.

A plain semaphore gives the next place to whoever has waited longest: a hundred calls of one account
then stand in front of everybody else's first. Here each owner has a line of its own, and the lines
are served one after the other.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class NoPlaceError(Exception):
    """No place became free in time; nothing was begun."""


class FairPlaces:
    """A number of places; who waits for one is served in turn by owner."""

    def __init__(
        self, places: int, *, per_owner: int | None = None, waiting_per_owner: int | None = None
    ) -> None:
        """``per_owner``: how many of ``places`` one owner holds at most, ``waiting_per_owner``: how
        many of its callers may wait; None: any number.
        """
        self._free = places
        self._per_owner = per_owner
        self._waiting_per_owner = waiting_per_owner
        self._held: Counter[Hashable] = Counter()
        self._lines: dict[Hashable, deque[asyncio.Future[None]]] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nobody holds a place or waits for one."""
        return not self._held and not self._lines

    @asynccontextmanager
    async def place(
        self, owner: Hashable, patience_seconds: float | None = None
    ) -> AsyncIterator[None]:
        """Hold a place of ``owner`` while the context lasts.

        Raises:
            NoPlaceError: none became free within ``patience_seconds`` of real time (None: wait for
                as long as it takes), or too many of this owner's callers wait already.
        """
        await self.take(owner, patience_seconds)
        try:
            yield
        finally:
            self.give_back(owner)

    async def take(self, owner: Hashable, patience_seconds: float | None = None) -> None:
        """Take a place, to be given back with ``give_back``; raises as ``place`` does."""
        if self._free > 0 and owner not in self._lines and self._may_have(owner):
            self._hold(owner)
            return
        line = self._lines.get(owner)
        if (
            line is not None
            and self._waiting_per_owner is not None
            and len(line) >= self._waiting_per_owner
        ):
            raise NoPlaceError
        if line is None:
            line = self._lines[owner] = deque()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            async with asyncio.timeout(patience_seconds):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.give_back(owner)  # handed over just as we gave up
            else:
                self._leave(owner, turn)
            if isinstance(error, TimeoutError):
                raise NoPlaceError from error
            raise

    def give_back(self, owner: Hashable) -> None:
        """Give a place back; the next owner in turn has it."""
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
        for owner, line in self._lines.items():
            if not self._may_have(owner):
                continue
            while line:
                turn = line.popleft()
                if not turn.done():
                    del self._lines[owner]
                    if line:
                        self._lines[owner] = line
                    self._hold(owner)
                    turn.set_result(None)
                    return True
            del self._lines[owner]
            return True
        return False

    def _leave(self, owner: Hashable, turn: asyncio.Future[None]) -> None:
        line = self._lines.get(owner)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._lines[owner]


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
