"""What a trial works with: a real store in a file, real workers and senders, simulated time."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.store.sqlite import open_store
from tests.contract.store.samples import render
from tests.contract.webhook_office import Office


@asynccontextmanager
async def open_yard() -> AsyncIterator[Office]:
    """Give an office with an empty database of its own."""
    clock = FrozenClock()
    opened: list[Store] = []
    with tempfile.TemporaryDirectory(prefix="parcelwire-deliveries-") as folder:

        async def open_one() -> Store:
            opened.append(
                await open_store(Path(folder) / "parcelwire.db", render=render, clock=clock)
            )
            return opened[-1]

        store = await open_one()
        account = await store.add_account("shop@example.com", now=clock.now())
        office = Office(store, account, clock, open_one)
        try:
            yield office
        finally:
            await office.sender.close()
            for one in opened:
                await one.close()


def every(parcels: int, events: int) -> dict[str, list[int]]:
    """Return what must have been accepted: each parcel's events, in order."""
    return {f"{parcel:032x}": list(range(1, events + 1)) for parcel in range(1, parcels + 1)}
