from __future__ import annotations

import asyncio
import threading

import pytest

from parcelwire.tracking.background import BackgroundWork

PATIENCE = 30.0


class Slow:
    """Work that lasts until it is let go, and counts how many do it at the same time."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.most = 0
        self.started = 0
        self._running = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self._running += 1
            self.started += 1
            self.most = max(self.most, self._running)
        self.go.wait(PATIENCE)
        with self._lock:
            self._running -= 1
        return "done"


async def test_whoever_goes_away_leaves_no_slot_to_another_before_its_thread_has_ended() -> None:
    background, slow = BackgroundWork(at_once=2), Slow()
    leaving = [asyncio.create_task(background.run(slow)) for _ in range(2)]
    async with asyncio.timeout(PATIENCE):
        while slow.started < 2:  # noqa: ASYNC110  # threads tell the loop nothing
            await asyncio.sleep(0.001)
    for task in leaving:
        task.cancel()
    await asyncio.gather(*leaving, return_exceptions=True)
    later = [asyncio.create_task(background.run(slow)) for _ in range(3)]
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert slow.started == 2
    slow.go.set()
    async with asyncio.timeout(PATIENCE):
        assert await asyncio.gather(*later) == ["done"] * 3
    assert slow.most == 2


async def test_one_that_leaves_while_it_waits_takes_no_slot() -> None:
    background, slow = BackgroundWork(at_once=1), Slow()
    first = asyncio.create_task(background.run(slow))
    waiting = [asyncio.create_task(background.run(slow)) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    slow.go.set()
    waiting[1].cancel()
    async with asyncio.timeout(PATIENCE):
        assert [await first, await waiting[2]] == ["done"] * 2
    assert slow.started == 2


async def test_what_fails_gives_its_slot_back_and_says_why() -> None:
    background = BackgroundWork(at_once=1)

    def fail() -> None:
        msg = "too large"
        raise ValueError(msg)

    for _ in range(3):
        with pytest.raises(ValueError, match="too large"):
            await background.run(fail)
