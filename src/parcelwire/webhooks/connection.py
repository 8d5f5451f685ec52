"""One HTTP/1.1 connection to a receiver: a POST, its answer, and perhaps another.

Far less than a general client does, since a webhook needs far less: the request is bytes made
beforehand, of the answer only the status, two headers and the start of the body are of interest,
nothing is unpacked and nothing is followed. That is why it costs a third of one. Reading HTTP is
left to llhttp (``httptools``), the parser of Node.js.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools
import msgspec

LONGEST_HEAD = 65_536
"""Bytes of status line and headers, interim answers included; more is no answer to a webhook."""

_SWITCHING_PROTOCOLS = 101


class ClosedError(OSError):
    """The other side closed the connection before it answered."""


class NotHttpError(OSError):
    """What came is no HTTP, or more headers than anybody needs."""


class NoAnswerInTimeError(TimeoutError):
    """The answer's head was not there in time."""


class RawAnswer(msgspec.Struct):
    """What came back."""

    status: int = 0
    body: bytes = b""
    """Its start."""
    retry_after: str | None = None
    is_packed: bool = False
    """Content-Encoding says so."""


class HttpConnection(asyncio.Protocol):
    """One request at a time; ``is_open`` says whether there can be another."""

    def __init__(self, *, answer_bytes: int, body_seconds: float) -> None:
        """``answer_bytes`` caps an answer's body, ``body_seconds`` the time it may take."""
        self.is_open = False
        self.idle_since = 0.0
        self._answer_bytes = answer_bytes
        self._body_seconds = body_seconds
        # A body of the cap in chunks of one byte each comes with five others.
        self._most_fed = LONGEST_HEAD + 8 * answer_bytes
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._waiter: asyncio.Future[RawAnswer] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reset()

    def _reset(self) -> None:
        self._answer = RawAnswer()
        self._body: list[bytes] = []
        self._room = self._answer_bytes
        self._fed = 0
        self._has_head = False
        self._is_hurried = False

    @property
    def heard_nothing(self) -> bool:
        """No byte of an answer has come since the last request."""
        return self._fed == 0

    async def post(self, request: bytes, deadline: float) -> RawAnswer:
        """Send the bytes of a request and return the answer.

        ``deadline`` is a time of the event loop. Once the head has come the answer counts, whatever
        becomes of its body: that is cut at the cap, after some seconds, or where the connection
        breaks.

        Raises:
            NoAnswerInTimeError: no head until the deadline.
            ClosedError, NotHttpError, OSError: no head at all.
        """
        transport = self._transport
        if transport is None or not self.is_open:
            raise ClosedError
        self._reset()
        waiter: asyncio.Future[RawAnswer] = self._loop.create_future()
        self._waiter = waiter
        self._timer = self._loop.call_at(deadline, self._expire)
        transport.write(request)
        try:
            return await waiter
        except BaseException:
            self.abort()
            raise
        finally:
            self._timer.cancel()
            self._waiter = None

    def abort(self) -> None:
        """Cut the connection."""
        self.is_open = False
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """Close the connection in an orderly way."""
        self.is_open = False
        if self._transport is not None:
            self._transport.close()

    # -- from the event loop --------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See ``asyncio.Protocol``."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's derive from nothing
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        if self._waiter is None or self._waiter.done():
            # Nobody asked. Whatever it is, the next answer could not be told from it.
            self.abort()
            return
        self._fed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._finish(may_stay_open=False)
        except httptools.HttpParserError:
            self._break(NotHttpError())
        if self._has_head:
            if self._fed > self._most_fed:
                # Chunk extensions or trailers without end: what counts is known.
                self._finish(may_stay_open=False)
            if not (self._is_hurried or self._waiter.done()):
                self._hurry()
        elif self._fed > LONGEST_HEAD:
            self._break(NotHttpError())

    def connection_lost(self, exception: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self.is_open = False
        self._break(exception or ClosedError())

    # -- from the parser ------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Notice a second answer behind the first."""
        if self._waiter is None or self._waiter.done():
            self.is_open = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep the two headers that matter, and nothing of trailers."""
        size = len(name)
        if self._has_head:
            return
        if size == 11 and name.lower() == b"retry-after":
            self._answer.retry_after = value.decode("latin-1")
        elif size == 16 and name.lower() == b"content-encoding":
            self._answer.is_packed = value.strip().lower() not in (b"", b"identity")

    def on_headers_complete(self) -> None:
        """Tell a real answer from an interim one."""
        status = self._parser.get_status_code()
        if 100 <= status <= 199 and status != _SWITCHING_PROTOCOLS:
            return
        self._answer.status = status
        self._has_head = True

    def on_body(self, data: bytes) -> None:
        """Keep the start of the body, and cut the rest off."""
        self._body.append(data[: self._room])
        self._room -= len(data)
        if self._room < 0:
            self._finish(may_stay_open=False)

    def on_message_complete(self) -> None:
        """Hand over the answer, unless it was an interim one."""
        if self._has_head:
            self._finish(may_stay_open=self._parser.should_keep_alive())
        else:
            self._answer = RawAnswer()

    # -- the end --------------------------------------------------------------------------------

    def _expire(self) -> None:
        self._break(NoAnswerInTimeError())

    def _hurry(self) -> None:
        """The head has come: what the receiver thinks is known, and the rest may not take long."""
        self._is_hurried = True
        timer = self._timer
        soon = self._loop.time() + self._body_seconds
        if timer is not None and soon < timer.when():
            timer.cancel()
            self._timer = self._loop.call_at(soon, self._expire)

    def _break(self, error: Exception) -> None:
        """End the exchange where it stands."""
        if self._waiter is None or self._waiter.done():
            return
        if self._has_head:
            self._finish(may_stay_open=False)
            return
        self.is_open = False
        self._waiter.set_exception(error)

    def _finish(self, *, may_stay_open: bool) -> None:
        if self._waiter is None or self._waiter.done():
            return
        if not may_stay_open:
            self.abort()
        self._answer.body = b"".join(self._body)
        self._waiter.set_result(self._answer)
