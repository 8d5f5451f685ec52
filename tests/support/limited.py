"""A server with limits on loopback, and raw sockets that misuse it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from parcelwire.server.connections import ConnectionTable
from parcelwire.server.limits import ServerLimits
from parcelwire.server.proxies import TrustedProxies
from parcelwire.server.runner import LimitedServer

PATIENCE = 30.0
"""Seconds for what happens at once on a machine that is not overloaded."""


GET = b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def status_of(answer: bytes) -> int:
    """Return the status of an answer; 0: there is none."""
    return int(answer.split(b" ", 2)[1]) if answer else 0


class HandClock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Seen(msgspec.Struct):
    """One request as the application got it."""

    path: str
    client: Any
    scheme: str
    headers: list[tuple[bytes, bytes]]
    body: bytes | None = None
    """None: it was not received to its end."""


class Application:
    """Takes note of requests; its path says what it does.

    ``/read`` reads the body, ``/ignore`` does not, ``/wait`` answers when ``go`` is set, ``/large``
    answers ``large`` bytes, ``/parts`` answers in parts and does not tell how long they are.
    """

    def __init__(self, *, large: int = 0) -> None:
        self.seen: list[Seen] = []
        self.go = asyncio.Event()
        self.large = large

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        seen = Seen(scope["path"], scope["client"], scope["scheme"], scope["headers"])
        self.seen.append(seen)
        if scope["path"] == "/wait":
            await self.go.wait()
        if scope["path"] == "/read":
            body = bytearray()
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message["body"]
                if not message["more_body"]:
                    break
            seen.body = bytes(body)
        if scope["path"] == "/parts":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for part in (b"one,", b"", b"two"):
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body"})
            return
        size = self.large if scope["path"] == "/large" else 2
        length = b"%d" % size
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]}
        )
        await send({"type": "http.response.body", "body": b"ok" if size == 2 else b"x" * size})


class Served(msgspec.Struct):
    """A server that runs."""

    server: LimitedServer
    table: ConnectionTable
    app: Application
    clock: HandClock
    port: int
    clients: list[Client] = []

    async def open(self, data: bytes = b"") -> Client:
        """Open a connection and send something."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        client = Client(reader, writer)
        self.clients.append(client)
        if data:
            await client.send(data)
        return client

    async def ask(self, data: bytes) -> bytes:
        """Open a connection, send something, and return all that comes until its end."""
        client = await self.open(data)
        try:
            return await client.rest()
        finally:
            client.close()

    async def until(self, is_so: Any) -> None:
        """Wait for what the server is about to do."""
        async with asyncio.timeout(PATIENCE):
            while not is_so():  # noqa: ASYNC110  # the server has no event for it
                await asyncio.sleep(0.005)

    def pass_time(self, seconds: float) -> None:
        """Let time pass on the server's clock, and deadlines with it."""
        self.clock.now += seconds
        self.table.sweep()


class Client:
    """The other end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        """Send, as long as anybody reads."""
        if self._writer.is_closing():
            return
        with suppress(ConnectionError):
            self._writer.write(data)
            async with asyncio.timeout(PATIENCE):
                await self._writer.drain()

    async def answer(self) -> bytes:
        """Return one answer with its body."""
        async with asyncio.timeout(PATIENCE):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.lower().split(b"\r\n"):
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            return head + await self._reader.readexactly(length)

    async def rest(self) -> bytes:
        """Return all that comes until the server closes; nothing after a reset."""
        with suppress(ConnectionResetError):
            async with asyncio.timeout(PATIENCE):
                return await self._reader.read()
        return b""

    def close(self) -> None:
        """Close."""
        self._writer.close()

    async def gone(self) -> None:
        """Close and wait for it."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


@asynccontextmanager
async def serve_limited(
    *,
    proxies: tuple[str, ...] = (),
    spare_loopback: bool = True,
    app: Application | None = None,
    **limits: Any,
) -> AsyncIterator[Served]:
    """Serve on loopback with a clock that stands."""
    clock = HandClock()
    table = ConnectionTable(
        ServerLimits(**limits), TrustedProxies(proxies), clock, spare_loopback=spare_loopback
    )
    app = app or Application()
    server = LimitedServer(app, table)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        task = asyncio.create_task(server.serve([sock]))
        while not server.started:
            if task.done():
                task.result()
            await asyncio.sleep(0.005)
        served = Served(server, table, app, clock, sock.getsockname()[1])
        try:
            yield served
        finally:
            for client in served.clients:
                await client.gone()
            if isinstance(app, Application):
                app.go.set()
            server.should_exit = True
            async with asyncio.timeout(PATIENCE):
                await task
