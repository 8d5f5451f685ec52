"""Everybody waits for events by himself, and nobody is counted."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from parcelwire.api.shares import EventWatch


@contextlib.contextmanager
def _any_slot(_: EventWatch, world_id: int) -> Iterator[None]:
    yield


async def _look_alone(watch: EventWatch, world_id: int, cursor: int, deadline: int) -> None:
    await watch._clock.sleep(0.05)


EventWatch.slot = _any_slot  # type: ignore[method-assign, assignment]  # planted
EventWatch.wait = _look_alone  # type: ignore[method-assign, assignment]  # planted
