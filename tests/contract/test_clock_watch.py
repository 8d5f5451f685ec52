"""Machines whose clocks differ, on one database: the database server's clock counts."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcelwire.bootstrap import SystemClock, open_installation
from parcelwire.bootstrap.clock_watch import LEAST_MS, LOOK_MS, ClockWatch
from parcelwire.config import Config
from parcelwire.config.sections import SecretsSection, StoreSection
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, Instant
from parcelwire.polling.worker import PollSettings
from parcelwire.store.postgres import open_store
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract.store.postgres_fixture import shared_cluster
from tests.contract.store.samples import make_endpoint, make_message, new_id, render
from tests.support.asgi import call

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
            await ClockWatch(store, clock).look()
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


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 3_650 * DAY])
async def test_a_lease_holds_when_a_machine_s_clock_is_set(dsn: str, jump: int) -> None:
    """Until the next look at the database's clock, fifteen seconds at most, work goes on."""
    set_to = [0]
    steady = machine(0)
    other = SystemClock(lambda: time.time_ns() + set_to[0] * 1_000_000)
    lease = round(WebhookSettings().lease_seconds * SECOND)
    stores = [await open_store(dsn, render=render, clock=one) for one in (steady, other)]
    try:
        for store, clock in zip(stores, (steady, other), strict=True):
            await ClockWatch(store, clock).look()
        endpoint = make_endpoint()
        await stores[0].add_endpoint(endpoint)
        await stores[0].add_messages([make_message(endpoint, new_id(), 1, steady.now())])
        set_to[0] = jump
        claimed = []
        for store, clock in ((stores[1], other), (stores[0], steady), (stores[1], other)):
            now = clock.now()
            claimed.append(
                await store.claim_messages(now, lease_until=now + lease, limit=9, per_endpoint=9)
            )
        assert [len(one) for one in claimed] == [1, 0, 0]
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
        ready = await call(house.asgi(), "GET", "/readyz")
        assert ready.json() == {"status": "ready", "warning": "clock differs"}
    finally:
        await house.close()


async def test_an_installation_of_one_machine_keeps_its_clock(tmp_path: Path) -> None:
    config = Config(
        store=StoreSection(url=f"sqlite:{tmp_path / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(tmp_path / "key")),
    )
    set_to = [HOUR]
    clock = SystemClock(lambda: time.time_ns() + set_to[0] * 1_000_000)
    house = await open_installation(config, clock=clock)
    await house.close()
    assert clock.ahead_ms == 0
    # And follows whoever sets it right.
    before = house.clock.now()
    set_to[0] = 0
    assert before - house.clock.now() > HOUR - NEAR


class Machine:
    """A machine whose clock can be set, and time that passes whatever its clock shows."""

    def __init__(self, shows: Instant) -> None:
        self.shows = shows
        self.passed_ms = 0
        self.clock = SystemClock(
            lambda: self.shows * 1_000_000, lambda: (7 * DAY + self.passed_ms) * 1_000_000
        )

    def wait(self, milliseconds: int) -> None:
        self.shows += milliseconds
        self.passed_ms += milliseconds


class Source:
    """A database that says what it is told to, and takes its time."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.says: Instant | None = 0
        self.takes_ms = 0
        self.sets_back_ms = 0

    async def database_time(self) -> Instant | None:
        self.machine.wait(self.takes_ms)
        self.machine.shows -= self.sets_back_ms
        return self.says


@pytest.mark.parametrize(
    ("says", "takes_ms", "now_ms"),
    [
        (DAY - HOUR, 0, DAY - HOUR),
        (DAY + HOUR, 0, DAY + HOUR),
        (DAY - SECOND + 1, 0, DAY),  # too little to make time jump for
        (DAY - HOUR, MINUTE, DAY - HOUR + MINUTE // 2),
        (DAY + SECOND, 2 * SECOND, DAY + 2 * SECOND),  # the long answer may explain it
        (DAY - SECOND, 4 * SECOND, DAY + 4 * SECOND),
        (None, 0, DAY),
    ],
)
async def test_what_is_taken_off(says: int | None, takes_ms: int, now_ms: int) -> None:
    machine = Machine(DAY)
    source = Source(machine)
    source.says, source.takes_ms = says, takes_ms
    await ClockWatch(source, machine.clock).look()
    assert machine.clock.now() == now_ms


async def test_what_is_left_after_a_correction_is_less_than_before() -> None:
    """However long the database took, and whenever in that time it looked at its clock."""
    for takes_ms in (0, 100, 3 * SECOND, MINUTE):
        for looked_ms in (0, takes_ms // 2, takes_ms):
            for truly in (-2 * HOUR, -SECOND, 0, 400, SECOND, 5 * SECOND, HOUR):
                machine = Machine(DAY + truly)
                source = Source(machine)
                source.says, source.takes_ms = DAY + looked_ms, takes_ms
                await ClockWatch(source, machine.clock).look()
                left = machine.clock.now() - (DAY + takes_ms)
                assert abs(left) <= max(abs(truly), takes_ms // 2)
                assert abs(left) < SECOND + 2 * takes_ms


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 30 * SECOND, -2 * SECOND, 3_650 * DAY])
async def test_a_machine_whose_clock_is_set_moves_nothing(
    jump: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even until the next look: all leases of others would have ended, or none would."""
    machine = Machine(DAY)
    source = Source(machine)
    source.says = DAY
    watch = ClockWatch(source, machine.clock)
    await watch.look()
    machine.shows += jump
    assert machine.clock.now() == DAY
    machine.wait(9 * SECOND)
    assert machine.clock.now() == source.says + 9 * SECOND
    source.says += 9 * SECOND
    assert not caplog.records
    await watch.look()
    assert machine.clock.now() == source.says
    (line,) = (one.getMessage() for one in caplog.records)
    assert f"{abs(jump) / SECOND:.1f} s {'ahead of' if jump > 0 else 'behind'} the" in line


async def test_a_clock_that_is_set_while_the_database_answers_moves_nothing() -> None:
    machine = Machine(DAY)
    source = Source(machine)
    source.says, source.takes_ms = DAY, 40
    watch = ClockWatch(source, machine.clock)
    await watch.look()
    source.says, source.sets_back_ms = DAY + 40, HOUR
    await watch.look()
    assert machine.clock.now() == DAY + 80


async def test_time_follows_the_database_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """When the machine was paused and its clock put right, or the database's clock was set."""
    machine = Machine(DAY)
    source = Source(machine)
    source.says = DAY
    watch = ClockWatch(source, machine.clock)
    await watch.look()
    machine.shows += HOUR
    source.says = DAY + HOUR
    await watch.look()
    assert machine.clock.now() == DAY + HOUR
    (line,) = (one.getMessage() for one in caplog.records)
    assert line == "the time moved by 3600.0 s, to the database's"


async def test_the_operator_is_told_when_a_clock_differs_and_when_it_is_right_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = Machine(DAY + HOUR)
    source = Source(machine)
    source.says = DAY
    watch = ClockWatch(source, machine.clock)
    said = []
    for shows in (DAY + HOUR, DAY + HOUR, DAY + HOUR + 900, DAY + 900, DAY + 300, DAY, DAY + 900):
        machine.shows = shows
        await watch.look()
        assert machine.clock.now() == DAY
        said.append(machine.clock.ahead_ms)
    assert said == [HOUR, HOUR, HOUR, HOUR, 0, 0, 0]
    ahead, right = (one.getMessage() for one in caplog.records)
    assert "3600.0 s ahead of" in ahead
    assert "right again" in right


async def test_the_database_is_asked_now_and_then_and_when_the_machine_s_clock_was_set() -> None:
    machine = Machine(DAY)
    asked = []

    class Counting(Source):
        async def database_time(self) -> Instant | None:
            asked.append(self.machine.passed_ms)
            if self.machine.passed_ms == 40 * SECOND:
                raise OSError  # it is away just then
            return self.says

    source = Counting(machine)
    watch = ClockWatch(source, machine.clock)
    source.says = DAY
    for second in range(60):
        if second == 20:
            machine.shows += HOUR
        if second == 40:
            machine.shows -= HOUR
        with contextlib.suppress(OSError):
            await watch.step()
        machine.wait(SECOND)
        source.says += SECOND
    assert [at // SECOND for at in asked] == [0, 15, 20, 35, 40, 55]


def test_what_the_docs_say_about_clocks_is_so() -> None:
    page = Path(__file__).parents[2] / "docs" / "health.md"
    text = " ".join(page.read_text("utf-8").split())
    assert f"every {LOOK_MS // SECOND} seconds after" in text
    assert f"was set by {WebhookSettings().lease_seconds:.0f} seconds or more" in text
    assert PollSettings().lease_seconds >= WebhookSettings().lease_seconds
    assert LEAST_MS == SECOND
