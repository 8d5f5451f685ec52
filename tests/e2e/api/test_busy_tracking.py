"""A tracking that others change all the time: each dialect says "try again", and then it works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from parcelwire.tracking.refresh import MAX_TRIES
from tests.support.house import HouseUnderTest
from tests.support.native_shop import ok as native_ok
from tests.support.native_shop import open_shop
from tests.support.native_shop import refused as native_refused
from tests.support.rivals import Rivals
from tests.support.v2 import ONE, OTHER_COURIER, PAIR, ask, open_v2
from tests.support.v2 import create as create_v2
from tests.support.v4 import create as create_v4
from tests.support.v4 import ok, refused


async def test_v2(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create_v2(house)
        move = {**PAIR, "update_carrier_code": OTHER_COURIER}
        for method, path, body in (
            ("PUT", ONE, {"title": "Shoes"}),
            ("POST", "/v2/trackings/update", move),
        ):
            rivals = Rivals(house.service, MAX_TRIES)
            assert await ask(house, method, path, json=body) == (503, [])
            assert rivals.fired == MAX_TRIES
        items = [{**PAIR, "title": "Shoes"}]
        Rivals(house.service, MAX_TRIES)
        _, data = await ask(house, "POST", "/v2/trackings/updatemore", json=items)
        assert [one["code"] for one in data["errors"]] == [503]
        Rivals(house.service, MAX_TRIES)
        answer = await house.call("PUT", ONE, json={"title": "Shoes"})
        assert answer.headers["retry-after"] == "120"
        code, data = await ask(house, "PUT", ONE, json={"title": "Shoes"})
        assert (code, data["title"]) == (200, "Shoes")


async def test_v4(v4: HouseUnderTest) -> None:
    path = f"/v4/trackings/update/{(await create_v4(v4))['id']}"
    for body in ({"title": "Shoes"}, {"courier_code_new": "ups"}):
        rivals = Rivals(v4.service, MAX_TRIES)
        answer = await v4.call("PUT", path, json=body)
        assert "try again" in refused(answer, 513)
        assert answer.headers["retry-after"] == "5"
        assert rivals.fired == MAX_TRIES
    assert ok(await v4.call("PUT", path, json={"title": "Shoes"}))["title"] == "Shoes"


async def test_native(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        made = await shop.follow("RA123456785CH")
        path = f"/api/trackings/{made['id']}"
        patch = {"details": {"title": "Shoes"}}
        calls: tuple[tuple[str, str, dict[str, Any]], ...] = (
            ("PATCH", path, {"json": patch}),
            ("POST", f"{path}/stop", {"idempotency_key": "stop"}),
            ("POST", f"{path}/correct-courier", {"json": {"courier_code": "dhl"}}),
        )
        for method, where, sent in calls:
            rivals = Rivals(shop.house.service, MAX_TRIES)
            answer = await shop.ask(method, where, **{**sent})
            native_refused(answer, 503, "tracking-busy")
            assert answer.headers["retry-after"] == "5"
            assert rivals.fired == MAX_TRIES
        # What was refused is not kept under the idempotency key.
        for method, where, sent in calls:
            answer = await shop.ask(method, where, **{**sent})
            assert "idempotency-replayed" not in answer.headers
            native_ok(answer)
        now = native_ok(await shop.ask("GET", path))
        assert (now["courier_code"], now["details"]["title"]) == ("dhl", "Shoes")
