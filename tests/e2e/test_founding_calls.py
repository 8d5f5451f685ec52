"""The seventeen calls of the founding client, as it sends them, against a real server.

Plain http by urllib, its headers, its bodies (an empty one with nearly every call). urllib raises
on any HTTP status above 399, so an answer at all already says something.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.v2.errors import CODES
from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.status import Substatus
from parcelwire.tracking.drafts import Draft
from tests.support.house import HouseUnderTest, report, serve
from tests.support.v2 import SHORT, checkpoint, open_v2

TABLE = json.loads((Path(__file__).parents[1] / "data" / "founding-calls.json").read_bytes())
CALLS: dict[str, Any] = {call["name"]: call for call in TABLE["calls"]}
OTHER_WORLD = 200
"""A world of an account that is not the caller's: its parcels make the history of a lane."""


def send(address: str, key: str, call: dict[str, Any]) -> Any:
    """Make one call the way the founding client does."""
    body = call["body"]
    data = None if body is None else b"" if body == "" else json.dumps(body).encode()
    request = urllib.request.Request(
        f"http://{address}{call['path']}",
        data=data,
        headers={**TABLE["headers"], TABLE["key_header"]: key},
        method=call["method"],
    )
    # A proxy of this machine's user is none of the client's.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as answer:
        assert answer.status == 200
        return json.loads(answer.read())


async def prepare(house: HouseUnderTest, given: list[dict[str, str]]) -> None:
    """Load the operator's table, make a history of deliveries, and follow what is given."""
    await house.store.replace_remote_areas([("CN", "400422", "DHL"), ("CN", "412000", "DHL")])
    way = [
        checkpoint("2026-02-20T08:00:00", "Accepted", Substatus.TRANSIT, location="Shenzhen"),
        checkpoint("2026-02-26T09:00:00", "Arrived", Substatus.TRANSIT_IN_DESTINATION_COUNTRY),
    ]
    facts = ParcelFacts(origin_country="CN", destination_country="US")
    for number, end in (("RS111111111CH", "2026-02-25"), ("RS222222222CH", "2026-03-04")):
        delivered = checkpoint(f"{end}T10:00:00", "Delivered", Substatus.DELIVERED)
        for code in ("swiss-post", "china-ems"):
            house.carriers.script(code, number, report(number, way[0], delivered, facts=facts))
            await house.service.create(OTHER_WORLD, Draft(number=number, courier_code=code))
    house.carriers.script("swiss-post", "RS907483608CH", report("", *way, facts=facts))
    for pair in given:
        draft = Draft(number=pair["tracking_number"], courier_code=pair["carrier_code"])
        await house.service.create(house.world_id, draft)


async def replay(folder: Path, name: str) -> tuple[Any, list[str]]:
    """Return the data of one call's answer, and what is followed after it."""
    from parcelwire.tracking.ports import TrackingFilter

    call = CALLS[name]
    async with open_v2(folder) as house, serve(house.door) as address:
        await prepare(house, call["given"])
        answer = await asyncio.to_thread(send, address, house.key, call)
        kind, message = CODES[call["code"]]
        assert answer["meta"] == {"code": call["code"], "type": kind, "message": message}
        assert set(answer) == {"meta", "data"}
        stored = await house.store.list_trackings(
            house.world_id, TrackingFilter(), offset=0, limit=100
        )
        followed = [f"{one.tracking.courier_code}/{one.tracking.number}" for one in stored]
        return answer["data"], sorted(followed)


def is_full_item(item: Any) -> None:
    assert item["tracking_number"] == "RS907483608CH"
    assert item["carrier_code"] == "swiss-post"
    assert item["status"] == "transit"
    assert item["substatus"] == "transit004"
    assert item["original_country"] == "China"
    assert item["destination_country"] == "United States"
    assert item["lastUpdateTime"] == "2026-02-26 09:00:00"
    info = item["origin_info"]
    assert info["carrier_code"] == "swiss-post"
    assert info["ItemReceived"] == "2026-02-20 08:00:00"
    assert info["trackinfo"][0] == {
        "Date": "2026-02-26 09:00:00",
        "StatusDescription": "Arrived",
        "Details": "",
        "checkpoint_status": "transit",
        "ItemNode": "ArrivalfromAbroad",
    }
    assert info["trackinfo"][1]["Details"] == "Shenzhen"


def check_carriers(data: Any) -> None:
    assert len(data) > 1_000
    assert {"name", "code", "phone", "homepage", "type", "picture"} == set(data[0])
    assert {"swiss-post", "china-ems"} <= {carrier["code"] for carrier in data}


def check_detect(data: Any) -> None:
    assert data[0] == {"name": "Swiss Post", "code": "swiss-post"}


def check_create(data: Any) -> None:
    sent = CALLS["create"]["body"]
    assert set(data) == SHORT
    for name in ("tracking_number", "carrier_code", "title", "customer_name", "customer_email"):
        assert data[name] == sent[name]
    for name in ("order_id", "order_create_time", "logistics_channel"):
        assert data[name] == sent[name]
    assert data["destination"] == "US"
    assert data["status"] == "transit"


def check_list(data: Any) -> None:
    assert (data["page"], data["limit"], data["total"], data["count"]) == (1, 100, "1", 1)
    is_full_item(data["items"][0])


def check_create_many(data: Any) -> None:
    assert (data["submitted"], data["added"]) == (2, 1)
    (item,) = data["trackings"]
    assert (item["tracking_number"], item["carrier_code"]) == ("LZ448865302CN", "china-ems")
    assert (item["order_create_time"], item["status"]) == (0, "pending")
    assert data["errors"] == [
        {
            "tracking_number": "RS907483608CH",
            "carrier_code": "swiss-post",
            "code": 4016,
            "message": "Tracking already exists.",
        }
    ]


def check_update(data: Any) -> None:
    sent = CALLS["update"]["body"]
    for name in ("title", "customer_name", "customer_email", "customer_phone", "order_id"):
        assert data[name] == sent[name]
    assert (data["destination_code"], data["archived"]) == ("US", False)
    assert data["status"] == "exception"
    assert data["updated_at"]


def check_real_time(data: Any) -> None:
    (item,) = data["items"]
    is_full_item(item)


def check_user_info(data: Any) -> None:
    assert set(data) == {"email", "regtime", "phone", "money", "track_number"}
    assert (data["email"], data["regtime"]) == ("shop@example.com", "1772359200")


def check_status_counts(data: Any) -> None:
    assert data == {
        "pending": 0,
        "notfound": 1,
        "transit": 1,
        "pickup": 0,
        "delivered": 0,
        "undelivered": 0,
        "exception": 0,
        "expired": 0,
    }


def check_do_not_update(data: Any) -> None:
    sent = CALLS["do not update"]["body"]
    assert data == {"submitted": 2, "change": 2, "trackings": sent, "errors": []}


def check_remote_area(data: Any) -> None:
    assert [(one["country"], one["postcode"], one["company"]) for one in data] == [
        ("CN", "400422", "DHL"),
        ("CN", "412000", "DHL"),
    ]


def check_cost_time(data: Any) -> None:
    assert [one["carrier_code"] for one in data] == ["swiss-post", "china-ems"]
    for one in data:
        assert (one["original"], one["destination"]) == ("CN", "US")
        assert (one["total"], one["delivered"]) == (2, 2)
        # Five days and twelve.
        assert (one["range1"], one["range2"], one["range3"]) == (0.5, 0.5, 0)
        assert one["average"] == 8.5


def check_delete_many(data: Any) -> None:
    sent = CALLS["delete many"]["body"]
    assert data == {
        "submitted": 2,
        "delete": 2,
        "trackings": [{"meta": pair} for pair in sent],
        "errors": [],
    }


def check_update_many(data: Any) -> None:
    sent = CALLS["update many"]["body"][0]
    assert (data["submitted"], data["updated"], data["errors"]) == (1, 1, [])
    (item,) = data["trackings"]
    assert (item["title"], item["order_id"]) == (sent["title"], sent["order_id"])
    assert item["status"] == "exception"


def equals(expected: Any) -> Callable[[Any], None]:
    def check(data: Any) -> None:
        assert data == expected

    return check


RS, LZ = "swiss-post/RS907483608CH", "china-ems/LZ448865302CN"

ANSWERS: dict[str, tuple[Callable[[Any], None], list[str]]] = {
    "list carriers": (check_carriers, []),
    "detect": (check_detect, []),
    "create": (check_create, [RS]),
    "list": (check_list, [RS]),
    "get one": (is_full_item, [RS]),
    "create many": (check_create_many, [LZ, RS]),
    "update": (check_update, [RS]),
    "delete one": (equals([]), []),
    "real time": (check_real_time, [RS]),
    "change carrier": (equals({"Usertag": ""}), ["china-ems/RS907483608CH"]),
    "user info": (check_user_info, [RS]),
    "status counts": (check_status_counts, [LZ, RS]),
    "do not update": (check_do_not_update, ["swiss-post/LZ448865302CN", RS]),
    "remote area": (check_remote_area, []),
    "cost time": (check_cost_time, []),
    "delete many": (check_delete_many, []),
    "update many": (check_update_many, [RS]),
}
"""Name -> check of the documented answer's data, and what is followed after the call."""


def test_there_are_seventeen_calls() -> None:
    assert len(TABLE["calls"]) == len(CALLS) == 17
    assert list(ANSWERS) == list(CALLS)


@pytest.mark.parametrize("name", CALLS)
async def test_call(name: str, tmp_path: Path) -> None:
    check, followed = ANSWERS[name]
    data, is_followed = await replay(tmp_path, name)
    check(data)
    assert is_followed == followed


async def test_all_of_them_one_after_the_other(tmp_path: Path) -> None:
    # On one state the list's own order makes some of them miss their tracking, which is an answer
    # inside the call that many items share, never a fault.
    async with open_v2(tmp_path) as house, serve(house.door) as address:
        await prepare(house, [])
        codes = {}
        for name, call in CALLS.items():
            answer = await asyncio.to_thread(send, address, house.key, call)
            codes[name] = answer["meta"]["code"]
        assert codes == {name: call["code"] for name, call in CALLS.items()}
        assert await house.store.find(house.world_id, "LZ448865302CN") == []
