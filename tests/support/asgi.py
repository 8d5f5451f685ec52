"""Applications called by tests: as ASGI calls without a socket, or served on loopback."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from parcelwire.api.asgi import ASGIApp, Receive, Scope, Send
from parcelwire.server.connections import ConnectionTable
from parcelwire.server.limits import ServerLimits
from parcelwire.server.proxies import TrustedProxies
from parcelwire.server.runner import LimitedServer


class Answer(msgspec.Struct, frozen=True):
    """What came back from one call."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


async def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    query: str = "",
    headers: Mapping[str, str] | None = None,
    source: str = "127.0.0.1",
) -> Answer:
    """Make one ASGI call of ``app``, as somebody at the address ``source``.

    Whoever makes it sends the body at once, and does not hang up before the answer is whole.
    """
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "client": (source, 50_000),
        "headers": [
            # As over HTTP/1.1: a body is announced.
            *([(b"content-length", b"%d" % len(body))] if body else []),
            *(
                (name.lower().encode(), value.encode("latin-1"))
                for name, value in (headers or {}).items()
            ),
        ],
    }
    sent: list[Any] = []
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return parts.pop() if parts else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *rest = sent
    return Answer(
        start["status"],
        {name.decode(): value.decode("latin-1") for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in rest),
    )


async def nobody(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 404 to whatever belongs to no dialect; let lifespan messages pass."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"nobody"})


@asynccontextmanager
async def serve(app: ASGIApp, **limits: Any) -> AsyncIterator[str]:
    """Serve ``app`` on a free loopback port, in the running loop; yields ``host:port``.

    A client library that blocks must then be called through ``asyncio.to_thread``.
    """
    table = ConnectionTable(ServerLimits(**limits), TrustedProxies(()), time.monotonic)
    server = LimitedServer(app, table)
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        task = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started:
                if task.done():
                    task.result()
                await asyncio.sleep(0.005)
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
