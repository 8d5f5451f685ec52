"""What cannot be read of an installation's secrets, as its operator meets it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.support.terminal import Result, Terminal

CREDENTIALS = ("--set", "client_id=abcdefgh", "--set", "client_secret=hiddenhidden")


def _added(terminal: Terminal) -> str:
    added = terminal("carrier", "connect", "swiss-post", *CREDENTIALS)
    return added.split()[1].rstrip(":")


def _run(folder: Path, *arguments: str) -> Result:
    """Run a command in a process of its own: what it logs goes where an operator sees it."""
    done = subprocess.run(
        (sys.executable, "-m", "parcelwire", *arguments),
        cwd=folder,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def test_a_rotation_ends_and_says_what_is_left(terminal: Terminal) -> None:
    terminal("key", "create", "--account", "shop@example.com", "--quiet")
    bad, good = _added(terminal), _added(terminal)
    with closing(sqlite3.connect(terminal.folder / "parcelwire.db")) as database:
        cut = b'{"id":"0000'
        database.execute("UPDATE connection SET document = ? WHERE id = ?", (cut, bad))
        database.commit()
    status = _run(terminal.folder, "secrets", "status")
    assert status.code == 0, status
    assert "1  unreadable connections: restore them from a backup, or remove them" in status.out
    assert status.err.count(f"carrier connection {bad} cannot be read") == 1
    rotated = _run(terminal.folder, "secrets", "rotate")
    assert rotated.code == 0, rotated
    assert "1 values were resealed" in rotated.out
    assert "keeps older keys as well" in rotated.out
    assert "1 carrier connection(s) could not be resealed" in rotated.err
    assert "parcelwire carrier disconnect" in rotated.err
    assert rotated.err.count(f"carrier connection {bad} cannot be read") == 1
    assert "Traceback" not in status.err + rotated.err
    after = _run(terminal.folder, "secrets", "status")
    assert "nothing that can be read is sealed with it" in after.out
    # It is named, so it can be removed; then the old key goes.
    assert "is deleted" in terminal("carrier", "disconnect", bad)
    assert "is the only key in" in terminal("secrets", "rotate")
    assert good in terminal("carrier", "connections")
