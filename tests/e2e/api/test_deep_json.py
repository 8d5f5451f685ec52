"""Arrays within arrays and objects within objects are refused wherever JSON comes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcelwire.api.trackingmore.frame import DialectFrame
from parcelwire.api.v4.dialect import v4_dialect
from parcelwire.couriers.refresh import CourierListError, read_list
from tests.support.hostile_inputs import deep_json, deep_object
from tests.support.house import open_house
from tests.support.native_shop import open_shop
from tests.support.v2 import open_v2

DEPTHS = (100, 400, 700, 850, 950, 1_000, 5_000, 100_000)
"""Around the interpreter's own limit too, where it depends on who calls."""


def bodies(depth: int, *fields: str) -> list[bytes]:
    """Return bodies that are so deep, as a whole, in an item, and in each of the fields."""
    inner = deep_json(depth)
    return [
        inner,
        b"[" + deep_object(depth) + b"]",
        deep_object(depth),
        *(b'{"%s":%b}' % (name.encode(), inner) for name in fields),
        *(b'[{"%s":%b}]' % (name.encode(), deep_object(depth)) for name in fields),
    ]


@pytest.mark.parametrize("depth", DEPTHS)
async def test_v4(tmp_path: Path, depth: int) -> None:
    async with open_house(tmp_path, lambda house: [DialectFrame(house, v4_dialect())]) as house:
        for path in ("create", "batch", "update/" + "a" * 32):
            for body in bodies(depth, "tracking_number", "courier_code", "note", "nobody"):
                method = "PUT" if path.startswith("update") else "POST"
                answer = await house.call(method, f"/v4/trackings/{path}", body=body)
                assert answer.status in {200, 400, 404}, answer.body[:200]
                if answer.status == 200:
                    # A batch says for each item why it was not taken.
                    assert not answer.json()["data"].get("success"), answer.body[:200]


@pytest.mark.parametrize("depth", DEPTHS)
async def test_v2(tmp_path: Path, depth: int) -> None:
    async with open_v2(tmp_path) as house:
        for path in ("post", "batch", "realtime"):
            for body in bodies(depth, "tracking_number", "carrier_code", "title", "nobody"):
                answer = await house.call("POST", f"/v2/trackings/{path}", body=body)
                said = answer.json()
                if said["meta"]["code"] == 201:
                    # A batch says for each item why it was not taken.
                    assert said["data"]["added"] == 0
                else:
                    assert 4_000 < said["meta"]["code"] < 5_000, answer.body[:200]


@pytest.mark.parametrize("depth", DEPTHS)
async def test_native(tmp_path: Path, depth: int) -> None:
    async with open_shop(tmp_path) as shop:
        for path in ("trackings", "endpoints", "keys", "couriers/detect"):
            for body in bodies(depth, "tracking_number", "url", "name", "products"):
                answer = await shop.house.call(
                    "POST",
                    f"/api/{path}",
                    body=body,
                    headers={
                        "authorization": f"Bearer {shop.house.key}",
                        "content-type": "application/json",
                    },
                )
                assert answer.status in {400, 404, 405, 422}, (path, answer.status, answer.body)


@pytest.mark.parametrize("depth", DEPTHS)
def test_a_list_of_couriers(depth: int) -> None:
    for body in bodies(depth, "meta", "data"):
        with pytest.raises(CourierListError):
            read_list(body)
