"""The events feed of the native API, on both engines."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.api.native.events import EventObject
from parcelwire.api.native.paging import make_cursor
from parcelwire.domain.changes import (
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
    CourierCorrected,
    DeliveryWindowChanged,
    Event,
    StatusChanged,
)
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import DAY, SECOND, iso_utc
from parcelwire.domain.report import DeliveryWindow
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.tracking.ports import Save
from tests.contract.store.places import PLACES
from tests.contract.store.samples import advance, create, make_change, new_id
from tests.support.native_shop import Shop, ok, open_shop, refused

PATH = "/api/events"


@pytest.fixture(params=sorted(PLACES))
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, request, request.param) as shop:
        yield shop


async def tell(shop: Shop, number: str, count: int, **more: Any) -> str:
    """Store ``count`` events of a new tracking, as of now; return its id."""
    world_id = more.pop("world_id", shop.house.world_id)
    now = shop.house.clock.now()
    tracking = await create(shop.house.store, number, world_id=world_id, created_at=now)
    for index in range(count):
        status = Status.TRANSIT if index % 2 else Status.PICKUP
        tracking = await advance(shop.house.store, tracking, status=status, updated_at=now)
    return tracking.id


async def read(shop: Shop, **query: Any) -> Any:
    text = "&".join(f"{name}={value}" for name, value in query.items())
    said = ok(await shop.ask("GET", PATH, query=text))
    assert list(said) == ["items", "next_cursor", "has_more"]
    return said


async def test_everything_is_told_in_order(shop: Shop) -> None:
    empty = await read(shop)
    assert (empty["items"], empty["has_more"]) == ([], False)
    first = await tell(shop, "RA123456785CH", 3)
    second = await tell(shop, "RA123456799CH", 2)
    await tell(shop, "TEST12345", 4, world_id=shop.house.world_id + 1)
    said = await read(shop)
    told = [(one["tracking_id"], one["sequence"]) for one in said["items"]]
    assert told == [(first, 1), (first, 2), (first, 3), (second, 1), (second, 2)]
    assert said["has_more"] is False
    for one in said["items"]:
        msgspec.convert(one, EventObject)
        assert one["type"] == "tracking.status_changed"
        assert one["timestamp"] == iso_utc(shop.house.clock.now())
    # From where nothing was yet, everything comes; from the end, nothing.
    assert (await read(shop, after=empty["next_cursor"]))["items"] == said["items"]
    end = await read(shop, after=said["next_cursor"])
    assert end["items"] == []
    assert (await read(shop, after=end["next_cursor"]))["items"] == []


async def test_a_cursor_goes_on_page_by_page(shop: Shop) -> None:
    await tell(shop, "RA123456785CH", 7)
    seen, cursor = [], ""
    for size, has_more in ((3, True), (3, True), (1, False), (0, False)):
        said = await read(shop, after=cursor, limit=3)
        assert (len(said["items"]), said["has_more"]) == (size, has_more)
        seen += [one["sequence"] for one in said["items"]]
        cursor = said["next_cursor"]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    await tell(shop, "RA123456799CH", 1)
    assert [one["sequence"] for one in (await read(shop, after=cursor))["items"]] == [1]


async def test_every_change_has_its_shape(shop: Shop) -> None:
    checkpoint = Checkpoint(
        local_time="2026-02-28T10:57:24",
        text="Sorted",
        offset_minutes=60,
        time_source=TimeSource.PLACE,
        status=Status.TRANSIT,
    )
    window = DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", source="carrier")
    changes = (
        StatusChanged(
            from_status=Status.PENDING,
            from_substatus=None,
            to_status=Status.EXCEPTION,
            to_substatus=Substatus.EXCEPTION_CUSTOMS_HOLD,
            reason=Reason.CUSTOMS_HOLD,
        ),
        CheckpointAdded(checkpoint=checkpoint),
        CheckpointCorrected(before=checkpoint, after=checkpoint),
        CheckpointWithdrawn(checkpoint=checkpoint),
        DeliveryWindowChanged(before=None, after=window),
        DeliveryWindowChanged(before=window, after=None),
        CourierCorrected(from_courier="dhl", to_courier="swiss-post", reason="asked"),
    )
    tracking = await create(shop.house.store, "RA123456785CH", world_id=shop.house.world_id)
    change: Save = make_change(tracking, status=Status.EXCEPTION)
    event = Event(
        id=new_id(),
        world_id=tracking.world_id,
        tracking_id=tracking.id,
        sequence=1,
        at=shop.house.clock.now(),
        status=Status.EXCEPTION,
        substatus=Substatus.EXCEPTION_CUSTOMS_HOLD,
        changes=changes,
    )
    assert await shop.house.store.save(msgspec.structs.replace(change, event=event))
    (one,) = (await read(shop))["items"]
    msgspec.convert(one, EventObject)
    assert [change["type"] for change in one["data"]["changes"]] == [
        "status_changed",
        "checkpoint_added",
        "checkpoint_corrected",
        "checkpoint_withdrawn",
        "delivery_window_changed",
        "delivery_window_changed",
        "courier_corrected",
    ]
    assert one["data"]["changes"][1]["checkpoint"]["occurred_at"] == "2026-02-28T10:57:24+01:00"


async def test_pruned_is_told_with_the_oldest_place(shop: Shop) -> None:
    house = shop.house
    await tell(shop, "RA123456785CH", 3)
    old = (await read(shop, limit=1))["next_cursor"]
    house.clock.advance(20 * DAY // SECOND)
    middle = (await read(shop, after=old, limit=1))["next_cursor"]
    kept = await tell(shop, "RA123456799CH", 2)
    house.clock.advance(11 * DAY // SECOND)
    # Kept longer than promised: nothing is missing yet.
    assert len((await read(shop, after=old))["items"]) == 4
    assert await house.store.prune_events(house.clock.now() - 30 * DAY) == 3
    for cursor in (old, middle):
        answer = await shop.ask("GET", PATH, query=f"after={cursor}")
        problem = refused(answer, 410, "events-pruned")
        said = await read(shop, after=problem["first_cursor"])
        assert [(one["tracking_id"], one["sequence"]) for one in said["items"]] == [
            (kept, 1),
            (kept, 2),
        ]
    assert len((await read(shop))["items"]) == 2


async def test_who_reads_now_and_then_misses_nothing(shop: Shop) -> None:
    """A quiet world's events go while its reader's cursor stays good: it had read them all."""
    house = shop.house
    await tell(shop, "RA123456785CH", 2)
    cursor = (await read(shop))["next_cursor"]
    for _ in range(4):
        house.clock.advance(25 * DAY // SECOND)
        await house.store.prune_events(house.clock.now() - 30 * DAY)
        cursor = (await read(shop, after=cursor))["next_cursor"]
    news = await tell(shop, "RA123456799CH", 1)
    (one,) = (await read(shop, after=cursor))["items"]
    assert one["tracking_id"] == news
    # Away for longer than events are kept, with all of them gone, and one of them not read.
    house.clock.advance(31 * DAY // SECOND)
    await house.store.prune_events(house.clock.now())
    problem = refused(await shop.ask("GET", PATH, query=f"after={cursor}"), 410, "events-pruned")
    assert (await read(shop, after=problem["first_cursor"]))["items"] == []


async def test_an_old_cursor_is_good_until_an_event_after_it_is_gone(shop: Shop) -> None:
    house = shop.house

    async def pass_days(days: int) -> int:
        house.clock.advance(days * DAY // SECOND)
        return await house.store.prune_events(house.clock.now() - 30 * DAY)

    # The oldest events belong to others: the first one here is far behind the feed's beginning.
    await tell(shop, "RA123456811CH", 1, world_id=house.world_id + 1)
    empty = (await read(shop))["next_cursor"]
    assert await pass_days(40) == 1
    assert (await read(shop, after=empty))["items"] == []
    first = await tell(shop, "RA123456785CH", 2)
    said = await read(shop, after=empty)
    assert [(one["tracking_id"], one["sequence"]) for one in said["items"]] == [
        (first, 1),
        (first, 2),
    ]
    half = (await read(shop, after=empty, limit=1))["next_cursor"]
    # All of them go. Whoever had read them has missed none.
    assert await pass_days(31) == 2
    assert (await read(shop, after=said["next_cursor"]))["items"] == []
    for cursor in (empty, half):
        problem = refused(
            await shop.ask("GET", PATH, query=f"after={cursor}"), 410, "events-pruned"
        )
        house.clock.advance(40 * DAY // SECOND)
        assert (await read(shop, after=problem["first_cursor"]))["items"] == []
    news = await tell(shop, "RA123456799CH", 1)
    for cursor in (said["next_cursor"], problem["first_cursor"]):
        assert [one["tracking_id"] for one in (await read(shop, after=cursor))["items"]] == [news]


async def test_waiting_ends_with_the_first_event(shop: Shop) -> None:
    house = shop.house
    start = house.clock.now()
    said = await read(shop, wait_seconds=30)
    assert said["items"] == []
    assert house.clock.now() - start == 30 * SECOND

    sleep = house.clock.sleep
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await sleep(seconds)
        if len(naps) == 3:
            await tell(shop, "RA123456785CH", 1)

    house.clock.sleep = nap  # type: ignore[method-assign]  # an event in the middle of a wait
    said = await read(shop, after=said["next_cursor"], wait_seconds=30)
    assert len(said["items"]) == 1
    assert naps == [0.5, 0.5, 0.5]
    # What is there already is not waited for.
    assert len((await read(shop, wait_seconds=30))["items"]) == 1
    assert len(naps) == 3


async def test_a_server_that_stops_lets_nobody_wait(shop: Shop) -> None:
    shop.house.house.is_closing = True
    start = shop.house.clock.now()
    assert (await asyncio.wait_for(read(shop, wait_seconds=30), 5))["items"] == []
    assert shop.house.clock.now() == start


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "invalid-query"),
        ("limit=201", "invalid-query"),
        ("wait_seconds=31", "invalid-query"),
        ("wait_seconds=-1", "invalid-query"),
        ("wait_seconds=1.5", "invalid-query"),
        ("cursor=x", "invalid-query"),
        ("after=x", "invalid-cursor"),
        ("after=1", "invalid-cursor"),
        (f"after={make_cursor('trackings', 1, 2)}", "invalid-cursor"),
        (f"after={make_cursor('events', 1)}", "invalid-cursor"),
        (f"after={make_cursor('events', 'a', 1)}", "invalid-cursor"),
        (f"after={make_cursor('events', 2**70, 1)}", "invalid-cursor"),
        (f"after={make_cursor('events', -1, 1)}", "invalid-cursor"),
        (f"after={make_cursor('events', 1, 2)}=", "invalid-query"),
    ],
)
async def test_a_query_that_does_not_fit(tmp_path: Path, query: str, code: str) -> None:
    async with open_shop(tmp_path) as shop:
        refused(await shop.ask("GET", PATH, query=query), 400, code)


async def test_a_cursor_of_a_version_before_goes_on(shop: Shop) -> None:
    """It has no mark of its event."""
    await tell(shop, "RA123456785CH", 3)
    now = shop.house.clock.now()
    ((first, _), *_) = await shop.house.store.events_after(shop.house.world_id, 0, 1)
    said = await read(shop, after=make_cursor("events", first, now))
    assert [one["sequence"] for one in said["items"]] == [2, 3]
    assert (await read(shop, after=make_cursor("events", 0, 0)))["has_more"] is False
    for bad in (make_cursor("events", first), make_cursor("events", first, now, 1, 1)):
        refused(await shop.ask("GET", PATH, query=f"after={bad}"), 400, "invalid-cursor")


async def test_a_cursor_is_good_after_its_own_event_is_gone(shop: Shop) -> None:
    """What is no longer kept is no sign of a restored database."""
    house = shop.house
    await tell(shop, "RA123456785CH", 2)
    cursor = (await read(shop))["next_cursor"]
    house.clock.advance(3 * DAY // SECOND)
    news = await tell(shop, "RA123456799CH", 1)
    assert await house.store.prune_events(house.clock.now() - DAY) == 2
    assert [one["tracking_id"] for one in (await read(shop, after=cursor))["items"]] == [news]


async def test_a_cursor_whose_number_is_another_event_s_is_refused(shop: Shop) -> None:
    house = shop.house
    await tell(shop, "RA123456785CH", 2)
    other = await tell(shop, "RA123456799CH", 2, world_id=house.world_id + 1)
    rows = await house.store.events_after(house.world_id, 0, 9)
    (foreign, _), *_ = await house.store.events_after(house.world_id + 1, 0, 9)
    assert other
    now = house.clock.now()
    for number in (rows[0][0], foreign, foreign + 1_000):
        cursor = make_cursor("events", number, now, 12_345)
        problem = refused(
            await shop.ask("GET", PATH, query=f"after={cursor}"), 410, "database-restored"
        )
        said = await read(shop, after=problem["first_cursor"])
        assert [one["sequence"] for one in said["items"]] == [1, 2]


async def test_who_begins_at_a_time_and_finds_nothing_is_told_of_a_restored_database_too(
    shop: Shop,
) -> None:
    house = shop.house
    await tell(shop, "RA123456785CH", 2)
    house.clock.advance(60)
    since = iso_utc(house.clock.now()).replace("+", "%2B")
    cursor = (await read(shop, since=since))["next_cursor"]
    (_, (last, event)) = await house.store.events_after(house.world_id, 0, 9)
    mark = zlib.crc32(event.id.encode())
    assert cursor == make_cursor("events", last, house.clock.now(), mark)
