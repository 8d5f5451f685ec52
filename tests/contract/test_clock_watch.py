"""Machines whose clocks differ, on one database: the database server's clock counts."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcelwire.bootstrap import SystemClock, open_installation
from parcelwire.bootstrap.clock_watch import SLOWEST_MS, ClockWatch
from parcelwire.config import Config
from parcelwire.config.sections import SecretsSection, StoreSection
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from parcelwire.store.postgres import open_store
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract.store.postgres_fixture import shared_cluster
from tests.contract.store.samples import make_endpoint, make_message, new_id, render

NEAR = 30 * SECOND
"""So much may pass between two looks at a clock on a busy machine."""


@pytest.fixture
def dsn() -> Iterator[str]:
    """Return the address of a migrated, empty database on PostgreSQL."""
    cluster = shared_cluster()
    dsn = cluster.create_database()
    yield dsn
    cluster.give_back(dsn)


def machine(ahead_ms: int) -> SystemClock:
    """Return the clock of a machine that is ahead of this one."""
    return SystemClock(lambda: time.time_ns() + ahead_ms * 1_000_000)


async def test_a_lease_holds_between_machines_whose_clocks_differ(dsn: str) -> None:
    """By its own clock the second machine would see the lease of the first as long ended."""
    first, second = machine(0), machine(5 * MINUTE)
    lease = round(WebhookSettings().lease_seconds * SECOND)
    stores = [await open_store(dsn, render=render, clock=one) for one in (first, second)]
    try:
        for store, clock in zip(stores, (first, second), strict=True):
            await ClockWatch(store, clock).step()
        endpoint = make_endpoint()
        await stores[0].add_endpoint(endpoint)
        await stores[0].add_messages([make_message(endpoint, new_id(), 1, first.now())])
        claimed = []
        for store, clock in zip(stores, (first, second), strict=True):
            now = clock.now()
            claimed.append(
                await store.claim_messages(now, lease_until=now + lease, limit=9, per_endpoint=9)
            )
        assert [len(one) for one in claimed] == [1, 0]
    finally:
        for store in stores:
            await store.close()


@pytest.mark.parametrize("ahead", [40 * SECOND, -HOUR, 3_650 * DAY])
async def test_an_installation_takes_the_time_of_its_database(
    dsn: str, tmp_path: Path, ahead: int, caplog: pytest.LogCaptureFixture
) -> None:
    config = Config(
        store=StoreSection(url=dsn), secrets=SecretsSection(key_file=str(tmp_path / "key"))
    )
    clock = machine(ahead)
    house = await open_installation(config, clock=clock)
    try:
        assert abs(house.clock.now() - time.time_ns() // 1_000_000) < NEAR
        assert any("the clock of this machine is" in one.getMessage() for one in caplog.records)
    finally:
        await house.close()


async def test_an_installation_of_one_machine_keeps_its_clock(tmp_path: Path) -> None:
    config = Config(
        store=StoreSection(url=f"sqlite:{tmp_path / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(tmp_path / "key")),
    )
    clock = machine(HOUR)
    house = await open_installation(config, clock=clock)
    await house.close()
    assert clock.ahead_ms == 0


class Source:
    """A database that says what it is told to, and takes its time."""

    def __init__(self, clock: SystemClock, now_ms: list[int]) -> None:
        self.clock = clock
        self.now_ms = now_ms
        self.says: Instant | None = 0
        self.takes_ms = 0

    async def database_time(self) -> Instant | None:
        self.now_ms[0] += self.takes_ms
        return self.says


@pytest.mark.parametrize(
    ("machine_ms", "says", "takes_ms", "now_ms"),
    [
        (DAY, DAY - HOUR, 0, DAY - HOUR),
        (DAY, DAY + HOUR, 0, DAY + HOUR),
        (DAY, DAY - SECOND + 1, 0, DAY),  # too little to make time jump for
        (DAY, DAY - HOUR, SLOWEST_MS, DAY - HOUR + SECOND),
        (DAY, DAY - HOUR, SLOWEST_MS + 1, DAY + SLOWEST_MS + 1),  # too slow to tell
        (DAY, DAY - HOUR, -MINUTE, DAY - MINUTE),  # the clock was set back meanwhile
        (DAY, None, 0, DAY),
    ],
)
async def test_what_is_taken_off(
    machine_ms: int, says: Instant | None, takes_ms: int, now_ms: int
) -> None:
    hand = [machine_ms]
    clock = SystemClock(lambda: hand[0] * 1_000_000)
    source = Source(clock, hand)
    source.says, source.takes_ms = says, takes_ms
    await ClockWatch(source, clock).step()
    assert clock.now() == now_ms


async def test_a_clock_that_is_set_right_is_corrected_no_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING)
    hand = [DAY + HOUR]
    clock = SystemClock(lambda: hand[0] * 1_000_000)
    source = Source(clock, hand)
    watch = ClockWatch(source, clock)
    for machine_ms in (DAY + HOUR, DAY + HOUR, DAY, DAY):
        hand[0], source.says = machine_ms, DAY
        await watch.step()
        assert clock.now() == DAY
    assert clock.ahead_ms == 0
    ahead, right = (one.getMessage() for one in caplog.records)
    assert "3600.0 s ahead of" in ahead
    assert "right again" in right
