"""A shop's endpoints: note down what comes, in which order, and what is under way at once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from parcelwire.proofs.ledger import Receipt


class Receiver:
    """Endpoints ``/hook/NAME``. Every hundredth message or so is refused once, some take longer.

    What is refused was not received: it must come again.
    """

    def __init__(self, seed: int, *, refused_share: float = 0.02, longest_seconds: float = 0.1):
        """``longest_seconds``: a quarter of the messages are answered after up to this long."""
        self.receipts: list[Receipt] = []
        self.overlaps: list[str] = []
        self.refused = 0
        self.cut = 0
        """How many requests lost their sender while they were being answered: it was killed."""
        self._chance = random.Random(seed)  # noqa: S311  # seeded randomness is wanted
        self._refused_share = refused_share
        self._longest_seconds = longest_seconds
        self._under_way: dict[tuple[str, str], Any] = {}

    def application(self) -> web.Application:
        """Return what serves the endpoints."""
        application = web.Application()
        application.router.add_post("/hook/{name}", self._take)
        return application

    async def _take(self, request: web.Request) -> web.Response:
        await request.read()
        name = request.match_info["name"]
        tracking_id = request.headers.get("parcelwire-tracking-id", "")
        if not tracking_id:
            return web.Response(status=204)  # about an endpoint, not about a parcel
        line = (name, tracking_id)
        sequence = int(request.headers["parcelwire-sequence"])
        before = self._under_way.get(line)
        if before is not None and not _is_gone(before):
            self.overlaps.append(f"{line}: {sequence} came while another was being answered")
        self._under_way[line] = request
        try:
            if self._chance.random() < self._refused_share:
                self.refused += 1
                return web.Response(status=503)
            message_id = request.headers["webhook-id"]
            self.receipts.append(Receipt(tracking_id, sequence, message_id, name))
            if self._chance.random() < 0.25:
                await asyncio.sleep(self._chance.uniform(0.0, self._longest_seconds))
            return web.Response(status=204)
        finally:
            self.cut += _is_gone(request)
            if self._under_way.get(line) is request:
                del self._under_way[line]


def _is_gone(request: web.Request) -> bool:
    """Tell whether the sender has hung up: its process was killed."""
    return request.transport is None or request.transport.is_closing()


@asynccontextmanager
async def serve(application: web.Application) -> AsyncIterator[str]:
    """Serve on a free port of 127.0.0.1 while the block runs; yields the base URL."""
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
