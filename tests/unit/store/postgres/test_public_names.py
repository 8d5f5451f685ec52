"""Tables and columns took other names: nothing that they hold is lost."""

from __future__ import annotations

from parcelwire.domain.clock import FrozenClock
from parcelwire.store.postgres import open_store
from parcelwire.store.postgres.migrating import load_migrations, record_of
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import NOW, WORLD, new_id, render
from tests.unit.store.renamed_rows import (
    ANSWERS,
    DAMAGED_LINK,
    LINK,
    check_what_is_found,
    document_before,
    make_disabled_endpoint,
)

ROWS = """
insert into endpoint (id, world_id, is_enabled, created_at, url, dialect, secret, statuses,
    disabled_why, description, failing_since, failing_told_at)
values ('{endpoint}', {world}, false, {now}, '{url}', 'native', '{secret}', '{{}}', '410 Gone', '',
    {now}, {now});
insert into connection (id, account_number, created_at, document)
values ('c1', 1, {now}, decode('{connection}', 'hex')),
    ('x', 1, 0, decode('{damaged}', 'hex'));
insert into pause values ('post', {now}, 2, '503', {now});
insert into gap values ('post', 'code', '\\x01', 'Z9', 'sample', 3, {now});
insert into counter values ({world}, 'transit', false, 5);
insert into done (world_id, at, status, key, fingerprint, body) values
    ({world}, {now}, 201, 'plain', '', decode('{plain}', 'hex')),
    ({world}, {now}, 201, 'packed', '', decode('{packed}', 'hex'));
insert into attempt values ('{message}', {now}, '{message}', 5, 500, 'answered 500', 'oh no');
insert into waiting values ('{endpoint}', '{message}', 1, '{message}');
insert into lane values ('{endpoint}', '{message}', null, {now}, 0, 1);
"""


async def test_what_stood_under_the_names_before_is_found(cluster: Cluster, empty_dsn: str) -> None:
    steps = load_migrations()
    this = next(one.version for one in steps if one.name == "public_names")
    cluster.sql("".join(one.script + record_of(one) for one in steps[: this - 1]), empty_dsn)
    endpoint = make_disabled_endpoint()
    message = new_id()
    rows = ROWS.format(
        endpoint=endpoint.id,
        world=WORLD,
        now=NOW,
        url=endpoint.url,
        secret=endpoint.secret,
        connection=document_before(LINK, broken_reason="broken_why").hex(),
        damaged=DAMAGED_LINK.hex(),
        plain=ANSWERS["plain"].hex(),
        packed=ANSWERS["packed"].hex(),
        message=message,
    )
    cluster.sql(rows, empty_dsn)

    store = await open_store(empty_dsn, render=render, clock=FrozenClock())
    await check_what_is_found(store, endpoint)
    assert [one.response_body for one in await store.list_attempts(message)] == ["oh no"]
    assert await store.count_waiting(endpoint.id) == 1
    await store.close()
