"""v4 trackings/get: by number, by filter, page by page."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from parcelwire.domain.report import CarrierReport
from parcelwire.domain.status import Status, Substatus
from tests.support.house import HouseUnderTest, report
from tests.support.v4 import SWISS_NUMBER, USPS_NUMBER, create, ok, point, refused
from tests.support.v4_types import TRACKING

PATH = "/v4/trackings/get"


async def get(house: HouseUnderTest, raw: str = "", **query: Any) -> list[dict[str, Any]]:
    answer = await house.call("GET", PATH, query=raw or urlencode(query))
    found: list[dict[str, Any]] = ok(answer, [TRACKING])
    return found


def numbers(found: list[dict[str, Any]]) -> list[str]:
    return [tracking["tracking_number"] for tracking in found]


async def test_nothing_is_an_empty_list(v4: HouseUnderTest) -> None:
    assert await get(v4) == []
    assert await get(v4, tracking_numbers=USPS_NUMBER) == []


async def test_newest_created_first(v4: HouseUnderTest) -> None:
    for number in ("AB10000001", "AB10000002", "AB10000003"):
        await create(v4, number)
        v4.clock.advance(1)
    assert numbers(await get(v4)) == ["AB10000003", "AB10000002", "AB10000001"]


async def test_by_numbers_however_they_are_typed(v4: HouseUnderTest) -> None:
    await create(v4)
    await create(v4, SWISS_NUMBER, courier_code="swiss-post")
    await create(v4, "AB10000001")
    assert numbers(await get(v4, tracking_numbers=USPS_NUMBER)) == [USPS_NUMBER]
    typed = "9400 1118 9922 3857 9253 80, 99.60.123456.78901234,"
    assert sorted(numbers(await get(v4, tracking_numbers=typed))) == [USPS_NUMBER, SWISS_NUMBER]
    assert numbers(await get(v4, tracking_numbers="ab10000001")) == ["AB10000001"]
    # Not percent-encoded, as some clients send it.
    raw = "tracking_numbers=9400+1118+9922+3857+9253+80"
    assert numbers(await get(v4, raw)) == [USPS_NUMBER]


async def test_numbers_that_cannot_be_are_not_a_call_for_all(v4: HouseUnderTest) -> None:
    await create(v4)
    assert await get(v4, tracking_numbers="--,..") == []
    assert await get(v4, tracking_numbers=",,") == []


async def test_one_number_with_two_couriers(v4: HouseUnderTest) -> None:
    await create(v4)
    await create(v4, courier_code="dhl")
    assert len(await get(v4, tracking_numbers=USPS_NUMBER)) == 2
    (found,) = await get(v4, tracking_numbers=USPS_NUMBER, courier_code="DHL")
    assert found["courier_code"] == "dhl"


async def test_forty_numbers_and_no_more(v4: HouseUnderTest) -> None:
    asked = [f"AB100000{i:02d}" for i in range(41)]
    for number in asked:
        await create(v4, number)
    assert len(await get(v4, tracking_numbers=",".join(asked[:40]))) == 40
    answer = await v4.call("GET", PATH, query=urlencode({"tracking_numbers": ",".join(asked)}))
    refused(answer, 4103, data=[])


async def test_by_courier(v4: HouseUnderTest) -> None:
    await create(v4)
    await create(v4, SWISS_NUMBER, courier_code="swiss-post")
    assert numbers(await get(v4, courier_code="swiss-post")) == [SWISS_NUMBER]
    refused(await v4.call("GET", PATH, query="courier_code=no-such"), 4120, data=[])


def a_report(substatus: Substatus) -> CarrierReport:
    return report("", point("2026-02-27T09:00:00", "said", substatus))


async def test_by_status(v4: HouseUnderTest) -> None:
    for number, substatus in {
        "AB10000001": Substatus.TRANSIT,
        "AB10000002": Substatus.DELIVERED,
        "AB10000003": Substatus.EXCEPTION_CUSTOMS_HOLD,
    }.items():
        v4.carriers.script("usps", number, a_report(substatus))
        await create(v4, number)
    await create(v4, courier_code="dhl")
    for status, expected in {
        "transit": ["AB10000001"],
        "delivered": ["AB10000002"],
        "Exception": ["AB10000003"],
        "pending": [USPS_NUMBER],
        "expired": [],
        "delivered,transit": ["AB10000002", "AB10000001"],
        "": [USPS_NUMBER, "AB10000003", "AB10000002", "AB10000001"],
        # One of nothing is nothing, as with tracking_numbers.
        ",": [],
        " , ": [],
    }.items():
        assert numbers(await get(v4, delivery_status=status)) == expected
    for status in Status:
        await get(v4, delivery_status=status.value)
    refused(
        await v4.call("GET", PATH, query="delivery_status=lost"),
        4130,
        data=[],
        says="delivery_status",
    )


async def test_by_archived_status(v4: HouseUnderTest) -> None:
    kept, gone = await create(v4, "AB10000001"), await create(v4, "AB10000002")
    await v4.call("PUT", f"/v4/trackings/update/{gone['id']}", json={"archived_status": "true"})
    for word, expected in {
        "true": [gone["id"]],
        "archived": [gone["id"]],
        "tracking": [kept["id"]],
        "false": [kept["id"]],
        "": [gone["id"], kept["id"]],
        "whatever": [gone["id"], kept["id"]],
    }.items():
        assert [item["id"] for item in await get(v4, archived_status=word)] == expected


async def test_by_dates(v4: HouseUnderTest) -> None:
    # The clock of the house stands at 2026-03-01T10:00:00Z.
    first = await create(v4, "AB10000001")
    v4.clock.advance(86_400 + 0.5)
    second = await create(v4, "AB10000002")
    await v4.call("PUT", f"/v4/trackings/update/{first['id']}", json={"title": "changed"})
    day_one, day_two = "AB10000001", "AB10000002"
    for query, expected in [
        ("created_date_min=2026-03-01", [day_two, day_one]),
        ("created_date_min=2026-03-02", [day_two]),
        ("created_date_max=2026-03-01", [day_one]),
        ("created_date_max=2026-03-02T10:00:00%2B00:00", [day_two, day_one]),
        ("created_date_max=2026-03-02T10:00", [day_two, day_one]),
        ("created_date_max=2026-03-02T09:59:59Z", [day_one]),
        # An undecoded plus arrives as a blank: 18:00 in Shanghai is 10:00 UTC.
        ("created_date_max=2026-03-01T18:00:00+08:00", [day_one]),
        ("created_date_min=2026-03-01T18:00:01+08:00", [day_two]),
        ("created_date_min=2026-03-01 10:00", [day_two, day_one]),
        ("created_date_min=2026-03-01&created_date_max=2026-03-01", [day_one]),
        ("updated_date_min=2026-03-02", [day_two, day_one]),
        ("updated_date_max=2026-03-01", []),
        ("created_date_min=&created_date_max=", [day_two, day_one]),
        ("created_date_min=2031-01-01", []),
    ]:
        assert numbers(await get(v4, query)) == expected, query
    # What an answer shows as its time lies within a period that ends there.
    shown = {"created_date_max": second["created_at"], "created_date_min": second["created_at"]}
    assert numbers(await get(v4, **shown)) == [day_two]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("created_date_min=yesterday", "created_date_min"),
        ("created_date_max=2026-02-30", "created_date_max"),
        ("updated_date_min=2026-13-01T00:00:00", "updated_date_min"),
        ("updated_date_max=01.03.2026", "updated_date_max"),
        ("pages_amount=0", "pages_amount"),
        ("pages_amount=-1", "pages_amount"),
        ("pages_amount=one", "pages_amount"),
        ("pages_amount=1.5", "pages_amount"),
        ("pages_amount=" + "9" * 5000, "pages_amount"),
        ("items_amount=0", "items_amount"),
        ("items_amount=201", "items_amount"),
        ("items_amount=%D9%A1", "items_amount"),
    ],
)
async def test_bad_values_are_4130(v4: HouseUnderTest, query: str, field: str) -> None:
    await create(v4)
    message = refused(await v4.call("GET", PATH, query=query), 4130, data=[])
    assert message == f"The format of {field} is invalid."


async def test_pages(v4: HouseUnderTest) -> None:
    made = [f"AB1{i:07d}" for i in range(103)]
    for start in range(0, 103, 40):
        batch = [{"tracking_number": n, "courier_code": "usps"} for n in made[start : start + 40]]
        ok(await v4.call("POST", "/v4/trackings/batch", json=batch))
    assert len(await get(v4)) == 100
    assert len(await get(v4, items_amount=200)) == 103
    assert len(await get(v4, pages_amount=2)) == 3
    assert await get(v4, pages_amount=3) == []
    assert await get(v4, pages_amount=10**9) == []
    seen: list[str] = []
    page = 1
    while part := await get(v4, items_amount=25, pages_amount=page):
        seen += numbers(part)
        page += 1
    assert page == 6
    assert sorted(seen) == made


async def test_in_the_language_that_is_asked_for(v4: HouseUnderTest) -> None:
    v4.carriers.phrases["usps", "x1", "fr"] = "En route"
    v4.carriers.phrases["usps", "x1", "zh"] = "运输中"
    said = point("2026-02-27T09:00:00", "On its way", Substatus.TRANSIT, raw_code="x1")
    v4.carriers.script("usps", USPS_NUMBER, report("", said))
    await create(v4)
    for language, text in {
        "": "On its way",
        "fr": "En route",
        "cn": "运输中",
        "xx": "On its way",
    }.items():
        (found,) = await get(v4, lang=language)
        assert found["origin_info"]["trackinfo"][0]["tracking_detail"] == text


@pytest.mark.parametrize("query", ["", "&", "&&=", "?", "unheard=of", "tracking_numbers"])
async def test_odd_queries_list_all(v4: HouseUnderTest, query: str) -> None:
    await create(v4)
    assert len(ok(await v4.call("GET", PATH, query=query))) == 1


async def test_a_body_on_get_does_not_matter(v4: HouseUnderTest) -> None:
    await create(v4)
    for body in (b"{}", b"not json", b"x" * (v4.house.settings.max_body_bytes + 1)):
        assert len(ok(await v4.call("GET", PATH, body=body))) == 1


async def test_the_trackings_of_others_are_not_there(v4: HouseUnderTest) -> None:
    await create(v4)
    assert ok(await v4.call("GET", PATH, key=v4.test_key)) == []


async def test_head_answers_like_get_without_the_body(v4: HouseUnderTest) -> None:
    await create(v4)
    got, head = await v4.call("GET", PATH), await v4.call("HEAD", PATH)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(got.body))
