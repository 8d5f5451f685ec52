"""A hot standby of the tests' PostgreSQL: it replays what the server writes, and can be read."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.contract.store.postgres_fixture import Cluster, fast_folder


class Standby:
    """The standby of a ``Cluster``, on a Unix socket in a folder of its own."""

    def __init__(self, primary: Cluster, folder: Path) -> None:
        self._primary = primary
        self._folder = folder
        self._data = folder / "data"

    def dsn(self, primary_dsn: str) -> str:
        """Return the address here of a database that has ``primary_dsn`` at the primary."""
        return f"{primary_dsn.partition('?host=')[0]}?host={self._folder}"

    def start(self) -> None:
        """Copy the primary and follow it from now on."""
        self._primary.run(
            "pg_basebackup",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
            f"--pgdata={self._data}",
            f"--dbname={self._primary.dsn()}",
        )
        options = f'-h "" -k {self._folder}'
        log = f"{self._folder}/log"
        self._control("-l", log, "-o", options, "start")

    def catch_up(self) -> None:
        """Wait until it has replayed what the primary has written so far."""
        place = self._primary.sql("select pg_current_wal_flush_lsn()").strip()
        here = self.dsn(self._primary.dsn())
        deadline = time.monotonic() + 60
        while self._primary.sql(f"select pg_last_wal_replay_lsn() >= '{place}'", here) != "t\n":
            assert time.monotonic() < deadline, "the standby does not follow"
            time.sleep(0.05)

    def promote(self) -> None:
        """Make it a primary of its own."""
        self._control("promote")

    def stop(self) -> None:
        """Stop it at once."""
        self._control("-m", "immediate", "stop")

    def _control(self, *arguments: str) -> Any:
        return self._primary.run("pg_ctl", "-w", "-D", str(self._data), *arguments)


@contextmanager
def standby_of(primary: Cluster) -> Iterator[Standby]:
    """Give a standby that runs while the block does."""
    folder = Path(tempfile.mkdtemp(prefix="parcelwire-standby-", dir=fast_folder()))
    primary.own(folder)
    standby = Standby(primary, folder)
    try:
        standby.start()
        try:
            yield standby
        finally:
            standby.stop()
    finally:
        shutil.rmtree(folder)
