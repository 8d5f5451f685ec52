"""SIGKILL at random instants under load: nothing acknowledged is lost, no webhook is missed.

The short forms of A1 (100 kills of ``parcelwire serve`` on SQLite) and A2 (API and workers on
PostgreSQL, and the whole cluster once); ``make prove`` runs the long ones. The instants are drawn
from a seeded source; what the process was doing then is as random as the machine.
"""

from __future__ import annotations

import asyncio

import pytest

from prove import kills_postgres, kills_sqlite
from tests.contract.store.postgres_fixture import Cluster

KILLS = 100
WORKER_KILLS = 10


@pytest.mark.slow
@pytest.mark.timeout(420)
async def test_kills_under_load_lose_nothing_and_planted_bugs_are_found() -> None:
    """Four servers at a time: most of a cycle is waiting for the kill's instant."""
    plants = {name: kills_sqlite.PLANTS[name] for name in ("early_answer", "at_most_once")}
    outcome = await kills_sqlite.prove_kills(KILLS, 20260301, plants, at_once=4)
    assert outcome.faults() == []
    assert outcome.fired == KILLS
    assert outcome.planted_found == 2


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_killed_workers_and_a_killed_cluster_on_postgres_lose_nothing() -> None:
    cluster = await asyncio.to_thread(Cluster)  # of its own, because it is killed
    try:
        group = await kills_postgres.run_group(cluster, 2, WORKER_KILLS, 20260302, is_quick=True)
    finally:
        await asyncio.to_thread(cluster.remove)
    assert group.report.violations == []
    assert group.report.kills == WORKER_KILLS
    assert group.clusters == 1
    # The kills met something: work that was leased, and requests on their way.
    assert group.leased > 0
    assert group.slowest_seconds > 0
