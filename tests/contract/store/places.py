"""Where the contract suite finds the engines: each lays out an empty database, a *place*.

A place may be opened several times at once: every store that it opens stands for a process of its
own on the same database. An engine plugs itself in with one line in ``PLACES``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.store.sealing import ValueSealer
from tests.contract.store.postgres_fixture import postgres_place
from tests.contract.store.samples import render

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OpenStore = Callable[..., Awaitable[Store]]
"""Opens one more store on the place's database, with ``sealer`` if given one. Whoever opens it
closes it.
"""

Place = Callable[[pytest.FixtureRequest, FrozenClock], AbstractAsyncContextManager[OpenStore]]
"""Makes an empty database for one test, and removes it afterwards."""


@asynccontextmanager
async def sqlite_place(
    request: pytest.FixtureRequest, clock: FrozenClock
) -> AsyncIterator[OpenStore]:
    """Give each test a file of its own."""
    # Imported here, so that one engine can be tested without the library of the other.
    from parcelwire.store.sqlite import open_store

    folder: Path = request.getfixturevalue("tmp_path")

    async def open_one(sealer: ValueSealer | None = None) -> Store:
        return await open_store(folder / "parcelwire.db", render=render, clock=clock, sealer=sealer)

    yield open_one


PLACES: dict[str, Place] = {
    "postgres": postgres_place,
    "sqlite": sqlite_place,
}
