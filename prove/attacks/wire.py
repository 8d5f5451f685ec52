"""Raw HTTP/1.1 from an address of the attacker's choice: what no client library would send."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

ATTACKER: Final = "127.0.0.66"
"""Loopback is a whole network: attackers come from one address of it, innocents from another."""

PATIENCE_SECONDS: Final = 5.0


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The server under attack, and what the attacker owns there as a tenant like any other."""

    port: int
    key: str
    """A live key of the attacker's own account."""
    cookie: str
    """The attacker's own dashboard session."""
    csrf: str


Link = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def connection(target: Target, source: str = ATTACKER) -> AsyncIterator[Link]:
    """Connect from ``source``; the connection is dropped at the end, whatever became of it."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", target.port, local_addr=(source, 0), limit=1 << 20
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def head(method: str, path: str, *lines: str, length: int | None = None) -> bytes:
    """Return the head of a request, with its empty line."""
    fields = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", *lines]
    if length is not None:
        fields.append(f"content-length: {length}")
    return "\r\n".join([*fields, "", ""]).encode("latin-1")


async def status_of(reader: asyncio.StreamReader) -> str:
    """Return the status of the answer, ``closed`` or ``silent``."""
    try:
        line = await asyncio.wait_for(reader.readline(), PATIENCE_SECONDS)
    except TimeoutError:
        return "silent"
    except (OSError, ValueError):
        return "closed"
    return line[9:12].decode("latin-1") if line.startswith(b"HTTP/1.1 ") else "closed"


async def ask(target: Target, request: bytes, tally: Counter[str]) -> str:
    """Send one request on a connection of its own and count the status of its answer."""
    try:
        async with connection(target) as (reader, writer):
            writer.write(request)
            status = await status_of(reader)
    except OSError:
        status = "closed"
    tally[status] += 1
    return status


async def pour(target: Target, begin: bytes, chunk: bytes, chunks: int) -> str:
    """Send ``begin`` and then ``chunk`` over and over, until the server has had enough."""
    try:
        async with connection(target) as (reader, writer):
            writer.write(begin)
            for _ in range(chunks):
                writer.write(chunk)
                await asyncio.wait_for(writer.drain(), PATIENCE_SECONDS)
                if writer.is_closing() or reader.at_eof():
                    break
            return await status_of(reader)
    except TimeoutError:
        return "silent"
    except OSError:
        return "closed"
