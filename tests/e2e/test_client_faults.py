"""Answers that never come: what the SDK repeats, and what it makes of "already exists" then.

Between the SDK and the real server stands a wire that is cut before or after the server did what
was asked. Each test counts that its cuts really happened.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.bootstrap.dialects import own_dialects
from parcelwire.client import (
    ConflictError,
    InvalidRequestError,
    NetworkError,
    NotFoundError,
    ParcelwireError,
    RequestTimeoutError,
)
from parcelwire.connectors.simulated import air_waybill
from parcelwire.domain.air_waybill import AirWaybill
from parcelwire.domain.clock import DAY, FrozenClock
from parcelwire.domain.status import Substatus
from parcelwire.tracking.ports import TrackingFilter
from tests.support.clients import SIDES, Side, Wire, cuttable, open_client, whole_door
from tests.support.house import HouseUnderTest, MakeDialects, open_house, report, serve
from tests.support.process import free_port
from tests.support.v4 import USPS_NUMBER, point

DIALECTS: MakeDialects = lambda house: [DialectFrame(house, one) for one in own_dialects()]  # noqa: E731
ITEMS = [
    {"tracking_number": f"94001118992238579253{i:02d}", "courier_code": "usps"} for i in range(90)
]


class Airlines:
    """The carrier in a box, whatever the world."""

    async def air_waybill(self, world_id: int, number: str) -> AirWaybill | None:
        return air_waybill(number, 1_772_359_200_000)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    # The server's Date header is the machine's; created_at has to come from the same time.
    clock = FrozenClock(round(time.time() * 1000))
    async with open_house(tmp_path, DIALECTS, air_waybills=Airlines(), clock=clock) as opened:
        yield opened


@pytest.fixture
async def wired(house: HouseUnderTest) -> AsyncIterator[tuple[Wire, str]]:
    async with serve(whole_door(house)) as address, cuttable(address) as (wire, outside):
        yield wire, f"http://{outside}"


@pytest.fixture
def wire(wired: tuple[Wire, str]) -> Wire:
    return wired[0]


@pytest.fixture(params=SIDES)
async def client(
    request: pytest.FixtureRequest, house: HouseUnderTest, wired: tuple[Wire, str]
) -> AsyncIterator[Any]:
    side: Side = request.param
    async with open_client(side, house.key, wired[1]) as opened:
        yield opened


async def count(house: HouseUnderTest) -> int:
    return await house.store.count_trackings(house.world_id, TrackingFilter())


async def test_a_create_whose_answer_was_lost_is_the_created_tracking(
    client: Any, wire: Wire, house: HouseUnderTest
) -> None:
    wire.faults.extend(["cut_before", "cut_after", "cut_after"])
    created = await client.trackings.create(USPS_NUMBER, "usps", title="Cup")
    assert wire.fired == 3
    assert (created.tracking_number, created.title) == (USPS_NUMBER, "Cup")
    assert await count(house) == 1
    tries = [headers for line, headers in wire.requests if "create" in line]
    assert len(tries) == 4
    assert len({headers["idempotency-key"] for headers in tries}) == 1
    assert len({headers["x-request-id"] for headers in tries}) == 1
    assert len(client.pauses) == 3
    # Afterwards it is a conflict like any other, and each create has a key of its own.
    with pytest.raises(ConflictError):
        await client.trackings.create(USPS_NUMBER, "usps")
    assert wire.requests[-1][1]["idempotency-key"] != tries[0]["idempotency-key"]


async def test_what_was_there_before_stays_a_conflict(
    client: Any, wire: Wire, house: HouseUnderTest
) -> None:
    house.clock.advance(-3600)
    existing = await client.trackings.create(USPS_NUMBER, "usps")
    house.clock.advance(3600)
    wire.faults.append("cut_after")
    with pytest.raises(ConflictError) as caught:
        await client.trackings.create(USPS_NUMBER, "usps")
    assert wire.fired == 1
    assert caught.value.existing is not None
    assert caught.value.existing.id == existing.id


async def test_a_server_that_stays_silent(client: Any, wire: Wire, house: HouseUnderTest) -> None:
    hasty = client.with_options(timeout_seconds=0.3, max_retries=0)
    wire.faults.append("stall")
    with pytest.raises(RequestTimeoutError) as caught:
        await hasty.trackings.create(USPS_NUMBER, "usps")
    assert isinstance(caught.value, NetworkError | TimeoutError)
    assert caught.value.request_id == wire.requests[0][1]["x-request-id"]
    assert caught.value.code is None
    wire.faults.append("stall")
    patient = client.with_options(timeout_seconds=0.3, max_retries=1)
    assert (await patient.trackings.get(USPS_NUMBER)).tracking_number == USPS_NUMBER
    assert wire.fired == 2


async def test_create_many_with_lost_answers(
    client: Any, wire: Wire, house: HouseUnderTest
) -> None:
    house.clock.advance(-3600)
    for item in ITEMS[5:7]:
        await client.trackings.create(**item)
    house.clock.advance(3600)
    wire.faults.extend(
        ["cut_after", "pass", "pass", "cut_before", "pass", "cut_after", "cut_after"]
    )
    result = await client.trackings.create_many([*ITEMS, ITEMS[88]])
    assert wire.fired == 4
    assert len(result.created) == 88
    assert [item.index for item in result.failed] == [5, 6, 90]
    assert {type(item.error) for item in result.failed} == {ConflictError}
    assert await count(house) == 90
    assert len({ref.id for ref in result.created}) == 88
    for item in result:
        if item.tracking is not None:
            assert item.tracking.tracking_number == item.tracking_number


async def test_create_many_that_is_given_up_says_what_was_done(
    client: Any, wire: Wire, house: HouseUnderTest
) -> None:
    wire.faults.append("pass")
    wire.faults.extend(["cut_before"] * 5)
    with pytest.raises(NetworkError) as caught:
        await client.trackings.create_many(ITEMS)
    assert wire.fired == 5
    partial = caught.value.partial_result
    assert partial is not None
    assert len(partial.created) == 40
    assert {item.error for item in partial.failed} == {caught.value}
    assert await count(house) == 40
    # Once more: what exists is a conflict, the rest is made.
    again = await client.trackings.create_many(ITEMS)
    assert (len(again.created), len(again.failed)) == (50, 40)


@pytest.mark.parametrize("fault", ["cut_before", "cut_after"])
async def test_changes_are_repeated(client: Any, wire: Wire, fault: Any) -> None:
    created = await client.trackings.create(USPS_NUMBER, "usps")
    wire.faults.append(fault)
    assert (await client.trackings.update(created, title="Mug")).title == "Mug"
    wire.faults.append(fault)
    moved = await client.trackings.update(created, courier_code_new="dhl")
    assert moved.courier_code == "dhl"
    wire.faults.append(fault)
    assert (await client.trackings.get(USPS_NUMBER)).courier_code == "dhl"
    wire.faults.extend(["pass", fault])
    assert (await client.trackings.refresh(USPS_NUMBER)).id == created.id
    wire.faults.append(fault)
    gone = await client.trackings.delete(created)
    assert gone.id == created.id
    assert wire.fired == 5
    with pytest.raises(NotFoundError):
        await client.trackings.delete(created)


async def test_a_retrack_whose_answer_was_lost(
    client: Any, wire: Wire, house: HouseUnderTest
) -> None:
    house.carriers.script(
        "usps",
        USPS_NUMBER,
        report("", point("2026-02-27T09:00:00", "Accepted", Substatus.TRANSIT)),
    )
    created = await client.trackings.create(USPS_NUMBER, "usps")
    house.clock.advance(365 * DAY / 1000)
    stored = await house.store.load(house.world_id, created.id)
    assert stored is not None
    await house.service.refresh_now(stored)
    assert (await client.trackings.get(USPS_NUMBER)).status == "expired"
    wire.faults.append("cut_after")
    assert (await client.trackings.retrack(created)).id == created.id
    assert wire.fired == 1
    assert (await client.trackings.get(USPS_NUMBER)).status != "expired"
    with pytest.raises(InvalidRequestError):
        await client.trackings.retrack(created)


async def test_what_costs_something_is_not_repeated_in_doubt(client: Any, wire: Wire) -> None:
    wire.faults.append("cut_after")
    with pytest.raises(NetworkError):
        await client.air_waybills.get("235-69030430")
    assert wire.fired == 1
    assert len(wire.requests) == 1
    wire.faults.append("cut_after")
    with pytest.raises(NetworkError):
        await client.request("POST", "/v4/awb", {"awb_number": "235-69030430"})
    wire.faults.append("cut_after")
    assert await client.request("GET", "/v4/trackings/get") == []
    assert wire.fired == 3


@pytest.mark.parametrize("side", SIDES)
async def test_nobody_there(side: Side) -> None:
    async with open_client(side, "key", f"http://127.0.0.1:{free_port()}") as client:
        for call in (
            client.trackings.create(USPS_NUMBER, "usps"),
            client.trackings.find(USPS_NUMBER),
            client.trackings.list().all(),
            client.couriers.detect(USPS_NUMBER),
            client.air_waybills.get("235-69030430"),
        ):
            with pytest.raises(NetworkError) as caught:
                await call
            assert isinstance(caught.value, ParcelwireError)
            assert caught.value.__cause__ is not None
            assert "key" not in str(caught.value)
        # Four retries each, with growing pauses of which half is left to chance.
        assert len(client.pauses) == 20
        for index, pause in enumerate(client.pauses):
            full = 0.5 * 2 ** (index % 4)
            assert full / 2 <= pause <= full
