"""aiohttp's connections to receivers: how they are opened, and an end to what a receiver may send.

``ClientSession`` is left out: what it does for each request (headers, cookies, redirects, one more
task) costs twice what sending a webhook costs without, whose bytes are made beforehand and of whose
answer only the start is read. Its connector opens and keeps connections, its parser reads.

A receiver is a stranger. aiohttp takes any number of interim answers (100, 103) before an answer,
and any amount of chunk extensions and trailers within its body; it takes what comes over an idle
connection for the answer to the next request; and it does not say whether a connection that broke
had been used before. All that is noticed here, where bytes arrive.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage

from parcelwire.webhooks.guarded_dns import GuardedSockets
from parcelwire.webhooks.settings import WebhookSettings

LONGEST_HEAD: Final = 65_536
"""Bytes of status line and headers, interim answers included; more is no answer to a webhook."""

_IDLE_SECONDS: Final = 4.0
"""How long an idle connection is kept. Less than the five seconds after which many servers close
theirs, so that a message rarely meets a connection that is just being closed."""

_HEAD_END: Final = b"\r\n\r\n"
_SWITCHING_PROTOCOLS: Final = 101


def open_connector(
    settings: WebhookSettings, *, resolver: AbstractResolver, sockets: GuardedSockets
) -> aiohttp.TCPConnector:
    """Return what opens and keeps connections; needs a running event loop.

    ``resolver`` returns addresses that may be connected to only, ``sockets`` judges each once more.
    """
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        socket_factory=sockets.open_socket,
        # Requests that connect to one name at the same time share a lookup; nothing is kept longer.
        ttl_dns_cache=0,
        # How many requests there may be is said by flow_control.
        limit=0,
        keepalive_timeout=_IDLE_SECONDS,
    )
    factory = partial(
        ReceiverConnection, asyncio.get_running_loop(), answer_bytes=settings.answer_bytes
    )
    # aiohttp has no setting for this; the sender would notice that it went without effect.
    connector._factory = cast("partial[ResponseHandler]", factory)
    return connector


class ReceiverConnection(ResponseHandler):
    """One connection, for one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, answer_bytes: int) -> None:
        """``answer_bytes`` is how much of an answer's body is of interest."""
        super().__init__(loop)
        self._answer_bytes = answer_bytes
        # A body of the cap in chunks of one byte each comes with five others.
        self._most_bytes = LONGEST_HEAD + 8 * answer_bytes
        self._heard = 0
        self._body: aiohttp.StreamReader | None = None
        """The answer's, once its head has come."""
        self.has_sent = False
        """There was a request already."""

    @property
    def heard_nothing(self) -> bool:
        """No byte has come since the last request."""
        return self._heard == 0

    def send(self, request: bytes) -> None:
        """Begin an exchange; ``read`` returns the answer's head and its body.

        Raises:
            aiohttp.ServerDisconnectedError: the connection is closed.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            raise aiohttp.ServerDisconnectedError
        self.has_sent = True
        self._heard = 0
        self._body = None
        self.set_response_params(
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=self._answer_bytes,
            # One bound for all of them together, see LONGEST_HEAD.
            max_line_size=LONGEST_HEAD,
            max_field_size=LONGEST_HEAD,
            max_headers=LONGEST_HEAD,
        )
        transport.write(request)

    def close(self) -> None:
        """Cut the connection: a receiver that does not read must not keep what is left to send."""
        self.abort()

    def feed_data(self, data: Any, size: int = 0) -> None:  # aiohttp's type of it is private
        """Hand on an answer, and pass over an interim one; see ``aiohttp.streams.DataQueue``."""
        code = data[0].code
        if code == _SWITCHING_PROTOCOLS or not 100 <= code <= 199:
            self._body = data[1]
            super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``; without ``data``, aiohttp goes on with what it has."""
        if not data:
            super().data_received(data)
        while data:
            if not self.has_sent or (self._body is not None and self._body.is_eof()):
                # Nobody asked. Whatever it is, the next answer could not be told from it.
                self.abort()
                return
            # The head is read by itself: what is wrong with a body must not undo the status.
            end = data.find(_HEAD_END) if self._body is None else -1
            piece = data if end < 0 else data[: end + len(_HEAD_END)]
            data = data[len(piece) :]
            self._heard += len(piece)
            super().data_received(piece)
            if self._exception is not None:
                self._break_off(self._exception)
                return
            if self._heard > (LONGEST_HEAD if self._body is None else self._most_bytes):
                self._break_off(BadHttpMessage("too many bytes around the body"))
                return

    def _break_off(self, error: BaseException) -> None:
        body = self._body
        self.abort()
        self.set_exception(error)
        if body is not None and not body.is_eof():
            body.set_exception(aiohttp.ClientPayloadError())
            # A reader that was woken at the end of a chunk would want to wait for more.
            body.feed_eof()
