"""A carrier over HTTP that writes down when it is asked about which parcel, by its own clock."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from parcelwire.bootstrap import SystemClock
from parcelwire.connectors.carriers.swiss_post import CONNECTOR
from parcelwire.connectors.mock_servers import Script
from parcelwire.connectors.mock_servers.server import MockServer, base_urls_of
from parcelwire.polling.budget import burst, refill
from prove.clocks import CARRIER, PER_MINUTE

SCENARIO_SECONDS: Final = 15.0
ANSWER_SECONDS: Final = 0.7
"""How long the carrier thinks: questions of two processes about one parcel would meet."""
MINUTE: Final = 60.0
SHARE: Final = 1.01
"""What of its budget may be used."""
CLOCKS_SECONDS: Final = 1.0
"""So much two processes' clocks may differ; a bucket refills meanwhile."""
UNDER_WAY_SECONDS: Final = 4.0
"""So long a question that was let through may wait for its place and for its conversation
(``polling.lease_seconds`` less ``polling.fetch_timeout_seconds``, and a second for storing). By
what is let through meanwhile, more may come in a minute."""


class Carrier:
    """Swiss Post's tracking page, in which every search is written down."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.asked: list[float] = []
        """When each question came, in seconds."""
        self.overlaps: list[str] = []
        self._under_way: Counter[str] = Counter()

    def application(self) -> web.Application:
        """Return what serves the page."""
        script = Script(scenario_seconds=SCENARIO_SECONDS)
        inner = MockServer(CONNECTOR, SystemClock(), script).application()
        inner.middlewares.append(self._write_down)
        return inner

    @staticmethod
    def base_urls(address: str) -> dict[str, dict[str, str]]:
        """Return ``carriers.base_urls`` for a page at ``address``."""
        return {CARRIER: {"web": base_urls_of(CONNECTOR, address)["web"]}}

    def over_budget(self) -> list[str]:
        """Return how the budget was exceeded: in all since the beginning, and in any minute."""
        full, back = burst(PER_MINUTE), refill(PER_MINUTE)
        found = []
        for count, at in enumerate(self.asked, 1):
            most = SHARE * (full + back * (at - self.began + CLOCKS_SECONDS) / MINUTE)
            if count > most:
                seconds = at - self.began
                found.append(f"budget: {count} questions in {seconds:.1f} s, {most:.0f} at most")
                break
        most = SHARE * (full + back * (MINUTE + CLOCKS_SECONDS + UNDER_WAY_SECONDS) / MINUTE)
        if self.fullest_minute() > most:
            found.append(f"budget: {self.fullest_minute()} questions in a minute")
        return found

    def fullest_minute(self) -> int:
        """Return how many questions came in the minute in which most came."""
        fullest = first = 0
        for last, at in enumerate(self.asked):
            while at - self.asked[first] >= MINUTE:
                first += 1
            fullest = max(fullest, last - first + 1)
        return fullest

    @web.middleware
    async def _write_down(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
    ) -> web.StreamResponse:
        if request.method != "POST" or not request.path.endswith("/history"):
            return await handler(request)
        self.asked.append(time.monotonic())
        number = str((await request.json())["searchQuery"])
        self._under_way[number] += 1
        try:
            if self._under_way[number] > 1:
                self.overlaps.append(f"{number} was asked about by two at once")
            await asyncio.sleep(ANSWER_SECONDS)
            return await handler(request)
        finally:
            self._under_way[number] -= 1
