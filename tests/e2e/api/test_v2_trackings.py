"""v2: one tracking's life, from create to delete."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.status import Substatus
from tests.support.house import report
from tests.support.v2 import (
    COURIER,
    NUMBER,
    ONE,
    OTHER_COURIER,
    OTHER_NUMBER,
    OTHER_PAIR,
    PAIR,
    SHORT,
    checkpoint,
    create,
    open_v2,
    script_a_way,
    succeed,
)

FULL = [
    "id",
    "tracking_number",
    "carrier_code",
    "status",
    "track_update",
    "created_at",
    "updated_at",
    "order_create_time",
    "customer_email",
    "title",
    "order_id",
    "comment",
    "customer_name",
    "archived",
    "original_country",
    "destination_country",
    "itemTimeLength",
    "stayTimeLength",
    "service_code",
    "status_info",
    "substatus",
    "singed_by",
    "origin_info",
    "lastEvent",
    "lastUpdateTime",
]
"""Names in the order of the wire, of a tracking with one leg."""


async def test_create_answers_the_short_item(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        item = await create(
            house,
            title="a title",
            customer_name="a name",
            customer_email="someone@example.com",
            customer_phone=41791234567,
            order_id="#123",
            comment="a comment",
            logistics_channel="a channel",
            order_create_time="2018/9/8 16:51",
            destination_code="us",
            lang="en",
        )
        assert set(item) == SHORT
        assert re.fullmatch("[0-9a-f]{32}", item.pop("id"))
        assert item == {
            **PAIR,
            "status": "pending",
            "created_at": "2026-03-01T10:00:00+00:00",
            "order_create_time": "2018/9/8 16:51",
            "customer_email": "someone@example.com",
            "customer_name": "a name",
            "customer_phone": "41791234567",
            "order_id": "#123",
            "comment": "a comment",
            "title": "a title",
            "logistics_channel": "a channel",
            "destination": "US",
        }


async def test_empty_and_null_mean_not_given(tmp_path: Path) -> None:
    nothing = dict.fromkeys(
        ("title", "customer_name", "customer_email", "order_id", "destination_code", "comment"), ""
    )
    nulls = dict.fromkeys(
        ("logistics_channel", "order_create_time", "tracking_ship_date", "lang", "auto_correct")
    )
    async with open_v2(tmp_path) as house:
        item = await create(house, **nothing, **nulls, customer_phone="  ")
        assert item["order_create_time"] == 0
        assert item["destination"] == ""
        for field in ("title", "customer_name", "customer_email", "customer_phone", "order_id"):
            assert item[field] is None
        await succeed(house, "PUT", ONE, json={"title": "kept", "order_id": "kept"})
        kept = await succeed(house, "PUT", ONE, json={"title": "", "order_id": None})
        assert (kept["title"], kept["order_id"]) == ("kept", "kept")


async def test_fields_that_some_carriers_want_reach_the_tracking(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(
            house,
            tracking_ship_date="20180908",
            tracking_postal_code=12201,
            tracking_account_number="A-1",
            specialNumberDestination="UK",
            customer_email=["a@example.com", "b@example.com"],
            order_create_time="2018-05-20 12:00",
            auto_correct=1,
        )
        (stored,) = await house.store.find(house.world_id, NUMBER)
        details = stored.tracking.details
        assert (details.ship_date, details.postal_code) == ("20180908", "12201")
        assert (details.courier_account, details.tracking_destination_country) == ("A-1", "UK")
        assert details.customer_email == "a@example.com,b@example.com"
        assert stored.tracking.ordered_at == 1_526_817_600_000
        assert stored.tracking.is_auto_correct_disabled


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/json'"},
        {"content-type": "text/plain", "X-Requested-With": "XMLHttpRequest", "Client-Id": "1"},
        {},
    ],
)
async def test_json_counts_whatever_the_content_type_says(
    headers: dict[str, str], tmp_path: Path
) -> None:
    async with open_v2(tmp_path) as house:
        await succeed(
            house,
            "POST",
            "//v2//trackings/post/",
            body=b"\xef\xbb\xbf "
            + b'{"tracking_number":"rs 907-483.608 ch","carrier_code":"Swiss_Post"}',
            headers=headers,
        )
        item = await succeed(house, "GET", f"/v2/trackings/{COURIER}/{NUMBER.lower()}/")
        assert (item["tracking_number"], item["carrier_code"]) == (NUMBER, COURIER)


async def test_without_a_courier_it_is_found_from_the_number(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        item = await succeed(house, "POST", "/v2/trackings/post", json={"tracking_number": NUMBER})
        assert item["carrier_code"] == COURIER


async def test_the_key_may_come_under_the_newer_name(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        headers = {"tracking-API-key": f" {house.key} "}
        await succeed(house, "GET", "/v2/trackings/getuserinfo", headers=headers, key=None)


async def test_get_answers_the_full_item(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        script_a_way(house)
        created = await create(house, title="a title", order_create_time="2026-02-19 10:00")
        assert created["status"] == "delivered"
        house.clock.advance(3 * 24 * 3600)
        item = await succeed(house, "GET", ONE)
        assert list(item) == FULL
        info = item.pop("origin_info")
        assert item == {
            "id": created["id"],
            **PAIR,
            "status": "delivered",
            "track_update": False,
            "created_at": "2026-03-01T10:00:00+00:00",
            "updated_at": "2026-03-01T10:00:00+00:00",
            "order_create_time": "2026-02-19 10:00",
            "customer_email": "",
            "title": "a title",
            "order_id": None,
            "comment": None,
            "customer_name": None,
            "archived": False,
            "original_country": "Switzerland",
            "destination_country": "United States",
            "itemTimeLength": 7,
            "stayTimeLength": 4,
            "service_code": "PRIORITY",
            "status_info": None,
            "substatus": "delivered003",
            "singed_by": "M. Muster",
            "lastEvent": "Delivered,Albany,2026-02-27 11:12:13",
            "lastUpdateTime": "2026-02-27 11:12:13",
        }
        rows = info.pop("trackinfo")
        assert info == {
            "ReferenceNumber": "REF-1",
            "ItemReceived": "2026-02-20 08:00:00",
            "ItemDispatched": "2026-02-21 09:30:00",
            "DepartfromAirport": "2026-02-22 09:30:00",
            "ArrivalfromAbroad": None,
            "CustomsClearance": None,
            "DestinationArrived": None,
            "weblink": "https://www.post.ch/",
            "phone": "0848 888 888",
            "carrier_code": COURIER,
        }
        assert rows[0] == {
            "Date": "2026-02-27 11:12:13",
            "StatusDescription": "Delivered",
            "Details": "Albany",
            "checkpoint_status": "delivered",
        }
        assert rows[1] == {
            "Date": "2026-02-25",
            "StatusDescription": "A note",
            "Details": "",
            "checkpoint_status": "",
        }
        assert [row.get("ItemNode") for row in rows] == [
            None,
            None,
            "DepartfromAirport",
            "ItemDispatched",
            "ItemReceived",
        ]


async def test_the_third_segment_is_a_language(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        script_a_way(house)
        await create(house)
        for path, query, text in (
            (ONE, "", "Delivered"),
            (f"{ONE}/", "", "Delivered"),
            (f"{ONE}/de", "", "Zugestellt"),
            (f"{ONE}/DE-ch/", "", "Zugestellt"),
            (ONE, "lang=de", "Zugestellt"),
            (f"{ONE}/en", "lang=de", "Delivered"),
            (f"{ONE}/ru", "", "Delivered"),
        ):
            item = await succeed(house, "GET", path, query=query)
            assert item["origin_info"]["trackinfo"][0]["StatusDescription"] == text, path
            assert item["lastEvent"].startswith(text)


async def test_a_second_leg_has_an_info_of_its_own(tmp_path: Path) -> None:
    from parcelwire.domain.checkpoint import Leg

    async with open_v2(tmp_path) as house:
        house.carriers.script(
            COURIER,
            NUMBER,
            report(
                NUMBER,
                checkpoint("2026-02-20T08:00:00", "Accepted", Substatus.TRANSIT),
                checkpoint(
                    "2026-02-24T08:00:00",
                    "Arrived",
                    Substatus.TRANSIT_IN_DESTINATION_COUNTRY,
                    leg=Leg.DESTINATION,
                ),
                facts=ParcelFacts(partner_courier_code="usps"),
            ),
        )
        await create(house)
        item = await succeed(house, "GET", ONE)
        assert list(item)[22:24] == ["origin_info", "destination_info"]
        near, far = item["origin_info"], item["destination_info"]
        assert [len(near["trackinfo"]), len(far["trackinfo"])] == [1, 1]
        assert (near["carrier_code"], far["carrier_code"]) == (COURIER, "usps")
        assert far["weblink"]
        assert far["ArrivalfromAbroad"] == "2026-02-24 08:00:00"


async def test_announced_is_notfound001_in_v2(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        told = checkpoint("2026-02-28T08:00:00", "Data received", Substatus.INFORECEIVED)
        house.carriers.script(COURIER, NUMBER, report(NUMBER, told))
        house.carriers.connect(OTHER_COURIER)
        assert (await create(house))["status"] == "notfound"
        item = await succeed(house, "GET", ONE)
        assert (item["status"], item["substatus"]) == ("notfound", "notfound001")
        assert item["origin_info"]["trackinfo"][0]["checkpoint_status"] == "notfound"
        # A number that its carrier positively does not know is notfound002.
        await create(house, **OTHER_PAIR)
        other = await succeed(house, "GET", f"/v2/trackings/{OTHER_COURIER}/{OTHER_NUMBER}")
        assert (other["status"], other["substatus"]) == ("notfound", "notfound002")
        assert (other["lastEvent"], other["itemTimeLength"]) == (None, None)
        # Filter and counts put both under the one word.
        listed = await succeed(house, "GET", "/v2/trackings/get", query="status=notfound")
        assert listed["total"] == "2"
        counts = await succeed(house, "GET", "/v2/trackings/getstatusnumber")
        assert counts == {
            "pending": 0,
            "notfound": 2,
            "transit": 0,
            "pickup": 0,
            "delivered": 0,
            "undelivered": 0,
            "exception": 0,
            "expired": 0,
        }
