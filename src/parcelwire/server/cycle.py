"""One request and its answer, as the application sees them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from parcelwire.server.connections import ConnectionTable
from parcelwire.server.response_head import ResponseHead

_MOST_UNREAD = 65_536
"""A body of this declared length that nobody wants is read over, and the connection goes on."""


class Owner(Protocol):
    """What a cycle asks of its connection."""

    table: ConnectionTable
    transport: asyncio.Transport

    def linger(self) -> None:
        """End the connection so that the client hears the answer."""
        ...

    def reading_resumes(self) -> None:
        """Take note that the application wants more of a body."""
        ...


class _LingeringTransport:
    """What a cycle writes to whose request has not been read to its end."""

    def __init__(self, protocol: Owner) -> None:
        self._protocol = protocol
        self.write = protocol.transport.write
        self.is_closing = protocol.transport.is_closing

    def close(self) -> None:
        """End the connection so that the client hears the answer."""
        self._protocol.linger()


class Cycle(RequestResponseCycle):
    """One request and its answer."""

    protocol: Owner
    forwarded_source = ""
    """Whose request it is, when a trusted proxy says so."""
    is_http_1_0 = False
    """Whether it is of HTTP/1.0, which knows no chunks."""
    _has_no_length = False

    # These return uvicorn's own coroutines: another layer would cost every request.

    def send(self, message: Any) -> Any:
        """Send a part of the answer. Too much of an unread body ends the connection with it."""
        if self.more_body and not self.response_started and not self.disconnected:
            length = _length_of(self.scope["headers"])
            # Who waits for "100 Continue" may leave the body out now, or send it all the same:
            # what came next could be read as either.
            is_unclear = self.waiting_for_100_continue
            if is_unclear or length is None or length > _MOST_UNREAD:
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                message = {**message, "headers": headers}
                self.transport = cast(asyncio.Transport, _LingeringTransport(self.protocol))
        if self.is_http_1_0:
            self._avoid_chunks(message)
        if not self.response_started and message["type"] == "http.response.start":
            return self._start(message)
        return super().send(message)

    async def _start(self, message: Any) -> None:
        """Send the head of the answer: what uvicorn sends, in half of its time."""
        if self.flow.write_paused and not self.disconnected:
            await self.flow.drain()
        if self.disconnected:
            return
        self.response_started = True
        self.waiting_for_100_continue = False
        status = message["status"]
        head = ResponseHead(status, [*self.default_headers, *message.get("headers", ())])
        lines = head.lines
        if head.closes:
            self.keep_alive = False
        elif not self.keep_alive:
            lines.append(b"connection: close\r\n")
        if head.is_chunked:
            self.chunked_encoding = True
        elif self.chunked_encoding is not None:
            pass  # it is known already: see ``_avoid_chunks``
        elif head.length is not None:
            self.expected_content_length, self.chunked_encoding = head.length, False
        elif self.scope["method"] != "HEAD" and status not in (204, 304):
            self.chunked_encoding = True
            lines.append(b"transfer-encoding: chunked\r\n")
        lines.append(b"\r\n")
        self.transport.write(b"".join(lines))

    def _avoid_chunks(self, message: Any) -> None:
        """Have the answer end with the connection where its length is not known."""
        if message["type"] == "http.response.start":
            self._has_no_length = _length_of(message.get("headers", ())) is None
            if self._has_no_length:
                self.chunked_encoding = False
        elif self._has_no_length:
            # What is checked: this part now, and that more comes unless it is the last.
            self.expected_content_length = len(message.get("body", b""))
            self.expected_content_length += bool(message.get("more_body"))

    def receive(self) -> Any:
        """Return the next part of the body, or say that the client has gone."""
        if self.flow.read_paused:
            self.protocol.reading_resumes()
        return super().receive()

    def run_asgi(self, app: Any) -> Any:
        """Answer the request."""
        return self._run_forwarded(app) if self.forwarded_source else super().run_asgi(app)

    async def _run_forwarded(self, app: Any) -> None:
        try:
            await super().run_asgi(app)
        finally:
            self.end_forwarded()

    def end_forwarded(self) -> None:
        """Count it no longer as a request of its source."""
        if self.forwarded_source:
            self.protocol.table.end_forwarded(self.forwarded_source)
            self.forwarded_source = ""


def _length_of(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return the declared length of a body; None for a chunked one."""
    for name, value in headers:
        if name == b"content-length":
            # The parser takes nothing but digits, up to 2**64.
            return int(value[:20])
    return None
