"""Servers that speak bytes: what a carrier can do to us on the wire."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from parcelwire.connectors.base import Request
from parcelwire.connectors.transport import HttpTransport, Limits

Make = Callable[..., HttpTransport]
"""The fixture ``make_transport``."""

SHORT = Limits(timeout_seconds=0.5, connect_seconds=0.5, max_answer_bytes=10_000)
AMPLE = Limits(timeout_seconds=30, connect_seconds=30, max_answer_bytes=10_000)
"""Where the time is not what is tried: a machine may stand still for a second."""
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def get(url: str, **more: object) -> Request:
    """Return a query with GET."""
    return Request(method="GET", url=url, **more)  # type: ignore[arg-type]  # tests name fields freely


class Raw:
    """A server that speaks bytes, and counts how often it was spoken to."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.heads: list[bytes] = []


@asynccontextmanager
async def run_raw(talk: Talk, context: ssl.SSLContext | None = None) -> AsyncIterator[Raw]:
    """Serve ``talk`` for each request; it is called when a request's head has arrived."""
    raw = Raw("")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            raw.heads.append(await reader.readuntil(b"\r\n\r\n"))
            await talk(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    scheme = "https" if context else "http"
    raw.base_url = f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield raw
    finally:
        server.close()
        await asyncio.sleep(0)


def says(*parts: bytes) -> Talk:
    """Answer with these bytes and hang up."""

    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
        await writer.drain()

    return talk
