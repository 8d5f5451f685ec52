"""v4 trackings/create: create and get in one call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.domain.report import Outcome
from parcelwire.domain.status import Substatus
from parcelwire.tracking.service import ServiceSettings
from tests.support.house import HouseUnderTest, open_house, report
from tests.support.v4 import (
    DIALECTS,
    SWISS_NUMBER,
    USPS_NUMBER,
    count,
    create,
    ok,
    point,
    refused,
)
from tests.support.v4_types import ISO_UTC, TRACKING

PATH = "/v4/trackings/create"

OPTIONS = {
    "order_number": "#1234",
    "order_id": "1234",
    "order_date": "2026-02-20 08:30",
    "origin_country_iso2": "de",
    "destination_country_iso2": "CH",
    "customer_name": "Ada Lovelace",
    "customer_email": "ada@example.com",
    "customer_sms": "+41791234567",
    "recipient_postcode": "8001",
    "title": "Böx of “things” 📦",
    "logistics_channel": "express",
    "tracking_courier_account": "A-1",
    "tracking_postal_code": "8002",
    "tracking_origin_country": "Germany",
    "tracking_destination_country": "Switzerland",
    "tracking_ship_date": "20260221",
    "tracking_key": "k",
    "language": "de",
    "note": "ring twice",
    "label": "1,2",
}
"""Every documented option but ``auto_correct``, which no answer repeats."""


async def test_answers_the_new_tracking(v4: HouseUnderTest) -> None:
    tracking = ok(
        await v4.call(
            "POST", PATH, json={"tracking_number": USPS_NUMBER, "courier_code": "usps", **OPTIONS}
        ),
        TRACKING,
    )
    assert re.fullmatch("[0-9a-f]{32}", tracking["id"])
    assert re.fullmatch(ISO_UTC, tracking["created_at"])
    assert re.fullmatch(ISO_UTC, tracking["update_at"])
    assert tracking["tracking_number"] == USPS_NUMBER
    assert tracking["courier_code"] == "usps"
    assert tracking["delivery_status"] == "pending"
    assert tracking["updating"] is True
    kept = {
        name.replace("_iso2", ""): value for name, value in OPTIONS.items() if name != "language"
    }
    kept["origin_country"] = "DE"
    assert {name: tracking[name] for name in kept} == kept
    assert ok(await v4.call("GET", "/v4/trackings/get")) == [tracking]


async def test_includes_what_the_carrier_says_at_once(v4: HouseUnderTest) -> None:
    v4.carriers.script(
        "swiss-post",
        SWISS_NUMBER,
        report("", point("2026-02-27T09:00:00", "Sorted", Substatus.TRANSIT_AT_HUB, city="Bern")),
    )
    tracking = await create(v4, SWISS_NUMBER, courier_code="swiss-post")
    assert tracking["delivery_status"] == "transit"
    assert tracking["substatus"] == "transit002"
    assert tracking["latest_event"] == "Sorted,Bern,2026-02-27T09:00:00+01:00"
    assert tracking["origin_info"]["trackinfo"][0]["tracking_detail"] == "Sorted"
    assert ok(await v4.call("GET", "/v4/trackings/get")) == [tracking]


async def test_a_number_the_carrier_does_not_know_is_notfound(v4: HouseUnderTest) -> None:
    v4.carriers.connect("usps")
    tracking = await create(v4)
    assert (tracking["delivery_status"], tracking["substatus"]) == ("notfound", "notfound002")


async def test_a_carrier_out_of_order_is_not_notfound(v4: HouseUnderTest) -> None:
    v4.carriers.script("usps", USPS_NUMBER, report(outcome=Outcome.UNAVAILABLE))
    assert (await create(v4))["delivery_status"] == "pending"


async def test_texts_come_in_the_trackings_language(v4: HouseUnderTest) -> None:
    v4.carriers.phrases["swiss-post", "x1", "de"] = "Sortiert"
    said = point("2026-02-27T09:00:00", "Sorted", Substatus.TRANSIT, raw_code="x1", language="en")
    v4.carriers.script("swiss-post", SWISS_NUMBER, report("", said))
    tracking = await create(v4, SWISS_NUMBER, courier_code="swiss-post", language="de")
    assert tracking["origin_info"]["trackinfo"][0]["tracking_detail"] == "Sortiert"
    assert ok(await v4.call("GET", "/v4/trackings/get")) == [tracking]


@pytest.mark.parametrize("nothing", ["", None, "   "])
async def test_empty_and_null_mean_not_given(v4: HouseUnderTest, nothing: str | None) -> None:
    options = dict.fromkeys([*OPTIONS, "auto_correct"], nothing)
    tracking = await create(v4, **options)
    given = [name.replace("_iso2", "") for name in OPTIONS if name != "language"]
    assert {tracking[name] for name in given} == {None}


async def test_numbers_and_truth_values_are_taken_as_text(v4: HouseUnderTest) -> None:
    tracking = await create(v4, 9400111899223857925380, order_id=17, title=1.5, note=True)  # type: ignore[arg-type]  # as a careless client sends it
    assert tracking["tracking_number"] == USPS_NUMBER
    assert (tracking["order_id"], tracking["title"], tracking["note"]) == ("17", "1.5", "true")


@pytest.mark.parametrize(
    "typed",
    ["9400 1118 9922 3857 9253 80", "9400.1118.9922.3857.9253.80", " 9400111899223857925380 "],
)
async def test_the_compact_form_of_the_number_is_answered(v4: HouseUnderTest, typed: str) -> None:
    tracking = await create(v4, typed)
    assert tracking["tracking_number"] == USPS_NUMBER
    again = await v4.call(
        "POST", PATH, json={"tracking_number": USPS_NUMBER, "courier_code": "usps"}
    )
    refused(again, 4101, data={k: tracking[k] for k in ("id", "tracking_number", "courier_code")})


async def test_without_a_courier_it_is_found_from_the_number(v4: HouseUnderTest) -> None:
    answer = await v4.call("POST", PATH, json={"tracking_number": USPS_NUMBER})
    assert ok(answer, TRACKING)["courier_code"] == "usps"


async def test_courier_codes_are_read_kindly(v4: HouseUnderTest) -> None:
    assert (await create(v4, SWISS_NUMBER, courier_code="Swiss_Post"))["courier_code"] == (
        "swiss-post"
    )


async def test_the_same_number_with_another_courier_is_another_tracking(
    v4: HouseUnderTest,
) -> None:
    first = await create(v4)
    second = await create(v4, courier_code="dhl")
    assert first["id"] != second["id"]
    assert await count(v4) == 2


async def test_a_second_create_is_4101_with_the_first_one(v4: HouseUnderTest) -> None:
    tracking = await create(v4, title="first")
    answer = await v4.call(
        "POST",
        PATH,
        json={"tracking_number": USPS_NUMBER, "courier_code": "usps", "title": "second"},
    )
    identity = {name: tracking[name] for name in ("id", "tracking_number", "courier_code")}
    assert refused(answer, 4101, data=identity) == "Tracking No. already exists."
    assert ok(await v4.call("GET", "/v4/trackings/get")) == [tracking]


async def test_test_keys_have_a_world_of_their_own(v4: HouseUnderTest) -> None:
    await create(v4)
    body = {"tracking_number": USPS_NUMBER, "courier_code": "usps"}
    ok(await v4.call("POST", PATH, json=body, key=v4.test_key), TRACKING)
    assert (await count(v4), await count(v4, is_test=True)) == (1, 1)


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ({}, 4111, "Tracking_number is required."),
        ({"tracking_number": ""}, 4111, ""),
        ({"tracking_number": None, "courier_code": "usps"}, 4111, ""),
        ({"tracking_number": "  ", "courier_code": "usps"}, 4111, ""),
        ({"tracking_number": "A1", "courier_code": "usps"}, 4110, "tracking_number is invalid"),
        ({"tracking_number": "1" * 46, "courier_code": "usps"}, 4110, ""),
        ({"tracking_number": "ABCDEFGH", "courier_code": "usps"}, 4110, ""),
        ({"tracking_number": "番号12345", "courier_code": "usps"}, 4110, ""),
        ({"tracking_number": USPS_NUMBER, "courier_code": "no-such"}, 4120, "courier_code"),
        ({"tracking_number": "AAAA0AAAA"}, 4121, "Cannot detect courier."),
        ({"tracking_number": "12345678", "courier_code": "mondialrelay"}, 4122, "special required"),
        ({"tracking_number": [USPS_NUMBER], "courier_code": "usps"}, 4130, "tracking_number"),
        ({"tracking_number": USPS_NUMBER, "courier_code": {"a": 1}}, 4130, "courier_code"),
        ({"tracking_number": USPS_NUMBER, "courier_code": "usps", "title": ["a"]}, 4130, "title"),
        ({"tracking_number": USPS_NUMBER, "courier_code": "usps", "note": {}}, 4130, "note"),
        (
            {"tracking_number": USPS_NUMBER, "courier_code": "usps", "order_date": "soon"},
            4130,
            "The format of order_date is invalid.",
        ),
        (
            {"tracking_number": USPS_NUMBER, "courier_code": "usps", "order_date": "2026-02-30"},
            4130,
            "order_date",
        ),
        (
            {"tracking_number": USPS_NUMBER, "courier_code": "usps", "tracking_ship_date": "1 May"},
            4130,
            "tracking_ship_date",
        ),
        (
            {
                "tracking_number": USPS_NUMBER,
                "courier_code": "usps",
                "destination_country_iso2": "Switzerland",
            },
            4130,
            "destination_country_iso2",
        ),
        (
            {"tracking_number": USPS_NUMBER, "courier_code": "usps", "title": "x" * 5001},
            4130,
            "title",
        ),
        (
            {"tracking_number": USPS_NUMBER, "courier_code": "usps", "note": "a\0b"},
            4130,
            "note",
        ),
    ],
)
async def test_bad_values(v4: HouseUnderTest, body: Any, code: int, says: str) -> None:
    refused(await v4.call("POST", PATH, json=body), code, says=says)
    assert await count(v4) == 0


@pytest.mark.parametrize(
    ("courier", "given", "named"),
    [
        ("mondialrelay", {}, "tracking_postal_code"),
        ("hfd", {}, "tracking_postal_code, tracking_courier_account"),
        ("hfd", {"tracking_postal_code": "8000"}, "tracking_courier_account"),
        ("dxdelivery", {"tracking_postal_code": "8000"}, "tracking_destination_country"),
    ],
)
async def test_what_a_courier_wants_is_named(
    v4: HouseUnderTest, courier: str, given: dict[str, str], named: str
) -> None:
    body = {"tracking_number": "12345678", "courier_code": courier, **given}
    answer = await v4.call("POST", PATH, json=body)
    refused(answer, 4122)
    assert answer.headers["parcelwire-missing-fields"] == named
    assert await count(v4) == 0
    for field in named.split(", "):
        body[field] = "CH"
    answer = await v4.call("POST", PATH, json=body)
    ok(answer)
    assert "parcelwire-missing-fields" not in answer.headers


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", 4111),
        (b"  \n", 4111),
        (b"null", 4111),
        (b"[]", 4111),
        (b"{", 4130),
        (b"not json", 4130),
        (b"tracking_number=9400111899223857925380&courier_code=usps", 4130),
        (b'"9400111899223857925380"', 4130),
        (b"17", 4130),
        (b'[{"tracking_number":"9400111899223857925380","courier_code":"usps"}]', 4130),
        (
            b'{"tracking_number":"9400111899223857925380","courier_code":"usps","title":"\xff"}',
            4130,
        ),
        (b'{"tracking_number":"9400111899223857925380","courier_code":"usps","x":"\\ud800"}', 4130),
        (b'{"tracking_number":9' + b"9" * 5000 + b"}", 4130),
        (b'{"tracking_number":' * 5000, 4130),
        (b'{"x":' + b"[" * 100_000, 4130),
        (b'{"tracking_number":NaN}', 4130),
    ],
)
async def test_bad_bodies(v4: HouseUnderTest, raw: bytes, code: int) -> None:
    refused(await v4.call("POST", PATH, body=raw), code)
    assert await count(v4) == 0


async def test_a_huge_body_is_refused_unread(v4: HouseUnderTest) -> None:
    body = {
        "tracking_number": USPS_NUMBER,
        "courier_code": "usps",
        "unknown": "x" * v4.house.settings.max_body_bytes,
    }
    refused(await v4.call("POST", PATH, json=body), 4130, says="too large")
    assert await count(v4) == 0


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "application/json'", "text/plain", ""]
)
async def test_the_content_type_does_not_matter(v4: HouseUnderTest, content_type: str) -> None:
    answer = await v4.call(
        "POST",
        PATH,
        json={"tracking_number": USPS_NUMBER, "courier_code": "usps"},
        headers={"Content-Type": content_type},
    )
    ok(answer, TRACKING)


async def test_a_byte_order_mark_does_not_matter(v4: HouseUnderTest) -> None:
    body = b"\xef\xbb\xbf" + msgspec.json.encode({"tracking_number": USPS_NUMBER})
    ok(await v4.call("POST", PATH, body=body), TRACKING)


async def test_unknown_fields_do_not_matter(v4: HouseUnderTest) -> None:
    await create(v4, unheard_of={"a": [1, 2]})


async def test_special_fields_that_are_given_satisfy_the_courier(v4: HouseUnderTest) -> None:
    tracking = await create(
        v4, "12345678", courier_code="mondialrelay", tracking_postal_code="59510"
    )
    assert tracking["tracking_postal_code"] == "59510"


async def test_the_quota_is_4190_and_counts_live_trackings_only(tmp_path: Path) -> None:
    async with open_house(tmp_path, DIALECTS, quota=1) as house:
        first = await create(house)
        body = {"tracking_number": SWISS_NUMBER, "courier_code": "swiss-post"}
        refused(await house.call("POST", PATH, json=body), 4190, says="maximum quota")
        # What exists already is told even then, and a test key has no quota.
        body = {"tracking_number": USPS_NUMBER, "courier_code": "usps"}
        answer = await house.call("POST", PATH, json=body)
        assert answer.json()["data"]["id"] == first["id"]
        for number in (USPS_NUMBER, SWISS_NUMBER):
            body = {"tracking_number": number, "courier_code": "usps"}
            ok(await house.call("POST", PATH, json=body, key=house.test_key))
        assert await count(house) == 1


async def test_a_slow_carrier_does_not_hold_the_answer(tmp_path: Path) -> None:
    async with open_house(
        tmp_path, DIALECTS, service_settings=ServiceSettings(fetch_on_create=False)
    ) as house:
        house.carriers.connect("usps")
        assert (await create(house))["delivery_status"] == "pending"
        assert house.carriers.asked == []
