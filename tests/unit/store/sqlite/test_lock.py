"""A second server on one SQLite file is refused, by a lock that ends with its process."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.sqlite import ServerInUseError, ServerUse, SqliteStore, open_store
from parcelwire.store.sqlite.file_system import file_system_of
from tests.contract.store.samples import WORLD, create, render

HOLD = """
import sys
from pathlib import Path
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.sqlite.lock import ServerLock
lock = ServerLock(Path(sys.argv[1]), FrozenClock())
print("held", flush=True)
sys.stdin.read()
"""


async def serve_at(path: Path) -> SqliteStore:
    return await open_store(path, render=render, clock=FrozenClock(), server=ServerUse())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "parcelwire.db"


async def test_a_second_server_is_refused_and_told_whom_to_stop(path: Path) -> None:
    store = await serve_at(path)
    with pytest.raises(ServerInUseError) as caught:
        await serve_at(path)
    assert str(caught.value) == (
        f"another server (process {os.getpid()}, since 2026-03-01 10:00:00 UTC) is using {path};"
        " stop it first"
    )
    # The first one is none the worse for it.
    await create(store)
    await store.close()
    again = await serve_at(path)
    await again.close()


async def test_a_command_may_open_what_a_server_uses(path: Path) -> None:
    server = await serve_at(path)
    command = await open_store(path, render=render, clock=FrozenClock())
    tracking = await create(command)
    await command.close()
    assert await server.load(WORLD, tracking.id) is not None
    with pytest.raises(ServerInUseError):
        await serve_at(path)
    await server.close()


async def test_other_names_of_one_file_are_one_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await serve_at(path)
    link = path.with_name("link.db")
    link.symlink_to(path.name)
    folder = path.parent / "folder"
    folder.symlink_to(path.parent, target_is_directory=True)
    path.with_name("below").mkdir()
    monkeypatch.chdir(path.parent)
    for other in (link, folder / path.name, Path(path.name), Path("below/../parcelwire.db")):
        with pytest.raises(ServerInUseError):
            await serve_at(other)
    await store.close()


async def test_a_copy_is_another_file(path: Path) -> None:
    store = await serve_at(path)
    await store.close()
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    shutil.copy(path.with_name("parcelwire.db.lock"), path.with_name("copy.db.lock"))
    one, other = await serve_at(path), await serve_at(copy)
    await one.close()
    await other.close()


async def test_a_killed_server_leaves_no_lock_behind(path: Path) -> None:
    process = subprocess.Popen(  # noqa: ASYNC220  # nothing else runs in this loop
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "held\n"
    with pytest.raises(ServerInUseError, match=re.escape(f"(process {process.pid}, ")):
        await serve_at(path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdin.close()
    process.stdout.close()
    assert str(process.pid) in path.with_name("parcelwire.db.lock").read_text()
    store = await serve_at(path)
    await store.close()


async def test_a_start_that_fails_gives_the_lock_back(path: Path) -> None:
    path.write_bytes(b"certainly not a database" * 100)
    for _ in range(2):
        with pytest.raises(StoreUnavailableError, match="damaged"):
            await serve_at(path)


async def test_where_no_lock_can_be_made_no_server_starts(path: Path) -> None:
    path.with_name("parcelwire.db.lock").mkdir()
    with pytest.raises(StoreUnavailableError, match=r"cannot open .*parcelwire\.db\.lock"):
        await serve_at(path)


async def test_nobody_else_may_read_the_lock(path: Path) -> None:
    store = await serve_at(path)
    assert path.with_name("parcelwire.db.lock").stat().st_mode & 0o777 == 0o600
    await store.close()


async def test_a_start_on_a_network_file_system_is_warned_of(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mounts = f"36 35 0:44 / {path.parent} rw,noatime - nfs4 server:/export rw\n"
    told = file_system_of(path.parent, mounts)
    monkeypatch.setattr("parcelwire.store.sqlite.store.file_system_of", lambda _: told)
    for server, lines in ((None, 0), (ServerUse(), 1)):
        caplog.clear()
        store = await open_store(path, render=render, clock=FrozenClock(), server=server)
        await store.close()
        warned = [one for one in caplog.messages if "is on a network file system (nfs4)" in one]
        assert len(warned) == lines
