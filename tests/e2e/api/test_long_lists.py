"""A list of very many trackings is made in slices: others have their turn in between."""

from __future__ import annotations

import gc
from pathlib import Path

from msgspec.structs import replace

from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.clock import HOUR
from parcelwire.tracking.ports import NewTracking
from tests.support.house import HouseUnderTest
from tests.support.loop_lag import loop_lag
from tests.support.v2 import create, open_v2, succeed

COUNT = 2_000


def checkpoints(count: int) -> tuple[Checkpoint, ...]:
    return tuple(
        Checkpoint(
            local_time=f"2026-02-{1 + number // 24:02}T{number % 24:02}:00",
            offset_minutes=60,
            time_source=TimeSource.CARRIER,
            text=f"Sorted at centre {number}",
            raw_code=f"LETTER.*.88.{number}",
            location="8010 Zürich",
            country="CH",
        )
        for number in range(count)
    )


async def fill(house: HouseUnderTest, count: int, events: int) -> None:
    """Store so many trackings like the first, with a history."""
    made = await create(house, tracking_number="RS000000001CH")
    stored = await house.store.load(house.world_id, made["id"])
    assert stored is not None
    told = checkpoints(events)
    new = [
        NewTracking(
            tracking=replace(
                stored.tracking,
                id=f"{number:032x}",
                number=f"RS{number:09d}CH",
                typed_number=f"RS{number:09d}CH",
                checkpoints=told,
            ),
            due_at=house.clock.now() + HOUR,
            due_reason="a test",
        )
        for number in range(2, count + 1)
    ]
    for start in range(0, len(new), 100):
        await house.store.create_trackings(new[start : start + 100])


async def test_a_list_of_2_000_leaves_turns_to_others(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, COUNT, 10)
        await succeed(house, "GET", "/v2/trackings/get", query="limit=1")
        # As a server does: the heap of a whole test run is looked through in no turn of the loop.
        gc.collect()
        gc.freeze()
        try:
            async with loop_lag() as lag:
                answer = await house.call("GET", "/v2/trackings/get", query=f"limit={COUNT}")
        finally:
            gc.unfreeze()
        assert answer.json()["data"]["count"] == COUNT
        # No turn is more than a part of the whole; in one go it would be nearly all of it.
        assert lag.ticks > 5
        assert lag.busiest < 0.75 * lag.busy, (lag.busiest, lag.busy, lag.longest)
