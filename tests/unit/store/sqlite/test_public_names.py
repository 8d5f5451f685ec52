"""Tables and columns took other names: nothing that they hold is lost."""

from __future__ import annotations

from pathlib import Path

import apsw
import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.polling.ports import Pause
from parcelwire.store.sqlite import migrations, open_store
from parcelwire.store.sqlite.migrations import all_migrations, migrate
from tests.contract.store.samples import NOW, WORLD, new_id, render
from tests.unit.store.renamed_rows import (
    ANSWERS,
    DAMAGED_LINK,
    LINK,
    check_what_is_found,
    document_before,
    make_disabled_endpoint,
)


async def test_what_stood_under_the_names_before_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = all_migrations()
    before = next(at for at, one in enumerate(known) if one.name == "public_names")
    path = tmp_path / "parcelwire.db"
    connection = apsw.Connection(str(path))
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all_migrations", lambda: known[:before])
        migrate(connection, NOW)
    endpoint = make_disabled_endpoint()
    connection.execute(
        "INSERT INTO endpoint (key, id, world_id, is_enabled, document) VALUES (1, ?, ?, 0, ?)",
        (
            bytes.fromhex(endpoint.id),
            WORLD,
            document_before(
                endpoint, disabled_reason="disabled_why", failing_reported_at="failing_told_at"
            ),
        ),
    )
    connection.executemany(
        "INSERT INTO connection VALUES (?, ?, ?, ?)",
        [
            (LINK.id, 1, NOW, document_before(LINK, broken_reason="broken_why")),
            ("x", 1, 0, DAMAGED_LINK),
        ],
    )
    pause = Pause(until=NOW, failures=2, reason="503", since=NOW)
    connection.execute(
        "INSERT INTO pause VALUES ('post', ?)", (document_before(pause, reason="why"),)
    )
    connection.execute("INSERT INTO gap VALUES ('post', 'code', 'Z9', 3, 'sample', ?)", (NOW,))
    connection.executemany(
        "INSERT INTO done (world_id, key, fingerprint, at, status, body)"
        " VALUES (?, ?, x'', ?, 201, ?)",
        [(WORLD, key, NOW, body) for key, body in ANSWERS.items()],
    )
    tracking = new_id()
    connection.execute(
        "INSERT INTO attempt VALUES (1, ?, 7, ?, 5, 500, 'answered 500', 'oh no')",
        (bytes.fromhex(tracking), NOW),
    )
    connection.close()

    store = await open_store(path, render=render, clock=FrozenClock())
    await check_what_is_found(store, endpoint)
    assert await store._reader.rows("SELECT response_body FROM attempt") == [("oh no",)]
    await store.close()
