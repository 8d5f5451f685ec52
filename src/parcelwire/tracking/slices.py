"""Long work on the event loop, done in slices so that others have their turn in between."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
U = TypeVar("U")

SLICE: Final = 4
"""Items of a slice: with trackings of a dozen checkpoints it takes about a millisecond."""

LONG: Final = 256
"""Of more items than this, the work pauses now and then."""

PAUSE_EACH: Final = 64
PAUSE_SECONDS: Final = 0.001
"""Without pauses, the loop's thread would hold the interpreter nearly all the time while somebody
reads long lists, and the thread that writes would wait for it at every statement.
"""


async def in_slices(work: Callable[[T], U], items: Sequence[T]) -> list[U]:
    """Return ``work`` of each item, in order; after each slice the loop does what else is ready.

    What fits into one slice is done at once. Long work pauses, so that other threads have the
    interpreter for a while, too.
    """
    if len(items) <= SLICE:
        return [work(item) for item in items]
    done: list[U] = []
    is_long = len(items) > LONG
    for start in range(0, len(items), SLICE):
        if start:
            await asyncio.sleep(PAUSE_SECONDS if is_long and start % PAUSE_EACH == 0 else 0)
        done += map(work, items[start : start + SLICE])
    return done
