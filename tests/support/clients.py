"""The SDK in both of its forms behind one face, and a wire that can be cut."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

from starlette.applications import Starlette
from starlette.routing import Mount

from parcelwire.api.asgi import Door
from parcelwire.api.native.application import application
from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.client import AsyncParcelwire, AsyncV4Client, Parcelwire, V4Client
from parcelwire.client.settings import TRACKINGMORE
from tests.support.house import HouseUnderTest, nobody

Side = Literal["async", "sync"]
SIDES: tuple[Side, ...] = ("async", "sync")


RESOURCES = (
    *("trackings", "couriers", "air_waybills"),
    *("endpoints", "messages", "events", "keys", "account"),
)
STREAMS = {
    "Trackings": ("list",),
    "NativeTrackings": ("list", "events"),
    "Messages": ("list",),
}
"""Methods that fetch nothing before their result is iterated."""


class Threaded:
    """The synchronous client, awaited: it blocks, so each call gets a thread."""

    def __init__(self, blocking: Any) -> None:
        self.blocking = blocking

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.blocking, name)
        if name in RESOURCES and not inspect.ismethod(found):
            return Threaded(found)
        if name == "with_options":
            return lambda **options: Threaded(found(**options))
        if name in ("webhooks", "engine"):
            return found
        is_stream = inspect.isgeneratorfunction(found)
        if is_stream or name in STREAMS.get(type(self.blocking).__name__, ()):
            return lambda *which, **conditions: Threaded(found(*which, **conditions))

        async def call(*arguments: Any, **more: Any) -> Any:
            return await asyncio.to_thread(found, *arguments, **more)

        return call

    async def __aiter__(self) -> AsyncIterator[Any]:
        blocking, over = iter(self.blocking), object()
        while (item := await asyncio.to_thread(next, blocking, over)) is not over:
            yield item


@asynccontextmanager
async def open_client(
    side: Side, key: str, base_url: str, *, is_hosted: bool = False, **options: Any
) -> AsyncIterator[Any]:
    """Open a client of either side; both are used as the asynchronous one is.

    Pauses between tries are not waited for. Their lengths are gathered in ``client.pauses``.
    """
    pauses: list[float] = []

    async def nap(seconds: float) -> None:
        pauses.append(seconds)
        # Long enough for another process to answer again, when a test kills one.
        await asyncio.sleep(0.001)

    make: Callable[..., Any]
    if side == "async":
        options.setdefault("sleep", nap)
        make = AsyncParcelwire
    else:
        options.setdefault("sleep", pauses.append)
        make = Parcelwire
    if is_hosted:
        make = AsyncV4Client if side == "async" else V4Client
        options["backend"] = TRACKINGMORE
    client = make(key, base_url, **options)
    face: Any = client if side == "async" else Threaded(client)
    face.pauses = pauses
    try:
        yield face
    finally:
        await face.close()


def whole_door(house: HouseUnderTest) -> Door:
    """Return a house's v4 and v2 with its own API beside them, as an installation has them."""
    own = Starlette(routes=[Mount("/api", application(house.house)), Mount("", nobody)])
    return Door(house.house, [DialectFrame(house.house, one) for one in own_dialects()], own)


Fault = Literal["pass", "cut_before", "cut_after", "stall"]


class Wire:
    """A TCP relay that knows where an HTTP request ends, and cuts as it is told.

    ``cut_before`` closes the connection instead of handing the request on; ``cut_after`` lets the
    server do it and closes instead of handing the answer back; ``stall`` does it and stays silent.
    ``fired`` counts the faults that happened.
    """

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = host, int(port)
        self.faults: deque[Fault] = deque()
        self.fired = 0
        self.requests: list[tuple[str, dict[str, str]]] = []

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while await self._one(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        request = await _message(reader)
        line, headers = _head(request)
        self.requests.append((line, headers))
        fault = self.faults.popleft() if self.faults else "pass"
        self.fired += fault != "pass"
        if fault == "cut_before":
            return False
        up_reader, up_writer = await asyncio.open_connection(*self._upstream)
        try:
            up_writer.write(request)
            answer = await _message(up_reader)
        finally:
            up_writer.close()
        if fault == "stall":
            await reader.read()  # until the client gives up
        if fault != "pass":
            return False
        writer.write(answer)
        await writer.drain()
        return True


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(_head(head)[1].get("content-length", "0"))
    return head + await reader.readexactly(length)


def _head(message: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = message.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return first, {name.lower(): value.strip() for name, _, value in pairs}


@asynccontextmanager
async def cuttable(upstream: str) -> AsyncIterator[tuple[Wire, str]]:
    """Relay to ``upstream`` (``host:port``); yields the wire and its own ``host:port``."""
    wire = Wire(upstream)
    server = await asyncio.start_server(wire.relay, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield wire, f"127.0.0.1:{port}"
    finally:
        server.close()
