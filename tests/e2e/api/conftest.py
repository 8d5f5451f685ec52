"""Houses for the dialects' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.store.places import PLACES
from tests.support.house import HouseUnderTest, open_house
from tests.support.native import Caller, open_caller
from tests.support.v4 import DIALECTS


@pytest.fixture
async def v4(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    """A house that speaks v4."""
    async with open_house(tmp_path, DIALECTS) as house:
        yield house


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Caller]:
    """A shop that calls the native API."""
    async with open_caller(tmp_path) as caller:
        yield caller


@pytest.fixture(params=sorted(PLACES))
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Caller]:
    """A shop on each engine, for what the store decides."""
    async with open_caller(tmp_path, request, request.param) as caller:
        yield caller
