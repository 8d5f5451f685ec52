"""An event loop whose time is simulated: nothing waits, nothing runs beside it, nothing is random.

When nobody can go on, time jumps to the next timer. What the program hands to threads is done at
once, in place. So one order of steps follows from one program, and a world can be lived again.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, TypeVar

T = TypeVar("T")

EARLIEST_NEXT: Final = 1e-6
"""Timers nearer together than this (seconds) fire in one round."""


class StalledError(Exception):
    """Everybody waits for somebody else, and no timer is set: in a real process, a hang."""


class _NoFiles(selectors.BaseSelector):
    """A selector that has nothing to watch but lets the time pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self._keys: dict[Any, selectors.SelectorKey] = {}

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            msg = "everybody waits, and no timer is set"
            raise StalledError(msg)
        if timeout > 0:
            self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = self._keys[fileobj] = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys[fileobj]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class SimulatedLoop(asyncio.SelectorEventLoop):
    """The loop of one world. ``time()`` starts at 0 and counts simulated seconds."""

    def __init__(self) -> None:
        """Start at second 0."""
        self._files = _NoFiles()
        super().__init__(self._files)
        self._clock_resolution = EARLIEST_NEXT

    def time(self) -> float:
        """Return the simulated seconds since the world began."""
        return self._files.now

    def run_in_executor(  # type: ignore[override]  # the signature of typeshed is generic
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Call ``func`` here and now: a thread's timing would differ from run to run."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  # it belongs to whoever awaits the call
            future.set_exception(error)
        return future

    def call_soon_threadsafe(  # type: ignore[override]  # as above
        self, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.Handle:
        """As ``call_soon``: there is only one thread, and nobody sleeps who must be woken."""
        return self.call_soon(callback, *args, context=context)


def live(main: Callable[[SimulatedLoop], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine that ``main`` makes to its end on a loop of its own; return its result."""
    loop = SimulatedLoop()
    # What the world leaves behind has no bearing on it any more.
    loop.set_exception_handler(lambda _, __: None)
    try:
        asyncio.set_event_loop(loop)
        return loop.run_until_complete(main(loop))
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        asyncio.set_event_loop(None)
        loop.close()
