"""``parcelwire durability-test``: clean installations pass, planted misconfigurations are found.

Every misconfiguration is real where a test can make it real: a PostgreSQL with ``fsync`` off, two
servers on one file, a library before the system's. What a test cannot have (an old SQLite, a
network file system) is given to the check as the system would report it.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import apsw
import asyncpg
import msgspec
import pytest

from parcelwire.bootstrap import InstallationError
from parcelwire.cli.durability_test import lines_of, verdict_of
from parcelwire.config import Config
from parcelwire.proofs.checks import check_clock, check_postgres
from parcelwire.proofs.examination import Report, examine
from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.servers import clean_environment, free_port
from tests.contract.store.postgres_fixture import Cluster
from tests.support.proving import bad, config_for, digest, furnished, quietly
from tests.support.terminal import Terminal


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give a server whose settings this module may spoil."""
    one = Cluster()
    yield one
    one.remove()


# --- what is in order -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_sound_installations_pass_and_nothing_is_left(
    tmp_path: Path, cluster: Cluster
) -> None:
    """SQLite; PostgreSQL with a database of its own; PostgreSQL with no more than a schema."""
    own = await asyncio.to_thread(cluster.create_database)
    shared = await asyncio.to_thread(cluster.create_database)
    name = shared.partition("?")[0].rpartition("/")[2]
    # A role as a careful administrator gives it: owner of what is there, and no more than that.
    cluster.sql(
        "create role shop login password 'made-up';"
        f"grant create on database {name} to shop;"
        f'alter database "{name}" owner to shop'
    )
    as_role = shared.replace("postgresql://postgres:@", "postgresql://shop:made-up@")
    assert as_role != shared
    cluster.sql("grant all on all tables in schema public to shop", shared)
    cluster.sql("grant all on all sequences in schema public to shop", shared)
    file = tmp_path / "file" / "parcelwire.db"
    configs = [
        await furnished(tmp_path / "file", f"sqlite:{file}"),
        await furnished(tmp_path / "own", own),
        await furnished(tmp_path / "shared", as_role),
    ]
    before = digest(file)
    databases = cluster.sql("select datname from pg_database order by 1")
    reports = await asyncio.gather(
        *(examine(one, seconds=5, seed=7, tell=quietly) for one in configs)
    )
    for report in reports:
        assert report.is_good, "\n".join(lines_of(report))
        assert report.outcomes[0].fired > 1
        assert verdict_of(report, 7).startswith("Nothing was lost in ")
    assert [one.id for one in reports[0].outcomes] == ["A1", "A3", "A4"]
    assert reports[1].scratch.startswith("database parcelwire_prove_")
    assert reports[2].scratch.startswith("schema parcelwire_prove_")
    # Nothing is left, and nothing that was there has changed.
    assert digest(file) == before
    for folder in tmp_path.iterdir():
        assert {one.name for one in folder.iterdir()} <= {"parcelwire.db", "parcelwire.key"}
    assert cluster.sql("select datname from pg_database order by 1") == databases
    assert cluster.sql("select nspname from pg_namespace where nspname ~ 'prove'", shared) == ""
    assert cluster.sql("select count(*) from endpoint", shared).strip() == "1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_either(tmp_path: Path, number: signal.Signals) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "parcelwire", "durability-test"],
        # What a shell starts in its background ignores Ctrl-C, and so do its children.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(),
    )
    assert process.stderr is not None
    lines = [process.stderr.readline() for _ in range(2)]
    assert lines[1] == "A1: killing servers under load …\n"
    logs = tmp_path.glob(".parcelwire-prove-*/A1/server.log")
    deadline = time.monotonic() + 30
    while not list(logs) and time.monotonic() < deadline:
        time.sleep(0.05)
        logs = tmp_path.glob(".parcelwire-prove-*/A1/server.log")
    process.send_signal(number)
    assert process.wait(timeout=90) == 130
    assert process.stderr.read().endswith("interrupted\n")
    process.stderr.close()
    assert list(tmp_path.iterdir()) == []


# --- PostgreSQL -----------------------------------------------------------------------------------


async def examined(cluster: Cluster, folder: Path, dsn: str) -> Report:
    del cluster
    return await examine(config_for(folder, dsn), seconds=5, seed=1, tell=quietly)


@pytest.mark.parametrize("name", ["fsync", "full_page_writes"])
async def test_a_server_that_does_not_flush_is_found(
    cluster: Cluster, tmp_path: Path, name: str
) -> None:
    dsn = cluster.create_database()
    cluster.sql(f"alter system set {name} = off")
    cluster.sql("select pg_reload_conf()")
    try:
        await _until(dsn, name, "off")
        report = await examined(cluster, tmp_path, dsn)
    finally:
        cluster.sql(f"alter system reset {name}")
        cluster.sql("select pg_reload_conf()")
    await _until(dsn, name, "on")
    assert bad(report.checks) == [f"{name} = off"]
    assert not report.is_good
    assert [line.partition(":")[0] for line in report.not_run] == ["A1"]
    assert report.scratch == ""


async def _until(dsn: str, name: str, value: str) -> None:
    """Wait until the server has read its settings again."""
    link = await asyncpg.connect(dsn)
    try:
        for _ in range(500):
            if await link.fetchval("select current_setting($1)", name) == value:
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"{name} did not become {value}")
    finally:
        await link.close()


@pytest.mark.parametrize("whose", ["database", "role"])
async def test_commits_that_are_not_awaited_are_found(
    cluster: Cluster, tmp_path: Path, whose: str
) -> None:
    """Set where postgresql.conf does not show it."""
    dsn = cluster.create_database()
    name = dsn.partition("?")[0].rpartition("/")[2]
    target = f'database "{name}"' if whose == "database" else "role current_user"
    cluster.sql(f"alter {target} set synchronous_commit = off")
    try:
        report = await examined(cluster, tmp_path, dsn)
    finally:
        cluster.sql(f"alter {target} reset synchronous_commit")
    assert bad(report.checks) == ["synchronous_commit = off"]


async def test_tables_that_a_crash_empties_are_found(cluster: Cluster, tmp_path: Path) -> None:
    dsn = cluster.create_database()
    cluster.sql("alter table poll set unlogged", dsn)
    report = await examined(cluster, tmp_path, dsn)
    assert bad(report.checks) == ["unlogged tables: poll"]


async def test_a_role_that_may_make_nothing_is_told_so(cluster: Cluster, tmp_path: Path) -> None:
    dsn = cluster.create_database()
    cluster.sql("create role guest login password 'made-up'")
    as_guest = dsn.replace("postgresql://postgres:@", "postgresql://guest:made-up@")
    with pytest.raises(InstallationError, match="neither a database nor a schema") as told:
        await examined(cluster, tmp_path, as_guest)
    assert "made-up" not in str(told.value)


async def test_a_server_that_is_not_there_is_told_without_the_password(tmp_path: Path) -> None:
    dsn = f"postgresql://shop:made-up@127.0.0.1:{free_port()}/shop"
    with pytest.raises(InstallationError, match="cannot reach PostgreSQL") as told:
        await examine(config_for(tmp_path, dsn), seconds=5, seed=1, tell=quietly)
    assert "made-up" not in str(told.value)


async def test_the_checks_read_settings_only(cluster: Cluster) -> None:
    dsn = cluster.create_database()
    link = await asyncpg.connect(dsn, server_settings={"default_transaction_read_only": "on"})
    try:
        found = await check_postgres(link, Config())
    finally:
        await link.close()
    assert bad(found) == ["sessions are read-only"]
    # Both clocks are this machine's.
    assert found[-1] == check_clock(0.0)


@pytest.mark.parametrize(
    ("ahead_seconds", "state", "what"),
    [
        (0.999, "good", "agrees with"),
        (-0.999, "good", "agrees with"),
        (31.04, "note", "is 31.0 s ahead of the"),
        (-3600.0, "note", "is 3600.0 s behind the"),
    ],
)
def test_a_clock_that_differs_from_the_database_s_is_told(
    ahead_seconds: float, state: str, what: str
) -> None:
    check = check_clock(ahead_seconds)
    assert check.state == state
    assert what in check.summary


# --- the report -----------------------------------------------------------------------------------


def test_the_report_is_machine_readable(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")  # so that it is quick
    (terminal.folder / "parcelwire.key").write_text("open to everybody")
    (terminal.folder / "parcelwire.key").chmod(0o644)
    result = terminal.run("durability-test", "--minutes", "0.5", "--seed", "5", "--json")
    assert result.code == 1
    report = msgspec.json.decode(result.out)
    assert report["is_good"] is False
    assert report["seed"] == 5
    assert [one["summary"] for one in report["checks"] if one["state"] == "bad"] == [
        f"others may read the key file {terminal.folder / 'parcelwire.key'}",
        "SQLite library 3.51.2",
    ]
    assert report["not_run"][0].startswith("A1")
    assert result.err.startswith("settings, disk, other writers …\nparcelwire: Failed: 2 ")
    assert [one.name for one in terminal.folder.iterdir()] == ["parcelwire.key"]


def test_a_proof_that_fails_is_told_with_what_was_lost() -> None:
    report = Report(
        database="SQLite, parcelwire.db",
        outcomes=[
            Outcome(id="A1", name="killed", tried=12, fired=12, violations=["lost: parcel"] * 11)
        ],
    )
    assert not report.is_good
    lines = lines_of(report)
    assert "  BAD   A1  killed: 12 of 12 fired, 11 violations (0 s)" in lines
    assert lines.count("        ! lost: parcel") == 10
    assert "        ! and 1 more (--json has all)" in lines
    assert verdict_of(report, 5).startswith("Failed: 0 settings, 1 proofs")
