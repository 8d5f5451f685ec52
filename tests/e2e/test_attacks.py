"""Everything hostile at once, at one real server, beside an innocent client (proof G1)."""

from __future__ import annotations

import asyncio

import pytest

from prove.attacks.together import PLANTS, SHORT, SHORTEST_SECONDS, prove_together


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_innocent_client_hardly_notices_an_attack() -> None:
    outcome = asyncio.run(prove_together(1, SHORTEST_SECONDS, SHORT))
    assert outcome.faults() == [], outcome.notes
    assert outcome.planted_found == len(PLANTS)
