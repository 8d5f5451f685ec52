"""``parcelwire prove``: clean installations pass, planted misconfigurations are found.

Every misconfiguration is real where a test can make it real: a PostgreSQL with ``fsync`` off, two
servers on one file, a library before the system's. What a test cannot have (an old SQLite, a
network file system) is given to the check as the system would report it.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.bootstrap import InstallationError
from parcelwire.cli.prove import lines_of, verdict_of
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.proofs import checks
from parcelwire.proofs.checks import Check, check_postgres, check_sqlite
from parcelwire.proofs.examination import Report, as_observed, examine
from parcelwire.proofs.outcome import Outcome
from parcelwire.proofs.powerloss import prove_power_loss
from parcelwire.proofs.scratch import furnish, scratch_config, write_config
from parcelwire.proofs.servers import Server, clean_environment, free_port
from parcelwire.proofs.surroundings import (
    FileSystem,
    file_system_of,
    flush_library,
    holders_of,
    is_system_library,
)
from parcelwire.store.sqlite import store as sqlite_store
from parcelwire.store.sqlite.connection import SqliteSettings
from tests.contract.store.postgres_fixture import Cluster
from tests.support.terminal import Terminal


def quietly(line: str) -> None:
    del line


def bad(found: list[Check]) -> list[str]:
    return [check.what for check in found if check.state == "bad"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give a server whose settings this module may spoil."""
    one = Cluster()
    yield one
    one.remove()


def config_for(folder: Path, url: str) -> Config:
    return Config(
        store=StoreSection(url=url, pool_size=3),
        secrets=SecretsSection(key_file=str(folder / "parcelwire.key")),
    )


# --- what is in order -----------------------------------------------------------------------------


async def furnished(folder: Path, url: str) -> Config:
    """Make an installation with something in it."""
    folder.mkdir()
    config = config_for(folder, url)
    await furnish(config, "http://shop.example", ["hook"])
    return config


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


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
        [sys.executable, "-m", "parcelwire", "prove"],
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


# --- SQLite ---------------------------------------------------------------------------------------


async def look(folder: Path) -> list[Check]:
    """Check the settings of an installation in ``folder``."""
    scratch = folder / "scratch"
    scratch.mkdir()
    config = scratch_config(Config(), scratch, f"sqlite:{scratch / 'check.db'}", free_port())
    return await check_sqlite(folder / "parcelwire.db", scratch, config)


async def test_a_sound_file_has_nothing_to_mend(tmp_path: Path) -> None:
    assert bad(await look(tmp_path)) == []


@pytest.mark.parametrize("level", ["NORMAL", "OFF"])
async def test_a_service_that_does_not_flush_is_found_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: Any
) -> None:
    """By asking the connections that the service opens, and by failing its power."""
    spoiled = replace(SqliteSettings(), synchronous=level)
    defaults = sqlite_store.open_store.__kwdefaults__ or {}
    monkeypatch.setitem(defaults, "settings", spoiled)
    found = await look(tmp_path)
    assert bad(found) == [f"synchronous = {level}"]
    settings = as_observed(found)
    assert settings.synchronous == level
    outcome = await asyncio.to_thread(
        prove_power_loss, trials=300, seed=3, settings=settings, with_planted=False
    )
    assert any("acknowledged and lost" in line for line in outcome.violations)


def test_an_old_library_is_refused(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")
    result = terminal.run("prove", "--minutes", "0.5")
    assert result.code == 1
    assert "BAD   SQLite library 3.51.2" in result.out
    assert "not tried: A1" in result.out
    last = result.err.splitlines()[-1]
    assert last.startswith("parcelwire: To be mended: 1 settings, 0 proofs failed, 3 not tried")
    assert list(terminal.folder.glob(".parcelwire*")) == []


def test_two_servers_on_one_file_are_found(tmp_path: Path) -> None:
    file = tmp_path / "parcelwire.db"
    servers = []
    try:
        for name in ("one", "two"):
            folder = tmp_path / name
            folder.mkdir()
            port = free_port()
            config = scratch_config(Config(), folder, f"sqlite:{file}", port)
            path = write_config(config, folder / "parcelwire.toml")
            server = Server(path, port, folder / "server.log")
            server.start()
            servers.append(server)
            found = holders_of(file, seconds=0.2)
            if found is None:
                assert sys.platform != "linux"
                return
            assert {one.pid for one in found} == {one.pid for one in servers}
        check = checks.check_holders(found)
        assert check.state == "bad"
        assert check.what.startswith("2 processes keep the file open")
        assert "parcelwire" in check.what
    finally:
        for server in servers:
            assert server.stop() == 0
    assert holders_of(file, seconds=0.0) == []


async def test_a_place_where_no_database_can_be_opened_is_told(tmp_path: Path) -> None:
    """As on a file system that cannot share memory: something is in the way of the WAL."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "check.db-wal").mkdir()
    url = f"sqlite:{tmp_path / 'scratch' / 'check.db'}"
    config = scratch_config(Config(), tmp_path / "scratch", url, free_port())
    (found,) = await checks.check_connections(config)
    assert found.what == "the service cannot open a database there"
    assert found.is_fatal


MOUNTS = """\
22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 22 0:27 / /srv/data rw,relatime shared:7 - nfs4 files:/export rw,vers=4.2
31 22 0:28 / /srv/my\\040disk rw,relatime - xfs /dev/vdb rw,nobarrier
32 22 0:29 / /srv/layer rw - overlay overlay rw,lowerdir=/l,upperdir=/u
33 22 0:30 / /srv/fast rw - tmpfs tmpfs rw,size=1g
"""


@pytest.mark.parametrize(
    ("place", "kind", "state"),
    [
        ("/srv/plain", "ext4", "good"),
        ("/srv/data/shop", "nfs4", "bad"),
        ("/srv/my disk/shop", "xfs", "bad"),
        ("/srv/layer", "overlay", "note"),
        ("/srv/fast/shop", "tmpfs", "bad"),
    ],
)
def test_disks_that_cannot_keep_their_word_are_found(place: str, kind: str, state: str) -> None:
    where = file_system_of(Path(place), MOUNTS)
    assert where.kind == kind
    assert [one.state for one in checks.check_file_system(where)] == [state]


def test_an_unknown_disk_is_said_to_be_unknown() -> None:
    assert file_system_of(Path("/srv"), "") == FileSystem("", "")
    assert [one.state for one in checks.check_file_system(FileSystem("", ""))] == ["note"]


def test_a_flush_that_is_too_quick_is_found() -> None:
    assert checks.check_flush([4e-6] * 20).state == "bad"
    assert checks.check_flush([0.001] * 20).state == "good"


def test_a_library_that_swallows_flushes_is_found(tmp_path: Path) -> None:
    assert checks.check_flush_library("libeatmydata.so.1.3").state == "bad"
    name = flush_library()
    assert checks.check_flush_library(name).state == ("good" if name else "note")
    compiler = shutil.which("cc")
    if compiler is None or not name:
        return  # a real one cannot be made here; the check above has seen its name
    source, library = tmp_path / "swallow.c", tmp_path / "libswallow.so"
    source.write_text("int fsync(int f) { return 0; }\nint fdatasync(int f) { return 0; }\n")
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(library), str(source)],
        check=True,
        capture_output=True,
    )
    code = "from parcelwire.proofs.surroundings import flush_library; print(flush_library())"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**clean_environment(), "LD_PRELOAD": str(library)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "libswallow.so"
    assert not is_system_library("libswallow.so")


def test_there_is_no_place_beside_a_file_in_no_folder(tmp_path: Path) -> None:
    config = config_for(tmp_path, f"sqlite:{tmp_path / 'nowhere' / 'parcelwire.db'}")
    with pytest.raises(InstallationError, match="cannot make a folder beside"):
        asyncio.run(examine(config, seconds=5, seed=1, tell=quietly))


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


# --- the report -----------------------------------------------------------------------------------


def test_the_report_is_machine_readable(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.51.2")  # so that it is quick
    (terminal.folder / "parcelwire.key").write_text("open to everybody")
    (terminal.folder / "parcelwire.key").chmod(0o644)
    result = terminal.run("prove", "--minutes", "0.5", "--seed", "5", "--json")
    assert result.code == 1
    report = msgspec.json.decode(result.out)
    assert report["is_good"] is False
    assert report["seed"] == 5
    assert [one["what"] for one in report["checks"] if one["state"] == "bad"] == [
        "others may read the key file parcelwire.key",
        "SQLite library 3.51.2",
    ]
    assert report["not_run"][0].startswith("A1")
    assert result.err.startswith("settings, disk, other writers …\nparcelwire: To be mended: 2 ")
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
    assert verdict_of(report, 5).startswith("To be mended: 0 settings, 1 proofs failed")
