"""Paging through the native API's list while rows come and go (D7, short form)."""

from __future__ import annotations

import pytest

from prove.paging import ENGINES, PLANTED, planted, walk_through


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
async def test_what_stays_is_seen_exactly_once(engine: str) -> None:
    walk = await walk_through(5_000, engine, seed=20261121)
    assert walk.violations() == []
    assert walk.pages >= 200
    assert min(walk.came, walk.went, walk.changed) >= 200
    assert len(walk.stayed) > 4_000


@pytest.mark.parametrize("name", PLANTED)
async def test_a_planted_bug_is_found(name: str) -> None:
    walk = await walk_through(1_000, "sqlite", seed=20261121, operations=planted(name))
    assert walk.violations() != []
