"""What became of parcels: stored behind the saves, counted by anything, gone with the parcel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, from_datetime, to_datetime
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Tracking
from parcelwire.store.port import Store
from parcelwire.tracking import journeys
from parcelwire.tracking.journeys import JOURNEY_COLUMNS, Journey, JourneyFilter
from parcelwire.tracking.ports import NewTracking
from tests.contract.store.samples import NOW, OTHER_WORLD, WORLD, create, make_tracking

OpenAnother = Callable[[], Awaitable[Store]]
ALL = JourneyFilter()


def journey(tracking: Tracking, **fields: Any) -> Journey:
    return Journey(
        **{
            "tracking_id": tracking.id,
            "world_id": tracking.world_id,
            "version": tracking.version,
            "created_on": "2026-03-01",
            "courier_code": tracking.courier_code,
            "status": Status.TRANSIT,
            **fields,
        }
    )


async def test_every_column_comes_back_as_it_was(store: Store) -> None:
    rich = journey(
        await create(store, "N00000001"),
        origin="CH",
        destination="IT",
        status=Status.DELIVERED,
        ended_on="2026-03-05",
        transit_days=3,
        promised_on="2026-03-04",
        is_on_time=False,
        is_first_attempt=True,
        reason="recipient.absent",
        had_exception=True,
    )
    poor = journey(await create(store, "N00000002"))
    assert await store.save_journeys([rich, poor]) == 2
    counted = await store.count_journeys(WORLD, ALL, JOURNEY_COLUMNS)
    expected = [(tuple(getattr(one, name) for name in JOURNEY_COLUMNS), 1) for one in (rich, poor)]
    assert sorted(counted, key=str) == sorted(expected, key=str)
    for values, _ in counted:
        flags = dict(zip(JOURNEY_COLUMNS, values, strict=True))
        assert isinstance(flags["had_exception"], bool)


async def test_a_later_row_replaces_an_earlier_one_and_never_the_other_way(store: Store) -> None:
    first = journey(await create(store), version=3)
    second = replace(first, version=4, status=Status.DELIVERED)
    assert await store.save_journeys([first]) == 1
    assert await store.save_journeys([second]) == 1
    assert await store.save_journeys([second]) == 1
    assert await store.save_journeys([first]) == 0
    assert await store.count_journeys(WORLD, ALL, ["status"]) == [(("delivered",), 1)]
    third = replace(second, version=5, status=Status.EXCEPTION)
    await store.save_journeys([third, second, first])
    assert await store.count_journeys(WORLD, ALL, ["status"]) == [(("exception",), 1)]


async def test_filters_and_worlds(store: Store) -> None:
    rows = []
    for number, (day, courier, origin) in enumerate(
        [
            ("2026-02-28", "ups", "CH"),
            ("2026-03-01", "ups", "CH"),
            ("2026-03-01", "dhl", "DE"),
            ("2026-03-02", "dhl", None),
        ]
    ):
        at = from_datetime(datetime.fromisoformat(f"{day}T23:59:59Z"))
        tracking = await create(store, f"N0000000{number}", courier_code=courier, created_at=at)
        rows.append(journey(tracking, created_on=day, origin=origin))
    foreign = await create(store, "N00000009", world_id=OTHER_WORLD)
    await store.save_journeys([*rows, journey(foreign)])

    async def count(**where: Any) -> int:
        counted = await store.count_journeys(WORLD, JourneyFilter(**where), ["status"])
        return sum(total for _, total in counted)

    assert await count() == 4
    assert await count(since_on="2026-03-01") == 3
    assert await count(until_on="2026-03-01") == 3
    assert await count(since_on="2026-03-01", until_on="2026-03-01") == 2
    assert await count(courier_code="ups") == 2
    assert await count(courier_code="ups", since_on="2026-03-01", origin="CH") == 1
    assert await count(destination="CH") == 0
    assert await count(origin="' or 1=1 --") == 0
    assert await store.count_journeys(OTHER_WORLD, ALL, ["courier_code"]) == [(("swiss-post",), 1)]
    by_day = await store.count_journeys(WORLD, ALL, ["created_on", "courier_code"])
    assert sorted(by_day, key=str) == [
        (("2026-02-28", "ups"), 1),
        (("2026-03-01", "dhl"), 1),
        (("2026-03-01", "ups"), 1),
        (("2026-03-02", "dhl"), 1),
    ]


async def test_of_too_many_the_newest_are_counted(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journeys, "MOST_COUNTED", 3)
    for day, courier_code in enumerate(("ups", "dhl", "ups", "dhl", "ups")):
        at = NOW - day * DAY
        tracking = await create(
            store, f"N{day:08}", created_at=at, updated_at=at, courier_code=courier_code
        )
        created_on = to_datetime(at).date().isoformat()
        await store.save_journeys([journey(tracking, created_on=created_on)])
    counted = await store.count_journeys(WORLD, ALL, ["courier_code"])
    assert sorted(counted) == [(("dhl",), 1), (("ups",), 2)]
    assert counted.is_cut
    counted = await store.count_journeys(WORLD, JourneyFilter(courier_code="dhl"), ["status"])
    assert (counted, counted.is_cut) == ([(("transit",), 1)], True)
    since = to_datetime(NOW - DAY).date().isoformat()
    counted = await store.count_journeys(WORLD, JourneyFilter(since_on=since), ["courier_code"])
    assert sorted(counted) == [(("dhl",), 1), (("ups",), 1)]
    assert not counted.is_cut


@pytest.mark.parametrize(
    "by", [[], ["status", "status"], ["key"], ["status; drop table journey"], ["*"]]
)
async def test_only_known_columns_are_counted_by(store: Store, by: Any) -> None:
    with pytest.raises(ValueError, match="cannot be counted"):
        await store.count_journeys(WORLD, ALL, by)


async def test_a_day_must_be_one(store: Store) -> None:
    with pytest.raises(ValueError, match=r"isoformat|day|month"):
        await store.count_journeys(WORLD, JourneyFilter(since_on="yesterday"), ["status"])


async def test_a_journey_goes_with_its_tracking_and_does_not_come_back(store: Store) -> None:
    gone, kept = await create(store, "N00000001"), await create(store, "N00000002")
    await store.save_journeys([journey(gone), journey(kept)])
    assert await store.delete_trackings(WORLD, [gone.id]) == [gone.id]
    assert await store.count_journeys(WORLD, ALL, ["status"]) == [(("transit",), 1)]
    assert await store.save_journeys([journey(gone), journey(make_tracking())]) == 0
    await create(store, "N00000003")
    assert await store.count_journeys(WORLD, ALL, ["status"]) == [(("transit",), 1)]


async def test_deleting_and_storing_at_once_leaves_no_orphan(
    store: Store, open_another: OpenAnother
) -> None:
    other = await open_another()
    for number in range(20):
        tracking = await create(store, f"N{number:08}")
        await asyncio.gather(
            store.delete_trackings(WORLD, [tracking.id]),
            other.save_journeys([journey(tracking)]),
        )
    assert await store.count_journeys(WORLD, ALL, ["status"]) == []


async def test_two_processes_store_the_same_rows_side_by_side(
    store: Store, open_another: OpenAnother
) -> None:
    other = await open_another()
    trackings = [await create(store, f"N{number:08}") for number in range(30)]
    rows = [journey(tracking) for tracking in trackings]
    await asyncio.gather(
        *(
            one.save_journeys(some)
            for _ in range(10)
            for one, some in ((store, rows), (other, rows[::-1]))
        )
    )
    assert await store.count_journeys(WORLD, ALL, ["status"]) == [(("transit",), 30)]


async def test_counting_stays_quick(store: Store) -> None:
    """Twenty thousand take milliseconds; the bound is wide, so that only a wrong plan breaks it."""
    new = [
        NewTracking(tracking=make_tracking(f"N{number:08}"), due_at=None, due_reason="")
        for number in range(20_000)
    ]
    for start in range(0, len(new), 2_000):
        await store.create_trackings(new[start : start + 2_000])
        await store.save_journeys(
            [
                journey(one.tracking, transit_days=place % 9)
                for place, one in enumerate(new[start : start + 2_000])
            ]
        )
    began = time.perf_counter()
    counted = await store.count_journeys(WORLD, ALL, ["courier_code", "transit_days"])
    assert time.perf_counter() - began < 1.0
    assert sum(total for _, total in counted) == 20_000
