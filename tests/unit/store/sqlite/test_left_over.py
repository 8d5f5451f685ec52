"""A file in which records outlived their trackings is cleaned as it is brought forward."""

from __future__ import annotations

import apsw
import pytest

from parcelwire.store.sqlite import migrations
from parcelwire.store.sqlite.migrations import all_migrations, migrate
from tests.contract.store.samples import NOW, WORLD, new_id

ADD_TRACKING = """
INSERT INTO tracking (id, world_id, number, courier_code, version, status, is_archived, created_at,
    updated_at, page_token)
VALUES (?1, ?2, 'N1', 'dhl', 1, 'pending', 0, ?3, ?3, 't')
"""
ADD_RECORD = "INSERT INTO record (kind, scope, id, at, document) VALUES (?, ?, ?, ?, x'007b7d')"


def test_records_find_their_trackings_and_those_of_nobody_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here, gone, job = new_id(), new_id(), new_id()
    known = all_migrations()
    before = next(at for at, one in enumerate(known) if one.name == "records_of_trackings")
    connection = apsw.Connection(":memory:")
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all_migrations", lambda: known[:before])
        migrate(connection, NOW)
    connection.execute(ADD_TRACKING, (bytes.fromhex(here), WORLD, NOW))
    stays = []
    for tracking_id in (here, gone):
        rows = [
            ("subscription", tracking_id, "a"),
            ("subscription-places", tracking_id, "all"),
            ("notice", tracking_id, "delivered.a"),
            ("feedback", tracking_id, "0"),
            ("notice-due", "2", f"{NOW:013d}.{tracking_id}.delivered.a"),
            ("notice-trouble", "1", f"{NOW:013d}.{tracking_id}.delivered.a"),
        ]
        connection.executemany(ADD_RECORD, [(*row, NOW) for row in rows])
        stays += rows if tracking_id == here else []
    others = [
        ("import-rows", job, "000001"),
        ("notice-due", "2", f"{NOW:013d}.account-1.confirm-sender-1.{'f' * 64}"),
        ("session", "all", "x"),
    ]
    connection.executemany(ADD_RECORD, [(*row, NOW) for row in others])

    migrate(connection, NOW)

    found = connection.execute("SELECT kind, scope, id FROM record").fetchall()
    assert sorted(found) == sorted([*stays, *others])
    named = connection.execute(
        "SELECT kind, lower(hex(tracking_id)) FROM record WHERE tracking_id IS NOT NULL"
        " ORDER BY kind"
    ).fetchall()
    assert named == [("notice-due", here), ("notice-trouble", here)]
