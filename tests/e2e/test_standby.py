"""A server that is started on a hot standby of PostgreSQL, and on one that only may be read."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from parcelwire.proofs.servers import clean_environment
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.postgres_standby import Standby, standby_of
from tests.support.process import Server, free_port, run_command

SERVERS = ("serve", "api", "worker")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    one = Cluster()
    yield one
    one.remove()


@pytest.fixture
def standby(cluster: Cluster) -> Iterator[Standby]:
    with standby_of(cluster) as one:
        yield one


def configure(folder: Path, url: str) -> tuple[Path, int]:
    config, port = folder / "parcelwire.toml", free_port()
    config.write_text(
        f'[server]\nport = {port}\n[store]\nurl = "{url}"\n'
        f'[secrets]\nkey_file = "{folder / "standby.key"}"\n'
    )
    return config, port


def last_words(config: Path, command: str) -> tuple[int, str]:
    """Return how a command that should end by itself does, and the last line that it says."""
    done = subprocess.run(
        [sys.executable, "-m", "parcelwire", "--config", str(config), command],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr.splitlines()[-1]


async def test_a_server_says_that_its_database_is_a_standby_and_starts_when_that_is_promoted(
    cluster: Cluster, standby: Standby, tmp_path: Path
) -> None:
    dsn = cluster.create_database()
    primary, _ = configure(tmp_path, dsn)
    making = ("key", "create", "--account", "shop@shop.example", "--quiet")
    await asyncio.to_thread(run_command, primary, *making)
    await asyncio.to_thread(standby.catch_up)
    config, port = configure(tmp_path, standby.dsn(dsn))
    for command in SERVERS:
        code, line = await asyncio.to_thread(last_words, config, command)
        assert code == 1
        assert "is a standby" in line
        assert "(store.url)" in line
    code, line = await asyncio.to_thread(last_words, config, "migrate")
    assert code != 0
    assert "read-only" in line
    # What only reads works there.
    listed = await asyncio.to_thread(run_command, config, "key", "list")
    assert "shop@shop.example" in listed
    await asyncio.to_thread(standby.promote)
    server = Server(config, port, tmp_path / "server.log", "api")
    try:
        await asyncio.to_thread(server.start)
        assert await asyncio.to_thread(server.stop) == 0
    finally:
        if server.is_alive():
            server.kill()


@pytest.mark.parametrize("command", SERVERS)
def test_a_server_says_that_its_sessions_may_only_read(
    cluster: Cluster, tmp_path: Path, command: str
) -> None:
    dsn = cluster.create_database()
    name = dsn.partition("?")[0].rpartition("/")[2]
    cluster.sql(f'alter database "{name}" set default_transaction_read_only = on')
    config, _ = configure(tmp_path, dsn)
    code, line = last_words(config, command)
    assert code == 1
    assert "default_transaction_read_only" in line
