"""Receivers of webhooks for tests: real sockets on loopback, polite and otherwise."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import msgspec

from parcelwire.webhooks.request_builder import WebhookRequest


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def line(self) -> tuple[str, int]:
        """Tracking and sequence number."""
        return self.headers["parcelwire-tracking-id"], int(self.headers["parcelwire-sequence"])


Behaviour = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


class Receiver:
    """One server; ``behaviour`` answers each request and can be changed at any time."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.url = ""
        self.connections = 0
        self.received: list[Received] = []
        self.most_in_flight = 0
        self.most_in_flight_of_one_tracking = 0
        self._in_flight: Counter[str] = Counter()
        self._writers: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                request = await read_request(reader)
                self.received.append(request)
                tracking = request.headers.get("parcelwire-tracking-id", "")
                self._in_flight[tracking] += 1
                self.most_in_flight = max(self.most_in_flight, self._in_flight.total())
                self.most_in_flight_of_one_tracking = max(
                    self.most_in_flight_of_one_tracking, self._in_flight[tracking]
                )
                try:
                    await self.behaviour(request, writer)
                finally:
                    self._in_flight[tracking] -= 1
        self._writers.discard(writer)
        writer.close()

    def cut_connections(self) -> None:
        """Close what is open, without a word."""
        for writer in self._writers:
            writer.close()

    @property
    def lines(self) -> dict[str, list[int]]:
        """The sequence numbers received, by tracking, in order of arrival."""
        found: dict[str, list[int]] = {}
        for request in self.received:
            tracking, sequence = request.line
            found.setdefault(tracking, []).append(sequence)
        return found


async def read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *rest = head.strip().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method=method, path=path, headers=headers, body=body)


def answer(status: int, body: bytes = b"", *headers: str, delay: float = 0.0) -> Behaviour:
    """Answer at once (or after ``delay`` seconds) and keep the connection."""
    head = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
    raw = ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        if delay:
            await asyncio.sleep(delay)
        writer.write(raw + body)
        await writer.drain()

    return behave


def raw(*parts: bytes) -> Behaviour:
    """Write these bytes and close."""

    async def behave(request: Received, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
        writer.close()

    return behave


async def hang(request: Received, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the connection is cut."""
    await writer.wait_closed()


async def close_at_once(request: Received, writer: asyncio.StreamWriter) -> None:
    """Read the request and hang up."""
    writer.close()


async def drip_head(request: Received, writer: asyncio.StreamWriter) -> None:
    """Send the status line one byte at a time, and never its end."""
    for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 100_000:
        if writer.is_closing():
            return
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def drip_body(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer 200, and then one byte of the body at a time."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


class Huge:
    """Answers a gigabyte, as fast as it is taken."""

    def __init__(self, status: int = 200, head: bytes = b"") -> None:
        self.sent = 0
        self._head = b"HTTP/1.1 %d OK\r\n%sContent-Length: 1000000000\r\n\r\n" % (status, head)

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(self._head)
        block = b"x" * 65_536
        while self.sent < 1_000_000_000 and not writer.is_closing():
            writer.write(block)
            await writer.drain()
            self.sent += len(block)


async def flood_headers(request: Received, writer: asyncio.StreamWriter) -> None:
    """Send header after header, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while not writer.is_closing():
        writer.write(b"X-%d: %s\r\n" % (number, b"a" * 1_000))
        await writer.drain()
        number += 1


@asynccontextmanager
async def receiver(
    behaviour: Behaviour, *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Receiver]:
    """Run one receiver on a free port of 127.0.0.1."""
    one = Receiver(behaviour)
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0, ssl=tls, limit=2**24)
    port = server.sockets[0].getsockname()[1]
    one.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/hook"
    try:
        yield one
    finally:
        server.close()
        one.cut_connections()
        await asyncio.sleep(0)
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await server.wait_closed()


def request_to(shop: Receiver, **headers: str) -> WebhookRequest:
    """Return a small request to a receiver."""
    given = {"content-type": "application/json", "user-agent": "Parcelwire", **headers}
    return WebhookRequest(url=shop.url, headers=given, body=b"{}")
