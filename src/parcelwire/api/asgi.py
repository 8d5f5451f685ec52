"""The door: one ASGI application that hands each call to its dialect.

/v2/...  /v4/...      thin dialects, each a ``Dialect`` with tolerant paths
/healthz /readyz      liveness, readiness
everything else       the ``other`` ASGI application (pages, native API)
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Protocol

import msgspec

from parcelwire.api.house import House
from parcelwire.api.readiness import Readiness
from parcelwire.api.wire import Reply
from parcelwire.store.port import StoreUnavailableError

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]


class Dialect(Protocol):
    """One version of TrackingMore's wire."""

    prefix: str
    """First path segment, e.g. ``v4``."""

    async def answer(
        self,
        method: str,
        segments: tuple[str, ...],
        query_string: bytes,
        headers: dict[bytes, bytes],
        body: bytes | None,
    ) -> Reply:
        """Answer one call, whatever it is. ``body`` None.

        It was larger than allowed and was not read.
        """
        ...

    def failure(self, error: Exception) -> Reply:
        """Return the reply for a fault of ours (500) or of the store (503)."""
        ...


class Door:
    """The ASGI application."""

    def __init__(self, house: House, dialects: Iterable[Dialect], other: ASGIApp) -> None:
        """Serve ``dialects`` by their prefix and ``other`` for the rest."""
        self._house = house
        self._dialects = {dialect.prefix: dialect for dialect in dialects}
        self._other = other
        self._readiness = Readiness(house.store, house.clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI call."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        path = scope["path"]
        # "//v4///trackings/get/" is a path that real clients send: empty segments say nothing.
        segments = tuple(filter(None, path.split("/")))
        dialect = self._dialects.get(segments[0]) if segments else None
        if dialect is None:
            if path in ("/healthz", "/readyz"):
                await _send(send, await self._health(path))
                return
            await self._other(scope, receive, send)
            return
        headers = dict(scope["headers"])
        # Some clients send a body with GET; where none is announced there is nothing to read.
        body: bytes | None = b""
        if (
            scope["method"] != "GET"
            or b"content-length" in headers
            or b"transfer-encoding" in headers
        ):
            body = await read_body(receive, self._house.settings.max_body_bytes)
        try:
            reply = await dialect.answer(
                scope["method"], segments[1:], scope["query_string"], headers, body
            )
        except StoreUnavailableError as error:
            log.warning("store unavailable: %s", error)
            reply = dialect.failure(error)
        except Exception as error:
            log.exception("%s %s failed", scope["method"], path)
            reply = dialect.failure(error)
        await _send(send, reply, is_head=scope["method"] == "HEAD")

    async def _health(self, path: str) -> Reply:
        if path == "/healthz":
            return Reply(200, b'{"status":"alive"}')
        verdict = await self._readiness.verdict()
        return Reply(200 if verdict.is_ready else 503, msgspec.json.encode(verdict))


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Return the body of a call, or None when it is larger than ``limit`` bytes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return body if len(body) <= limit else None
    chunks = [body]
    size = len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        chunk = message.get("body", b"")
        size += len(chunk)
        # What is over the limit is read on, so that the client hears the answer, but not kept.
        if size <= limit:
            chunks.append(chunk)
        elif size > 20 * limit:
            break
    return b"".join(chunks) if size <= limit else None


async def _send(send: Send, reply: Reply, *, is_head: bool = False) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [
                (b"content-type", reply.content_type),
                (b"content-length", b"%d" % len(reply.body)),
                *reply.headers,
            ],
        }
    )
    await send({"type": "http.response.body", "body": b"" if is_head else reply.body})


__all__ = ["ASGIApp", "Dialect", "Door", "read_body"]
