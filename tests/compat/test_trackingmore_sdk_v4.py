"""TrackingMore's own Python client for v4, unmodified, against a running server.

The package ``trackingmore-sdk-python`` keeps host and port in module globals; any port other than
443 makes it speak plain http, so both are set and nothing else is touched.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trackingmore
from trackingmore.exception import TrackingMoreException

from parcelwire.connectors.simulated import air_waybill
from parcelwire.domain.air_waybill import AirWaybill
from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Substatus
from tests.support.house import HouseUnderTest, open_house, report, serve
from tests.support.v4 import DIALECTS, USPS_NUMBER, point
from tests.support.v4_types import (
    AIR_WAYBILL,
    BATCH,
    COURIER,
    IDENTITY,
    META,
    TRACKING,
    UPDATE,
    check,
)

Client = Callable[..., Awaitable[Any]]


class Airlines:
    """The carrier in a box, whatever the world: what is tested here is the wire."""

    async def air_waybill(self, world_id: int, number: str) -> AirWaybill | None:
        return air_waybill(number, 1_772_359_200_000)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    async with open_house(tmp_path, DIALECTS, air_waybills=Airlines()) as opened:
        yield opened


@pytest.fixture
async def client(house: HouseUnderTest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    async with serve(house.door) as address:
        monkeypatch.setattr(trackingmore.request, "apiBaseUrl", address)
        monkeypatch.setattr(trackingmore.request, "apiPort", 80)
        monkeypatch.setattr(trackingmore, "api_key", house.key)

        async def call(function: Callable[..., Any], *arguments: Any) -> Any:
            # The client blocks, so it gets a thread of its own.
            answer = await asyncio.to_thread(function, *arguments)
            assert list(answer) == ["meta", "data"]
            check(answer["meta"], META)
            return answer

        yield call


def good(answer: Any, shape: Any) -> Any:
    assert answer["meta"] == {"code": 200, "message": "Request response is successful"}
    check(answer["data"], shape)
    return answer["data"]


async def test_couriers(client: Client) -> None:
    couriers = good(await client(trackingmore.courier.get_all_couriers), [COURIER])
    assert "usps" in {courier["courier_code"] for courier in couriers}
    found = good(
        await client(trackingmore.courier.detect, {"tracking_number": USPS_NUMBER}), [COURIER]
    )
    assert found[0]["courier_code"] == "usps"


async def test_a_trackings_whole_life(client: Client, house: HouseUnderTest) -> None:
    house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-02-27T09:00:00", "Accepted", Substatus.TRANSIT)),
    )
    params = {"tracking_number": USPS_NUMBER, "courier_code": "usps", "order_number": "#1"}
    created = good(await client(trackingmore.tracking.create_tracking, params), TRACKING)
    assert created["delivery_status"] == "transit"

    again = await client(trackingmore.tracking.create_tracking, params)
    assert again["meta"]["code"] == 4101
    check(again["data"], IDENTITY)

    query = {"tracking_numbers": USPS_NUMBER, "courier_code": "usps"}
    listed = good(await client(trackingmore.tracking.get_tracking_results, query), [TRACKING])
    assert listed == [created]

    changes = {"customer_name": "New name", "note": "New note", "order_number": ""}
    updated = good(
        await client(trackingmore.tracking.update_tracking_by_id, created["id"], changes), UPDATE
    )
    assert (updated["customer_name"], updated["order_number"]) == ("New name", "#1")

    too_early = await client(trackingmore.tracking.retrack_tracking_by_id, created["id"])
    assert too_early["meta"]["code"] == 4113
    house.clock.advance(61 * DAY / 1000)
    stored = await house.store.load(house.world_id, created["id"])
    assert stored is not None
    await house.service.refresh_now(stored)
    retracked = await client(trackingmore.tracking.retrack_tracking_by_id, created["id"])
    assert good(retracked, IDENTITY)["id"] == created["id"]

    deleted = await client(trackingmore.tracking.delete_tracking_by_id, created["id"])
    assert good(deleted, IDENTITY)["tracking_number"] == USPS_NUMBER
    gone = await client(trackingmore.tracking.delete_tracking_by_id, created["id"])
    assert gone["meta"]["code"] == 4112


async def test_batch(client: Client) -> None:
    items = [
        {"tracking_number": f"94001118992238579253{i:02d}", "courier_code": "usps"}
        for i in range(40)
    ]
    data = good(await client(trackingmore.tracking.batch_create_trackings, items), BATCH)
    assert (len(data["success"]), len(data["error"])) == (40, 0)
    data = good(await client(trackingmore.tracking.batch_create_trackings, items[:2]), BATCH)
    assert [error["errorCode"] for error in data["error"]] == [4101, 4101]
    # More than 40 never leave the client.
    with pytest.raises(TrackingMoreException, match="40"):
        await client(trackingmore.tracking.batch_create_trackings, items * 2)


async def test_its_undecoded_plus_in_dates(client: Client, house: HouseUnderTest) -> None:
    params = {"tracking_number": USPS_NUMBER, "courier_code": "usps"}
    await client(trackingmore.tracking.create_tracking, params)
    for begin, end, expected in [
        ("2026-03-01T18:00:00+08:00", "2026-03-01T18:00:01+08:00", 1),
        ("2026-03-01T18:00:01+08:00", "2026-03-01T19:00:00+08:00", 0),
        ("2026-03-01T09:00:00+00:00", "2026-03-01T11:00:00+00:00", 1),
    ]:
        query = {"created_date_min": begin, "created_date_max": end}
        found = await client(trackingmore.tracking.get_tracking_results, query)
        assert len(good(found, [TRACKING])) == expected


async def test_air_waybill(client: Client) -> None:
    params = {"awb_number": "235-69030430"}
    found = good(await client(trackingmore.air_waybill.create_an_air_waybill, params), AIR_WAYBILL)
    assert found["airline_info"]["name"] == "Turkish Cargo"


async def test_a_wrong_key(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackingmore, "api_key", "xxxxxxxx-xxxx-zzzz-xxxx-xxxxxxxxxxxx")
    answer = await client(trackingmore.courier.get_all_couriers)
    assert answer["meta"]["code"] == 401
    assert answer["data"] == []
