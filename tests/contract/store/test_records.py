"""Small documents of the rooms above: found, changed in one go, gone with what they are about."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from parcelwire.domain.clock import HOUR
from parcelwire.store.port import Store
from tests.contract.store.samples import NOW, WORLD, create

OpenAnother = Callable[[], Awaitable[Store]]


def put(document: bytes) -> Callable[[bytes | None], bytes | None]:
    return lambda _: document


def add_one(before: bytes | None) -> bytes:
    return b"%d" % (int(before or b"0") + 1)


async def test_a_record_is_found_by_kind_scope_and_id(store: Store) -> None:
    assert await store.change_record("brand", "1", "brand", put(b"red"), at=NOW) == b"red"
    assert await store.load_record("brand", "1", "brand") == b"red"
    for elsewhere in (("brand", "2", "brand"), ("brand", "1", "other"), ("view", "1", "brand")):
        assert await store.load_record(*elsewhere) is None


async def test_a_large_and_an_empty_document_come_back_whole(store: Store) -> None:
    for number, document in enumerate((b"", b"\x00\xff" * 100_000)):
        await store.change_record("logo", "1", str(number), put(document), at=NOW)
        assert await store.load_record("logo", "1", str(number)) == document


async def test_records_of_a_scope_are_listed_by_id_page_by_page(store: Store) -> None:
    for record_id in ("c", "a", "é", "b", "B"):
        await store.change_record("view", "1", record_id, put(record_id.encode()), at=NOW)
    await store.change_record("view", "2", "z", put(b"z"), at=NOW)
    listed = await store.list_records("view", "1")
    assert listed == [(one, one.encode()) for one in ("B", "a", "b", "c", "é")]
    first = await store.list_records("view", "1", limit=2)
    rest = await store.list_records("view", "1", after=first[-1][0])
    assert first + rest == listed


async def test_a_change_sees_what_is_there_and_none_deletes(store: Store) -> None:
    seen: list[bytes | None] = []

    def note(before: bytes | None) -> bytes | None:
        seen.append(before)
        return b"x" if before is None else None

    assert await store.change_record("lookup", "1", "a", note, at=NOW) == b"x"
    assert await store.change_record("lookup", "1", "a", note, at=NOW) is None
    assert seen == [None, b"x"]
    assert await store.load_record("lookup", "1", "a") is None


async def test_what_a_change_raises_is_raised_and_nothing_is_written(store: Store) -> None:
    await store.change_record("lookup", "1", "a", put(b"1"), at=NOW)

    def refuse(before: bytes | None) -> bytes:
        raise PermissionError(before)

    others = [store.change_record("lookup", "1", f"b{n}", put(b"2"), at=NOW) for n in range(5)]
    results = await asyncio.gather(
        store.change_record("lookup", "1", "a", refuse, at=NOW), *others, return_exceptions=True
    )
    assert isinstance(results[0], PermissionError)
    assert results[1:] == [b"2"] * 5
    assert await store.load_record("lookup", "1", "a") == b"1"


async def test_changes_of_two_processes_are_all_counted(
    store: Store, open_another: OpenAnother
) -> None:
    other = await open_another()
    await asyncio.gather(
        *(
            one.change_record("lookup", "1", "tries", add_one, at=NOW)
            for _ in range(25)
            for one in (store, other)
        )
    )
    assert await store.load_record("lookup", "1", "tries") == b"50"


async def test_a_scope_is_emptied_and_old_ones_are_pruned(store: Store) -> None:
    for number in range(5):
        at = NOW + number * HOUR
        await store.change_record("session", "1", f"s{number}", put(b"s"), at=at)
        await store.change_record("session", "2", f"s{number}", put(b"s"), at=at)
    assert await store.delete_records("session", "2") == 5
    assert await store.prune_records("session", NOW + 3 * HOUR, limit=2) == 2
    assert await store.prune_records("session", NOW + 3 * HOUR, limit=2) == 1
    assert [one for one, _ in await store.list_records("session", "1")] == ["s3", "s4"]


async def test_what_is_said_about_a_tracking_goes_with_it(store: Store) -> None:
    gone, kept = await create(store, "N00000001"), await create(store, "N00000002")
    for tracking in (gone, kept):
        await store.change_record("subscription", tracking.id, "a", put(b"mail"), at=NOW)
    assert await store.delete_trackings(WORLD, [gone.id]) == [gone.id]
    assert await store.load_record("subscription", gone.id, "a") is None
    assert await store.load_record("subscription", kept.id, "a") == b"mail"


@pytest.mark.parametrize("limit", [0, -1])
async def test_no_page_is_asked_for(store: Store, limit: int) -> None:
    await store.change_record("view", "1", "a", put(b"a"), at=NOW)
    assert await store.list_records("view", "1", limit=limit) == []
    assert await store.prune_records("view", NOW + HOUR, limit=limit) == 0


async def test_scopes_of_a_kind_are_listed_in_order(store: Store) -> None:
    assert await store.list_scopes("queue") == []
    for scope in ("3", "12", "é", "7"):
        for record_id in ("a", "b", "c"):
            await store.change_record("queue", scope, record_id, put(b"x"), at=NOW)
    await store.change_record("other", "5", "a", put(b"x"), at=NOW)
    assert await store.list_scopes("queue") == ["12", "3", "7", "é"]
    assert await store.list_scopes("queue", after="3") == ["7", "é"]
    assert await store.list_scopes("queue", after="30", limit=1) == ["7"]
    assert await store.list_scopes("queue", limit=0) == []
    assert await store.delete_records("queue", "7") == 3
    assert await store.list_scopes("queue") == ["12", "3", "é"]
