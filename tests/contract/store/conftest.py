"""The fixtures of the contract suite: every test runs once per engine of ``PLACES``."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from tests.contract.store.keys import Keys
from tests.contract.store.places import PLACES, OpenStore


@pytest.fixture
def clock() -> FrozenClock:
    """A clock that stands still at 2026-03-01T10:00:00Z."""
    return FrozenClock()


@pytest.fixture(params=sorted(PLACES))
async def place(request: pytest.FixtureRequest, clock: FrozenClock) -> AsyncIterator[OpenStore]:
    """An empty database that several stores may open."""
    async with PLACES[request.param](request, clock) as open_one:
        yield open_one


@pytest.fixture
async def open_another(place: OpenStore) -> AsyncIterator[Callable[[], Awaitable[Store]]]:
    """Open one more store on the database of ``store``, as another process would."""
    opened: list[Store] = []

    async def open_one() -> Store:
        store = await place()
        opened.append(store)
        return store

    yield open_one
    for store in opened:
        await store.close()


@pytest.fixture
async def store(place: OpenStore) -> AsyncIterator[Store]:
    """A store on an empty database."""
    store = await place()
    yield store
    await store.close()


@pytest.fixture
async def keys(place: OpenStore, tmp_path: Path) -> AsyncIterator[Keys]:
    """Key files, and stores opened with them on one database."""
    made = Keys(place, tmp_path)
    yield made
    await made.close()
