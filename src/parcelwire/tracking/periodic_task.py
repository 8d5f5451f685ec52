"""Work that is done again and again in the background until it is told to stop.

Any number of processes may run the same task on one database: what a round of it does must bear
being done twice.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from typing import Final

from parcelwire.domain.clock import Clock

PAUSE_SECONDS: Final = 0.05
"""Between two rounds that found work: others want the database too."""

_log = logging.getLogger(__name__)


class PeriodicTask(ABC):
    """Runs ``step`` until stopped. Outages of the store are sat out, and logged once."""

    def __init__(self, name: str, *, clock: Clock, idle_seconds: float) -> None:
        """``idle_seconds``: how long to rest when a round found nothing to do."""
        self.name = name
        self._clock = clock
        self._idle_seconds = idle_seconds
        self._stopping = asyncio.Event()
        self._has_failed = False

    def stop(self) -> None:
        """Ask ``run`` to return after the round under way."""
        self._stopping.set()

    @abstractmethod
    async def step(self) -> int:
        """Do one round of bounded size; return how much was done, 0 when nothing is left.

        Tests and simulations call it themselves and move time in between.
        """
        ...

    async def run(self) -> None:
        """Do rounds until ``stop`` is called."""
        while not self._stopping.is_set():
            has_more = await self._guarded()
            await self._rest(PAUSE_SECONDS if has_more else self._idle_seconds)

    async def _guarded(self) -> bool:
        try:
            done = await self.step()
        except Exception as error:  # noqa: BLE001 - each engine has its own errors, all mean "later"
            if not self._has_failed:
                _log.error("%s: the store fails (%s); it waits", self.name, type(error).__name__)
            self._has_failed = True
            return False
        if self._has_failed:
            _log.warning("%s: the store works again", self.name)
            self._has_failed = False
        return done > 0

    async def _rest(self, seconds: float) -> None:
        tasks = [
            asyncio.ensure_future(self._stopping.wait()),
            asyncio.ensure_future(self._clock.sleep(seconds)),
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
