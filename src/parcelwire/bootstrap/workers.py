"""The workers of one process: started together, stopped together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from parcelwire.tracking.periodic_task import PeriodicTask


class Worker(Protocol):
    """What works in the background until it is told to stop."""

    async def run(self) -> None:
        """Work until ``stop`` is called."""
        ...

    def stop(self) -> None:
        """Ask ``run`` to return when what is under way is finished."""
        ...


class Workers:
    """Runs workers as tasks, each under its name."""

    def __init__(
        self, workers: Sequence[tuple[str, Worker]], watches: Sequence[PeriodicTask]
    ) -> None:
        """Take workers with their names.

        ``watches`` run in every process, also in one that starts no ``workers``.
        """
        self._watches = [(one.name, one) for one in watches]
        self._workers = [*workers, *self._watches]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start all of them, unless something runs already."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(one.run(), name=name) for name, one in self._workers]

    def start_watches(self) -> None:
        """Start the watches alone, unless something runs already."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(one.run(), name=name) for name, one in self._watches]

    async def stop(self) -> None:
        """Stop them all, started or not, and wait for what is under way."""
        for _, one in self._workers:
            one.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)
            self._tasks = []
