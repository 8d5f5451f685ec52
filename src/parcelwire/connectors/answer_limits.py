"""An end to what aiohttp takes any amount of: interim answers, and bytes between those of a body.

Interim answers (100 Continue, 103) are read and thrown away before the answer. Chunk extensions and
trailers are read and thrown away within it. Without an end, a server keeps a processor busy for as
long as the query may take. Header lines, their number and their length have limits in aiohttp.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final, cast

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import BadHttpMessage

MOST_INTERIM: Final = 16
"""Interim answers before one answer; a server sends one or two."""
MOST_OVERHEAD: Final = 1_000_000
"""Bytes around a body that are none of it; for each of its bytes there may be 8 more."""
_SWITCHING_PROTOCOLS: Final = 101


class OverheadError(aiohttp.ClientPayloadError):
    """An answer comes with far more bytes than its body has."""


def bounded_connector(**options: Any) -> aiohttp.TCPConnector:
    """Return a connector for a client session, with an end to what servers send.

    ``options`` are those of ``aiohttp.TCPConnector``. Needs a running event loop.
    """
    connector = aiohttp.TCPConnector(**options)
    factory = partial(BoundedResponseHandler, loop=asyncio.get_running_loop())
    # aiohttp has no setting for this; a test would notice that it went without effect.
    connector._factory = cast("partial[ResponseHandler]", factory)
    return connector


class BoundedResponseHandler(ResponseHandler):
    """aiohttp's own protocol of a connection, which breaks off what goes on without end."""

    _interim = 0
    _received = 0
    """Bytes since the answer began."""
    _body: aiohttp.StreamReader | None = None
    _is_broken_off = False

    def feed_data(self, data: Any, size: int = 0) -> None:  # aiohttp's type of it is private
        """Hand on a message that was read; see ``aiohttp.streams.DataQueue``."""
        if self._is_broken_off:
            return
        code = data[0].code
        if 100 <= code <= 199 and code != _SWITCHING_PROTOCOLS:
            self._interim += 1
            if self._interim > MOST_INTERIM:
                self._break_off(BadHttpMessage("too many interim answers"))
                return
        else:
            self._interim = self._received = 0
            self._body = data[1]
        super().feed_data(data, size)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        super().data_received(data)
        self._received += len(data)
        body = self._body
        if body is None or self._is_broken_off or body.is_eof():
            return
        if self._received - 9 * body.total_bytes > MOST_OVERHEAD:
            error = OverheadError("too many bytes around the body")
            body.set_exception(error)
            self._break_off(error)

    def _break_off(self, error: Exception) -> None:
        self._is_broken_off = True
        self.close()
        self.set_exception(error)
