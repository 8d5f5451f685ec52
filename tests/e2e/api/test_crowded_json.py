"""Bodies of nothing but brackets are refused before they are decoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.v2.dialect import V2
from parcelwire.api.v4.dialect import v4_dialect
from parcelwire.domain.json_limits import MOST_CONTAINERS, is_crowded
from tests.support.hostile_inputs import crowded_json
from tests.support.house import open_house
from tests.support.loop_lag import loop_lag
from tests.support.native_shop import open_shop

BODY = crowded_json(660_000)
LONGEST_TURN = 0.2
"""Seconds of computing; decoded, it takes half a second."""


def test_as_many_as_allowed() -> None:
    assert not is_crowded(crowded_json(MOST_CONTAINERS))
    assert is_crowded(crowded_json(MOST_CONTAINERS + 1))


@pytest.mark.parametrize(
    "path", ["/v4/trackings/create", "/v4/trackings/batch", "/v4/couriers/detect"]
)
async def test_v4(tmp_path: Path, path: str) -> None:
    async with (
        open_house(tmp_path, lambda house: [DialectFrame(house, v4_dialect())]) as house,
        loop_lag() as lag,
    ):
        answer = await house.call("POST", path, body=BODY)
    assert (answer.status, answer.json()["meta"]["code"]) == (400, 4130)
    assert lag.busiest < LONGEST_TURN


@pytest.mark.parametrize("path", ["post", "batch", "remote"])
async def test_v2(tmp_path: Path, path: str) -> None:
    async with open_house(tmp_path, lambda house: [DialectFrame(house, V2)]) as house:
        headers = {"Trackingmore-Api-Key": house.key}
        async with loop_lag() as lag:
            answer = await house.call("POST", f"/v2/trackings/{path}", body=BODY, headers=headers)
    assert answer.json()["meta"]["code"] == 4015
    assert lag.busiest < LONGEST_TURN


@pytest.mark.parametrize("path", ["trackings", "endpoints", "couriers/detect"])
async def test_native(tmp_path: Path, path: str) -> None:
    async with open_shop(tmp_path) as shop, loop_lag() as lag:
        answer = await shop.ask("POST", f"/api/{path}", body=b'{"number":%b}' % BODY)
    assert answer.status == 400
    assert answer.json()["detail"] == "it has more than 20,000 arrays and objects"
    assert lag.busiest < LONGEST_TURN
