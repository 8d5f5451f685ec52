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
    """A line for each owner, in the order of arrival; the lines are served in turn."""

    def __init__(self) -> None:
        """Begin empty."""
        self._lines: dict[Hashable, deque[tuple[T, int]]] = {}
        self._length = 0

    def __len__(self) -> int:
        """Return how many items wait."""
        return self._length

    def clear(self) -> None:
        """Forget what waits."""
        self._lines.clear()
        self._length = 0

    def put(self, owner: Hashable, item: T, weight: int = 1) -> None:
        """Add an item at the end of its owner's line."""
        line = self._lines.get(owner)
        if line is None:
            self._lines[owner] = line = deque()
        line.append((item, weight))
        self._length += 1

    def take(self, most: int) -> list[T]:
        """Return the next items: one at least, then others while their weights stay below ``most``
        in all.
        """
        taken: list[T] = []
        weights = 0
        while self._lines:
            owner = next(iter(self._lines))
            line = self._lines.pop(owner)
            if taken and weights + line[0][1] > most:
                # Its turn is still to come: it stays in front.
                self._lines = {owner: line, **self._lines}
                break
            item, weight = line.popleft()
            taken.append(item)
            weights += weight
            if line:
                self._lines[owner] = line
        self._length -= len(taken)
        return taken
