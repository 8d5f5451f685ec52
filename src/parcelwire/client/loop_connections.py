"""The connections of the asynchronous client: of each event loop its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from threading import Lock
from typing import TYPE_CHECKING

from parcelwire.client.connections import CLOSED, environment_faults, http_options
from parcelwire.client.errors import ClientClosedError

if TYPE_CHECKING:
    import httpx2


class AsyncConnections:
    """An HTTP client for each event loop that calls: a connection serves the loop it was made in.

    A loop's connections are closed with it where it ends as ``asyncio.run`` does, by closing the
    asynchronous generators that were begun in it.
    """

    def __init__(self, transport: httpx2.AsyncBaseTransport | None) -> None:
        """``transport`` None: the network. One that is given serves all loops."""
        self._transport = transport
        self._opened: dict[asyncio.AbstractEventLoop, _Opened] = {}
        self._lock = Lock()
        self.is_closed = False

    async def http(self) -> httpx2.AsyncClient:
        """Return the HTTP client of the running loop.

        Raises:
            ClientClosedError: it was closed.
            ParcelwireError: the environment names a proxy or certificates that cannot be used.
        """
        if self.is_closed:
            raise ClientClosedError(CLOSED)
        loop = asyncio.get_running_loop()
        opened = self._opened.get(loop)
        if opened is None:
            opened = _Opened(self._transport, lambda: self._forget(loop))
            with self._lock:
                # Loops that ended without closing their generators. What is let go of is kept
                # until the lock is free again, which its end may want.
                ended = [one for one in self._opened if one.is_closed()]
                gone = [self._opened.pop(one) for one in ended]
                self._opened[loop] = opened
            gone.clear()
            await opened.begin()
        return opened.http

    async def close(self) -> None:
        """Close the connections for good: here at once, in other running loops by telling them."""
        self.is_closed = True
        with self._lock:
            opened = list(self._opened.items())
        for loop, one in opened:
            if loop is asyncio.get_running_loop():
                await one.close()
            elif not loop.is_closed():
                closing = one.close()
                try:
                    asyncio.run_coroutine_threadsafe(closing, loop)
                except RuntimeError:
                    # It ended this moment.
                    closing.close()

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            self._opened.pop(loop, None)


class _Opened:
    """The HTTP client of one loop, closed with the loop."""

    def __init__(
        self, transport: httpx2.AsyncBaseTransport | None, forget: Callable[[], None]
    ) -> None:
        import httpx2

        with environment_faults():
            self.http = httpx2.AsyncClient(transport=transport, **http_options())
        self._forget = forget
        self._end = self._until_the_end()

    async def begin(self) -> None:
        """Have the loop know what it has to close."""
        await anext(self._end)

    async def close(self) -> None:
        """Close the connections, in the loop that opened them."""
        await self._end.aclose()

    async def _until_the_end(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._forget()
            await self.http.aclose()
