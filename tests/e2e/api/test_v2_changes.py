"""v2: changes of one tracking, and asking its carrier now."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcelwire.domain.report import Outcome
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
    ask,
    checkpoint,
    create,
    open_v2,
    script_a_way,
    succeed,
)


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_update_changes_what_is_given(method: str, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house, title="old", comment="stays")
        house.clock.advance(60)
        item = await succeed(
            house,
            method,
            ONE,
            json={
                "title": "new",
                "customer_name": "a name",
                "customer_phone": "+41 000000000",
                "order_id": 123,
                "destination_code": "Germany",
                "archived": "true",
            },
        )
        assert set(item) == SHORT | {"updated_at", "destination_code", "archived"}
        assert item["title"] == "new"
        assert item["comment"] == "stays"
        assert item["order_id"] == "123"
        assert (item["destination_code"], item["destination"]) == ("DE", "DE")
        assert item["archived"] is True
        assert item["created_at"] == "2026-03-01T10:00:00+00:00"
        assert item["updated_at"] == "2026-03-01T10:01:00+00:00"
        for said, expected in (("false", False), (True, True), ("", True), (0, False), ("1", True)):
            item = await succeed(house, method, ONE, json={"archived": said})
            assert item["archived"] is expected, said


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b" \n"])
async def test_an_update_without_a_body_changes_nothing(body: bytes, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house, title="kept")
        before = await house.store.find(house.world_id, NUMBER)
        for method in ("PUT", "POST"):
            item = await succeed(house, method, ONE, body=body)
            assert item["title"] == "kept"
        assert await house.store.find(house.world_id, NUMBER) == before


@pytest.mark.parametrize("as_text", [False, True])
async def test_a_person_may_overrule_the_status(as_text: bool, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        moving = checkpoint("2026-02-28T08:00:00", "Sorted", Substatus.TRANSIT)
        house.carriers.script(COURIER, NUMBER, report(NUMBER, moving))
        await create(house)
        for figure, status in ((4, "delivered"), (7, "exception"), (8, "transit")):
            sent = str(figure) if as_text else figure
            item = await succeed(house, "PUT", ONE, json={"status": sent})
            assert item["status"] == status
            assert (await succeed(house, "GET", ONE))["status"] == status
        # Without a status in the body the one that was set stays.
        await succeed(house, "PUT", ONE, json={"status": 7})
        await succeed(house, "PUT", ONE, json={"title": "x", "status": ""})
        assert (await succeed(house, "GET", ONE))["status"] == "exception"


async def test_delete_leaves_nothing(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        await create(house, **OTHER_PAIR)
        assert await succeed(house, "DELETE", ONE, body=b"{") == []
        assert await ask(house, "DELETE", ONE) == (4017, [])
        assert await ask(house, "GET", ONE) == (4017, [])
        listed = await succeed(house, "GET", "/v2/trackings/get")
        assert [item["tracking_number"] for item in listed["items"]] == [OTHER_NUMBER]
        await create(house)


async def test_change_of_courier_keeps_the_id(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        script_a_way(house)
        created = await create(house, title="kept")
        changed = await succeed(
            house,
            "POST",
            "/v2/trackings/update",
            json={**PAIR, "update_carrier_code": OTHER_COURIER},
        )
        assert changed == {"Usertag": ""}
        assert (await ask(house, "GET", ONE))[0] == 4017
        item = await succeed(house, "GET", f"/v2/trackings/{OTHER_COURIER}/{NUMBER}")
        assert (item["id"], item["title"]) == (created["id"], "kept")
        # What the wrong courier said is gone.
        assert (item["status"], item["origin_info"]["trackinfo"]) == ("pending", [])
        again = {"tracking_number": NUMBER, "carrier_code": OTHER_COURIER}
        same = await succeed(
            house,
            "POST",
            "/v2/trackings/update",
            json={**again, "update_carrier_code": OTHER_COURIER},
        )
        assert same == {"Usertag": ""}


async def test_a_change_of_courier_wants_what_a_create_wants(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await create(house)
        body = {**PAIR, "update_carrier_code": "mondialrelay"}
        answer = await house.call("POST", "/v2/trackings/update", json=body)
        assert answer.json()["meta"]["code"] == 4012
        assert answer.headers["parcelwire-missing-fields"] == "tracking_postal_code"
        await succeed(house, "GET", ONE)
        await succeed(house, "PUT", ONE, json={"tracking_postal_code": "75001"})
        await succeed(house, "POST", "/v2/trackings/update", json=body)
        await succeed(house, "GET", f"/v2/trackings/mondialrelay/{NUMBER}")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_real_time_creates_then_asks_again(method: str, tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        first = checkpoint("2026-02-28T08:00:00", "Sorted", Substatus.TRANSIT)
        second = checkpoint("2026-03-01T09:00:00", "On its way", Substatus.PICKUP_OUT_FOR_DELIVERY)
        house.carriers.script(COURIER, NUMBER, report(NUMBER, first), report(NUMBER, first, second))
        body = {**PAIR, "order": "#123", "title": "a title"}
        query = f"tracking_number={NUMBER}&carrier_code={COURIER}&order=%23123&title=a+title"
        sent = {"json": body} if method == "POST" else {"query": query}
        (item,) = (await succeed(house, method, "/v2/trackings/realtime", **sent))["items"]
        assert (item["status"], item["order_id"], item["title"]) == ("transit", "#123", "a title")
        assert len(house.carriers.asked) == 1
        # Within a minute the store answers.
        (item,) = (await succeed(house, method, "/v2/trackings/realtime", **sent))["items"]
        assert (item["status"], len(house.carriers.asked)) == ("transit", 1)
        house.clock.advance(61)
        (item,) = (await succeed(house, method, "/v2/trackings/realtime", **sent))["items"]
        assert (item["status"], len(house.carriers.asked)) == ("pickup", 2)
        # Without a courier the one found from the number leads to the same tracking.
        asked = {"tracking_number": NUMBER}
        (same,) = (await succeed(house, "POST", "/v2/trackings/realtime", json=asked))["items"]
        assert same["id"] == item["id"]


async def test_real_time_without_anybody_to_ask_answers_what_is_known(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        (item,) = (await succeed(house, "POST", "/v2/trackings/realtime", json=PAIR))["items"]
        assert item["status"] == "pending"
        house.clock.advance(3600)
        (item,) = (await succeed(house, "POST", "/v2/trackings/realtime", json=PAIR))["items"]
        assert item["status"] == "pending"


async def test_a_carrier_out_of_order_spoils_neither_create_nor_real_time(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        house.carriers.script(COURIER, NUMBER, report(NUMBER, outcome=Outcome.UNAVAILABLE))
        assert (await create(house))["status"] == "pending"
        # Later than any pause after one failure.
        house.clock.advance(3 * 3600)
        (item,) = (await succeed(house, "POST", "/v2/trackings/realtime", json=PAIR))["items"]
        assert item["status"] == "pending"
        assert len(house.carriers.asked) == 2


async def test_real_time_counts_to_the_quota(tmp_path: Path) -> None:
    async with open_v2(tmp_path, quota=1) as house:
        await succeed(house, "POST", "/v2/trackings/realtime", json=PAIR)
        assert (await ask(house, "POST", "/v2/trackings/realtime", json=OTHER_PAIR))[0] == 4021
        # The one that is followed may be asked about as often as one likes.
        await succeed(house, "POST", "/v2/trackings/realtime", json=PAIR)
