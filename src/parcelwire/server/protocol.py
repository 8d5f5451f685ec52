"""One connection: uvicorn's HTTP protocol, with limits on all that a client sends and takes.

    data_received -> parser -> on_headers_complete -> Cycle -> application

Bytes are counted before the parser gathers them. A whole request that arrives at once, as nearly
all do, goes the same way as in uvicorn's own protocol and costs no timer.
"""

from __future__ import annotations

import asyncio
import urllib.parse
from math import inf
from typing import Any, cast

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from parcelwire.domain.source_address import source_of
from parcelwire.server.bodies import BodyProgress
from parcelwire.server.closing import ClosingProtocol
from parcelwire.server.connections import BODY, CLOSED, HEAD, IDLE, ConnectionTable
from parcelwire.server.cycle import Cycle
from parcelwire.server.limits import (
    LINGER_BYTES,
    MAX_HEADERS,
    MAX_PIPELINED,
    SMALL_BODY,
)
from parcelwire.server.refusals import Refusal

_BODY_SLICE = 65_536
_SLASH = 0x2F


class _RefusedError(Exception):
    """Stops the parser from within one of its callbacks."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


class LimitedProtocol(ClosingProtocol):
    """Reads requests within limits, and hands them over."""

    def __init__(self, *arguments: Any, table: ConnectionTable, **named: Any) -> None:
        """``table``: the connections of the server, and their limits. The rest is uvicorn's."""
        super().__init__(*arguments, table=table, **named)
        self._most_head = table.limits.max_head_bytes
        self._is_proxy = False
        self._head_bytes = 0
        self._discarded = 0

    # -- the transport ----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take a new connection, or turn it away."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        refusal = self.table.admit(self)
        self._is_proxy = self.table.proxies.trusts(self.peer)
        self.deadline = self.table.time() + self._limits.head_timeout_seconds
        if refusal is None:
            return
        self.table.refusals.note(refusal, self.source)
        if self.table.turn_away(self):
            self._answer_refusal(refusal)
        else:
            self._abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of everything."""
        self.table.release(self)
        self._release_body_memory()
        self.phase = CLOSED
        self.deadline = self.write_deadline = inf
        self._mark_disconnected()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what the client sent."""
        if self.phase == IDLE and len(data) <= self._most_head:
            before = self.cycle
            self._feed(data)
            if self.phase == HEAD:
                # Behind whole requests it is not known where this head began: not counted yet.
                self._head_bytes = len(data) if self.cycle is before else 0
                self.deadline = self.table.time() + self._limits.head_timeout_seconds
            elif self.phase == BODY:
                self._begin_body()
            return
        self._receive_in_parts(data)

    def _receive_in_parts(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            if self.phase == CLOSED:
                self._discard(len(rest))
                return
            phase, before = self.phase, self.cycle
            if phase == BODY:
                part = rest[:_BODY_SLICE]
            else:
                if phase == IDLE:
                    self._head_bytes = 0
                part = rest[: self._most_head - self._head_bytes]
            rest = rest[len(part) :]
            self._feed(part)
            if self.phase == HEAD:
                if phase != HEAD:
                    self.deadline = self.table.time() + self._limits.head_timeout_seconds
                is_same = self.cycle is before and phase != BODY
                self._head_bytes = self._head_bytes + len(part) if is_same else 0
                if self._head_bytes >= self._most_head:
                    self._refuse(Refusal.HEAD_TOO_LARGE if self.headers else Refusal.URL_TOO_LONG)
            elif self.phase == BODY:
                if phase == BODY and self.cycle is before:
                    self._continue_body(len(part))
                else:
                    self._begin_body()

    def _feed(self, data: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserCallbackError as error:
            cause = error.__context__
            is_ours = isinstance(cause, _RefusedError)
            self._refuse(cast(_RefusedError, cause).refusal if is_ours else Refusal.BAD_REQUEST)
        except httptools.HttpParserUpgrade:
            # Nothing is upgraded here: the request is answered as it stands (RFC 9110, 7.8). What
            # follows may already be of the other protocol, so it is the last one.
            self._end_after_answers()
        except httptools.HttpParserError:
            self._refuse(Refusal.BAD_REQUEST)

    def _discard(self, count: int) -> None:
        self._discarded += count
        if self._discarded > LINGER_BYTES:
            self._abort()

    # -- the parser -------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Begin a head."""
        self.phase = HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Check the head and hand the request over."""
        parser, scope = self.parser, self.scope
        if len(self.url) > self._most_head // 2:
            raise _RefusedError(Refusal.URL_TOO_LONG)
        if len(self.headers) > MAX_HEADERS:
            raise _RefusedError(Refusal.HEAD_TOO_LARGE)
        if len(self.pipeline) >= MAX_PIPELINED:
            raise _RefusedError(Refusal.TOO_MANY_PIPELINED)
        scope["method"] = parser.get_method().decode("ascii")
        version = parser.get_http_version()
        if version != "1.1":
            scope["http_version"] = version
        url = httptools.parse_url(self.url)
        raw_path = url.path or b"/"
        if raw_path[0] != _SLASH:
            raise _RefusedError(Refusal.BAD_REQUEST)
        path = raw_path.decode("ascii")
        scope["path"] = urllib.parse.unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = url.query or b""
        source = ""
        if self._is_proxy:
            source = self._forward()
        elif self.table.hints:
            self.table.hint_at_proxy(self.peer, self.headers)
        before: Cycle | None = self.cycle
        self.cycle = cycle = Cycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=self.access_log,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive(),
            on_response=self.on_response_complete,
        )
        cycle.protocol = self
        cycle.forwarded_source = source
        cycle.is_http_1_0 = version < "1.1"
        # Trailers would be appended to the headers that the application has been given.
        self.headers = []
        self.phase = BODY
        self.deadline = inf
        self._body_bytes = 0
        if before is None or before.response_complete:
            self._answering = cycle
            self._start_asgi_task(cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))

    def _forward(self) -> str:
        """Put the client that a trusted proxy names into the scope; return its source key."""
        forwarded = self.table.proxies.read(self.headers)
        if forwarded.scheme is not None:
            self.scope["scheme"] = forwarded.scheme
        if forwarded.client is None:
            return ""
        source = source_of(forwarded.client)
        if not self.table.begin_forwarded(source):
            self.table.refusals.note(Refusal.SOURCE_FULL, source)
            raise _RefusedError(Refusal.SOURCE_FULL)
        self.scope["client"] = (forwarded.client, 0)
        return source

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        cycle = self.cycle
        size = len(body)
        self._body_bytes += size
        if cycle.response_complete:
            return
        self._held += size
        self.table.body_bytes += size
        if self._body_bytes > self._limits.max_body_bytes:
            raise _RefusedError(Refusal.BODY_TOO_LARGE)
        if (
            self.table.body_bytes > self._limits.max_body_memory_bytes
            and self._body_bytes > SMALL_BODY
        ):
            raise _RefusedError(Refusal.BODY_MEMORY_FULL)
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def on_message_complete(self) -> None:
        """End a request; its answer may take as long as it takes."""
        self.phase = IDLE
        self.deadline = inf
        cycle = self.cycle
        if not cycle.response_complete:
            cycle.more_body = False
            cycle.message_event.set()
        elif not self.pipeline:
            self._start_idle_time()

    # -- bodies that do not arrive at once ------------------------------------------------------

    def _begin_body(self) -> None:
        self._body = BodyProgress(self._limits, self.table.time(), self._body_bytes)
        self.deadline = self._body.deadline
        if self.table.is_stopping:
            self._refuse(Refusal.STOPPING)

    def _continue_body(self, fed: int) -> None:
        is_fine = self._body.advance(fed, self._body_bytes, self.table.time())
        self.deadline = self._body.deadline
        if not is_fine:
            self._refuse(Refusal.CHUNKS_TOO_LARGE)

    def reading_resumes(self) -> None:
        """The application wants more of a body: from now on the client's time counts."""
        if self.phase == BODY:
            self._body.resume(self.table.time())
            self.deadline = self._body.deadline

    # -- answers ----------------------------------------------------------------------------------

    def on_response_complete(self) -> None:
        """Go on with the next request, or wait for one."""
        self.server_state.total_requests += 1
        if not self.pipeline and self._held:
            self._release_body_memory()
        if self.transport.is_closing():
            self._flush()
            return
        if self.phase != CLOSED:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._answering = cast(Cycle, cycle)
            self._start_asgi_task(cycle, app)
        elif self.phase == IDLE:
            self._start_idle_time()

    def _start_idle_time(self) -> None:
        self.deadline = self.table.time() + self._limits.idle_timeout_seconds
