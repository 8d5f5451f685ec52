from __future__ import annotations

import re
from pathlib import Path

import apsw
import msgspec
import pytest
from msgspec.structs import replace

import parcelwire.store.sqlite
from parcelwire.domain.changes import CourierCorrected
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.codec import encode_event
from parcelwire.store.sqlite import SchemaError, migrations, open_store, queries
from parcelwire.store.sqlite.migrations import all_migrations, migrate
from parcelwire.tracking.ports import PastPoll, PollResult, PollState
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.store.samples import (
    NOW,
    WORLD,
    create,
    make_endpoint,
    make_event,
    new_id,
    render,
)

PAST = PastPoll(at=NOW, outcome="found", connector="swiss-post", reason="new: asked at once")
# As the first layout takes it: polls had no world of their own.
ADD_FIRST_POLL = """
INSERT INTO poll (key, due_at, due_reason, leased_until, checks, last_outcome, last_detail)
SELECT ?1, ?3, ?4, ?5, 0, '', '' WHERE ?2 > 0
"""
SCHEMA = Path(parcelwire.store.sqlite.__file__).parent / "schema.sql"


def layout_of(connection: apsw.Connection) -> list[tuple[str, str, str]]:
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name"
    ).fetchall()
    # A column that was added later stands behind another blank, and a table that was given another
    # name in quotation marks.
    return [
        (
            str(kind),
            str(name),
            re.sub(r"\s*([(),])\s*", r"\1", " ".join(str(sql).replace('"', "").split())),
        )
        for kind, name, sql in rows
    ]


def test_all_migrations_together_are_the_schema() -> None:
    migrated, written = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    migrate(migrated, NOW)
    written.execute(SCHEMA.read_text())
    assert layout_of(migrated) == layout_of(written)
    assert len(layout_of(written)) > 40


def test_migrations_are_numbered_without_gap() -> None:
    assert [step.version for step in all_migrations()] == list(range(1, len(all_migrations()) + 1))


def test_migrating_twice_does_nothing_the_second_time() -> None:
    connection = apsw.Connection(":memory:")
    assert migrate(connection, NOW) == all_migrations()
    before = layout_of(connection)
    assert migrate(connection, NOW + 1) == []
    assert layout_of(connection) == before
    assert connection.execute("SELECT * FROM schema_version").fetchall() == [
        (step.version, NOW) for step in all_migrations()
    ]


def test_a_step_that_fails_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = all_migrations()
    bad = migrations.Migration(len(steps) + 1, "bad", "CREATE TABLE half (x); SELECT nonsense;")
    monkeypatch.setattr(migrations, "all_migrations", lambda: [*steps, bad])
    connection = apsw.Connection(":memory:")
    with pytest.raises(apsw.SQLError):
        migrate(connection, NOW)
    assert layout_of(connection) == []
    assert not connection.in_transaction


def test_of_events_that_were_pruned_before_the_worst_is_assumed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steps = all_migrations()
    this = next(step.version for step in steps if step.name == "pruned_events")
    connection = apsw.Connection(":memory:")
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all_migrations", lambda: steps[: this - 1])
        migrate(connection, NOW)
    connection.executemany(
        "INSERT INTO event (cursor, world_id, packed) VALUES (?, ?, x'00')",
        [(5, 2), (7, 4), (9, 2)],
    )
    connection.executemany(
        "INSERT INTO tracking (id, world_id, number, courier_code, version, status, is_archived,"
        " created_at, updated_at, page_token) VALUES (?1, ?1, 'N', 'c', 1, 'pending', 0, 0, 0, ?1)",
        [(2,), (6,)],
    )
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "all_migrations", lambda: steps[:this])
        migrate(connection, NOW)
    # World 6 has parcels and no events: all that there ever were may be gone.
    assert connection.execute("SELECT * FROM pruned_event ORDER BY 1").fetchall() == [
        (2, 4),
        (4, 6),
        (6, 9),
    ]


async def test_a_newer_file_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "parcelwire.db"
    store = await open_store(path, render=render, clock=FrozenClock())
    await store.close()
    with apsw.Connection(str(path)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (999, 0)")
    connection.close()
    with pytest.raises(SchemaError, match="999"):
        await open_store(path, render=render, clock=FrozenClock())


async def test_a_file_of_the_first_layout_is_brought_forward_with_all_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "parcelwire.db"
    with monkeypatch.context() as patch:
        first, *_ = all_migrations()
        patch.setattr(migrations, "all_migrations", lambda: [first])
        patch.setattr(queries, "ADD_POLL", ADD_FIRST_POLL)
        store = await open_store(path, render=render, clock=FrozenClock())
        tracking = await create(store)
        await store.close()
    endpoint = make_endpoint()
    old = {"id": endpoint.id, "world_id": WORLD, "url": endpoint.url, "dialect": "native"}
    document = msgspec.json.encode({**old, "secret": endpoint.secret, "created_at": NOW})
    dead, waiting = new_id(), new_id()
    with apsw.Connection(str(path)) as connection:
        connection.execute(
            "INSERT INTO endpoint VALUES (1, ?, ?, 1, ?)",
            (bytes.fromhex(endpoint.id), WORLD, document),
        )
        for key, (identity, state) in enumerate([(dead, "dead"), (waiting, "pending")], 1):
            ids = [bytes.fromhex(one) for one in (identity, endpoint.id, tracking.id, identity)]
            connection.execute(
                "INSERT INTO message VALUES (?1, ?2, ?3, ?4, ?5, ?1, ?6, 'x', ?7, ?8, 0, ?7)",
                (key, ids[0], WORLD, ids[1], ids[2], ids[3], NOW, state),
            )
            connection.execute("INSERT INTO payload VALUES (?, x'007b7d')", (key,))
        connection.execute("INSERT INTO line VALUES (?, ?, 2, ?, 0)", (ids[1], ids[2], NOW))
        # One event that is packed, and one that is not.
        told = [make_event(replace(tracking, sequence=one)) for one in (1, 2)]
        long = CourierCorrected(from_courier="a", to_courier="b", reason="why " * 500)
        told[1] = replace(told[1], changes=(long,))
        connection.executemany(
            "INSERT INTO event (world_id, packed) VALUES (?, ?)",
            [(WORLD, encode_event(one)) for one in told],
        )
        ((first_byte, second_byte),) = connection.execute(
            "SELECT min(hex(substr(packed, 1, 1))), max(hex(substr(packed, 1, 1))) FROM event"
        ).fetchall()
        assert (first_byte, second_byte) == ("02", "03")
    connection.close()

    store = await open_store(path, render=render, clock=FrozenClock())
    assert (await store.list_endpoints(WORLD)) == [endpoint]
    assert await store.load(WORLD, tracking.id) is not None
    assert await store.events_of(WORLD, tracking.id) == [(2, told[1]), (1, told[0])]
    assert await store.past_polls(tracking.id) == []
    result = PollResult(tracking_id=tracking.id, poll=PollState(), past=PAST)
    await store.save_polls([result])
    assert await store.past_polls(tracking.id) == [PAST]
    assert await store._reader.rows("SELECT world_id FROM poll") == [(WORLD,)]
    (letter,) = (
        await store.list_messages(WORLD, MessageFilter(states=(MessageState.DEAD,)))
    ).messages
    assert (letter.id, letter.payload) == (dead, b"{}")
    (one,) = await store.claim_messages(NOW, lease_until=NOW + 9, limit=9, per_endpoint=9)
    assert (one.message.id, one.endpoint) == (waiting, endpoint)
    assert await store.replay(WORLD, MessageFilter(tracking_id=tracking.id), NOW) == 1
    await store.close()
