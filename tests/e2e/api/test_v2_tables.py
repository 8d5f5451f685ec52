"""v2: couriers, the account, remote areas, times on a lane, air waybills."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from parcelwire.api.house import ApiSettings
from parcelwire.connectors.connections import SimulatedAirWaybills
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.status import Status, Substatus
from tests.contract.store.samples import advance
from tests.contract.store.samples import create as store_one
from tests.support.house import HouseUnderTest, report
from tests.support.v2 import (
    COURIER,
    NUMBER,
    OTHER_COURIER,
    OTHER_NUMBER,
    PAIR,
    ask,
    checkpoint,
    create,
    open_v2,
    succeed,
)


async def test_carriers_have_the_documented_shape(tmp_path: Path) -> None:
    settings = ApiSettings(public_url="https://track.example.com:8443")
    async with open_v2(tmp_path, settings=settings) as house:
        for path in ("/v2/carriers", "/v2/carriers/", "/v2//carriers"):
            couriers = await succeed(house, "GET", path)
        assert len(couriers) == len(default_registry())
        by_code = {courier["code"]: courier for courier in couriers}
        assert by_code[COURIER] == {
            "name": "Swiss Post",
            "code": COURIER,
            "phone": "0848 888 888",
            "homepage": "//www.post.ch/",
            "type": "globalpost",
            "picture": "//track.example.com:8443/v2/carriers/swiss-post.svg",
        }
        for courier in couriers:
            assert all(isinstance(value, str) for value in courier.values())
            assert courier["type"] in ("express", "globalpost")
            assert courier["homepage"] == "" or courier["homepage"].startswith("//")
            assert courier["picture"].startswith("//")


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("en", "Swiss Post"),
        ("cn", "瑞士邮政"),
        ("tw", "瑞士邮政"),
        ("zh-CN", "瑞士邮政"),
        ("it-CH", "Swiss Post"),
        ("es", "Swiss Post"),
        ("ru", "Swiss Post"),
        ("it", "Swiss Post"),
        ("", "Swiss Post"),
        ("xx; drop table", "Swiss Post"),
    ],
)
async def test_the_header_lang_names_carriers(asked: str, name: str, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        for sent in ({"headers": {"Lang": asked}}, {"query": f"lang={asked[:2]}"}):
            couriers = await succeed(house, "GET", "/v2/carriers", **sent)
            assert {one["code"]: one["name"] for one in couriers}[COURIER] == name


async def test_a_picture_needs_no_key_and_is_an_image(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        answer = await house.call("GET", "/v2/carriers/swiss-post.svg", key=None)
        assert answer.headers["content-type"].startswith("image/svg+xml")
        assert "".join(ElementTree.fromstring(answer.body).itertext()) == "SP"  # noqa: S314  # ours
        pictures = set()
        for courier in default_registry().all():
            answer = await house.call("GET", f"/v2/carriers/{courier.code}.svg", key=None)
            assert len("".join(ElementTree.fromstring(answer.body).itertext())) in (1, 2)  # noqa: S314  # ours
            pictures.add(answer.body)
        assert len(pictures) > 500


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_detect_reads_its_body_with_either_method(method: str, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        body = {"tracking_number": " rs 907483608 ch ", "lang": None}
        found = await succeed(house, method, "/v2/carriers/detect", json=body)
        assert found[0] == {"name": "Swiss Post", "code": COURIER}
        assert all(set(one) == {"name", "code"} for one in found)
        query = f"tracking_number={NUMBER}&lang=cn"
        found = await succeed(house, method, "/v2/carriers/detect", query=query)
        assert found[0] == {"name": "瑞士邮政", "code": COURIER}


async def test_detect_follows_what_the_account_uses(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        for index in range(30):
            tracking = await store_one(
                house.store, f"BRT{index}", world_id=house.world_id, courier_code="bartolini"
            )
            await advance(house.store, tracking, status=Status.DELIVERED)
        body = {"tracking_number": "14882345678902"}
        found = await succeed(house, "POST", "/v2/carriers/detect", json=body)
        assert found[0]["code"] == "bartolini"
        found = await succeed(house, "POST", "/v2/carriers/detect", json=body, key=house.test_key)
        assert found[0]["code"] == "dpd"


async def test_user_info(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        await create(house, carrier_code=OTHER_COURIER)
        await succeed(house, "DELETE", f"/v2/trackings/{OTHER_COURIER}/{NUMBER}")
        assert await succeed(house, "GET", "/v2/trackings/getuserinfo", body=b"") == {
            "email": "shop@example.com",
            "regtime": "1772359200",
            "phone": "",
            "money": 0,
            "track_number": 2,
        }
        of_test_world = await succeed(house, "GET", "/v2/trackings/getuserinfo", key=house.test_key)
        assert of_test_world["track_number"] == 0


async def test_remote_areas_come_from_the_operators_table(tmp_path: Path) -> None:
    path = "/v2/trackings/remote"
    asked = [
        {"country": "CN", "postcode": "400422"},
        {"country": "China", "postcode": "412 000", "company": "dhl"},
        {"country": "new zealand", "postcode": "Papaaroha"},
        {"country": "NZ", "postcode": 1010},
    ]
    async with open_v2(tmp_path) as house:
        assert await ask(house, "POST", path, json=asked) == (4031, [])
        await house.store.replace_remote_areas(
            [("CN", "412000", "DHL"), ("CN", "412000", "UPS"), ("NZ", "papaaroha", "TNT")]
        )
        data = await succeed(house, "POST", path, json=asked)
        assert [(one["country"], one["postcode"], one["company"]) for one in data] == [
            ("China", "412 000", "DHL"),
            ("new zealand", "Papaaroha", "TNT"),
        ]
        assert data[0] == {
            "country": "China",
            "postcode": "412 000",
            "company": "DHL",
            "country_code": "CN",
            "postal_code": "412 000",
            "remote_courier_code": "DHL",
        }
        # With a table, "nothing of this is remote" is an answer.
        assert await succeed(house, "POST", path, json=asked[:1]) == []


async def deliver(house: HouseUnderTest, number: str, days: int, **sent: str) -> None:
    """Follow a number whose carrier tells a way from China to the United States in ``days``."""
    house.carriers.script(
        COURIER,
        number,
        report(
            number,
            checkpoint("2025-12-01T08:00:00", "Accepted", Substatus.TRANSIT),
            checkpoint(
                f"{'2025-12' if days < 31 else '2026-02'}-{1 + days % 31:02d}T08:00:00",
                "Delivered",
                Substatus.DELIVERED,
            ),
            facts=ParcelFacts(origin_country="CN", destination_country="US"),
        ),
    )
    await succeed(
        house,
        "POST",
        "/v2/trackings/post",
        json={"tracking_number": number, "carrier_code": COURIER},
        **sent,
    )


async def test_cost_time_comes_from_the_own_history(tmp_path: Path) -> None:
    path = "/v2/trackings/costtime"
    lane = {"carrier_code": COURIER, "original": "CN", "destination": "US"}
    other = {"carrier_code": OTHER_COURIER, "original": "China", "destination": "United States"}
    async with open_v2(tmp_path) as house:
        assert await ask(house, "POST", path, json=[lane, other]) == (4031, [])
        # 62 days: from December 1 to February 1.
        for figure, days in enumerate((5, 7, 8, 16, 31)):
            await deliver(house, f"RS{figure:09d}CH", days)
        moving = checkpoint("2026-02-01T08:00:00", "Accepted", Substatus.TRANSIT)
        facts = ParcelFacts(origin_country="CN", destination_country="US")
        house.carriers.script(COURIER, NUMBER, report(NUMBER, moving, facts=facts))
        await create(house)
        data = await succeed(house, "POST", path, json=[lane, other])
        first, second = data
        figures = {
            "range1": 0.4,
            "range2": 0.2,
            "range3": 0.2,
            "range4": 0.0,
            "range5": 0.2,
            "average": 19.6,
        }
        assert first == {
            **lane,
            "total": 6,
            "delivered": 5,
            **figures,
            "range_1_7": 0.4,
            "range_8_15": 0.2,
            "range_16_30": 0.2,
            "range_31_60": 0.0,
            "range_60_up": 0.2,
            "average_delivery_time": 19.6,
        }
        assert (second["original"], second["destination"]) == ("CN", "US")
        assert (second["total"], second["delivered"]) == (0, 0)
        assert second["range1"] is None
        assert second["average_delivery_time"] is None
        # The way back is another lane, and the test world another history.
        back = {**lane, "original": "US", "destination": "CN"}
        assert await ask(house, "POST", path, json=[back]) == (4031, [])
        assert await ask(house, "POST", path, json=[lane], key=house.test_key) == (4031, [])


async def test_air_waybills_of_test_keys_are_simulated(tmp_path: Path) -> None:
    path = "/v2/trackings/aircargo"
    clock = FrozenClock()
    async with open_v2(tmp_path, clock=clock, air_waybills=SimulatedAirWaybills(clock)) as house:
        body = {"track_number": ["172-28891936", "17228891936", 23569030430], "lang": "en"}
        # Nobody can be asked for a live key until an upstream is configured.
        assert await ask(house, "POST", path, json=body) == (4031, [])
        data = await succeed(house, "POST", path, json=body, key=house.test_key)
        first = data[0]
        assert first["track_number"] == "172-28891936"
        assert list(first) == [
            "track_number",
            "status_number",
            "weight",
            "piece",
            "origin",
            "destination",
            "flight_way_station",
            "last_event",
            "flight_info",
            "track_info",
            "airline_info",
        ]
        assert isinstance(first["status_number"], int)
        assert isinstance(first["flight_info"], dict)
        assert first["flight_info"]
        event = first["track_info"][0]
        assert {"plan_date", "actual_date", "event", "station", "flight_number"} <= set(event)
        assert "T" not in event["actual_date"]
        assert [one["track_number"] for one in data] == ["172-28891936", "235-69030430"]
        for sent in ("172-28891936", "172 28891936,235-69030430", 17228891936):
            answer = await succeed(
                house, "POST", path, json={"track_number": sent}, key=house.test_key
            )
            assert answer[0] == first


async def test_an_air_waybill_of_no_known_airline_is_4031(tmp_path: Path) -> None:
    clock = FrozenClock()
    async with open_v2(tmp_path, clock=clock, air_waybills=SimulatedAirWaybills(clock)) as house:
        body = {"track_number": "999-00000000"}
        code, _ = await ask(house, "POST", "/v2/trackings/aircargo", json=body, key=house.test_key)
        assert code == 4031


async def test_head_is_answered_like_get_without_a_body(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        answer = await house.call("HEAD", "/v2/carriers")
        assert (answer.status, answer.body) == (200, b"")
        assert int(answer.headers["content-length"]) > 10_000


async def test_numbers_of_two_couriers_live_side_by_side(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        await create(house, carrier_code=OTHER_COURIER)
        await create(house, tracking_number=OTHER_NUMBER)
        data = await succeed(house, "GET", "/v2/trackings/get", query=f"numbers={NUMBER}")
        assert {item["carrier_code"] for item in data["items"]} == {COURIER, OTHER_COURIER}
        await succeed(house, "POST", "/v2/trackings/delete", json=[PAIR])
        data = await succeed(house, "GET", "/v2/trackings/get", query=f"numbers={NUMBER}")
        assert [item["carrier_code"] for item in data["items"]] == [OTHER_COURIER]
