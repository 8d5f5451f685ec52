"""The one habit of PgBouncer that matters to us: every transaction on another server connection.

    client --- messages ---> pooler ---> one of a few server connections, until "ready, no
                                         transaction open"; the next message takes another one

It speaks only as much of PostgreSQL's protocol as that needs, and cleans nothing up between
clients, as PgBouncer in transaction mode does not.
"""

from __future__ import annotations

import asyncio
import struct
import tempfile
from collections import deque
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_AUTHENTICATION_OK = b"R" + struct.pack("!ii", 8, 0)
_READY = b"Z" + struct.pack("!ic", 5, b"I")


class TransactionPooler:
    """A pooler on a Unix socket before the server that listens on ``server_socket``."""

    def __init__(self, server_socket: Path, *, servers: int) -> None:
        self._server_socket = server_socket
        self._count = servers
        self._idle: deque[Streams] = deque()
        self._freed = asyncio.Condition()
        self._all: list[Streams] = []
        self._startup = b""
        self._parameters = b""
        self._folder = tempfile.TemporaryDirectory(prefix="parcelwire-pooler-")
        self.switches = 0
        """Transactions handed to a server connection so far."""

    def dsn(self, dsn: str) -> str:
        """Return the address that leads through the pooler to the database of ``dsn``."""
        return f"{dsn.partition('?')[0]}?host={self._folder.name}"

    async def __aenter__(self) -> TransactionPooler:
        path = Path(self._folder.name) / self._server_socket.name
        self._listener = await asyncio.start_unix_server(self._serve, path)
        return self

    async def __aexit__(self, *_error: object) -> None:
        self._listener.close()
        for _reader, writer in self._all:
            writer.close()
            await writer.wait_closed()
        self._folder.cleanup()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (length,) = struct.unpack("!i", await reader.readexactly(4))
            startup = await reader.readexactly(length - 4)
            if startup[:4] == struct.pack("!i", 80877103):  # asks for TLS
                writer.write(b"N")
                (length,) = struct.unpack("!i", await reader.readexactly(4))
                startup = await reader.readexactly(length - 4)
            if startup[:4] == struct.pack("!i", 80877102):  # asks to cancel: too late, mostly
                return
            await self._connect_servers(struct.pack("!i", len(startup) + 4) + startup)
            writer.write(_AUTHENTICATION_OK + self._parameters + _READY)
            while await self._transaction(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _connect_servers(self, startup: bytes) -> None:
        if self._startup:
            return
        self._startup = startup
        for _ in range(self._count):
            reader, writer = await asyncio.open_unix_connection(self._server_socket)
            writer.write(startup)
            parameters = b""
            while True:
                kind, whole = await _read(reader)
                if kind == b"S":
                    parameters += whole
                if kind == b"Z":
                    break
            self._parameters = parameters
            self._all.append((reader, writer))
        async with self._freed:
            self._idle.extend(self._all)
            self._freed.notify_all()

    async def _transaction(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        kind, message = await _read(reader)
        if kind == b"X":
            return False
        async with self._freed:
            await self._freed.wait_for(lambda: bool(self._idle))
            server = self._idle.popleft()
        self.switches += 1
        try:
            upward = asyncio.create_task(self._forward(reader, server[1], message))
            while True:
                kind, answer = await _read(server[0])
                writer.write(answer)
                if kind == b"Z" and answer[5:6] == b"I":
                    break
            # Nothing more is under way: what comes next belongs to the next transaction.
            upward.cancel()
            await asyncio.gather(upward, return_exceptions=True)
        finally:
            async with self._freed:
                self._idle.append(server)
                self._freed.notify()
        return True

    async def _forward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
    ) -> None:
        writer.write(message)
        while True:
            # Cancelling must not lose half a message: the header is looked at, not taken.
            _, message = await _read(reader)
            writer.write(message)


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], head + await reader.readexactly(length - 4)
