"""Two hundred calls with one Idempotency-Key at once, and a SIGKILL between (D1, short form)."""

from __future__ import annotations

import pytest

from prove.idempotency import CALLERS, ENGINES, KINDS, PLANTS, disturbed, run_rounds


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
async def test_one_effect_and_the_same_bytes(engine: str) -> None:
    rounds = await run_rounds(len(KINDS), engine, seed=20261121)
    assert [line for one in rounds for line in one.violations()] == []
    assert disturbed(rounds) == len(KINDS), "the kills disturbed nobody"
    assert all(one.replayed >= CALLERS - 1 for one in rounds)


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTS)
async def test_a_planted_bug_is_found(plant: str) -> None:
    rounds = await run_rounds(1, "sqlite", seed=20261121, plants=(plant,))
    assert rounds[0].violations() != []
