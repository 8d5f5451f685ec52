"""Tables and columns took other names: nothing that they hold is lost."""

from __future__ import annotations

import json

import msgspec

from parcelwire.domain.account import Connection
from parcelwire.domain.clock import FrozenClock
from parcelwire.polling.ports import Pause
from parcelwire.store.codec import pack
from parcelwire.store.postgres import open_store
from parcelwire.store.postgres.migrating import load_migrations, record_of
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import NOW, WORLD, make_endpoint, new_id, render

LONG_ANSWER = b'{"is_own":true,"label":"%s"}' % (b"x" * 700)
BROKEN = 'HTTP 401, "broken_why": x'
FIRST = b'{"disabled_why":null,"previous_secret_until":null,"health":{"waiting":2}}'
NOW_CALLED = (
    b'{"disabled_reason":null,"previous_secret_expires_at":null,"health":{"pending_count":2}}'
)
ROWS = """
insert into endpoint (id, world_id, is_enabled, created_at, url, dialect, secret, statuses,
    disabled_why, description, failing_since, failing_told_at)
values ('{endpoint}', {world}, false, {now}, '{url}', 'native', '{secret}', '{{}}', '410 Gone', '',
    {now}, {now});
insert into connection (id, account_number, created_at, document)
values ('c1', 1, {now}, decode('{connection}', 'hex')),
    ('x', 1, 0, '\\xff2262726f6b656e5f776879223a');
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
    endpoint = make_endpoint(
        is_enabled=False, disabled_reason="410 Gone", failing_since=NOW, failing_reported_at=NOW
    )
    link = Connection(
        id="c1",
        account_number=1,
        connector="swiss-post",
        transport="api",
        sealed_credentials=b"sealed",
        created_at=NOW,
        broken_since=NOW,
        broken_reason=BROKEN,
    )
    document = json.loads(msgspec.json.encode(link))
    document["broken_why"] = document.pop("broken_reason")
    message = new_id()
    rows = ROWS.format(
        endpoint=endpoint.id,
        world=WORLD,
        now=NOW,
        url=endpoint.url,
        secret=endpoint.secret,
        connection=json.dumps(document, separators=(",", ":")).encode().hex(),
        plain=(b"\x00" + FIRST).hex(),
        packed=pack(LONG_ANSWER).hex(),
        message=message,
    )
    cluster.sql(rows, empty_dsn)

    store = await open_store(empty_dsn, render=render, clock=FrozenClock())
    assert await store.list_endpoints(WORLD) == [endpoint]
    assert [one for one in await store.list_connections() if one.id == link.id] == [link]
    assert await store.pauses() == {"post": Pause(until=NOW, failures=2, reason="503", since=NOW)}
    assert await store.list_unmapped_codes() == [("post", "code", "Z9", 3, "sample", NOW)]
    record = await store.find_idempotency_record(WORLD, "plain")
    assert record is not None
    assert record.body == NOW_CALLED
    record = await store.find_idempotency_record(WORLD, "packed")
    assert record is not None
    assert record.body == LONG_ANSWER.replace(b"is_own", b"is_current")
    assert [one.response_body for one in await store.list_attempts(message)] == ["oh no"]
    assert await store.count_waiting(endpoint.id) == 1
    await store.close()
