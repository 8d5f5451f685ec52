"""The door: one ASGI application that hands each call to its dialect.

/v2/...  /v4/...      thin dialects, each a ``Dialect`` with tolerant paths
/healthz /readyz      liveness, readiness
everything else       the ``other`` ASGI application (pages, native API)
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from parcelwire.api.bodies import ClientGoneError, ReadBody
from parcelwire.api.house import House
from parcelwire.api.readiness import Readiness
from parcelwire.api.wire import JSON, NO_STORE, NOSNIFF, Reply
from parcelwire.domain.url_path import decode_path, has_encoded_slash, split_path
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
        read_body: ReadBody | None,
    ) -> Reply:
        """Answer one call, whatever it is.

        The body is read when the key was checked, so that nobody without one can make the server
        hold anything. ``read_body`` None: there is none.
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
        self._readiness = Readiness(house.store, house.clock, clock_differs=house.clock_differs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one ASGI call."""
        if scope["type"] != "http":
            await self._other(scope, receive, send)
            return
        path = scope["path"]
        raw_path: bytes = scope.get("raw_path") or b""
        # "//v4///trackings/get/" is a path that real clients send: empty segments say nothing.
        if b"%" in raw_path:
            segments = split_path(raw_path)
        else:
            segments = tuple(filter(None, path.split("/")))
        dialect = self._dialects.get(segments[0]) if segments else None
        if dialect is None:
            if path in ("/healthz", "/readyz"):
                await _send(send, await self._health(path))
                return
            if has_encoded_slash(raw_path):
                # Routers split the decoded path: ".../ID%2Fstop" would be the call that stops ID.
                scope = {**scope, "path": decode_path(raw_path)}
            await self._other(scope, receive, send)
            return
        headers = dict(scope["headers"])
        # Some clients send a body with GET; where none is announced there is nothing to read.
        read_body: ReadBody | None = None
        length = headers.get(b"content-length")
        if length != b"0" and (
            length is not None or scope["method"] != "GET" or b"transfer-encoding" in headers
        ):
            read_body = partial(self._house.bodies.read, receive, headers)
        try:
            reply = await dialect.answer(
                scope["method"], segments[1:], scope["query_string"], headers, read_body
            )
        except ClientGoneError:
            return
        except StoreUnavailableError as error:
            log.warning("store unavailable: %s", error)
            reply = dialect.failure(error)
        except Exception as error:
            log.exception("%s %r failed", scope["method"], path)
            reply = dialect.failure(error)
        await _send(send, reply, is_head=scope["method"] == "HEAD")

    async def _health(self, path: str) -> Reply:
        if path == "/healthz":
            return Reply(200, b'{"status":"alive"}')
        verdict = await self._readiness.verdict()
        return Reply(200 if verdict.is_ready else 503, msgspec.json.encode(verdict))


async def _send(send: Send, reply: Reply, *, is_head: bool = False) -> None:
    length = (b"content-length", b"%d" % len(reply.body))
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": (
                [*_JSON_HEADERS, length, *reply.headers]
                if reply.content_type is JSON
                else [(b"content-type", reply.content_type), NOSNIFF, length, *reply.headers]
            ),
        }
    )
    await send({"type": "http.response.body", "body": b"" if is_head else reply.body})


_JSON_HEADERS: Final = ((b"content-type", JSON), NO_STORE, NOSNIFF)
"""Pictures say themselves how long they may be kept."""

__all__ = ["ASGIApp", "Dialect", "Door"]
