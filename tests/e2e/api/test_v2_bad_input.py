"""What v2 answers to wrong requests: the right code, nothing stored, nothing lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.house import ApiSettings
from tests.support.v2 import (
    COURIER,
    NUMBER,
    ONE,
    OTHER_NUMBER,
    OTHER_PAIR,
    PAIR,
    ask,
    create,
    open_v2,
    refuse_all,
    stored_documents,
    succeed,
)

NOT_JSON = [b"{", b"tracking_number=RS907483608CH", b"<html>", b"\xff\xfe\x00", b'{"a":1}x', b"nul"]

TAKES_BODY = [
    ("POST", "/v2/carriers/detect"),
    ("GET", "/v2/carriers/detect"),
    ("POST", "/v2/trackings/post"),
    ("POST", "/v2/trackings/batch"),
    ("POST", "/v2/trackings/get"),
    ("POST", "/v2/trackings/realtime"),
    ("POST", "/v2/trackings/update"),
    ("POST", "/v2/trackings/updatemore"),
    ("POST", "/v2/trackings/delete"),
    ("POST", "/v2/trackings/notupdate"),
    ("POST", "/v2/trackings/getstatusnumber"),
    ("POST", "/v2/trackings/remote"),
    ("POST", "/v2/trackings/costtime"),
    ("POST", "/v2/trackings/aircargo"),
    ("PUT", ONE),
    ("POST", ONE),
]
LISTS = [
    ("/v2/trackings/batch", 4013),
    ("/v2/trackings/updatemore", 4013),
    ("/v2/trackings/delete", 4013),
    ("/v2/trackings/notupdate", 4013),
    ("/v2/trackings/remote", 4012),
    ("/v2/trackings/costtime", 4012),
]
"""Calls with many items, and the code for none."""


async def test_not_json_is_4015(tmp_path: Path) -> None:
    bodies = [*NOT_JSON, b"[" * 200_000]
    await refuse_all(tmp_path, [(*where, body, 4015) for where in TAKES_BODY for body in bodies])


async def test_a_huge_body_is_4012(tmp_path: Path) -> None:
    async with open_v2(tmp_path, settings=ApiSettings(max_body_bytes=5_000)) as house:
        await create(house)
        before = await stored_documents(house)
        body = b'{"tracking_number":"' + b"1" * 6_000 + b'"}'
        for method, path in TAKES_BODY:
            assert await ask(house, method, path, body=body) == (4012, []), path
        assert await stored_documents(house) == before


async def test_a_body_that_nobody_reads_may_be_anything(tmp_path: Path) -> None:
    async with open_v2(tmp_path, settings=ApiSettings(max_body_bytes=5_000)) as house:
        await create(house)
        for path in ("/v2/carriers", "/v2/trackings/get", "/v2/trackings/getuserinfo", ONE):
            for body in (b"{", b"[]", b"x" * 6_000, b'"text"'):
                await succeed(house, "GET", path, body=body)


OBJECTS = [
    "/v2/carriers/detect",
    "/v2/trackings/post",
    "/v2/trackings/realtime",
    "/v2/trackings/update",
    "/v2/trackings/get",
    "/v2/trackings/getstatusnumber",
    "/v2/trackings/aircargo",
    ONE,
]


async def test_no_object_is_4012(tmp_path: Path) -> None:
    bodies: list[Any] = ["text", 7, True, [PAIR], [1, 2]]
    await refuse_all(tmp_path, [("POST", path, body, 4012) for path in OBJECTS for body in bodies])


async def test_no_list_is_4012(tmp_path: Path) -> None:
    bodies: list[Any] = ["text", 7, PAIR, {"trackings": "x"}, {"0": PAIR}]
    await refuse_all(tmp_path, [("POST", path, body, 4012) for path, _ in LISTS for body in bodies])


async def test_a_list_of_nothing(tmp_path: Path) -> None:
    bodies = [b"", b"[]", b"{}", b"null", b'{"trackings":[]}']
    await refuse_all(
        tmp_path, [("POST", path, body, code) for path, code in LISTS for body in bodies]
    )


async def test_201_items_are_4020(tmp_path: Path) -> None:
    items = [{"tracking_number": f"RS{n:09d}CH", "carrier_code": COURIER} for n in range(201)]
    waybills = {"track_number": [f"172-{n:08d}" for n in range(201)]}
    await refuse_all(
        tmp_path,
        [
            *(("POST", path, items, 4020) for path, _ in LISTS),
            ("POST", "/v2/trackings/aircargo", waybills, 4020),
        ],
    )


@pytest.mark.parametrize("count", [41, 200])
async def test_up_to_200_items_are_taken(count: int, tmp_path: Path) -> None:
    items = [{"tracking_number": f"RS{n:09d}CH", "carrier_code": COURIER} for n in range(count)]
    async with open_v2(tmp_path) as house:
        code, data = await ask(house, "POST", "/v2/trackings/batch", json=items)
        assert (code, data["submitted"], data["added"]) == (201, count, count)
        assert data["errors"] == []
        assert len(await stored_documents(house)) == count


BAD_CREATES: list[tuple[Any, int]] = [
    ({}, 4013),
    ({"tracking_number": ""}, 4013),
    ({"tracking_number": "   "}, 4013),
    ({"tracking_number": None, "carrier_code": COURIER}, 4013),
    ({"tracking_number": "12", "carrier_code": "dhl"}, 4014),
    ({"tracking_number": "ÄÖÜ12345", "carrier_code": "dhl"}, 4014),
    ({"tracking_number": "1" * 6_000, "carrier_code": "dhl"}, 4014),
    ({"tracking_number": [OTHER_NUMBER], "carrier_code": "dhl"}, 4014),
    ({"tracking_number": {"a": 1}, "carrier_code": "dhl"}, 4014),
    ({"tracking_number": 12345.5, "carrier_code": "dhl"}, 4014),
    ({"tracking_number": True, "carrier_code": "dhl"}, 4014),
    ({"tracking_number": "123\x00456789", "carrier_code": "dhl"}, 4014),
    ({"tracking_number": OTHER_NUMBER, "carrier_code": "nobody"}, 4015),
    ({"tracking_number": OTHER_NUMBER, "carrier_code": ["dhl"]}, 4015),
    ({"tracking_number": OTHER_NUMBER, "carrier_code": {"a": 1}}, 4015),
    ({"tracking_number": OTHER_NUMBER, "carrier_code": "x" * 6_000}, 4015),
    ({"tracking_number": "QWERTYUIOPASDFG1"}, 4032),
    ({**OTHER_PAIR, "title": ["a"]}, 4012),
    ({**OTHER_PAIR, "title": {"a": 1}}, 4012),
    ({**OTHER_PAIR, "title": "x" * 6_000}, 4012),
    ({**OTHER_PAIR, "title": "a\0b"}, 4012),
    ({**OTHER_PAIR, "customer_email": [{"a": 1}]}, 4012),
    ({**OTHER_PAIR, "destination_code": "Atlantis"}, 4012),
    ({**OTHER_PAIR, "order_create_time": "yesterday"}, 4012),
    ({**OTHER_PAIR, "order_create_time": "2018/02/30 12:00"}, 4012),
    ({**OTHER_PAIR, "order_create_time": "2018-13-01"}, 4012),
    ({**OTHER_PAIR, "order_create_time": "2018-05-20 25:00"}, 4012),
    ({**OTHER_PAIR, "tracking_ship_date": "20181301"}, 4012),
    ({**OTHER_PAIR, "tracking_ship_date": "soon"}, 4012),
    ({"tracking_number": "12345678", "carrier_code": "mondialrelay"}, 4012),
]


@pytest.mark.parametrize("path", ["/v2/trackings/post", "/v2/trackings/realtime"])
async def test_a_create_that_cannot_be(path: str, tmp_path: Path) -> None:
    await refuse_all(tmp_path, [("POST", path, body, code) for body, code in BAD_CREATES])


@pytest.mark.parametrize(
    ("courier", "named"),
    [
        ("mondialrelay", "tracking_postal_code"),
        ("hfd", "tracking_postal_code, tracking_account_number"),
        ("dxdelivery", "tracking_postal_code, tracking_destination_country"),
    ],
)
async def test_what_a_courier_wants_is_named(courier: str, named: str, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        body = {"tracking_number": "12345678", "carrier_code": courier}
        answer = await house.call("POST", "/v2/trackings/post", json=body)
        assert answer.json()["meta"]["code"] == 4012
        assert answer.headers["parcelwire-missing-fields"] == named
        body |= dict.fromkeys(named.split(", "), "CH")
        answer = await house.call("POST", "/v2/trackings/post", json=body)
        assert answer.json()["meta"]["code"] == 200
        assert "parcelwire-missing-fields" not in answer.headers


async def test_in_a_batch_each_mistake_is_its_items_own(tmp_path: Path) -> None:
    items = [
        PAIR,
        "text",
        None,
        {"carrier_code": COURIER},
        {"tracking_number": ["x"], "carrier_code": COURIER},
        {"tracking_number": OTHER_NUMBER, "carrier_code": "nobody"},
        {**OTHER_PAIR, "title": {"a": 1}},
        {**PAIR},
        OTHER_PAIR,
    ]
    async with open_v2(tmp_path) as house:
        code, data = await ask(house, "POST", "/v2/trackings/batch", json=items)
        assert code == 201
        assert (data["submitted"], data["added"]) == (9, 2)
        assert [item["tracking_number"] for item in data["trackings"]] == [NUMBER, OTHER_NUMBER]
        assert sorted(error["code"] for error in data["errors"]) == [
            4012,
            4012,
            4012,
            4013,
            4014,
            4015,
            4016,
        ]
        assert {
            "tracking_number": OTHER_NUMBER,
            "carrier_code": "nobody",
            "code": 4015,
            "message": "The value of `carrier_code` is invalid.",
        } in data["errors"]
        assert len(await stored_documents(house)) == 2


BAD_UPDATES: list[tuple[Any, int]] = [
    ({"status": 5}, 4033),
    ({"status": "delivered"}, 4033),
    ({"status": True}, 4033),
    ({"status": 7.5}, 4033),
    ({"status": ["7"]}, 4012),
    ({"archived": "maybe"}, 4012),
    ({"archived": {}}, 4012),
    ({"destination_code": "U"}, 4012),
    ({"order_create_time": "never"}, 4012),
    ({"title": ["a"]}, 4012),
]


async def test_an_update_that_cannot_be(tmp_path: Path) -> None:
    # A good field beside the bad one is not stored either.
    await refuse_all(
        tmp_path,
        [("PUT", ONE, {"customer_name": "new", **fields}, code) for fields, code in BAD_UPDATES],
    )


async def test_many_updates_that_cannot_be(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house, title="kept")
        before = await stored_documents(house)
        items = [{**PAIR, "title": "new", **fields} for fields, _ in BAD_UPDATES]
        data = await succeed(house, "POST", "/v2/trackings/updatemore", json=items)
        assert (data["submitted"], data["updated"], data["change"]) == (len(items), 0, 0)
        assert [error["code"] for error in data["errors"]] == [code for _, code in BAD_UPDATES]
        assert await stored_documents(house) == before


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_a_path_that_names_no_tracking(method: str, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        for path, code in (
            (f"/v2/trackings/{COURIER}", 4013),
            (f"/v2/trackings/{COURIER}/", 4013),
            (f"/v2/trackings/{COURIER}/12", 4014),
            (f"/v2/trackings/nobody/{NUMBER}", 4015),
            (f"/v2/trackings/{COURIER}/{OTHER_NUMBER}", 4017),
            (f"/v2/trackings/china-ems/{NUMBER}", 4017),
            (f"/v2/trackings/{COURIER}/{NUMBER}/en/more", 404),
        ):
            assert await ask(house, method, path) == (code, []), path
        assert len(await stored_documents(house)) == 1


async def test_the_test_world_sees_nothing_of_the_live_one(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        for method in ("GET", "PUT", "DELETE"):
            assert await ask(house, method, ONE, key=house.test_key) == (4017, [])
        assert (await ask(house, "GET", "/v2/trackings/get", key=house.test_key))[0] == 4031
        await succeed(house, "GET", ONE)


BAD_CHANGES_OF_COURIER: list[tuple[Any, int]] = [
    ({}, 4013),
    ({"tracking_number": NUMBER}, 4015),
    ({**PAIR}, 4015),
    ({**PAIR, "update_carrier_code": ""}, 4015),
    ({**PAIR, "update_carrier_code": "nobody"}, 4015),
    ({**PAIR, "update_carrier_code": ["dhl"]}, 4015),
    ({**OTHER_PAIR, "update_carrier_code": "dhl"}, 4017),
    ({"tracking_number": "1", "carrier_code": COURIER, "update_carrier_code": "dhl"}, 4014),
]


async def test_a_change_of_courier_that_cannot_be(tmp_path: Path) -> None:
    path = "/v2/trackings/update"
    await refuse_all(
        tmp_path, [("POST", path, body, code) for body, code in BAD_CHANGES_OF_COURIER]
    )


UNKNOWN_PATHS = [
    "/v2",
    "/v2/",
    "/v2/nothing",
    "/v2/carriers/all",
    "/v2/carriers/nobody.svg",
    "/v2/trackings",
    "/v2/trackings/getusetrack",
    "/v2/trackings/post/a/b/c",
]


async def test_an_unknown_path_is_404(tmp_path: Path) -> None:
    methods = ("GET", "POST", "PUT", "DELETE", "PATCH")
    await refuse_all(
        tmp_path, [(method, path, PAIR, 404) for path in UNKNOWN_PATHS for method in methods]
    )


WRONG_METHODS = [
    ("POST", "/v2/carriers"),
    ("DELETE", "/v2/carriers/detect"),
    ("GET", "/v2/trackings/post"),
    ("PUT", "/v2/trackings/post"),
    ("GET", "/v2/trackings/batch"),
    ("PUT", "/v2/trackings/get"),
    ("GET", "/v2/trackings/update"),
    ("GET", "/v2/trackings/updatemore"),
    ("GET", "/v2/trackings/delete"),
    ("DELETE", "/v2/trackings/delete"),
    ("GET", "/v2/trackings/notupdate"),
    ("POST", "/v2/trackings/getuserinfo"),
    ("DELETE", "/v2/trackings/getstatusnumber"),
    ("GET", "/v2/trackings/remote"),
    ("GET", "/v2/trackings/costtime"),
    ("GET", "/v2/trackings/aircargo"),
    ("PATCH", ONE),
]


async def test_a_wrong_method_is_405(tmp_path: Path) -> None:
    await refuse_all(tmp_path, [(*where, PAIR, 405) for where in WRONG_METHODS])


WRITES = [
    ("POST", "/v2/trackings/post"),
    ("POST", "/v2/trackings/batch"),
    ("POST", "/v2/trackings/realtime"),
    ("GET", "/v2/trackings/realtime"),
    ("POST", "/v2/trackings/update"),
    ("POST", "/v2/trackings/updatemore"),
    ("POST", "/v2/trackings/delete"),
    ("POST", "/v2/trackings/notupdate"),
    ("PUT", ONE),
    ("POST", ONE),
    ("DELETE", ONE),
]


async def test_a_reading_key_cannot_write(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        key = await house.add_key(scope="read")
        before = await stored_documents(house)
        for method, path in WRITES:
            for body in (OTHER_PAIR, [OTHER_PAIR], [PAIR]):
                assert await ask(house, method, path, json=body, key=key) == (403, []), path
        assert await stored_documents(house) == before
        await succeed(house, "GET", ONE, key=key)
        await succeed(house, "POST", "/v2/trackings/get", key=key)


@pytest.mark.parametrize("key", ["", "pw_live_", "x" * 5_000, "schlüssel", "a b c"])
async def test_a_key_of_no_form(key: str, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        headers = {"Trackingmore-Api-Key": key}
        code, _ = await ask(house, "GET", "/v2/carriers", headers=headers, key=None)
        assert code == (401 if not key else 4001)
