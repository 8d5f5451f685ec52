"""aiohttp's connections to receivers, with an end to what a receiver may send.

A receiver is a stranger. aiohttp bounds a header line, but takes any number of interim answers
(100, 103) before an answer, and any amount of chunk extensions and trailers within its body; it
takes what comes over an idle connection for the answer to the next request; and it does not say
whether a connection that broke had been used before. All that is noticed here, where bytes arrive.
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


class StaleConnectionError(aiohttp.ClientConnectionError):
    """A connection that had been kept broke before a byte of the answer came."""


def open_session(
    settings: WebhookSettings,
    *,
    resolver: AbstractResolver,
    sockets: GuardedSockets,
    keeps_connections: bool = True,
) -> aiohttp.ClientSession:
    """Return a session for webhooks; needs a running event loop.

    ``resolver`` returns addresses that may be connected to only, ``sockets`` judges each once more.
    """
    connector = aiohttp.TCPConnector(
        resolver=resolver,
        socket_factory=sockets.open_socket,
        # Requests that connect to one name at the same time share a lookup; nothing is kept longer.
        ttl_dns_cache=0,
        # How many requests there may be is said by flow_control.
        limit=0,
        force_close=not keeps_connections,
        keepalive_timeout=_IDLE_SECONDS if keeps_connections else None,
    )
    factory = partial(
        ReceiverConnection,
        loop=asyncio.get_running_loop(),
        # A body of the cap in chunks of one byte each comes with five others.
        most_bytes=LONGEST_HEAD + 8 * settings.answer_bytes,
    )
    # aiohttp has no setting for this; tests would notice that it went without effect.
    connector._factory = cast("partial[ResponseHandler]", factory)
    return aiohttp.ClientSession(
        connector=connector,
        # Less than the whole attempt has, so that it is known which of the two is over.
        timeout=aiohttp.ClientTimeout(
            total=None,
            connect=min(settings.connect_seconds, 0.9 * settings.request_timeout_seconds),
        ),
        request_class=PlainRequest,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        read_bufsize=settings.answer_bytes,
        # One bound for all of them together, see LONGEST_HEAD.
        max_line_size=LONGEST_HEAD,
        max_field_size=LONGEST_HEAD,
        max_headers=LONGEST_HEAD,
    )


class PlainRequest(aiohttp.ClientRequest):
    """A request with the headers that it is given, in that order, and no others."""

    def update_headers(self, headers: Any) -> None:
        """Take the headers, of which the session has made this copy."""
        self.headers = headers

    def update_auto_headers(self, skip_auto_headers: Any) -> None:
        """Add none."""


class ReceiverConnection(ResponseHandler):
    """One connection. A request begins with ``set_response_params``."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, most_bytes: int) -> None:
        super().__init__(loop)
        self._most_bytes = most_bytes
        self._requests = 0
        self._heard = 0
        """Bytes since the last request."""
        self._body: aiohttp.StreamReader | None = None
        """The answer's, once its head has come."""

    def set_response_params(self, **parameters: Any) -> None:
        """See ``ResponseHandler``."""
        self._requests += 1
        self._heard = 0
        self._body = None
        super().set_response_params(**parameters)

    def close(self) -> None:
        """Cut the connection: a receiver that does not read must not keep what is left to send."""
        self.abort()

    def feed_data(self, data: Any, size: int = 0) -> None:  # aiohttp's type of it is private
        """Take a message that was read; see ``aiohttp.streams.DataQueue``."""
        code = data[0].code
        if code == _SWITCHING_PROTOCOLS or not 100 <= code <= 199:
            self._body = data[1]
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``; without ``data``, aiohttp goes on with what it has."""
        if not data:
            super().data_received(data)
        while data:
            if self._requests == 0 or (self._body is not None and self._body.is_eof()):
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

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        """See ``aiohttp.streams.DataQueue``."""
        if self._requests > 1 and self._heard == 0:
            exc = StaleConnectionError()
        super().set_exception(exc, *cause)

    def _break_off(self, error: BaseException) -> None:
        body = self._body
        self.abort()
        self.set_exception(error)
        if body is not None and not body.is_eof():
            body.set_exception(aiohttp.ClientPayloadError())
