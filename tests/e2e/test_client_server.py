"""Every method of the SDK, sync and async, against the real server over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from parcelwire import AsyncParcelwire, Parcelwire
from parcelwire.client import (
    AmbiguousTrackingError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    Status,
    WaitError,
)
from parcelwire.connectors.simulated import air_waybill
from parcelwire.domain.air_waybill import AirWaybill
from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Substatus
from parcelwire.tracking.ports import TrackingFilter
from tests.support.house import HouseUnderTest, open_house, report
from tests.support.v4 import SWISS_NUMBER, USPS_NUMBER, point

NUMBERS = [f"94001118992238579253{i:02d}" for i in range(100)]


class Airlines:
    """The carrier in a box, whatever the world."""

    async def air_waybill(self, world_id: int, number: str) -> AirWaybill | None:
        return air_waybill(number, 1_772_359_200_000)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    async with open_house(tmp_path, lambda _: [], air_waybills=Airlines(), quota=1_000) as opened:
        yield opened


async def test_create_answers_what_the_carrier_says(client: Any, house: HouseUnderTest) -> None:
    house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-02-27T09:00:00", "Accepted", Substatus.TRANSIT)),
    )
    tracking = await client.trackings.create(
        USPS_NUMBER,
        "usps",
        order_number="#1",
        order_date=datetime(2026, 2, 26, 8, 30, tzinfo=UTC),
        tracking_ship_date=date(2026, 2, 26),
    )
    assert (tracking.tracking_number, tracking.courier_code) == (USPS_NUMBER, "usps")
    assert tracking.status == Status.TRANSIT
    assert tracking.order_number == "#1"
    assert tracking.tracking_ship_date == "20260226"
    assert tracking.created_at == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert tracking.is_updating is True
    assert tracking.is_archived is False
    (checkpoint,) = tracking.checkpoints
    assert (checkpoint.text, checkpoint.status) == ("Accepted", "transit")
    assert checkpoint.occurred_at == datetime.fromisoformat("2026-02-27T09:00:00+01:00")
    assert checkpoint.local_time == datetime(2026, 2, 27, 9)  # noqa: DTZ001  (a wall clock)
    assert tracking.extra == {}
    assert (await client.trackings.get(USPS_NUMBER)).order_date == "2026-02-26T08:30:00+00:00"


async def test_the_courier_may_be_left_to_the_server(client: Any) -> None:
    assert (await client.trackings.create(USPS_NUMBER)).courier_code == "usps"


async def test_a_conflict_carries_the_existing_tracking(client: Any) -> None:
    created = await client.trackings.create(USPS_NUMBER, "usps")
    with pytest.raises(ConflictError) as caught:
        await client.trackings.create(USPS_NUMBER, "usps")
    assert caught.value.code == 4101
    assert caught.value.status_code == 400
    assert caught.value.request_id
    assert caught.value.existing is not None
    assert caught.value.existing.id == created.id
    assert client.pauses == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("#",), 4110),
        (("",), 4111),
        ((USPS_NUMBER, "no-such-courier"), 4120),
    ],
)
async def test_invalid_creates(client: Any, arguments: tuple[str, ...], code: int) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        await client.trackings.create(*arguments)
    assert caught.value.code == code


async def test_create_many_tells_the_fate_of_each(client: Any, house: HouseUnderTest) -> None:
    existing = await client.trackings.create(NUMBERS[7], "usps")
    items: list[Any] = [{"tracking_number": n, "courier_code": "usps"} for n in NUMBERS]
    items[3] = " 99.60.123456.78901234 "  # as people type it, without a courier
    items[50] = {"tracking_number": "?!", "courier_code": "usps"}
    items[51] = {"tracking_number": NUMBERS[51], "courier_code": "no-such-courier"}
    items[99] = items[98]  # once more, in the same chunk
    result = await client.trackings.create_many(items)
    assert [item.index for item in result] == list(range(100))
    assert len(result.created) == 96
    by_index = {item.index: item for item in result.failed}
    assert sorted(by_index) == [7, 50, 51, 99]
    assert by_index[7].error.existing.id == existing.id
    assert by_index[50].error.code == 4110
    assert by_index[51].error.code == 4120
    assert isinstance(by_index[99].error, ConflictError)
    assert result.items[3].tracking.tracking_number == SWISS_NUMBER
    for item in result:
        if item.is_created:
            assert item.tracking.tracking_number == item.tracking_number.strip(" ").replace(".", "")
    assert await house.store.count_trackings(house.world_id, _everything()) == 97


async def test_create_many_of_nothing_and_of_nonsense(client: Any) -> None:
    assert len(await client.trackings.create_many([])) == 0
    with pytest.raises(TypeError, match="mapping"):
        await client.trackings.create_many([17])
    with pytest.raises(TypeError, match="note"):
        await client.trackings.create_many([{"tracking_number": NUMBERS[0], "note": {}}])


async def test_get_and_find(client: Any) -> None:
    assert await client.trackings.find(USPS_NUMBER) is None
    with pytest.raises(NotFoundError):
        await client.trackings.get(USPS_NUMBER)
    created = await client.trackings.create(USPS_NUMBER, "usps")
    assert await client.trackings.get(USPS_NUMBER) == created
    assert await client.trackings.find(USPS_NUMBER, "usps") == created
    assert await client.trackings.find(USPS_NUMBER, "dhl") is None
    await client.trackings.create(USPS_NUMBER, "dhl")
    with pytest.raises(AmbiguousTrackingError, match="dhl, usps") as caught:
        await client.trackings.get(USPS_NUMBER)
    assert len(caught.value.matches) == 2
    for nothing in ("", " ", f"{USPS_NUMBER},{SWISS_NUMBER}"):
        with pytest.raises(ValueError, match="one tracking number"):
            await client.trackings.get(nothing)


async def test_list_walks_through_all_pages(client: Any, house: HouseUnderTest) -> None:
    for number in NUMBERS[:25]:
        await client.trackings.create(number, "usps")
        house.clock.advance(0.4)  # two or three in every second of the wire
    newest_first = list(reversed(NUMBERS[:25]))
    for page_size in (1, 2, 7, 25, 200):
        found = await client.trackings.list(page_size=page_size).all()
        assert [one.tracking_number for one in found] == newest_first
    wanted = [*NUMBERS[:60], NUMBERS[0]]
    found = await client.trackings.list(tracking_numbers=wanted).all()
    assert {one.tracking_number for one in found} == set(NUMBERS[:25])
    assert await client.trackings.list(tracking_numbers=[]).all() == []
    assert len(await client.trackings.list(courier_code="usps", page_size=20).all()) == 25
    assert await client.trackings.list(courier_code="dhl").all() == []
    assert await client.trackings.list(status=["delivered", Status.EXPIRED]).all() == []
    assert len(await client.trackings.list(status=found[0].status).all()) == 25


@pytest.mark.parametrize("nothing", [[], (), set(), [""], [" ", ""]], ids=repr)
async def test_a_list_of_one_of_nothing_is_empty(client: Any, nothing: Any) -> None:
    await client.trackings.create(USPS_NUMBER, "usps")
    assert await client.trackings.list(status=nothing).all() == []
    assert await client.trackings.list(status=iter(nothing)).all() == []
    assert await client.trackings.list(tracking_numbers=nothing).all() == []
    assert len(await client.trackings.list(status=None, tracking_numbers=None).all()) == 1
    assert len(await client.trackings.list(status="").all()) == 1


async def test_list_by_time(client: Any, house: HouseUnderTest) -> None:
    await client.trackings.create(USPS_NUMBER, "usps")
    day, before, after = date(2026, 3, 1), date(2026, 2, 28), date(2026, 3, 2)
    at = datetime.fromisoformat("2026-03-01T11:00:00+01:00")

    async def count(**bounds: Any) -> int:
        return len(await client.trackings.list(**bounds).all())

    assert await count(created_date_min=day, created_date_max=day) == 1
    assert await count(created_date_min=at, created_date_max=at) == 1
    assert await count(updated_date_min="2026-03-01T10:00:00+00:00") == 1
    assert await count(created_date_max=before) == 0
    assert await count(updated_date_min=after) == 0
    with pytest.raises(ValueError, match="time zone"):
        await count(created_date_min=datetime(2026, 3, 1))  # noqa: DTZ001  (the fault)
    with pytest.raises(ValueError, match="page_size"):
        await count(page_size=201)


async def test_what_is_listed_may_be_deleted_meanwhile(client: Any, house: HouseUnderTest) -> None:
    for number in NUMBERS[:12]:
        await client.trackings.create(number, "usps")
        house.clock.advance(1)
    deleted = 0
    if isinstance(client, AsyncParcelwire):
        async for tracking in client.trackings.list(page_size=5):
            await client.trackings.delete(tracking)
            deleted += 1
    else:

        def walk(blocking: Parcelwire) -> int:
            return sum(
                bool(blocking.trackings.delete(tracking))
                for tracking in blocking.trackings.list(page_size=5)
            )

        deleted = await asyncio.to_thread(walk, client.blocking)
    assert deleted == 12
    assert await client.trackings.list().all() == []


async def test_update(client: Any) -> None:
    created = await client.trackings.create(USPS_NUMBER, "usps", order_number="#1", title="Cup")
    result = await client.trackings.update(created, title="Mug", order_number="", note=None)
    assert (result.title, result.order_number, result.note) == ("Mug", "#1", None)
    result = await client.trackings.update(created.id, courier_code_new="dhl", is_archived=True)
    assert (result.courier_code, result.courier_code_new) == ("dhl", "dhl")
    moved = await client.trackings.get(USPS_NUMBER)
    assert (moved.id, moved.courier_code, moved.is_archived) == (created.id, "dhl", True)
    assert len(await client.trackings.list(is_archived=True).all()) == 1
    assert await client.trackings.list(is_archived=False).all() == []
    await client.trackings.update(created.id, is_archived=False)
    assert (await client.trackings.get(USPS_NUMBER)).is_archived is False
    with pytest.raises(InvalidRequestError) as caught:
        await client.trackings.update(created.id, destination_country_iso2="Switzerland")
    assert caught.value.code == 4130


async def test_delete(client: Any) -> None:
    created = await client.trackings.create(USPS_NUMBER, "usps")
    gone = await client.trackings.delete(created)
    assert (gone.id, gone.tracking_number) == (created.id, USPS_NUMBER)
    with pytest.raises(NotFoundError) as caught:
        await client.trackings.delete(created.id)
    assert caught.value.code == 4112
    for strange in ("../get", "a/b", "?", "ü"):
        with pytest.raises(NotFoundError):
            await client.trackings.delete(strange)
    with pytest.raises(ValueError, match="empty"):
        await client.trackings.delete("")


async def test_retrack(client: Any, house: HouseUnderTest) -> None:
    house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-02-27T09:00:00", "Accepted", Substatus.TRANSIT)),
    )
    created = await client.trackings.create(USPS_NUMBER, "usps")
    with pytest.raises(InvalidRequestError) as caught:
        await client.trackings.retrack(created)
    assert caught.value.code == 4113
    house.clock.advance(61 * DAY / 1000)
    stored = await house.store.load(house.world_id, created.id)
    assert stored is not None
    await house.service.refresh_now(stored)
    assert (await client.trackings.get(USPS_NUMBER)).status == Status.EXPIRED
    assert (await client.trackings.retrack(created)).id == created.id


async def test_refresh_has_the_carrier_asked(client: Any, house: HouseUnderTest) -> None:
    created = await client.trackings.create(USPS_NUMBER, "usps")
    assert created.checkpoints == ()
    house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-03-01T09:30:00", "Delivered", Substatus.DELIVERED)),
    )
    assert (await client.trackings.get(USPS_NUMBER)).status != Status.DELIVERED
    house.clock.advance(3 * 3600)
    refreshed = await client.trackings.refresh(created)
    assert (refreshed.id, refreshed.status) == (created.id, Status.DELIVERED)
    assert (await client.trackings.refresh(USPS_NUMBER)).id == created.id
    await client.trackings.delete(created)
    with pytest.raises(NotFoundError):
        await client.trackings.refresh(created)
    assert await client.trackings.find(USPS_NUMBER) is None  # asking did not begin to follow it


async def test_wait_until(house: HouseUnderTest, address: str) -> None:
    """The parcel arrives while it is waited for; time passes only where the client waits."""
    looks: list[float] = []
    now = 0.0

    async def sleep(seconds: float) -> None:
        nonlocal now
        looks.append(seconds)
        now += seconds
        if len(looks) == 3:
            house.carriers.script(
                "usps",
                USPS_NUMBER,
                report("", point("2026-03-01T09:30:00", "Delivered", Substatus.DELIVERED)),
            )
            house.clock.advance(7200)
            (stored,) = await house.store.list_trackings(
                house.world_id, _everything(), offset=0, limit=1
            )
            await house.service.refresh_now(stored)

    async with AsyncParcelwire(house.key, address, sleep=sleep, monotonic=lambda: now) as client:
        created = await client.trackings.create(USPS_NUMBER, "usps")
        with pytest.raises(WaitError) as caught:
            await client.trackings.wait_until(
                created, "delivered", timeout_seconds=50, poll_seconds=30
            )
        assert caught.value.tracking.id == created.id
        assert looks == [30, 20]
        found = await client.trackings.wait_until(
            USPS_NUMBER, {Status.DELIVERED, Status.EXCEPTION}, timeout_seconds=100
        )
        assert found.status == "delivered"
        # It is over, so what has not come will not come.
        with pytest.raises(WaitError, match="no longer tracked"):
            await client.trackings.wait_until(created, "expired", timeout_seconds=100)


async def test_wait_until_blocking(client: Any) -> None:
    created = await client.trackings.create(USPS_NUMBER, "usps")
    found = await client.trackings.wait_until(created, created.status, timeout_seconds=1)
    assert found.id == created.id
    assert client.pauses == []


async def test_couriers(client: Any) -> None:
    couriers = {courier.courier_code: courier for courier in await client.couriers.list()}
    assert len(couriers) > 1_000
    assert couriers["swiss-post"].courier_name
    assert couriers["usps"].to_dict()["courier_code"] == "usps"
    assert (await client.couriers.detect(USPS_NUMBER))[0].courier_code == "usps"
    assert await client.couriers.detect("ZZZZZ0ZZZZZZZZZZZZZZZZZZZ0ZZZZ") == []
    with pytest.raises(InvalidRequestError):
        await client.couriers.detect("")


async def test_air_waybills(client: Any) -> None:
    found = await client.air_waybills.get("235-69030430")
    assert found.awb_number == "235-69030430"
    assert found.airline_info.name == "Turkish Cargo"
    assert found.track_info[0].event
    with pytest.raises(InvalidRequestError) as caught:
        await client.air_waybills.get("no waybill")
    assert caught.value.code == 4160


async def test_request_reaches_what_has_no_method(client: Any) -> None:
    data = await client.request("POST", "/v4/couriers/detect", {"tracking_number": USPS_NUMBER})
    assert data[0]["courier_code"] == "usps"
    with pytest.raises(NotFoundError) as caught:
        await client.request("GET", "/v4/no/such/page")
    assert caught.value.code == 404


def _everything() -> TrackingFilter:
    return TrackingFilter()


async def test_a_whole_number_finds_what_it_created(client: Any) -> None:
    made = await client.trackings.create(12345678, "nacex")
    assert (await client.trackings.get(12345678)).id == made.id
    assert (await client.trackings.find(12345678, "nacex")).id == made.id
    (listed,) = await client.trackings.list(tracking_numbers=[12345678, 4]).all()
    assert listed.id == made.id
    assert (await client.trackings.refresh(12345678)).id == made.id
    waited = await client.trackings.wait_until(12345678, made.status, timeout_seconds=1)
    assert waited.id == made.id


@pytest.mark.parametrize("number", [12345678.0, -12345678, float("nan"), None, b"1", [1], True])
async def test_what_is_no_number_is_refused_before_it_is_sent(client: Any, number: Any) -> None:
    trackings = client.trackings
    calls: list[Any] = [
        lambda: trackings.get(number),
        lambda: trackings.find(number),
        lambda: trackings.refresh(number),
        lambda: trackings.wait_until(number, "delivered", timeout_seconds=0),
        lambda: trackings.list(tracking_numbers=["1", number]).all(),
    ]
    for call in calls:
        with pytest.raises(TypeError, match="tracking_number must be text"):
            await call()
