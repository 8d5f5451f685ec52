"""A load generator that costs little itself: requests are bytes made beforehand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any


class WrongAnswerError(Exception):
    """The server answered something else than 200, so the figure would measure an error."""


def request(method: str, target: str, key: str, body: Any = None) -> bytes:
    """Return one HTTP/1.1 request as bytes."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\ntracking-api-key: {key}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


class Client:
    """Keep-alive connections to one server."""

    def __init__(self, port: int, connections: int) -> None:
        self._port = port
        self._count = connections
        self._pairs: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def open(self) -> None:
        """Connect."""
        for _ in range(self._count):
            self._pairs.append(
                await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 22)
            )

    async def close(self) -> None:
        """Disconnect."""
        for _, writer in self._pairs:
            writer.close()

    async def send_all(self, requests: Sequence[bytes]) -> None:
        """Send ``requests`` over all connections and wait for their answers.

        Raises:
            WrongAnswerError: one of them was not answered with 200.
        """
        share = [requests[i :: self._count] for i in range(self._count)]
        # A sleeping client costs the server a wake-up per answer, which falls on slow operations
        # and not on the constant. So this one never sleeps while it measures.
        spinning = asyncio.create_task(_spin())
        try:
            await asyncio.gather(
                *(self._send(pair, part) for pair, part in zip(self._pairs, share, strict=True))
            )
        finally:
            spinning.cancel()

    async def _send(
        self, pair: tuple[asyncio.StreamReader, asyncio.StreamWriter], requests: Sequence[bytes]
    ) -> None:
        for one in requests:
            await exchange(*pair, one)

    async def ask(self, one: bytes) -> bytes:
        """Send one request and return the answer's body."""
        return await exchange(*self._pairs[0], one)


async def _spin() -> None:
    while True:  # keeping the loop awake is the purpose
        await asyncio.sleep(0)


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, one: bytes) -> bytes:
    """Send one request and return the answer's body."""
    writer.write(one)
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise WrongAnswerError(head[:200].decode("latin-1") + one[:200].decode("latin-1"))
    lower = head.lower()
    at = lower.index(b"content-length:") + 15
    length = int(lower[at : lower.index(b"\r\n", at)])
    return await reader.readexactly(length)
