"""A tenant that takes all it can get: it lists, creates and waits, in a process of its own.

    python -m prove.noisy_neighbour URL KEY PARCELS LISTS WAITS

It says when it is at work, goes on until a line comes in, and prints a ``Report``.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from typing import Any

import aiohttp
import msgspec


class Tenant(msgspec.Struct, frozen=True):
    """An account's key of its test world."""

    key: str
    world_id: int


class NoisyNeighbour(msgspec.Struct, frozen=True):
    """One tenant that takes what it can get."""

    parcels: int
    lists: int
    waits: int

    async def set_to_work(self, url: str, tenant: Tenant) -> subprocess.Popen[str]:
        """Start a process that makes the calls until it is sent a line; it answers a ``Report``.

        Returns when its calls are under way.

        In this process its answers would delay the innocent tenant's, whatever the server does.
        """
        figures = [str(one) for one in (self.parcels, self.lists, self.waits)]
        process: subprocess.Popen[str] = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-m", "prove.noisy_neighbour", url, tenant.key, *figures],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        return process

    async def work(self, url: str, tenant: Tenant) -> Report:
        """Make calls until standard input says that it is enough."""
        async with session_of(tenant) as session:
            callers = _Callers(session, url)
            tasks = [
                *(asyncio.create_task(callers.list_much()) for _ in range(self.lists)),
                *(asyncio.create_task(callers.create_much(number)) for number in range(8)),
                *(asyncio.create_task(callers.wait_long(number)) for number in range(self.waits)),
            ]
            await asyncio.sleep(1.0)
            print("at work", flush=True)
            await asyncio.to_thread(sys.stdin.readline)
            report = Report(done=dict(callers.done), waiting=callers.waiting())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return report


class Report(msgspec.Struct, frozen=True):
    """What the neighbour got done, by kind, and how many of its calls waited at the end."""

    done: dict[str, int]
    waiting: int


class _Callers:
    """Its calls; whoever is refused tries again a little later."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self.done = {"lists": 0, "creates": 0, "waiting calls": 0}
        self._began: dict[int, float] = {}

    def waiting(self) -> int:
        """Return how many calls have waited for events for some time."""
        now = time.monotonic()
        return sum(now - began > 3.0 for began in self._began.values())

    async def list_much(self) -> None:
        """List two thousand, again and again."""
        while True:
            code = await self._ask("GET", "/v2/trackings/get?limit=2000")
            self.done["lists"] += code == 200
            await asyncio.sleep(0.0 if code == 200 else 0.2)

    async def create_much(self, caller: int) -> None:
        """Create in batches of forty, again and again."""
        number = 0
        while True:
            batch = [
                {"tracking_number": f"MORE{caller}X{number + index:08d}", "courier_code": "dhl"}
                for index in range(40)
            ]
            code = await self._ask("POST", "/v4/trackings/batch", batch)
            self.done["creates"] += 40 * (code == 200)
            number += 40 * (code == 200)
            await asyncio.sleep(0.0 if code == 200 else 0.2)

    async def wait_long(self, caller: int) -> None:
        """Wait for an event that does not come, again and again."""
        # Far behind everything, so that nothing is there to be answered.
        after = "WyJldmVudHMiLDkwMDAwMDAwMDAsNDEwMDAwMDAwMDAwMF0"
        while True:
            self.done["waiting calls"] += 1
            self._began[caller] = time.monotonic()
            await self._ask("GET", f"/api/events?wait_seconds=30&after={after}")
            self._began.pop(caller)
            await asyncio.sleep(1.0)

    async def _ask(self, method: str, path: str, body: Any = None) -> int:
        try:
            async with self._session.request(method, self._url + path, json=body) as answer:
                said = await answer.read()
        except aiohttp.ClientError:
            return 0
        # v2 answers 200 to everything, and says in the body what it means.
        return 429 if b'"code":429' in said[:60] else answer.status


def session_of(tenant: Tenant) -> aiohttp.ClientSession:
    """Return a session that sends the tenant's key, however it is asked for."""
    return aiohttp.ClientSession(
        headers={
            "Tracking-Api-Key": tenant.key,
            "Trackingmore-Api-Key": tenant.key,
            "Parcelwire-Api-Key": tenant.key,
        },
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=120),
    )


if __name__ == "__main__":
    _url, _key, *_figures_given = sys.argv[1:]
    _told = asyncio.run(NoisyNeighbour(*map(int, _figures_given)).work(_url, Tenant(_key, 0)))
    print(msgspec.json.encode(_told).decode())
