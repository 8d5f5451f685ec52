"""A database for the use cases of accounts, on a clock that stands still."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.store.sqlite import open_store
from tests.contract.store.samples import render


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def store(tmp_path: Path, clock: FrozenClock) -> AsyncIterator[Store]:
    opened = await open_store(tmp_path / "accounts.db", render=render, clock=clock)
    yield opened
    await opened.close()
