from __future__ import annotations

import asyncio

from parcelwire.domain.clock import DAY, FrozenClock
from parcelwire.domain.status import Status
from parcelwire.store.postgres import PostgresStore, open_store
from parcelwire.tracking.ports import PollResult, PollState, RawResponse
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import NOW, WORLD, advance, create, make_endpoint, render

LOST = """
do $$ declare one name; begin
    for one in select sequencename from pg_sequences where schemaname = 'public' loop
        execute format('alter sequence %I restart', one);
    end loop;
end $$;
"""

UNUSED = "select sequencename from pg_sequences where schemaname = 'public' and last_value is null"


async def test_sequences_that_were_not_copied_with_the_rows_go_on_behind_them(
    store: PostgresStore, dsn: str, cluster: Cluster
) -> None:
    tracking = await create(store)
    for status in (Status.TRANSIT, Status.PICKUP, Status.TRANSIT):
        tracking = await advance(store, tracking, status=status)
    last = (await store.events_after(WORLD, 0, 10))[-1][0]
    assert await store.prune_events(NOW + DAY) == 3
    for index in range(3):
        await store.add_endpoint(make_endpoint(description=str(index)))
        await store.save_polls([_answer(tracking.id, index)])
    await store.close()
    cluster.sql(LOST, dsn)

    stores = await asyncio.gather(
        *(open_store(dsn, render=render, clock=FrozenClock()) for _ in range(3))
    )
    one = stores[0]
    await advance(one, tracking, status=Status.DELIVERED)
    ((cursor, event),) = await one.events_after(WORLD, last, 10)
    assert (cursor, event.sequence) == (last + 1, 4)
    await one.add_endpoint(make_endpoint(description="3"))
    assert [each.description for each in await one.list_endpoints(WORLD)] == ["0", "1", "2", "3"]
    await one.save_polls([_answer(tracking.id, 3)])
    bodies = [raw.body for raw in await one.raw_responses(tracking.id)]
    assert bodies == [b"3", b"2", b"1", b"0"]
    for each in stores:
        await each.close()


async def test_events_that_nobody_has_read_yet_keep_their_order_when_sequences_were_not_copied(
    store: PostgresStore, dsn: str, cluster: Cluster
) -> None:
    tracking = await create(store)
    for status in (Status.TRANSIT, Status.PICKUP, Status.TRANSIT):
        tracking = await advance(store, tracking, status=status)
    await store.save_polls([_answer(tracking.id, 0)])
    await store.close()
    cluster.sql(LOST, dsn)

    another = await open_store(dsn, render=render, clock=FrozenClock())
    await advance(another, tracking, status=Status.DELIVERED)
    await another.save_polls([_answer(tracking.id, 1)])
    told = [event.sequence for _, event in await another.events_after(WORLD, 0, 10)]
    assert told == [1, 2, 3, 4]
    await another.close()


async def test_every_sequence_is_among_those_that_are_looked_at(
    store: PostgresStore, dsn: str, cluster: Cluster
) -> None:
    columns = (
        "insert into feed_head values (2, 7);"
        "insert into event values (7, 2, gen_random_uuid(), '\\x00');"
        "insert into pending_event (world_id, position, tracking_id, body) "
        "overriding system value values (2, 7, gen_random_uuid(), '\\x00');"
        "insert into raw_response (tracking_id, position, at, connector, outcome, body) "
        "overriding system value values (gen_random_uuid(), 7, 1, '', '', '');"
        "insert into endpoint (id, position, world_id, is_enabled, created_at, url, dialect, "
        "secret, statuses, disabled_reason, description) overriding system value "
        "values (gen_random_uuid(), 7, 2, true, 1, '', 'native', '', '{}', '', '');"
        "insert into api_key (digest, position, account_number, is_test, created_at, prefix, "
        "label, scope) overriding system value values ('', 7, 1, false, 1, '', '', '');"
        "insert into connection (id, position, account_number, created_at, document) "
        "overriding system value values ('', 7, 1, 1, '');"
    )
    cluster.sql(columns, dsn)
    assert len(cluster.sql(UNUSED, dsn).split()) == 6
    another = await open_store(dsn, render=render, clock=FrozenClock())
    await another.close()
    assert cluster.sql(UNUSED, dsn) == ""
    asked = "select distinct last_value from pg_sequences where schemaname = 'public'"
    assert cluster.sql(asked, dsn).split() == ["7"]


def _answer(tracking_id: str, index: int) -> PollResult:
    raw = RawResponse(at=NOW + index, connector="c", outcome="found", body=b"%d" % index)
    return PollResult(tracking_id=tracking_id, poll=PollState(), raw=raw)
