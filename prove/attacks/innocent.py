"""A shop and its customers, who do nothing wrong: create, get, look at a page, at a steady beat."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
from pathlib import Path
from typing import Final

import msgspec

from prove.attacks.wire import head

BEAT_SECONDS: Final = 0.025
PATIENCE_SECONDS: Final = 5.0
OPERATIONS: Final = ("create", "get", "page")
SOURCE: Final = "127.0.0.1"


class Round(msgspec.Struct):
    """What one round measured."""

    p95_ms: dict[str, float]
    """By operation."""
    failures: list[str]
    """What was not answered with 200."""
    megabytes: float
    """The most that the server held meanwhile."""


class Innocent:
    """One client from one address; every other request comes on a new connection."""

    def __init__(self, port: int, pid: int, key: str, page: str) -> None:
        """``page``: the path of a tracking page; ``pid``: the server's."""
        self._port = port
        self._pid = pid
        self._key = f"tracking-api-key: {key}"
        self._page = page
        self._made = 0
        self._kept: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def measure(self, seconds: float) -> Round:
        """Ask for ``seconds`` and return the figures."""
        waits: dict[str, list[float]] = {name: [] for name in OPERATIONS}
        failures: list[str] = []
        peak = megabytes(self._pid)
        began = time.monotonic()
        for beat in range(round(seconds / BEAT_SECONDS)):
            name = OPERATIONS[beat % len(OPERATIONS)]
            sent = time.monotonic()
            try:
                status = await asyncio.wait_for(
                    self._ask(self._request(name), is_new=beat % 2 == 0), PATIENCE_SECONDS
                )
            except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
                status = type(error).__name__
            waits[name].append((time.monotonic() - sent) * 1_000)
            if status != "200":
                await self.close()
                failures.append(f"{name}: {status}")
            if beat % 8 == 0:
                peak = max(peak, megabytes(self._pid))
            if time.monotonic() - began > 4 * seconds and min(map(len, waits.values())) > 1:
                break  # a frozen server has shown enough
            due = began + (beat + 1) * BEAT_SECONDS
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await self.close()
        return Round(
            {name: statistics.quantiles(some, n=20)[-1] for name, some in waits.items()},
            failures,
            peak,
        )

    async def close(self) -> None:
        """Give the kept connection back."""
        if self._kept is not None:
            self._kept[1].close()
            self._kept = None

    def _request(self, name: str) -> bytes:
        if name == "page":
            return head("GET", self._page)
        if name == "get":
            return head("GET", "/v4/trackings/get?tracking_numbers=INNOCENT000000", self._key)
        self._made += 1
        body = json.dumps(
            {"tracking_number": f"INNOCENT{os.getpid():07d}{self._made:06d}", "courier_code": "dhl"}
        ).encode()
        content = "content-type: application/json"
        return head("POST", "/v4/trackings/create", self._key, content, length=len(body)) + body

    async def _ask(self, request: bytes, *, is_new: bool) -> str:
        if self._kept is None or is_new:
            await self.close()
            self._kept = await asyncio.open_connection(
                "127.0.0.1", self._port, local_addr=(SOURCE, 0), limit=1 << 22
            )
        reader, writer = self._kept
        writer.write(request)
        lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        length = next(int(one[15:]) for one in lines if one.startswith(b"content-length:"))
        await reader.readexactly(length)
        return lines[0][9:12].decode()


def megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
