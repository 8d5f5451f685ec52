"""F1: while the database is away readiness says so, liveness does not, and nothing is lost."""

from __future__ import annotations

import pytest

from prove.database_away import prove_away


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_readiness_tells_of_a_database_that_is_away_and_liveness_stays() -> None:
    outcome = await prove_away(1, 20260303)
    assert outcome.faults() == []
    assert outcome.fired == 5
