"""One document that cannot be read keeps no other from being read, and nothing is lost of it."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Connection
from parcelwire.domain.clock import DAY, MINUTE
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.ports import Pause
from parcelwire.store.codec import PLAIN
from parcelwire.store.port import Store
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.store import SqliteStore
from parcelwire.tracking.errors import UnreadableDocumentError
from parcelwire.tracking.ports import RawResponse, TrackingFilter, TrackingPlace
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.store.damaging import DAMAGES, damage, document
from tests.contract.store.samples import NOW, WORLD, advance, create, make_change, new_id
from tests.contract.store.sending import add, add_endpoint, claimed

ALL = TrackingFilter()
COUNT, BAD = 7, 3


@pytest.fixture(params=sorted(DAMAGES))
def data(request: pytest.FixtureRequest) -> bytes:
    """What lies where a document was."""
    return DAMAGES[request.param]


async def some(store: Store, **fields: Any) -> list[Tracking]:
    """Follow some parcels, the newest first."""
    made = [
        await create(store, f"N{index:08}", created_at=NOW + index, **fields)
        for index in range(COUNT)
    ]
    return made[::-1]


async def test_a_list_shows_the_others_and_what_is_known_of_it(store: Store, data: bytes) -> None:
    trackings = await some(store, status=Status.TRANSIT)
    bad = trackings[BAD]
    await damage(store, bad.id, data=data)
    listed = [one.tracking for one in await store.list_trackings(WORLD, ALL, offset=0, limit=100)]
    assert [one.id for one in listed] == [one.id for one in trackings]
    assert listed[:BAD] + listed[BAD + 1 :] == trackings[:BAD] + trackings[BAD + 1 :]
    shown = listed[BAD]
    assert (shown.number, shown.courier_code) == (bad.number, bad.courier_code)
    assert (shown.status, shown.page_token) == (Status.TRANSIT, bad.page_token)
    assert (shown.created_at, shown.updated_at) == (bad.created_at, bad.updated_at)
    assert shown.stopped_reason == "unreadable"
    # Whoever goes through the pages sees all of them, each page as long as it should be.
    seen: list[str] = []
    place = None
    while page := await store.page_trackings(WORLD, ALL, after=place, limit=2):
        last = page[-1].tracking
        place = TrackingPlace(last.created_at, last.id)
        seen += [one.tracking.id for one in page]
        assert len(page) == 2 or len(seen) == COUNT
    assert seen == [one.id for one in trackings]


async def test_it_is_found_and_loaded_as_far_as_it_is_known(store: Store, data: bytes) -> None:
    trackings = await some(store)
    bad = trackings[BAD]
    await damage(store, bad.id, data=data)
    loaded = await store.load(WORLD, bad.id)
    assert loaded is not None
    assert (loaded.tracking.number, loaded.poll.due_at) == (bad.number, NOW)
    assert await store.find(WORLD, bad.number) == [loaded]
    assert await store.find_by_page_token(bad.page_token) == loaded
    # Workers want the whole of a tracking, or nothing.
    found = await store.load_many([one.id for one in trackings])
    assert {one.tracking.id for one in found} == {one.id for one in trackings} - {bad.id}


@pytest.mark.parametrize("is_document_bad", [False, True])
async def test_renditions_are_made_again_of_what_is_left(
    store: Store, data: bytes, *, is_document_bad: bool
) -> None:
    trackings = await some(store)
    bad = trackings[BAD]
    await damage(store, bad.id, "rendition", DAMAGES["no zstd"])
    if is_document_bad:
        await damage(store, bad.id, data=data)
    for where, expected in (
        (ALL, trackings),
        (TrackingFilter(numbers=(bad.number,)), [bad]),
    ):
        shown = [
            msgspec.json.decode(one)
            for one in await store.list_renditions(WORLD, where, offset=0, limit=100)
        ]
        assert [one["number"] for one in shown] == [one.number for one in expected]
        (of_bad,) = (one for one in shown if one["number"] == bad.number)
        assert of_bad["version"] == (0 if is_document_bad else bad.version)


async def test_nothing_is_written_over_it_and_it_can_be_deleted(store: Store) -> None:
    tracking = await create(store)
    await damage(store, tracking.id)
    loaded = await store.load(WORLD, tracking.id)
    assert loaded is not None
    with pytest.raises(UnreadableDocumentError, match=f"{tracking.id} cannot be read"):
        await store.save(make_change(loaded.tracking, is_archived=True))
    assert await document(store, tracking.id) == DAMAGES["cut"]
    assert await store.count_trackings(WORLD, ALL) == 1
    assert await store.delete_trackings(WORLD, [tracking.id]) == [tracking.id]
    assert await store.load(WORLD, tracking.id) is None


async def test_each_is_told_of_once(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    trackings = await some(store)
    await damage(store, trackings[1].id)
    await damage(store, trackings[4].id)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            await store.list_trackings(WORLD, ALL, offset=0, limit=100)
            await store.load_many([one.id for one in trackings])
    told = [record.getMessage() for record in caplog.records]
    assert len(told) == 2
    assert all("cannot be read" in one for one in told)
    assert "N0000" not in "".join(told)


@pytest.mark.parametrize("first", [0, 3])
async def test_the_feed_goes_on_behind_events_that_cannot_be_read(
    store: Store, data: bytes, first: int
) -> None:
    trackings = await some(store)
    for one in trackings:
        await advance(store, one, status=Status.TRANSIT)
    bad = {one.id for one in trackings[first : first + 3]}
    for tracking_id in bad:
        await damage(store, tracking_id, "event", data)
    told = [one.id for one in trackings if one.id not in bad]
    assert [one.tracking_id for _, one in await store.events_after(WORLD, 0, 100)] == told
    # However few are read at a time, a page that is not full is the last.
    for limit in (1, 2, 4):
        cursor, seen = 0, []
        while len(page := await store.events_after(WORLD, cursor, limit)) == limit:
            cursor = page[-1][0]
            seen += [one.tracking_id for _, one in page]
        assert seen + [one.tracking_id for _, one in page] == told


async def test_one_trackings_events_are_told_without_the_bad_one(store: Store) -> None:
    tracking = await create(store)
    moved = await advance(store, tracking, status=Status.TRANSIT)
    await damage(store, tracking.id, "event")
    moved = await advance(store, moved, status=Status.PICKUP)
    await advance(store, moved, status=Status.DELIVERED)
    for limit in (2, 3, 50):
        events = await store.events_of(WORLD, tracking.id, limit=limit)
        assert [event.sequence for _, event in events] == [3, 2]


async def test_events_that_cannot_be_read_go_with_those_around_them(store: Store) -> None:
    trackings = await some(store)
    for one in trackings:
        await advance(store, one, status=Status.TRANSIT)
    await damage(store, trackings[BAD].id, "event")
    assert await store.prune_events(NOW) == 0
    gone = 0
    while pruned := await store.prune_events(NOW + DAY):
        gone += pruned
    assert gone == COUNT
    assert await store.first_cursor(WORLD) is None


async def test_the_other_raw_responses_are_shown(store: Store) -> None:
    tracking = await create(store)
    raw = RawResponse(at=NOW, connector="swiss-post", outcome="found", body=b"{}")
    moved = await advance(store, tracking, raw=raw)
    await damage(store, tracking.id, "answer", DAMAGES["no zstd"])
    later = replace(raw, at=NOW + 1)
    await advance(store, moved, raw=later)
    assert await store.raw_responses(tracking.id) == [later]


async def test_messages_of_other_lines_are_sent(store: Store, data: bytes) -> None:
    if data.startswith(PLAIN):
        data = DAMAGES["no zstd"]  # a payload may be any text
    endpoint, other = await add_endpoint(store), await add_endpoint(store)
    (bad,) = await add(store, endpoint, "1" * 32, 1)
    await add(store, endpoint, "2" * 32, 2)
    await add(store, other, "1" * 32, 3)
    await damage(store, bad.id, "payload", data)
    for at in (NOW, NOW + MINUTE):
        assert await claimed(store, at) == [2, 3]
    # It is still there for whoever looks back, without what it said.
    shown = await store.load_message(WORLD, bad.id)
    assert shown is not None
    assert (shown.sequence, shown.payload) == (1, b"")
    listed = (await store.list_messages(WORLD, MessageFilter())).messages
    assert {one.sequence: one.payload == b"" for one in listed} == {1: True, 2: False, 3: False}


async def test_the_other_connections_are_used(store: Store, data: bytes) -> None:
    first, bad, last = (
        Connection(
            id=new_id(),
            account_number=1,
            connector="swiss-post",
            transport="api",
            sealed_credentials=b"sealed",
            created_at=NOW + index,
        )
        for index in range(3)
    )
    for one in (first, bad, last):
        await store.save_connection(one)
    await damage(store, bad.id, "connection", data)
    assert await store.list_connections(1) == [first, last]
    assert await store.list_connections() == [first, last]
    assert await store.delete_connection(1, bad.id)


async def test_the_other_records_are_listed(store: Store, data: bytes) -> None:
    if data.startswith(PLAIN):
        data = DAMAGES["no zstd"]  # what a record holds is its owner's
    for name in "abcdef":
        await store.change_record("view", "7", name, lambda _: b"{}", at=NOW)
    for name in "bcf":
        await damage(store, name, "record", data)
    for limit in (1, 2, 3, 100):
        seen: list[str] = []
        while page := await store.list_records("view", "7", after="".join(seen[-1:]), limit=limit):
            seen += [name for name, _ in page]
            if len(page) < limit:
                break
        assert seen == ["a", "d", "e"]


async def test_an_endpoint_that_cannot_be_read_stops_no_save(store: Store, data: bytes) -> None:
    """On SQLite, where an endpoint is a document; on PostgreSQL it has columns."""
    if not isinstance(store, SqliteStore):
        return
    bad, good = await add_endpoint(store), await add_endpoint(store)
    await add(store, bad, "1" * 32, 1)
    await add(store, good, "1" * 32, 2)
    sql, place = "UPDATE endpoint SET document = ? WHERE id = ?", id_value(bad.id)
    await store._write(lambda link: link.execute(sql, (data, place)).fetchall())
    assert await store.list_endpoints(WORLD) == [good]
    assert await claimed(store) == [2]
    assert await store.delete_endpoint(WORLD, bad.id)


async def test_a_pause_that_cannot_be_read_stops_no_other(store: Store, data: bytes) -> None:
    """On SQLite, where a pause is a document; on PostgreSQL it has columns."""
    if not isinstance(store, SqliteStore):
        return
    pause = Pause(until=NOW + DAY, failures=1, reason="503", since=NOW)
    for key in ("a", "b"):
        await store.set_pause(key, pause)
    sql = "UPDATE pause SET document = ? WHERE key = 'a'"
    await store._write(lambda link: link.execute(sql, (data,)).fetchall())
    assert await store.pauses() == {"b": pause}
    await store.set_pause("a", None)
