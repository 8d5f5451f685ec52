"""Fixtures of the tests that only PostgreSQL needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.postgres import PostgresStore, open_store
from parcelwire.store.postgres.pool import Link
from tests.contract.store.postgres_fixture import Cluster, shared_cluster
from tests.contract.store.samples import render


@pytest.fixture
def cluster() -> Cluster:
    """The server that all tests share."""
    return shared_cluster()


@pytest.fixture(scope="session")
def own_cluster() -> Iterator[Cluster]:
    """A server that may be stopped and spoilt."""
    cluster = Cluster()
    yield cluster
    cluster.remove()


@pytest.fixture
def dsn(cluster: Cluster) -> Iterator[str]:
    """A migrated, empty database."""
    dsn = cluster.create_database()
    yield dsn
    cluster.give_back(dsn)


@pytest.fixture
def empty_dsn(cluster: Cluster) -> Iterator[str]:
    """A database without any table."""
    dsn = cluster.create_database(is_migrated=False)
    yield dsn
    cluster.drop_database(dsn)


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[PostgresStore]:
    """A store on an empty database."""
    store = await open_store(dsn, render=render, clock=FrozenClock(), pool_size=4)
    yield store
    await store.close()


@pytest.fixture
async def link(dsn: str) -> AsyncIterator[Link]:
    """A plain connection to the database of ``store``."""
    link: Link = await asyncpg.connect(dsn)
    yield link
    await link.close()
