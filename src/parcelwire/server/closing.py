"""How a connection ends: refused, late, evicted, stopped, or read to its end."""

from __future__ import annotations

import asyncio
from math import inf
from typing import Any, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from parcelwire.server.bodies import BodyProgress
from parcelwire.server.connections import BODY, CLOSED, HEAD, IDLE, ConnectionTable
from parcelwire.server.cycle import Cycle
from parcelwire.server.limits import LINGER_SECONDS, MIN_WRITE_PROGRESS, STOP_WRITE_SECONDS
from parcelwire.server.refusals import Refusal, response_of
from parcelwire.server.unread import unread_bytes


class ClosingProtocol(HttpToolsProtocol):
    """Implements ``connections.Connection``."""

    cycle: Cycle
    _body: BodyProgress

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        table: ConnectionTable,
    ) -> None:
        """``table``: the connections of the server, and their limits. The rest is uvicorn's."""
        super().__init__(config, server_state, app_state, _loop)
        self.table = table
        self.phase = IDLE
        self.deadline = inf
        self.write_deadline = inf
        self.peer = ""
        self.source = ""
        self._limits = table.limits
        self._body_bytes = 0
        self._held = 0
        self._unwritten = 0
        self._answering: Cycle | None = None

    @property
    def is_busy(self) -> bool:
        """Whether an answer is being made."""
        cycle: Cycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    @property
    def has_asked(self) -> bool:
        """Whether a request came over it before."""
        cycle: Cycle | None = self.cycle
        return cycle is not None

    # -- answers that nobody reads --------------------------------------------------------------

    @property
    def _write_seconds(self) -> float:
        """In which the client must take some of what waits for it."""
        seconds = self._limits.write_timeout_seconds
        return min(seconds, STOP_WRITE_SECONDS) if self.table.is_stopping else seconds

    def pause_writing(self) -> None:
        """The client has not taken what is there for it."""
        self._unwritten = unread_bytes(self.transport)
        self.write_deadline = self.table.time() + self._write_seconds
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has."""
        self.write_deadline = inf
        super().resume_writing()

    # -- ends -----------------------------------------------------------------------------------

    def expire(self, now: float) -> None:
        """A deadline has passed: end what is late."""
        if self.write_deadline <= now or self.phase == CLOSED:
            self._expire_writing(now)
        elif self.phase == HEAD:
            self._refuse(Refusal.HEAD_TIMEOUT)
        elif self.phase == BODY:
            if self.flow.read_paused or self.cycle.waiting_for_100_continue:
                # It is the application that lets the client wait.
                self._body.resume(now)
                self.deadline = self._body.deadline
            else:
                self._refuse(Refusal.BODY_TIMEOUT)
        else:
            self._close_flushed()

    def _expire_writing(self, now: float) -> None:
        left = self.transport.get_write_buffer_size()
        unread = unread_bytes(self.transport)
        if left and self._unwritten - unread >= MIN_WRITE_PROGRESS:
            self._unwritten = unread
            later = now + self._write_seconds
            if self.write_deadline < inf:
                self.write_deadline = later
            else:
                self.deadline = later
            return
        if left:
            self.table.refusals.note(Refusal.WRITE_TIMEOUT, self.source)
        self._abort()

    def _close_flushed(self) -> None:
        """Close when the client has read everything; it has some time for it."""
        self._flush()
        self.transport.close()

    def _flush(self) -> None:
        self.phase = CLOSED
        self.write_deadline = inf
        self._unwritten = unread_bytes(self.transport)
        self.deadline = self.table.time() + self._write_seconds

    def evict(self) -> None:
        """Close at once, to make room."""
        self._abort()

    def shutdown(self) -> None:
        """The server stops: what is being answered may finish, all else ends now."""
        if self.write_deadline < inf:
            self._unwritten = unread_bytes(self.transport)
            self.write_deadline = self.table.time() + self._write_seconds
        if self.phase == CLOSED:
            if not self.is_busy:
                self.deadline = min(self.deadline, self.table.time() + self._write_seconds)
        elif self.phase == BODY:
            self._refuse(Refusal.STOPPING)
        elif self.is_busy:
            self._end_after_answers()
        elif self.phase == HEAD:
            self.table.refusals.note(Refusal.STOPPING, self.source)
            self._close_flushed()
        else:
            self._close_flushed()

    def _abort(self) -> None:
        self.phase = CLOSED
        self.deadline = self.write_deadline = inf
        self._mark_disconnected()
        self.transport.abort()

    def _mark_disconnected(self) -> None:
        """Tell those who are answering that nobody listens: uvicorn tells the newest only."""
        for cycle in (self._answering, self.cycle):
            if cycle is not None:
                cycle.disconnected = True
                cycle.message_event.set()
        for waiting, _ in self.pipeline:
            cast(Cycle, waiting).end_forwarded()
        self.pipeline.clear()

    def _end_after_answers(self) -> None:
        """Read no more; close when all requests that were read are answered."""
        self.phase = CLOSED
        self.deadline = inf
        self.cycle.keep_alive = False
        self.flow.pause_reading()

    def _refuse(self, refusal: Refusal) -> None:
        """End the request that is being read, and with it the connection."""
        if self.phase == CLOSED or self.transport.is_closing():
            return
        if refusal is not Refusal.SOURCE_FULL:
            self.table.refusals.note(refusal, self.source)
        if self.phase != BODY and self.is_busy:
            self._end_after_answers()
            return
        if self.phase == BODY:
            cycle = self.cycle
            is_first = not self.pipeline and not cycle.response_started
            cycle.disconnected = True
            cycle.message_event.set()
            if not is_first:
                # Its answer would come before, or amid, one that is being sent.
                self._abort()
                return
        self._answer_refusal(refusal)

    def _answer_refusal(self, refusal: Refusal) -> None:
        self.transport.write(response_of(refusal, self.server_state.default_headers))
        self.linger()

    def linger(self) -> None:
        """Say that nothing more comes, and let the client finish sending and read its answer.

        A connection that is closed while its client still sends is reset, and the answer is lost.
        """
        self._release_body_memory()
        if self.transport.is_closing():
            return
        self._flush()
        self.deadline = self.table.time() + LINGER_SECONDS
        self.flow.resume_reading()
        try:
            self.transport.write_eof()
        except OSError:
            # The client has reset the connection, and the event loop has not noticed yet.
            self.transport.close()

    def _release_body_memory(self) -> None:
        self.table.body_bytes -= self._held
        self._held = 0
