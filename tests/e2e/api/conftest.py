"""Houses for the dialects' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.house import HouseUnderTest, open_house
from tests.support.v4 import DIALECTS


@pytest.fixture
async def v4(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    """A house that speaks v4."""
    async with open_house(tmp_path, DIALECTS) as house:
        yield house
