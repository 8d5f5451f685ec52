"""Every action of the installation, asked for by everybody: proof G2, one test a part."""

from __future__ import annotations

import pytest

from prove.access import ENGINES, TABLE, find_planted, try_all, uncovered
from prove.access_plants import PLANTED


def test_every_action_is_tried() -> None:
    assert uncovered() == [], "give it a sample in tests/support/access_rows.py"
    assert len(TABLE) > 150


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
async def test_nobody_gets_what_is_not_theirs(engine: str) -> None:
    tried, found = await try_all(engine)
    assert found == []
    assert tried > 15 * len(TABLE) / 2


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("engine", ENGINES)
async def test_planted_weaknesses_are_found(engine: str) -> None:
    assert await find_planted(engine) == list(PLANTED)
