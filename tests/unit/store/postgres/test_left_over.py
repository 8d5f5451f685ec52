"""A database in which something outlived its tracking is cleaned as it is brought forward."""

from __future__ import annotations

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.postgres import open_store
from parcelwire.store.postgres.migrating import load_migrations, record_of
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import NOW, WORLD, new_id, render


async def test_records_find_their_trackings_and_what_is_nobodys_goes(
    cluster: Cluster, empty_dsn: str
) -> None:
    here, gone, job = new_id(), new_id(), new_id()
    for migration in load_migrations():
        if migration.name == "records_of_trackings":
            break
        cluster.sql(migration.script + record_of(migration), empty_dsn)
    rows, stays = [], []
    for tracking_id in (here, gone):
        mine = [
            ("subscription", tracking_id, "a"),
            ("subscription-places", tracking_id, "all"),
            ("notice", tracking_id, "delivered.a"),
            ("feedback", tracking_id, "0"),
            ("notice-due", "2", f"{NOW:013d}.{tracking_id}.delivered.a"),
            ("notice-trouble", "1", f"{NOW:013d}.{tracking_id}.delivered.a"),
        ]
        rows += mine
        stays += mine if tracking_id == here else []
    others = [
        ("import-rows", job, "000001"),
        ("notice-due", "2", f"{NOW:013d}.account-1.confirm-sender-1.{'f' * 64}"),
        ("session", "all", "x"),
    ]
    values = ", ".join(
        f"({NOW}, '{kind}', '{scope}', '{record_id}', '\\x007b7d')"
        for kind, scope, record_id in [*rows, *others]
    )
    cluster.sql(
        f"""
        insert into tracking (id, world_id, created_at, updated_at, version, is_archived, status,
            number, courier_code, page_token)
        values ('{here}', {WORLD}, {NOW}, {NOW}, 1, false, 'pending', 'N1', 'dhl', 't');
        insert into record (at, kind, scope, id, document) values {values};
        insert into raw_answer (tracking_id, at, connector, outcome, body)
        values ('{here}', 0, 'dhl', 'found', ''), ('{gone}', 0, 'dhl', 'found', '');
        """,  # noqa: S608  # all of it is made above
        empty_dsn,
    )

    store = await open_store(empty_dsn, render=render, clock=FrozenClock())
    found = await store._database.fetch("select kind, scope, id, tracking_id from record")
    assert sorted(tuple(row)[:3] for row in found) == sorted([*stays, *others])
    assert sorted((row[0], row[3].hex) for row in found if row[3] is not None) == [
        ("notice-due", here),
        ("notice-trouble", here),
    ]
    raws = await store._database.fetch("select tracking_id from raw_response")
    assert [row[0].hex for row in raws] == [here]
    await store.close()
