"""v4 with the real gateway: a test key's parcels live through the carrier in a box's stories."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.carriers import SECONDS_A_DAY, gateway_of
from tests.support.house import HouseUnderTest, open_house
from tests.support.v4 import DIALECTS, ok
from tests.support.v4_types import IDENTITY, TRACKING

CREATE, GET = "/v4/trackings/create", "/v4/trackings/get"

REACHED = {
    "NORMAL": "delivered",
    "CUSTOMS": "delivered",
    "MISSED": "delivered002",
    "RETURN": "exception010",
    "LOST": "exception007",
    "DUPLICATE": "delivered",
    "BACKWARDS": "delivered",
    "TIMEZONE": "delivered",
    "HANDOVER": "delivered",
    "EXPIRED": "expired001",
    "UNKNOWN": "notfound002",
}
"""Scenario -> how the substatus begins that it has to reach within 45 days of its own time."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[HouseUnderTest]:
    async with open_house(tmp_path, DIALECTS, make_carriers=gateway_of) as opened:
        yield opened


async def live(house: HouseUnderTest, tracking_id: str, days: int) -> list[dict[str, Any]]:
    """Let ``days`` of the carrier's time pass; return the tracking as it stood each day."""
    seen = []
    for _ in range(days):
        house.clock.advance(SECONDS_A_DAY)
        stored = await house.store.load(house.world_id + 1, tracking_id)
        assert stored is not None
        await house.service.refresh_now(stored)
        (tracking,) = ok(await house.call("GET", GET, key=house.test_key), [TRACKING])
        assert isinstance(tracking, dict)
        seen.append(tracking)
    return seen


@pytest.mark.parametrize("scenario", sorted(REACHED))
async def test_every_story_is_told_in_the_wires_types(house: HouseUnderTest, scenario: str) -> None:
    body = {"tracking_number": f"SIM-{scenario}-0001", "courier_code": "dhl", "language": "de"}
    created = ok(await house.call("POST", CREATE, json=body, key=house.test_key), TRACKING)
    assert created["tracking_number"] == f"SIM{scenario}0001"
    seen = await live(house, created["id"], 45)
    end = seen[-1]
    reached = [tracking["substatus"] or "" for tracking in seen]
    assert any(substatus.startswith(REACHED[scenario]) for substatus in reached), reached
    for tracking in seen:
        assert tracking["delivery_status"] == (tracking["substatus"] or "pending000")[:-3]
    for tracking in seen:
        for leg in (tracking["origin_info"], tracking["destination_info"]):
            days = [event["checkpoint_date"] for event in leg["trackinfo"]]
            assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", day) for day in days)
    if scenario == "UNKNOWN":
        assert end["latest_event"] is None
        return
    events = [*end["origin_info"]["trackinfo"], *end["destination_info"]["trackinfo"]]
    assert any(end["latest_event"].startswith(event["tracking_detail"]) for event in events)
    if scenario == "HANDOVER":
        assert end["destination_info"]["trackinfo"]
        assert end["destination_info"]["courier_code"]
    if scenario == "EXPIRED":
        path = f"/v4/trackings/retrack/{created['id']}"
        ok(await house.call("POST", path, key=house.test_key), IDENTITY)


async def test_texts_are_in_the_language_asked_for(house: HouseUnderTest) -> None:
    body = {"tracking_number": "SIM-NORMAL-0002", "courier_code": "dhl"}
    created = ok(await house.call("POST", CREATE, json=body, key=house.test_key), TRACKING)
    await live(house, created["id"], 10)
    texts = {}
    for language in ("en", "de", "fr", "it"):
        query = f"lang={language}"
        (found,) = ok(await house.call("GET", GET, query=query, key=house.test_key), [TRACKING])
        texts[language] = found["origin_info"]["trackinfo"][0]["tracking_detail"]
    assert len(set(texts.values())) == 4


async def test_live_keys_have_no_simulated_parcels(house: HouseUnderTest) -> None:
    body = {"tracking_number": "SIM-NORMAL-0001", "courier_code": "dhl"}
    assert ok(await house.call("POST", CREATE, json=body), TRACKING)["delivery_status"] == "pending"
