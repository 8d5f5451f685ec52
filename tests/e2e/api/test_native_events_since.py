"""The events feed begun at a time: exactly what happened then and later, on both engines."""

from __future__ import annotations

import random
from typing import Any

import pytest

from parcelwire.api.native.event_places import place_before
from parcelwire.domain.changes import Event
from parcelwire.domain.clock import iso_utc
from parcelwire.domain.status import Status
from tests.contract.store.samples import advance, create
from tests.support.native import Caller, ok, refused

PATH = "/api/events"


async def test_it_begins_with_what_happened_then(both: Caller) -> None:
    house = both.house
    at: list[tuple[int, str, int]] = []
    trackings = [
        await create(house.store, f"N{number}", world_id=house.world_id) for number in range(4)
    ]
    drawn = random.Random(3)
    for index in range(40):
        # Several at one time, and other worlds' events between.
        if drawn.random() < 0.5:
            house.clock.advance(drawn.randrange(1, 5_000))
        which = drawn.randrange(4)
        status = (Status.TRANSIT, Status.PICKUP)[trackings[which].sequence % 2]
        trackings[which] = await advance(
            house.store, trackings[which], status=status, updated_at=house.clock.now()
        )
        at.append((house.clock.now(), trackings[which].id, trackings[which].sequence))
        if index % 3 == 0:
            other = await create(house.store, f"T{index}", world_id=house.world_id + 1)
            await advance(house.store, other, updated_at=house.clock.now())

    async def read(**query: Any) -> Any:
        text = "&".join(f"{name}={value}" for name, value in query.items())
        return ok(await both.ask("GET", PATH, query=text.replace("+", "%2B")))

    for since in sorted({moment for moment, _, _ in at} | {0, at[-1][0] + 1_000, 2**42}):
        said = await read(since=iso_utc(since), limit=200)
        told = [(one["tracking_id"], one["sequence"]) for one in said["items"]]
        assert told == [(which, sequence) for moment, which, sequence in at if moment >= since]
        # The cursor goes on as after any other page.
        assert (await read(after=said["next_cursor"]))["items"] == []

    now = await read(since=iso_utc(at[-1][0] + 1_000))
    trackings[0] = await advance(house.store, trackings[0], status=Status.DELIVERED)
    (news,) = (await read(after=now["next_cursor"]))["items"]
    assert news["data"]["status"] == "delivered"
    # With a cursor the time says nothing.
    assert (await read(after=now["next_cursor"], since=iso_utc(0)))["items"] == [news]


async def test_an_empty_feed_begins_anywhere(both: Caller) -> None:
    for since in ("2020-01-01T00:00:00Z", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59Z"):
        assert ok(await both.ask("GET", PATH, query=f"since={since}"))["items"] == []
    for since in ("now", "2026-03-01", "2026-03-01T10:00:00", ""):
        refused(await both.ask("GET", PATH, query=f"since={since}"), 400, "invalid-query")


class Rows:
    """Events with gaps between their cursors, counting how often they are looked at."""

    def __init__(self, rows: list[tuple[int, int]]) -> None:
        self._rows = rows
        self.looks = 0

    async def events_after(self, world_id: int, cursor: int, limit: int) -> list[tuple[int, Event]]:
        self.looks += 1
        found = [row for row in self._rows if row[0] > cursor][:limit]
        return [(number, event_at(moment)) for number, moment in found]


def event_at(moment: int) -> Event:
    return Event(
        id="",
        world_id=2,
        tracking_id="",
        sequence=1,
        at=moment,
        status=Status.TRANSIT,
        substatus=None,
        changes=(),
    )


@pytest.mark.parametrize("seed", range(60))
async def test_the_place_is_the_last_one_before(seed: int) -> None:
    drawn = random.Random(seed)
    number = moment = 0
    rows = []
    for _ in range(drawn.choice((0, 1, 2, 7, 100, 1_000))):
        number += drawn.choice((1, 1, 2, 50, 10**9))
        moment += drawn.choice((0, 0, 1, 1_000))
        rows.append((number, moment))
    store = Rows(rows)
    for since in {0, 1, moment // 2, moment, moment + 1}:
        store.looks = 0
        place = await place_before(store, 2, since)
        earlier = [row for row in rows if row[1] < since]
        later = [row for row in rows if row[1] >= since]
        assert all(row[0] <= place for row in earlier)
        assert all(row[0] > place for row in later)
        # However many events there are.
        assert store.looks <= 130
