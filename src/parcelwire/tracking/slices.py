"""Long work on the event loop, done in slices so that others have their turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
U = TypeVar("U")

SLICE: Final = 4
"""Items of a slice: with trackings of a dozen checkpoints it takes about a millisecond."""


async def in_slices(work: Callable[[T], U], items: Sequence[T]) -> list[U]:
    """Return ``work`` of each item, in order; after each slice the loop does what else is ready.

    What fits into one slice is done at once.
    """
    if len(items) <= SLICE:
        return [work(item) for item in items]
    done: list[U] = []
    for start in range(0, len(items), SLICE):
        if start:
            await asyncio.sleep(0)
        done += map(work, items[start : start + SLICE])
    return done
