"""v4 couriers/all and couriers/detect."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.couriers.detection import default_detector
from parcelwire.domain.status import Status
from tests.contract.store.samples import advance, create
from tests.support.house import HouseUnderTest
from tests.support.v4 import SWISS_NUMBER, USPS_NUMBER, count, ok, refused
from tests.support.v4_types import COURIER

ALL, DETECT = "/v4/couriers/all", "/v4/couriers/detect"


async def test_all_couriers_of_the_registry(v4: HouseUnderTest) -> None:
    couriers = ok(await v4.call("GET", ALL), [COURIER])
    assert [c["courier_code"] for c in couriers] == [c.code for c in v4.house.registry.all()]
    assert len(couriers) > 1000
    by_code = {courier["courier_code"]: courier for courier in couriers}
    swiss = by_code["swiss-post"]
    assert swiss["courier_name"] == "Swiss Post"
    assert swiss["courier_country_iso2"] == "CH"
    assert swiss["courier_type"] == "globalpost"
    assert swiss["courier_url"] == "https://www.post.ch/"
    assert swiss["tracking_required_fields"] is None
    assert set(swiss["support_language"]) == {"en", "de", "fr", "it"}
    assert by_code["mondialrelay"]["tracking_required_fields"] == ["tracking_postal_code"]
    assert {courier["courier_type"] for courier in couriers} == {"express", "globalpost"}
    # The second call answers the same bytes.
    assert ok(await v4.call("GET", ALL + "/")) == couriers


async def test_every_required_field_has_its_word_on_the_wire(v4: HouseUnderTest) -> None:
    shown = {
        c["courier_code"]: c["tracking_required_fields"] for c in ok(await v4.call("GET", ALL))
    }
    for courier in v4.house.registry.all():
        assert len(shown[courier.code] or []) == len(courier.required_fields)


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        (USPS_NUMBER, "usps"),
        (SWISS_NUMBER, "swiss-post"),
        ("99.60.123456.78901234", "swiss-post"),
        (int(SWISS_NUMBER), "swiss-post"),
    ],
)
async def test_detects(v4: HouseUnderTest, typed: Any, code: str) -> None:
    couriers = ok(await v4.call("POST", DETECT, json={"tracking_number": typed}), [COURIER])
    assert couriers[0]["courier_code"] == code


async def test_the_best_guess_comes_first(v4: HouseUnderTest) -> None:
    number = "12345678"
    couriers = ok(await v4.call("POST", DETECT, json={"tracking_number": number}), [COURIER])
    candidates = default_detector().detect(number)
    assert [c["courier_code"] for c in couriers] == [c.courier_code for c in candidates]
    assert len(couriers) > 1


async def test_the_best_guess_follows_what_the_account_uses(v4: HouseUnderTest) -> None:
    number = "14882345678902"
    for index in range(30):
        tracking = await create(
            v4.store, f"BRT{index}", world_id=v4.world_id, courier_code="bartolini"
        )
        await advance(v4.store, tracking, status=Status.DELIVERED)

    async def best(key: str) -> str:
        answer = await v4.call("POST", DETECT, json={"tracking_number": number}, key=key)
        return str(ok(answer, [COURIER])[0]["courier_code"])

    assert await best(v4.key) == "bartolini"
    assert await best(v4.test_key) == "dpd"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", 4111),
        (b"{}", 4111),
        (b"[]", 4111),
        (b'{"tracking_number":""}', 4111),
        (b'{"tracking_number":null}', 4111),
        (b'{"tracking_number":"A1"}', 4110),
        (b'{"tracking_number":"only letters"}', 4110),
        (b'{"tracking_number":"AAAA0AAAA"}', 4121),
        (b'{"tracking_number":["9400111899223857925380"]}', 4130),
        (b'"9400111899223857925380"', 4130),
        (b"not json", 4130),
        (b'{"tracking_number":"' + b"9" * 2_000_001 + b'"}', 4130),
    ],
)
async def test_bad_input(v4: HouseUnderTest, body: bytes, code: int) -> None:
    refused(await v4.call("POST", DETECT, body=body), code, data=[])
    assert await count(v4) == 0
