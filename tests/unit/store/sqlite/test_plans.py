"""No statement walks over a table that grows: SQLite chooses its way without knowing the data."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from parcelwire.store import walks
from parcelwire.store.message_ways import way_of
from parcelwire.store.sqlite import (
    SqliteStore,
    feed_queries,
    message_queries,
    open_store,
    poll_queries,
    queries,
)
from parcelwire.store.sqlite.message_search import MessageSearch
from parcelwire.tracking.ports import TrackingFilter, TrackingPlace
from parcelwire.webhooks.ports import MessageFilter, MessageState
from tests.contract.store.samples import NOW, WORLD, make_new, new_id, render

SMALL = {
    # Lists that are asked for whole, and tables of the operator's own making.
    "ACCOUNTS": "SCAN a",
    "KEYS": "SCAN k",
    "CONNECTIONS": "SCAN connection",
    "CONNECTIONS_OF_ACCOUNT": "SCAN connection",
    "PAUSES": "SCAN pause",
    "UNMAPPED_CODES": "SCAN unmapped_code",
    "COUNT_REMOTE_AREAS": "SCAN remote_area",
    "HAS_REMOTE_AREAS": "SCAN remote_area",
    "FORGET_REMOTE_AREAS": "SCAN remote_area",
    "READY_ENDPOINTS": "SCAN e",
    "NEXT_READY": "SCAN e",
    # Ends at the first row; almost always there is none.
    "HAS_SKIPPED": "SCAN skipped",
    # Leases that live: as many as there are messages under way.
    "ENDED_LEASES": "SCAN delivery_queue USING COVERING INDEX delivery_queue_by_lease",
    # Ends at the first poll that is not leased.
    "NEXT_POLL": "SCAN poll USING INDEX poll_by_due",
    # One step for every world.
    "DUE_WORLDS": "SCAN world",
    "FEED_ENDS": "SCAN world",
    "FAR_LINES": "SCAN e",
    # A stretch of lines.
    "LONG_WAITING": "SCAN l",
}
"""What may be walked over, and why."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = await open_store(tmp_path / "parcelwire.db", render=render, clock=FrozenClock())
    await store.create_trackings([make_new(f"N{index:08d}") for index in range(20)])
    yield store
    await store.close()


async def plan_of(store: SqliteStore, sql: str, bindings: Any) -> list[str]:
    rows = await store._reader.rows(f"EXPLAIN QUERY PLAN {sql}", bindings)
    return [str(row[3]) for row in rows]


_ALL = vars(queries) | vars(feed_queries) | vars(message_queries) | vars(poll_queries)


def statements() -> dict[str, str]:
    found = {
        name: sql
        for name, sql in _ALL.items()
        if name.isupper()
        and not name.startswith("_")
        and isinstance(sql, str)
        and (sql.split(maxsplit=1)[0] in ("SELECT", "UPDATE", "DELETE", "WITH") or " WHERE " in sql)
    }
    assert len(found) > 50
    return found


@pytest.mark.parametrize("name", statements())
async def test_a_statement_seeks(store: SqliteStore, name: str) -> None:
    sql = statements()[name]
    numbered = re.findall(r"\?(\d)", sql)
    bindings: Any = (1,) * (max(map(int, numbered)) if numbered else sql.count("?"))
    if re.search(r":[a-z]", sql):
        bindings = dict.fromkeys(re.findall(r":([a-z_]+)", sql), 1)
    scans = [
        step
        for step in await plan_of(store, sql, bindings)
        if step.startswith("SCAN")
        # What the statement was given, or has found itself; and those who are suspended.
        and not step.startswith(
            ("SCAN json_each", "SCAN CONSTANT", "SCAN (subquery", "SCAN free", "SCAN newest")
        )
        and not (step.startswith("SCAN account") and step.endswith("INDEX account_suspended"))
    ]
    assert all(step.startswith(SMALL.get(name, "nothing")) for step in scans), scans


async def test_one_trackings_events_stand_in_the_order_of_an_index(store: SqliteStore) -> None:
    plan = await plan_of(store, feed_queries.EVENTS_OF, (b"", 1, WORLD, 50))
    assert plan == [
        "SEARCH event USING INDEX event_by_tracking (tracking_id=? AND rowid<?)",
    ]


INDEXES: dict[str, tuple[dict[str, Any], str]] = {
    "everything": ({}, "tracking_by_age"),
    "not archived": ({"is_archived": False}, "tracking_by_age"),
    "created": ({"created_min": NOW}, "tracking_by_age"),
    "status": ({"statuses": (Status.TRANSIT, Status.PICKUP)}, "tracking_by_status"),
    "courier": ({"courier_code": "dhl"}, "tracking_by_courier"),
    "courier, status": (
        {"courier_code": "dhl", "statuses": (Status.PENDING,)},
        "tracking_by_courier",
    ),
    "number": ({"numbers": ("N1",), "is_archived": False}, "tracking_by_number"),
    "numbers": ({"numbers": ("N1", "N2"), "is_archived": False}, "tracking_by_number"),
    "orders": ({"order_ids": ("1", "2")}, "INTEGER PRIMARY KEY"),
    "few updates": ({"updated_min": NOW}, "tracking_by_update"),
    "few updates, status": (
        {"updated_min": NOW, "statuses": (Status.TRANSIT,)},
        "tracking_by_update",
    ),
}


@pytest.mark.parametrize("name", INDEXES)
async def test_a_page_is_found_by_the_index_meant_for_it(store: SqliteStore, name: str) -> None:
    fields, index = INDEXES[name]
    page = await store._page(WORLD, TrackingFilter(**fields), 0, 100)
    plan = await plan_of(store, page.sql, page.bindings)
    ways = [step for step in plan if step.startswith(("SEARCH t ", "SCAN t "))]
    assert ways
    assert all(step.startswith("SEARCH t ") for step in ways), plan
    if index == "tracking_by_update":
        # Those that never changed are found by their age, within the same bounds.
        untouched = [step for step in ways if "tracking_by_age" in step]
        assert len(untouched) == 2
        assert all("created_at>?" in step for step in untouched), plan
        ways = [step for step in ways if step not in untouched]
    assert ways
    assert all(index in step for step in ways), plan
    if index in ("tracking_by_age", "tracking_by_status") or name == "courier":
        # In the order of the index: a page is as quick in a million as in a thousand.
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize("name", INDEXES)
async def test_a_page_by_place_is_found_by_the_same_index_at_any_depth(
    store: SqliteStore, name: str
) -> None:
    fields, index = INDEXES[name]
    place = TrackingPlace(NOW - 1, new_id())
    page = await store._page(WORLD, TrackingFilter(**fields), place, 100)
    plan = await plan_of(store, page.sql, page.bindings)
    ways = [step for step in plan if step.startswith(("SEARCH t ", "SCAN t "))]
    assert ways
    assert all(step.startswith("SEARCH t ") for step in ways), plan
    if index in ("tracking_by_age", "tracking_by_status", "tracking_by_courier"):
        # It begins at the place and goes in the order of the index; only those of one millisecond
        # are sorted.
        assert all(index in step and "created_at<?" in step for step in ways), plan
        sorts = [step for step in plan if "TEMP B-TREE" in step]
        assert sorts == ["USE TEMP B-TREE FOR LAST TERM OF ORDER BY"] * len(ways), plan


async def test_a_beginning_is_found_by_the_numbers_where_few_have_it(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = TrackingFilter(number_prefix="N0000001")
    page = await store._page(WORLD, where, 0, 100)
    plan = " | ".join(await plan_of(store, page.sql, page.bindings))
    assert "tracking_by_number (world_id=? AND number>? AND number<?)" in plan
    monkeypatch.setattr(walks, "FEW", 3)
    page = await store._page(WORLD, where, 0, 100)
    plan = " | ".join(await plan_of(store, page.sql, page.bindings))
    assert "tracking_by_age" in plan
    assert "TEMP B-TREE" not in plan


MESSAGE_INDEXES: dict[str, tuple[dict[str, Any], str]] = {
    "all": ({}, "message_by_world (world_id=?"),
    "endpoint": ({"endpoint_id": new_id()}, "message_by_endpoint (endpoint_id=?"),
    "endpoint and type": (
        {"endpoint_id": new_id(), "event_types": ("x",)},
        "message_by_endpoint (endpoint_id=?",
    ),
    "tracking": (
        {"endpoint_id": new_id(), "tracking_id": new_id()},
        "message_by_tracking (tracking_id=?",
    ),
    "dead": ({"states": (MessageState.DEAD,)}, "message_dead (world_id=?"),
    "dead of one": (
        {"states": (MessageState.DEAD,), "endpoint_id": new_id()},
        "message_dead (world_id=?",
    ),
    "delivered": ({"states": (MessageState.DELIVERED,)}, "message_by_world (world_id=?"),
}


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("name", MESSAGE_INDEXES)
async def test_messages_are_listed_and_replayed_in_the_order_of_an_index(
    store: SqliteStore, name: str, *, oldest_first: bool
) -> None:
    fields, index = MESSAGE_INDEXES[name]
    where = MessageFilter(**fields, created_min=NOW, created_max=NOW + 9)
    search = MessageSearch(WORLD, where, way_of(where), oldest_first=oldest_first)
    for sql, bindings in (
        search.page((NOW, 7), (NOW + 2, 3), 100),
        search.replayable((NOW, 7), (NOW + 2, 3), 100),
        search.end((NOW, 7), 100),
    ):
        plan = await plan_of(store, sql, bindings)
        ways = [step for step in plan if step.startswith(("SEARCH m ", "SCAN m "))]
        assert len(ways) == 1
        assert f"{index} AND created_at>? AND created_at<?)" in ways[0], plan
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


async def test_the_few_that_wait_are_found_among_those_that_wait(store: SqliteStore) -> None:
    where = MessageFilter(states=(MessageState.PENDING,))
    search = MessageSearch(WORLD, where, way_of(where, few_wait=True))
    assert not search.may_pass_over
    plan = await plan_of(store, *search.page((NOW, 7), None, 100))
    assert plan[0].startswith("SEARCH e USING INDEX endpoint_by_world"), plan
    assert plan[1].startswith("SEARCH m USING INDEX message_pending (endpoint_id=?)"), plan
