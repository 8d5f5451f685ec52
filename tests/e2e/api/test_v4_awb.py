"""v4 awb: air waybills."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from parcelwire.connectors.connections import SimulatedAirWaybills
from parcelwire.connectors.simulated import air_waybill
from parcelwire.domain.clock import DAY, FrozenClock
from tests.support.house import HouseUnderTest, open_house
from tests.support.v4 import DIALECTS, ok, refused
from tests.support.v4_types import AIR_WAYBILL

PATH = "/v4/awb"
NUMBER = "235-69030430"


@pytest.fixture
async def airlines(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    clock = FrozenClock()
    async with open_house(
        tmp_path, DIALECTS, clock=clock, air_waybills=SimulatedAirWaybills(clock)
    ) as house:
        yield house


async def read(house: HouseUnderTest, number: Any = NUMBER) -> dict[str, Any]:
    answer = await house.call("POST", PATH, json={"awb_number": number}, key=house.test_key)
    found: dict[str, Any] = ok(answer, AIR_WAYBILL)
    return found


@pytest.mark.parametrize(
    "typed", [NUMBER, "235 69030430", "23569030430", 23569030430, f" {NUMBER} "]
)
async def test_answers_test_keys(airlines: HouseUnderTest, typed: Any) -> None:
    assert (await read(airlines, typed))["awb_number"] == NUMBER


async def test_tells_the_whole_journey(airlines: HouseUnderTest) -> None:
    seen = set()
    for _ in range(26):
        found = await read(airlines)
        seen.add(found["awb_status"])
        known = air_waybill(NUMBER, airlines.clock.now())
        assert known is not None
        assert found["flight_way_station"] == list(known.stations)
        assert (found["origin"], found["destination"]) == (known.origin, known.destination)
        assert list(found["flight_info"]) == [f["flight_number"] for f in found["flight_info_new"]]
        assert len(found["track_info"]) == len(known.events)
        assert found["piece"] == str(known.pieces)
        for event in found["track_info"]:
            assert event["actual_date"][10] == " "
        if found["track_info"]:
            newest = found["track_info"][0]
            assert found["last_event"] == (
                f"{newest['event']},{newest['station']},{newest['actual_date']}"
            )
            assert found["awb_substatus"] == newest["checkpoint_substatus"]
        airlines.clock.advance(DAY / 2000)
    assert seen >= {"transit", "delivered"}


async def test_live_keys_and_unknown_airlines_are_4161(airlines: HouseUnderTest) -> None:
    refused(await airlines.call("POST", PATH, json={"awb_number": NUMBER}), 4161)
    answer = await airlines.call(
        "POST", PATH, json={"awb_number": "999-69030430"}, key=airlines.test_key
    )
    refused(answer, 4161, says="airline does not support")


async def test_without_anybody_to_ask_it_is_4161(v4: HouseUnderTest) -> None:
    for key in (v4.key, v4.test_key):
        refused(await v4.call("POST", PATH, json={"awb_number": NUMBER}, key=key), 4161)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"not json",
        b'{"awb_number":""}',
        b'{"awb_number":null}',
        b'{"awb_number":"235-6903043"}',
        b'{"awb_number":"235-690304300"}',
        b'{"awb_number":"235_69030430"}',
        b'{"awb_number":"ABC-69030430"}',
        '{"awb_number":"٢٣٥-69030430"}'.encode(),
        b'{"awb_number":["235-69030430"]}',
        b'{"awb_number":"' + b"2" * 6000 + b'"}',
    ],
)
async def test_bad_numbers_are_4160(airlines: HouseUnderTest, body: bytes) -> None:
    answer = await airlines.call("POST", PATH, body=body, key=airlines.test_key)
    refused(answer, 4160, says="awb_number")


async def test_a_huge_body_is_4130(airlines: HouseUnderTest) -> None:
    body = b" " * (airlines.house.settings.max_body_bytes + 1)
    refused(await airlines.call("POST", PATH, body=body, key=airlines.test_key), 4130)
