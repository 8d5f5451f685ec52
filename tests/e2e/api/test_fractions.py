"""JSON numbers with a fraction: the point is no punctuation of a tracking number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support import v2
from tests.support.house import HouseUnderTest
from tests.support.native_shop import open_shop
from tests.support.v4 import count, create, ok, refused

NUMBER = "123456780"
"""What is left of the text of ``FRACTION`` when its point is passed over."""
FRACTION = 12345678.0
ROUNDED = 9.400111899223858e21
"""What JavaScript and spreadsheets make of a number of 22 digits."""


@pytest.mark.parametrize("number", [FRACTION, ROUNDED, 1.5, -12345678, "12345678.0"])
async def test_v4_follows_no_other_number(v4: HouseUnderTest, number: float | str) -> None:
    body = {"tracking_number": number, "courier_code": "usps"}
    refused(await v4.call("POST", "/v4/trackings/create", json=body), 4110)
    refused(await v4.call("POST", "/v4/couriers/detect", json=body), 4110, data=[])
    data = ok(
        await v4.call(
            "POST",
            "/v4/trackings/batch",
            json=[body, {"tracking_number": 12345678, "courier_code": "usps"}],
        )
    )
    assert [item["tracking_number"] for item in data["success"]] == ["12345678"]
    assert [(one["tracking_number"], one["errorCode"]) for one in data["error"]] == [
        (str(number), 4110)
    ]
    assert await count(v4) == 1


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("courier_code", 4120),
        ("tracking_postal_code", 4130),
        ("recipient_postcode", 4130),
        ("tracking_courier_account", 4130),
        ("tracking_key", 4130),
    ],
)
async def test_v4_takes_no_fraction_for_a_code(v4: HouseUnderTest, field: str, code: int) -> None:
    body = {"tracking_number": NUMBER, "courier_code": "usps", field: 8001.0}
    answer = await v4.call("POST", "/v4/trackings/create", json=body)
    refused(answer, code, says=field)
    assert await count(v4) == 0
    kept = await create(v4, NUMBER, tracking_postal_code=8001, order_id=17.5)
    assert (kept["tracking_postal_code"], kept["order_id"]) == ("8001", "17.5")


async def test_v4_changes_nothing_for_a_fraction(v4: HouseUnderTest) -> None:
    created = await create(v4, NUMBER, title="Cup")
    path = f"/v4/trackings/update/{created['id']}"
    for field, code in (("courier_code_new", 4120), ("tracking_postal_code", 4130)):
        refused(await v4.call("PUT", path, json={"title": "Mug", field: 8001.0}), code)
    assert ok(await v4.call("GET", "/v4/trackings/get")) == [created]


async def test_v4_takes_no_negative_number_for_a_code(v4: HouseUnderTest) -> None:
    for field, code in (("courier_code", 4120), ("tracking_postal_code", 4130)):
        body = {"tracking_number": NUMBER, "courier_code": "usps", field: -8001}
        refused(await v4.call("POST", "/v4/trackings/create", json=body), code, says=field)
    assert await count(v4) == 0


async def test_v4_finds_no_other_number(v4: HouseUnderTest) -> None:
    await create(v4, NUMBER)
    answer = await v4.call("GET", "/v4/trackings/get", query="tracking_numbers=12345678.0")
    assert ok(answer) == []


async def test_v4_asks_no_airline_about_a_fraction(v4: HouseUnderTest) -> None:
    refused(await v4.call("POST", "/v4/awb", json={"awb_number": 2356903043.5}), 4160)


PAIR = {"tracking_number": NUMBER, "carrier_code": "usps"}
BAD_CALLS: list[tuple[str, str, Any, int]] = [
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_number": FRACTION}, 4014),
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_number": ROUNDED}, 4014),
    ("POST", "/v2/trackings/post", {**PAIR, "carrier_code": 8001.0}, 4015),
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_postal_code": 8001.0}, 4012),
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_account_number": 8001.0}, 4012),
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_key": 8001.0}, 4012),
    ("POST", "/v2/carriers/detect", {"tracking_number": FRACTION}, 4014),
    ("POST", "/v2/trackings/get", {"numbers": FRACTION}, 4014),
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_number": -123456780}, 4014),
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_number": "12345678.0"}, 4014),
    ("POST", "/v2/trackings/post", {**PAIR, "tracking_postal_code": -8001}, 4012),
    ("POST", "/v2/carriers/detect", {"tracking_number": -123456780}, 4014),
    ("POST", "/v2/trackings/get", {"numbers": -123456780}, 4014),
    ("POST", "/v2/trackings/get", {"numbers": [1234, -123456780]}, 4014),
    ("POST", "/v2/trackings/remote", [{"country": "CH", "postcode": 8001.0}], 4012),
    ("POST", "/v2/trackings/update", {**v2.PAIR, "update_carrier_code": 8001.0}, 4015),
]


async def test_v2_takes_no_fraction_for_a_number_or_code(tmp_path: Path) -> None:
    await v2.refuse_all(tmp_path, BAD_CALLS)


async def test_v2_lists_no_other_number(tmp_path: Path) -> None:
    async with v2.open_v2(tmp_path) as house:
        await v2.create(house, **PAIR)
        whole = await v2.succeed(house, "POST", "/v2/trackings/get", json={"numbers": 123456780})
        assert [item["tracking_number"] for item in whole["items"]] == [NUMBER]
        assert await v2.ask(house, "POST", "/v2/trackings/get", json={"numbers": FRACTION}) == (
            4014,
            [],
        )


@pytest.mark.parametrize("number", [-123456780, FRACTION, "12345678.0"])
async def test_v2_deletes_no_other_parcel(tmp_path: Path, number: float | str) -> None:
    async with v2.open_v2(tmp_path) as house:
        await v2.create(house, **PAIR)
        for call in ("delete", "notupdate", "updatemore"):
            item = {"tracking_number": number, "carrier_code": "usps", "title": "Mug"}
            await v2.ask(house, "POST", f"/v2/trackings/{call}", json=[item])
        kept = await v2.succeed(house, "GET", f"/v2/trackings/usps/{NUMBER}")
        assert (kept["tracking_number"], kept["title"]) == (NUMBER, None)


@pytest.mark.parametrize("number", [-123456780, FRACTION, "12345678.0"])
async def test_the_native_api_follows_no_other_number(tmp_path: Path, number: float | str) -> None:
    async with open_shop(tmp_path) as shop:
        body = {"number": number, "courier_code": "usps"}
        answer = await shop.ask("POST", "/api/trackings", json=body)
        assert answer.status == 422
        assert await count(shop.house) == 0
