"""What is asked for at any depth is found on an index, in its order."""

from __future__ import annotations

import re
from typing import Any

import pytest

from parcelwire.domain.status import Status
from parcelwire.store.message_ways import way_of
from parcelwire.store.postgres import PostgresStore
from parcelwire.store.postgres.listing import stored_page
from parcelwire.store.postgres.message_search import MessageSearch
from parcelwire.store.postgres.pool import Link, Row
from parcelwire.store.postgres.queries import load_queries
from parcelwire.tracking.ports import TrackingFilter, TrackingPlace
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.store.postgres_fixture import Cluster
from tests.contract.store.samples import NOW, WORLD, make_endpoint, make_message, make_new, new_id

ROWS = 6_000


async def plan_of(store: PostgresStore, query: str, arguments: list[Any]) -> str:
    """Return the plan for a table that is too large to be read whole."""

    async def work(link: Link) -> list[Row]:
        await link.execute("set local enable_seqscan = off")
        await link.execute("set local enable_bitmapscan = off")
        return await link.fetch(f"explain {query}", *arguments)

    return "\n".join(row[0] for row in await store._database.transact(work))


@pytest.fixture
async def filled(store: PostgresStore, cluster: Cluster, dsn: str) -> PostgresStore:
    """A store with so many rows that no sensible plan reads them all."""
    for first in range(0, ROWS, 1_000):
        await store.create_trackings(
            [
                make_new(f"NR{first + index:06d}", created_at=NOW + first + index)
                for index in range(1_000)
            ]
        )
    endpoint = make_endpoint()
    await store.add_endpoint(endpoint)
    await store.add_messages(
        [make_message(endpoint, new_id(), 1, NOW + index) for index in range(ROWS)]
    )
    cluster.sql("update message set state = 'delivered' where created_at % 100 <> 0", dsn)
    cluster.sql("update message set state = 'dead' where created_at % 100 = 1", dsn)
    # Rows in every table that is asked: on an empty one every index costs the same.
    cluster.sql(
        "insert into event (cursor, world_id, tracking_id, body) "
        "select number, number % 50, gen_random_uuid(), '\\x00' "
        "from generate_series(1, 6000) number;"
        "insert into pending_event (world_id, tracking_id, body) "
        "select number % 50, gen_random_uuid(), '\\x00' from generate_series(1, 6000) number;"
        "insert into idempotency_record (world_id, key, fingerprint, at, status, body) "
        "select 1, 'key ' || number, '', 0, 201, '' from generate_series(1, 6000) number",
        dsn,
    )
    cluster.sql("vacuum analyze", dsn)
    return store


PAGES: dict[str, tuple[TrackingFilter, str]] = {
    "everything": (TrackingFilter(), "tracking_created"),
    "not archived": (TrackingFilter(is_archived=False), "tracking_created"),
    "status": (TrackingFilter(statuses=(Status.PENDING,)), "tracking_(created|status)"),
    "statuses": (
        TrackingFilter(statuses=(Status.PENDING, Status.TRANSIT)),
        "tracking_(created|status)",
    ),
    "beginning": (TrackingFilter(number_prefix="NR0012"), "tracking_number"),
}


@pytest.mark.parametrize("name", PAGES)
async def test_a_page_by_place_begins_at_its_place(filled: PostgresStore, name: str) -> None:
    where, index = PAGES[name]
    place = TrackingPlace(NOW + ROWS // 2, new_id())
    narrow = "number_prefix" if where.number_prefix else ""
    plan = await plan_of(filled, *stored_page(WORLD, where, place, 50, narrow=narrow))
    assert "Seq Scan" not in plan
    walks = re.findall(
        r"Index (?:Only )?Scan.* using (\w+) on tracking.*\n +Index Cond: (.*)", plan
    )
    assert walks, plan
    assert all(re.fullmatch(index, used) for used, _ in walks), plan
    if not narrow:
        assert all("ROW(created_at, id) <" in condition for _, condition in walks), plan


FILTERS = {
    "all": (MessageFilter(), "message_world"),
    "endpoint": (MessageFilter(endpoint_id=new_id()), "message_endpoint"),
    "type of one": (
        MessageFilter(endpoint_id=new_id(), event_types=("x",)),
        "message_endpoint",
    ),
    "type of all": (MessageFilter(event_types=("x",)), "message_world"),
    "line": (MessageFilter(endpoint_id=new_id(), tracking_id=new_id()), "message_tracking"),
    "dead": (MessageFilter(states=(MessageState.DEAD,)), "message_dead"),
    "dead of one": (
        MessageFilter(states=(MessageState.DEAD,), endpoint_id=new_id()),
        "message_dead",
    ),
    "time": (MessageFilter(created_min=NOW + 10, created_max=NOW + 500), "message_world"),
}


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("name", FILTERS)
async def test_messages_are_found_in_the_order_of_an_index(
    filled: PostgresStore, name: str, *, oldest_first: bool
) -> None:
    where, index = FILTERS[name]
    search = MessageSearch(WORLD, where, way_of(where), oldest_first=oldest_first)
    place, end = (NOW + 200, new_id()), (NOW + 100, new_id())
    if oldest_first:
        place, end = end, place
    for query, arguments in (
        search.page(place, end, 50),
        search.replayable(place, end, 50),
        search.end(place, 50),
    ):
        plan = await plan_of(filled, query, arguments)
        walks = re.findall(
            r"Index (?:Only )?Scan.* using (\w+) on message m\w* .*\n +Index Cond: (.*)", plan
        )
        # Where a stretch ends, its last message is looked up.
        walked = [(used, condition) for used, condition in walks if used != "message_pkey"]
        assert [used for used, _ in walked] == [index], plan
        assert "ROW(created_at, id)" in walked[0][1], plan
        # No more than a stretch is sorted.
        assert "Sort" not in plan or "Subquery Scan on m" in plan, plan


async def test_the_few_that_wait_are_found_among_those_that_wait(filled: PostgresStore) -> None:
    where = MessageFilter(states=(MessageState.PENDING,))
    search = MessageSearch(WORLD, where, way_of(where, few_wait=True))
    assert not search.may_pass_over
    plan = await plan_of(filled, *search.page((NOW + 200, new_id()), None, 50))
    assert "using pending_message_pkey on pending_message" in plan, plan
    assert "using message_pkey on message" in plan, plan


async def test_what_is_old_is_found_from_the_front(filled: PostgresStore) -> None:
    messages, trackings = load_queries("messages.sql"), load_queries("trackings.sql")
    for query, arguments, index in (
        (messages["oldest_messages"], ["0" * 32, 100], "message_pkey"),
        (messages["count_waiting"], [new_id(), 100], "pending_message_pkey"),
        (trackings["oldest_events"], [0, 100], "event_pkey"),
        (trackings["first_cursor"], [WORLD], "event_world"),
        (trackings["events_of"], [WORLD, new_id(), 10**9, 50], "Backward using event_tracking"),
        (trackings["find_idempotency_record"], [WORLD, "key"], "idempotency_record_pkey"),
    ):
        plan = await plan_of(filled, query, arguments)
        assert index in plan, plan
        assert "Sort" not in plan, plan


async def test_what_is_deleted_is_found_by_an_index(filled: PostgresStore, link: Link) -> None:
    await link.execute(
        "insert into record (at, kind, scope, id, document, tracking_id)"
        " select number, 'notice-due', '2', number, '', gen_random_uuid()"
        " from generate_series(1, 6000) number;"
        "insert into raw_response (tracking_id, at, connector, outcome, body)"
        " select id, 0, 'dhl', 'found', '' from tracking; analyze"
    )
    trackings, messages = load_queries("trackings.sql"), load_queries("messages.sql")
    ids = [new_id() for _ in range(200)]
    for query, arguments in (
        (trackings["hold_for_deletion"], [WORLD, ids]),
        (trackings["delete_polls"], [ids]),
        (trackings["delete"], [ids, ids]),
        (messages["hold_old_messages"], [ids]),
        (messages["delete_messages"], [ids]),
    ):
        plan = await plan_of(filled, query, arguments)
        # What the statement has found itself is walked over.
        assert re.search(r"Seq Scan on (?!attempt|skipped)", plan) is None, plan


async def test_a_world_reads_and_numbers_its_events_by_its_own_indexes(
    filled: PostgresStore,
) -> None:
    trackings = load_queries("trackings.sql")
    plan = await plan_of(filled, trackings["events_after"], [WORLD, 100, 50])
    assert re.search(r"using event_world on event.*\n +Index Cond: .*cursor\) > ", plan), plan
    assert re.search(r"using pending_event_pkey on pending_event.*\n +Index Cond:", plan), plan
    plan = await plan_of(filled, trackings["number_events"], [WORLD, 50])
    assert "Seq Scan" not in plan, plan
    walks = re.findall(r"using pending_event_pkey on pending_event.*\n +Index Cond: (.*)", plan)
    assert len(walks) == 2, plan
    assert all("world_id = " in condition for condition in walks), plan


async def test_a_worlds_due_polls_are_found_by_its_own_index(filled: PostgresStore) -> None:
    polls = load_queries("polls.sql")
    for name, arguments in (
        ("due_worlds", [NOW]),
        ("claim_polls_of_worlds", [NOW, NOW + 1, 5, 9, [WORLD]]),
    ):
        plan = await plan_of(filled, polls[name], arguments)
        assert "using poll_world on poll" in plan, plan
        # Never what is due of all worlds at once.
        walks = re.findall(r"using poll_world on poll \w+ .*\n +Index Cond: (.*)", plan)
        assert len(walks) >= 2, plan
        assert all("world_id" in condition for condition in walks), plan
        assert "poll_due" not in plan, plan
        assert "Sort" not in plan, plan
