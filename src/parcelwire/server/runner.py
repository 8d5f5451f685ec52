"""The uvicorn server whose connections have limits."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final, cast

import uvicorn

from parcelwire.server.connections import ConnectionTable
from parcelwire.server.open_files import has_free_file
from parcelwire.server.protocol import LimitedProtocol

log = logging.getLogger(__name__)

GRACE_SECONDS: Final = 25
"""How long a stop waits for requests that are being answered."""
SWEEP_SECONDS: Final = 0.25
"""Deadlines are kept to this, late."""

App = Callable[[Any, Any, Any], Awaitable[None]]


class LimitedServer(uvicorn.Server):
    """A uvicorn server with a table of its connections.

    It leaves signals to the commands: uvicorn's own way raises them again when it has stopped,
    which would end the process before the workers and the store have finished.
    """

    def __init__(self, app: App, table: ConnectionTable) -> None:
        """Serve ``app``; sockets are handed to ``serve``."""
        self.table = table

        def connect(**arguments: Any) -> LimitedProtocol:
            return LimitedProtocol(**arguments, table=table)

        super().__init__(
            uvicorn.Config(
                cast(Any, app),
                http=cast(type[asyncio.Protocol], connect),
                # A WebSocket protocol of uvicorn's would take connections over, limits and all.
                ws="none",
                interface="asgi3",
                # Forwarding headers are read by the protocol, from trusted proxies only.
                proxy_headers=False,
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=True,
                lifespan="off",
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._connect = connect
        self._is_out_of_files = False
        self._sweeper: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and begin to keep deadlines.

        Raises:
            RuntimeError: uvicorn would use another protocol than ours.
        """
        if cast(Any, self.config.http_protocol_class) is not self._connect:
            msg = "this version of uvicorn does not use the protocol it is given"
            raise RuntimeError(msg)
        self._sweeper = asyncio.create_task(self._sweep(), name="connection deadlines")
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, end what is half-sent, wait for what is being answered."""
        self.table.is_stopping = True
        try:
            await super().shutdown(sockets)
        finally:
            if self._sweeper is not None:
                self._sweeper.cancel()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.table.sweep()
            self._watch_files()

    def _watch_files(self) -> None:
        # The event loop drops connections that it has no file for, and says nothing.
        is_out = not has_free_file()
        if is_out and not self._is_out_of_files:
            log.error(
                "too many open files: new connections fail (%d are open; see"
                " server.max_connections, and raise the process's limit of open files)",
                len(self.table),
            )
        elif self._is_out_of_files and not is_out:
            log.warning("there are files for new connections again")
        self._is_out_of_files = is_out

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield
