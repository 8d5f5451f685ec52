"""What cannot be read of an installation's secrets, as its operator meets it."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.support.terminal import Terminal

CREDENTIALS = ("--set", "client_id=abcdefgh", "--set", "client_secret=hiddenhidden")


def _added(shop: Terminal) -> str:
    added = shop("connection", "add", "swiss-post", *CREDENTIALS)
    return added.split()[1].rstrip(":")


def test_a_rotation_ends_and_says_what_is_left(shop: Terminal) -> None:
    bad, good = _added(shop), _added(shop)
    with closing(sqlite3.connect(shop.folder / "parcelwire.db")) as database:
        cut = b'{"id":"0000'
        database.execute("UPDATE connection SET document = ? WHERE id = ?", (cut, bad))
        database.commit()
    status = shop.run("secrets", "status")
    assert status.code == 0
    assert "1  unreadable connections: restore them from a backup, or remove them" in status.out
    assert f"carrier connection {bad} cannot be read" in status.err
    rotated = shop.run("secrets", "rotate")
    assert rotated.code == 0
    assert "1 values were resealed" in rotated.out
    assert "keeps older keys as well" in rotated.out
    assert "1 carrier connection(s) could not be resealed" in rotated.err
    assert "parcelwire connection remove" in rotated.err
    assert f"carrier connection {bad} cannot be read" in rotated.err
    assert "Traceback" not in status.err + rotated.err
    assert "nothing that can be read is sealed with it" in shop("secrets", "status")
    # The log named it, so it can be removed; then the old key goes.
    assert "is gone" in shop("connection", "remove", bad)
    assert "is the only key in" in shop("secrets", "rotate")
    assert good in shop("connection", "list")
