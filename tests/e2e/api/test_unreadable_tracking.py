"""A tracking whose document cannot be read: each dialect says so, and the others go through."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.v2.errors import UNREADABLE
from tests.contract.store.damaging import DAMAGES, damage, document
from tests.contract.store.places import PLACES
from tests.support.house import HouseUnderTest
from tests.support.native_shop import ok as native_ok
from tests.support.native_shop import open_shop
from tests.support.native_shop import refused as native_refused
from tests.support.v2 import ONE, OTHER_COURIER, OTHER_PAIR, PAIR, ask, open_v2
from tests.support.v2 import create as create_v2
from tests.support.v4 import create as create_v4
from tests.support.v4 import refused

CUT = DAMAGES["cut"]


async def _break(house: HouseUnderTest, number: str) -> str:
    (stored,) = await house.store.find(house.world_id, number)
    await damage(house.store, stored.tracking.id)
    return stored.tracking.id


async def test_v2(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create_v2(house)
        bad = await _break(house, PAIR["tracking_number"])
        move = {**PAIR, "update_carrier_code": OTHER_COURIER}
        for method, path, body in (
            ("PUT", ONE, {"title": "Shoes"}),
            ("POST", "/v2/trackings/update", move),
        ):
            answer = (await house.call(method, path, json=body)).json()
            assert answer["meta"] == {"code": 409, "type": "Conflict", "message": UNREADABLE}
            assert answer["data"] == []
        assert await document(house.store, bad) == CUT


@pytest.mark.parametrize("call", ["updatemore", "notupdate"])
async def test_v2_the_others_of_a_list_go_through(tmp_path: Path, call: str) -> None:
    async with open_v2(tmp_path) as house:
        pairs = [{**PAIR, "tracking_number": f"RS90748360{n}CH"} for n in range(3)]
        for pair in (*pairs, OTHER_PAIR):
            await create_v2(house, **pair)
        await _break(house, pairs[1]["tracking_number"])
        items = [{**pair, "title": "Shoes"} for pair in (*pairs, OTHER_PAIR)]
        code, data = await ask(house, "POST", f"/v2/trackings/{call}", json=items)
        assert (code, data["submitted"], data["change"]) == (200, 4, 3)
        (error,) = data["errors"]
        assert (error["code"], error["message"]) == (409, UNREADABLE)
        assert error["tracking_number"] == pairs[1]["tracking_number"]
        for pair in (pairs[0], pairs[2], OTHER_PAIR):
            (stored,) = await house.store.find(house.world_id, pair["tracking_number"])
            if call == "updatemore":
                assert stored.tracking.details.title == "Shoes"
            else:
                assert stored.tracking.stopped_reason == "by_user"


async def test_v4(v4: HouseUnderTest) -> None:
    made = await create_v4(v4)
    await damage(v4.store, made["id"])
    path = f"/v4/trackings/update/{made['id']}"
    for body in ({"title": "Shoes"}, {"courier_code_new": "ups"}):
        answer = await v4.call("PUT", path, json=body)
        assert "stored document of this tracking cannot be read" in refused(answer, 511)
    # One that is there already is the error of its item; the others are created.
    items = [
        {"tracking_number": number, "courier_code": "usps"}
        for number in (made["tracking_number"], "9400111899223857925397")
    ]
    batch = (await v4.call("POST", "/v4/trackings/batch", json=items)).json()["data"]
    assert (len(batch["success"]), len(batch["error"])) == (1, 1)
    assert await document(v4.store, made["id"]) == CUT


@pytest.mark.parametrize("engine", sorted(PLACES))
async def test_native(tmp_path: Path, request: pytest.FixtureRequest, engine: str) -> None:
    async with open_shop(tmp_path, request, engine) as shop:
        made = await shop.follow("RA123456785CH")
        path = f"/api/trackings/{made['id']}"
        await damage(shop.house.store, made["id"])
        patch = {"details": {"title": "Shoes"}}
        calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("PATCH", path, {"json": patch}),
            ("POST", f"{path}/stop", {"idempotency_key": "stop"}),
            ("POST", f"{path}/correct-courier", {"json": {"courier_code": "dhl"}}),
        )
        for method, where, sent in calls:
            answer = await shop.ask(method, where, **{**sent})
            problem = native_refused(answer, 409, "tracking-unreadable")
            assert "its stored document cannot be read" in str(problem)
        # It is shown, the others of a batch are created, and it can be deleted.
        assert native_ok(await shop.ask("GET", path))["stopped_reason"] == "unreadable"
        drafts = [
            {"number": one, "courier_code": "swiss-post"}
            for one in (
                made["number"],
                "RA123456799CH",
            )
        ]
        batch = native_ok(
            await shop.ask("POST", "/api/trackings/batch", json={"trackings": drafts})
        )
        assert [bool(one.get("problem")) for one in batch["items"]] == [True, False]
        assert await document(shop.house.store, made["id"]) == CUT
        assert (await shop.ask("DELETE", path)).status == 204
