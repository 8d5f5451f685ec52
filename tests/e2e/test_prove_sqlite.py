"""`parcelwire durability-test` on SQLite: what loses data is found."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest
from msgspec.structs import replace

from parcelwire.bootstrap import InstallationError
from parcelwire.config import Config
from parcelwire.proofs import checks
from parcelwire.proofs.checks import Check, check_sqlite
from parcelwire.proofs.examination import as_observed, examine
from parcelwire.proofs.powerloss import prove_power_loss
from parcelwire.proofs.scratch import scratch_config, write_config
from parcelwire.proofs.servers import Server, clean_environment, free_port
from parcelwire.proofs.surroundings import (
    flush_library,
    holders_of,
    is_system_library,
)
from parcelwire.store.sqlite import store as sqlite_store
from parcelwire.store.sqlite.connection import SqliteSettings
from parcelwire.store.sqlite.file_system import FileSystem, file_system_of
from tests.support.proving import bad, config_for, quietly
from tests.support.terminal import Terminal


async def look(folder: Path) -> list[Check]:
    """Check the settings of an installation in ``folder``."""
    scratch = folder / "scratch"
    scratch.mkdir()
    config = scratch_config(Config(), scratch, f"sqlite:{scratch / 'check.db'}", free_port())
    return await check_sqlite(folder / "parcelwire.db", scratch, config)


async def test_a_sound_file_has_nothing_to_mend(tmp_path: Path) -> None:
    assert bad(await look(tmp_path)) == []


async def test_what_is_in_the_file_is_not_looked_at(tmp_path: Path) -> None:
    """Opened as a database, this one would be refused."""
    file = tmp_path / "parcelwire.db"
    file.write_bytes(b"no database at all " * 1_000)
    file.chmod(0o600)
    assert bad(await look(tmp_path)) == []
    assert file.read_bytes() == b"no database at all " * 1_000
    assert sorted(one.name for one in tmp_path.iterdir()) == ["parcelwire.db", "scratch"]


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
    result = terminal.run("durability-test", "--minutes", "0.5")
    assert result.code == 1
    assert "BAD   SQLite library 3.51.2" in result.out
    assert "not tried: A1" in result.out
    last = result.err.splitlines()[-1]
    assert last.startswith("parcelwire: Failed: 1 settings, 0 proofs, 3 not tried")
    assert list(terminal.folder.glob(".parcelwire*")) == []


HOLD = """
import sys
import apsw
connection = apsw.Connection(sys.argv[1])
connection.execute("SELECT count(*) FROM tracking").fetchall()
print("open", flush=True)
sys.stdin.read()
"""


def test_a_server_and_a_stranger_on_one_file_are_found(tmp_path: Path) -> None:
    file = tmp_path / "parcelwire.db"
    config = scratch_config(Config(), tmp_path, f"sqlite:{file}", free_port())
    path = write_config(config, tmp_path / "parcelwire.toml")
    server = Server(path, config.server.port, tmp_path / "server.log")
    server.start()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as stranger:
        try:
            assert stranger.stdout is not None
            assert stranger.stdout.readline() == "open\n"
            found = holders_of(file, seconds=0.2)
            if found is None:
                assert sys.platform != "linux"
                return
            assert {one.pid for one in found} == {server.pid, stranger.pid}
            check = checks.check_holders(found)
            assert check.state == "bad"
            assert check.summary.startswith("2 processes keep the file open")
            assert "parcelwire" in check.summary
        finally:
            stranger.kill()
            assert server.stop() == 0
    assert holders_of(file, seconds=0.0) == []


async def test_a_place_where_no_database_can_be_opened_is_told(tmp_path: Path) -> None:
    """As on a file system that cannot share memory: something is in the way of the WAL."""
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "check.db-wal").mkdir()
    url = f"sqlite:{tmp_path / 'scratch' / 'check.db'}"
    config = scratch_config(Config(), tmp_path / "scratch", url, free_port())
    (found,) = await checks.check_connections(config)
    assert found.summary == "the service cannot open a database there"
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
