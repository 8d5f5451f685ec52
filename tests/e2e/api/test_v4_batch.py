"""v4 trackings/batch: up to 40 at once, each with its own fate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.support.house import HouseUnderTest, open_house
from tests.support.v4 import DIALECTS, SWISS_NUMBER, USPS_NUMBER, count, create, ok, refused
from tests.support.v4_types import BATCH

PATH = "/v4/trackings/batch"


def items(how_many: int) -> list[dict[str, Any]]:
    return [
        {"tracking_number": f"94001118992238579{i:05d}", "courier_code": "usps"}
        for i in range(how_many)
    ]


async def test_creates_forty(v4: HouseUnderTest) -> None:
    data = ok(await v4.call("POST", PATH, json=items(40)), BATCH)
    assert data["error"] == []
    assert [item["tracking_number"] for item in data["success"]] == [
        item["tracking_number"] for item in items(40)
    ]
    assert len({item["id"] for item in data["success"]}) == 40
    found = ok(await v4.call("GET", "/v4/trackings/get"))
    assert {item["id"] for item in found} == {item["id"] for item in data["success"]}
    assert {item["delivery_status"] for item in found} == {"pending"}


@pytest.mark.parametrize("how_many", [41, 201, 5000])
async def test_more_than_forty_are_refused_and_none_created(
    v4: HouseUnderTest, how_many: int
) -> None:
    refused(await v4.call("POST", PATH, json=items(how_many)), 4103, says="40 shipments")
    refused(await v4.call("POST", PATH, json={"trackings": items(how_many)}), 4103)
    assert await count(v4) == 0


async def test_the_wrapped_list_is_taken_too(v4: HouseUnderTest) -> None:
    data = ok(await v4.call("POST", PATH, json={"trackings": items(3)}), BATCH)
    assert len(data["success"]) == 3


async def test_every_item_has_its_own_fate(v4: HouseUnderTest) -> None:
    existing = await create(v4)
    batch: list[Any] = [
        {"tracking_number": "9400 1118 9922 3857 9253 80", "courier_code": "usps"},
        {"tracking_number": SWISS_NUMBER, "courier_code": "swiss-post", "title": "kept"},
        {"tracking_number": "A1", "courier_code": "usps"},
        {"tracking_number": "", "courier_code": "usps"},
        {"tracking_number": "9400111899223857925999", "courier_code": "no-such"},
        {"tracking_number": "AAAA0AAAA"},
        {"tracking_number": "12345678", "courier_code": "mondialrelay"},
        {"tracking_number": "9400111899223857925998", "courier_code": "usps", "title": ["x"]},
        {"tracking_number": "9400111899223857925997", "courier_code": "usps", "order_date": "x"},
        {"tracking_number": SWISS_NUMBER, "courier_code": "swiss-post"},
        17,
        None,
    ]
    data = ok(await v4.call("POST", PATH, json=batch), BATCH)
    assert [item["tracking_number"] for item in data["success"]] == [SWISS_NUMBER]
    fates = {
        (error["tracking_number"], error["courier_code"], error["errorCode"])
        for error in data["error"]
    }
    assert fates == {
        (USPS_NUMBER, "usps", 4101),
        ("A1", "usps", 4110),
        ("", "usps", 4111),
        ("9400111899223857925999", "no-such", 4120),
        ("AAAA0AAAA", "", 4121),
        ("12345678", "mondialrelay", 4122),
        ("9400111899223857925998", "usps", 4130),
        ("9400111899223857925997", "usps", 4130),
        (SWISS_NUMBER, "swiss-post", 4101),
        ("", "", 4130),
    }
    assert len(data["error"]) == 11
    ids = {error["tracking_number"]: error["id"] for error in data["error"]}
    assert ids[USPS_NUMBER] == existing["id"]
    assert ids[SWISS_NUMBER] == data["success"][0]["id"]
    assert ids["A1"] is None
    messages = {error["errorCode"]: error["errorMessage"] for error in data["error"]}
    assert messages[4101] == "Tracking No. already exists."
    assert messages[4130].startswith("The format of ")
    assert await count(v4) == 2


async def test_all_items_may_fail(v4: HouseUnderTest) -> None:
    await v4.call("POST", PATH, json=items(2))
    data = ok(await v4.call("POST", PATH, json=items(2)), BATCH)
    assert data["success"] == []
    assert [error["errorCode"] for error in data["error"]] == [4101, 4101]


async def test_the_quota_is_told_item_by_item(tmp_path: Path) -> None:
    async with open_house(tmp_path, DIALECTS, quota=2) as house:
        data = ok(await house.call("POST", PATH, json=items(3)), BATCH)
        assert [item["tracking_number"] for item in data["success"]] == [
            item["tracking_number"] for item in items(2)
        ]
        assert [error["errorCode"] for error in data["error"]] == [4190]
        assert await count(house) == 2


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", 4111),
        (b"[]", 4111),
        (b"{}", 4111),
        (b"null", 4111),
        (b'{"trackings":[]}', 4111),
        (b"{", 4130),
        (b"[", 4130),
        (b"[1", 4130),
        (b"17", 4130),
        (b'{"tracking_number":"9400111899223857925380","courier_code":"usps"}', 4130),
        (b'{"trackings":{"0":{}}}', 4130),
        (b"[" * 100_000, 4130),
    ],
)
async def test_bad_bodies(v4: HouseUnderTest, raw: bytes, code: int) -> None:
    refused(await v4.call("POST", PATH, body=raw), code)
    assert await count(v4) == 0


async def test_a_huge_body_is_refused_unread(v4: HouseUnderTest) -> None:
    body = [{**items(1)[0], "unknown": "x" * v4.house.settings.max_body_bytes}]
    refused(await v4.call("POST", PATH, json=body), 4130, says="too large")
    assert await count(v4) == 0


async def test_a_body_below_the_limit_is_read_however_long(v4: HouseUnderTest) -> None:
    body = msgspec.json.encode([{**item, "unknown": "x" * 40_000} for item in items(40)])
    assert len(ok(await v4.call("POST", PATH, body=body), BATCH)["success"]) == 40
