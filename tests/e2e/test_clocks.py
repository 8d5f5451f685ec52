"""Four workers and an API on machines whose clocks differ, and are set while they work.

The short form of F2; ``make prove`` runs the long one.
"""

from __future__ import annotations

import pytest

from prove.clocks.proof import PLANTS, WORKERS, prove_clocks
from tests.contract.store.postgres_fixture import shared_cluster

PARCELS = 40


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_processes_keep_one_time_whatever_their_machines_show() -> None:
    outcome = await prove_clocks(PARCELS, 20260304, PLANTS, cluster=shared_cluster())
    assert outcome.faults() == []
    assert outcome.fired == len(WORKERS) + 1
    assert outcome.planted_found == len(PLANTS)
