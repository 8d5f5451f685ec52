"""What waits to be written, taken from its owners in turn.

A commit carries many callers' work. Taken in the order of arrival, ten thousand creates of one
account would fill the next commits, and another's single one would wait for all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class FairQueue(Generic[T]):
    """A queue for each owner, in the order of arrival; the queues are served round robin."""

    def __init__(self) -> None:
        """Begin empty."""
        self._queues: dict[Hashable, deque[tuple[T, int]]] = {}
        self._length = 0

    def __len__(self) -> int:
        """Return how many items wait."""
        return self._length

    def clear(self) -> None:
        """Forget what waits."""
        self._queues.clear()
        self._length = 0

    def put(self, owner: Hashable, item: T, weight: int = 1) -> None:
        """Add an item at the end of its owner's queue."""
        queue = self._queues.get(owner)
        if queue is None:
            self._queues[owner] = queue = deque()
        queue.append((item, weight))
        self._length += 1

    def take(self, most: int) -> list[T]:
        """Return the next items: one at least, then others as long as all weigh at most ``most``
        together.
        """
        taken: list[T] = []
        weights = 0
        while self._queues:
            owner = next(iter(self._queues))
            queue = self._queues.pop(owner)
            if taken and weights + queue[0][1] > most:
                # Its turn is still to come: it stays in front.
                self._queues = {owner: queue, **self._queues}
                break
            item, weight = queue.popleft()
            taken.append(item)
            weights += weight
            if queue:
                self._queues[owner] = queue
        self._length -= len(taken)
        return taken
