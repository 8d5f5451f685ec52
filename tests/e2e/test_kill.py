"""Kills under load and a database that goes away: nothing acknowledged is lost, no webhook missed.

The short forms of A1 (100 kills of ``parcelwire serve`` on SQLite), A2 (API and workers on
PostgreSQL, and the whole cluster once) and F1; ``make prove`` runs the long ones. The instants are
drawn from a seeded source; what the processes were doing then is as random as the machine. Most of
their time is waiting (for a kill's instant, for leases to end), so all three run at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import msgspec
import pytest

from prove import database_away, kills_postgres, kills_sqlite
from prove.kills_postgres import Group
from prove.outcome import Outcome
from tests.contract.store.postgres_fixture import Cluster

KILLS = 100
WORKER_KILLS = 10
PLANTS = ("early_answer", "at_most_once")


async def kill_servers() -> Outcome:
    plants = {name: kills_sqlite.PLANTS[name] for name in PLANTS}
    return await kills_sqlite.prove_kills(KILLS, 20260301, plants, at_once=4)


async def kill_workers(cluster: Cluster) -> Group:
    return await kills_postgres.run_group(cluster, 2, WORKER_KILLS, 20260302, is_quick=True)


async def take_databases_away(cluster: Cluster) -> Outcome:
    return await database_away.prove_away(1, 20260303, cluster=cluster)


class Running(msgspec.Struct):
    """All three, each in a thread and an event loop of its own."""

    servers: Future[Outcome]
    workers: Future[Group]
    databases: Future[Outcome]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """Run all three from the first test on."""
    # Each has a cluster of its own, because it is killed. They are made and removed one after the
    # other: the wheel's lock is not for threads.
    first, second = Cluster(), Cluster()
    try:
        with ThreadPoolExecutor(3) as threads:
            yield Running(
                threads.submit(lambda: asyncio.run(kill_servers())),
                threads.submit(lambda: asyncio.run(kill_workers(first))),
                threads.submit(lambda: asyncio.run(take_databases_away(second))),
            )
    finally:
        first.remove()
        second.remove()


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_kills_under_load_lose_nothing_and_planted_bugs_are_found(
    running: Running,
) -> None:
    outcome: Outcome = running.servers.result()
    assert outcome.faults() == []
    assert outcome.fired == KILLS
    assert outcome.planted_found == len(PLANTS)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_killed_workers_and_a_killed_cluster_on_postgres_lose_nothing(
    running: Running,
) -> None:
    group: Group = running.workers.result()
    assert group.report.violations == []
    assert group.report.kills == WORKER_KILLS
    assert group.clusters == 1
    # The kills met something: work that was leased, and requests on their way.
    assert group.leased > 0
    assert group.slowest_seconds > 0


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_readiness_tells_of_a_database_that_is_away_and_liveness_stays(
    running: Running,
) -> None:
    outcome: Outcome = running.databases.result()
    assert outcome.faults() == []
    assert outcome.fired == 5  # four ways on PostgreSQL, one on SQLite
