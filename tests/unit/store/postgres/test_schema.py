from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import parcelwire.store.postgres as engine
from parcelwire.domain.clock import FrozenClock
from parcelwire.store.codec import encode_event
from parcelwire.store.postgres import UnfitDatabaseError, database, migrating, open_store
from parcelwire.store.postgres.migrating import Migration, load_migrations, record_of
from parcelwire.tracking.ports import PastPoll, PollResult, PollState
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import (
    NOW,
    WORLD,
    make_endpoint,
    make_event,
    make_tracking,
    new_id,
    render,
)

SCHEMA = Path(engine.__file__).with_name("schema.sql")

# Everything that a migration can do, as one line per thing.
CATALOGUE = """
select 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
    a.attstorage, a.attidentity, co.collname, pg_get_expr(d.adbin, d.adrelid)
from pg_attribute a join pg_class c on c.oid = a.attrelid
left join pg_collation co on co.oid = a.attcollation
left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and a.attnum > 0 and c.relkind = 'r'
    and not a.attisdropped
order by c.relname, a.attnum;
select 'table', relname, relkind, array_to_string(reloptions, ',') from pg_class
where relnamespace = 'public'::regnamespace order by relname;
select 'index', indexdef from pg_indexes where schemaname = 'public' order by indexname;
select 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid) from pg_constraint
where connamespace = 'public'::regnamespace order by conrelid::regclass::text, conname;
select 'sequence', sequencename, data_type, start_value, increment_by, cycle from pg_sequences
where schemaname = 'public' order by sequencename;
select 'function', proname, pg_get_functiondef(oid) from pg_proc
where pronamespace = 'public'::regnamespace order by proname;
select 'trigger', tgrelid::regclass, pg_get_triggerdef(oid) from pg_trigger
where not tgisinternal order by tgrelid::regclass::text, tgname;
"""


async def test_all_migrations_together_equal_the_schema(cluster: Cluster, empty_dsn: str) -> None:
    store = await open_store(empty_dsn, render=render, clock=FrozenClock())
    await store.close()
    migrated = cluster.sql(CATALOGUE, empty_dsn).splitlines()

    written = cluster.create_database(is_migrated=False)
    cluster.sql(SCHEMA.read_text(), written)
    described = cluster.sql(CATALOGUE, written).splitlines()

    assert len(migrated) > 150
    assert migrated == described

    # The comparison sees what it is there to see.
    cluster.sql("alter table poll set (fillfactor = 71)", written)
    assert cluster.sql(CATALOGUE, written).splitlines() != migrated
    cluster.drop_database(written)


async def test_the_template_of_the_tests_is_what_a_store_makes(
    cluster: Cluster, dsn: str, empty_dsn: str
) -> None:
    store = await open_store(empty_dsn, render=render, clock=FrozenClock())
    await store.close()
    assert cluster.sql(CATALOGUE, dsn) == cluster.sql(CATALOGUE, empty_dsn)


async def test_processes_that_start_at_once_migrate_once(cluster: Cluster, empty_dsn: str) -> None:
    stores = await asyncio.gather(
        *(open_store(empty_dsn, render=render, clock=FrozenClock()) for _ in range(4))
    )
    for store in stores:
        assert await store.is_ready()
        await store.close()
    applied = cluster.sql("select version from schema_version order by applied_at", empty_dsn)
    assert applied.split() == [str(migration.version) for migration in load_migrations()]


OLD_ROWS = """
insert into endpoint (id, world_id, is_enabled, created_at, url, dialect, secret, statuses,
    disabled_why, description)
values ('{endpoint}', {world}, true, {now}, '{url}', 'native', '{secret}', '{{}}', '', '');
insert into message (id, endpoint_id, tracking_id, event_id, world_id, created_at, due_at,
    sequence, attempts, state, event_type, payload)
values ('{dead}', '{endpoint}', '{parcel}', '{dead}', {world}, {now}, {now}, 1, 3, 'dead', 'x',
    '\\x007b7d'),
    ('{waits}', '{endpoint}', '{parcel}', '{dead}', {world}, {now}, {now}, 2, 0, 'pending', 'x',
    '\\x007b7d');
insert into waiting values ('{endpoint}', '{parcel}', 2, '{waits}');
insert into lane values ('{endpoint}', '{parcel}', null, {now}, 0, 1);
insert into poll (tracking_id, world_id, leased_until, checks, courier_code, due_reason,
    last_outcome, last_detail)
values ('{parcel}', {world}, 0, 3, 'dhl', '', '', '');
insert into event (world_id, tracking_id, body)
values ({world}, '{parcel}', decode('{event}', 'hex'));
"""


async def test_a_database_of_the_first_layout_is_brought_forward_with_all_it_holds(
    cluster: Cluster, empty_dsn: str
) -> None:
    first, *rest = load_migrations()
    assert rest
    cluster.sql(first.script + record_of(first), empty_dsn)
    endpoint = make_endpoint()
    dead, waits, parcel = new_id(), new_id(), new_id()
    event = make_event(make_tracking(id=parcel, sequence=1))
    rows = OLD_ROWS.format(
        endpoint=endpoint.id,
        world=WORLD,
        now=NOW,
        url=endpoint.url,
        secret=endpoint.secret,
        dead=dead,
        waits=waits,
        parcel=parcel,
        event=encode_event(event).hex(),
    )
    cluster.sql(rows, empty_dsn)

    store = await open_store(empty_dsn, render=render, clock=FrozenClock())
    assert (await store.list_endpoints(WORLD)) == [endpoint]
    assert await store.events_of(WORLD, parcel) == [(1, event)]
    assert await store.past_polls(parcel) == []
    past = PastPoll(at=NOW, outcome="found", connector="dhl", reason="new: asked at once")
    await store.save_polls([PollResult(tracking_id=parcel, poll=PollState(), past=past)])
    assert await store.past_polls(parcel) == [past]
    (letter,) = (
        await store.list_messages(WORLD, MessageFilter(states=(MessageState.DEAD,)))
    ).messages
    assert (letter.id, letter.payload) == (dead, b"{}")
    (one,) = await store.claim_messages(NOW, lease_until=NOW + 9, limit=9, per_endpoint=9)
    assert (one.message.id, one.endpoint) == (waits, endpoint)
    assert await store.replay(WORLD, MessageFilter(tracking_id=parcel), NOW) == 1
    await store.close()


async def test_of_events_that_were_pruned_before_the_worst_is_assumed(
    cluster: Cluster, empty_dsn: str
) -> None:
    steps = load_migrations()
    this = next(step for step in steps if step.name == "pruned_events")
    for step in steps[: this.version - 1]:
        cluster.sql(step.script + record_of(step), empty_dsn)
    ids = [new_id() for _ in range(2)]
    events = ", ".join(
        f"({cursor}, {world}, '{ids[0]}', '')" for cursor, world in ((5, 2), (7, 4), (9, 2))
    )
    parcels = ", ".join(
        f"('{one}', {world}, 0, 0, 1, false, 'pending', 'N', 'c', '{one}')"
        for one, world in zip(ids, (2, 6), strict=True)
    )
    cluster.sql(
        f"insert into event (cursor, world_id, tracking_id, body) values {events};"  # noqa: S608  # ours
        " select setval('event_cursor', 9);"
        " insert into tracking (id, world_id, created_at, updated_at, version, is_archived, status,"
        f" number, courier_code, page_token) values {parcels};",
        empty_dsn,
    )
    cluster.sql(this.script, empty_dsn)
    # World 6 has parcels and no events: all that there ever were may be gone.
    found = cluster.sql("select world_id, cursor from pruned_event order by 1", empty_dsn)
    assert re.findall(r"[0-9]+", found) == ["2", "4", "4", "6", "6", "9"]


async def test_a_database_of_a_newer_program_is_refused_and_left_alone(
    cluster: Cluster, dsn: str
) -> None:
    newer = len(load_migrations()) + 1
    cluster.sql(record_of(Migration(newer, "later", "")), dsn)
    try:
        with pytest.raises(UnfitDatabaseError, match="at least as new as"):
            await open_store(dsn, render=render, clock=FrozenClock())
    finally:
        cluster.sql("delete from schema_version where name = 'later'", dsn)


@pytest.mark.parametrize("setting", ["synchronous_commit", "fsync", "full_page_writes"])
async def test_a_server_that_may_lose_data_is_refused(own_cluster: Cluster, setting: str) -> None:
    dsn = own_cluster.create_database(is_migrated=False)
    own_cluster.sql(f"alter system set {setting} = off")
    own_cluster.sql("select pg_reload_conf()")
    try:
        # The signal to read the settings again takes a moment to arrive.
        await _until(lambda: own_cluster.sql(f"show {setting}") == "off\n")
        with pytest.raises(UnfitDatabaseError, match=f": {setting} must be on"):
            await open_store(dsn, render=render, clock=FrozenClock())
        tables = "select count(*) from pg_tables where schemaname = 'public'"
        assert own_cluster.sql(tables, dsn) == "0\n"
    finally:
        own_cluster.sql(f"alter system reset {setting}")
        own_cluster.sql("select pg_reload_conf()")
        await _until(lambda: own_cluster.sql(f"show {setting}") == "on\n")


async def _until(is_so: Callable[[], bool]) -> None:
    for _ in range(100):
        if is_so():
            return
        await asyncio.sleep(0.02)
    pytest.fail("the server did not take over its settings")


async def test_a_server_that_is_too_old_is_refused(
    own_cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert database.OLDEST_SERVER == 140_000
    dsn = own_cluster.create_database(is_migrated=False)
    version = int(own_cluster.sql("show server_version_num"))
    monkeypatch.setattr(database, "OLDEST_SERVER", version + 1)
    with pytest.raises(UnfitDatabaseError, match="is too old: 14 or newer is needed"):
        await open_store(dsn, render=render, clock=FrozenClock())
    monkeypatch.setattr(database, "OLDEST_SERVER", version)
    store = await open_store(dsn, render=render, clock=FrozenClock())
    await store.close()


async def test_the_store_describes_itself_without_credentials(dsn: str) -> None:
    secret = dsn.replace("postgres:@", "postgres:open-sesame@")
    store = await open_store(secret, render=render, clock=FrozenClock())
    assert re.match(r"PostgreSQL \d+\.\d+, database", store.describe())
    assert "sesame" not in store.describe()
    await store.close()


async def test_a_migration_may_take_longer_than_a_request(
    cluster: Cluster, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = cluster.sql("select current_database()", empty_dsn).strip()
    cluster.sql(f"alter database {name} set statement_timeout = '250ms'")
    real = load_migrations()
    slow = Migration(len(real) + 1, "slow", "select pg_sleep(1);")
    monkeypatch.setattr(migrating, "load_migrations", lambda: [*real, slow])
    monkeypatch.setattr(database, "COMMAND_SECONDS", 0.5)
    # The second waits for the first as long as it takes.
    stores = await asyncio.gather(
        *(open_store(empty_dsn, render=render, clock=FrozenClock()) for _ in range(2))
    )
    for store in stores:
        await store.close()
    assert cluster.sql("select max(version) from schema_version", empty_dsn).strip() == str(
        slow.version
    )
