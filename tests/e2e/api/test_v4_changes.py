"""v4 trackings/update, delete and retrack."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Substatus
from tests.support.house import HouseUnderTest, report
from tests.support.v4 import USPS_NUMBER, count, create, ok, point, refused
from tests.support.v4_types import IDENTITY, TRACKING, UPDATE

NOBODY = "0" * 32

CHANGES = {
    "order_number": "#2",
    "order_id": "2",
    "order_date": "2026-02-21",
    "customer_name": "Grace",
    "customer_email": "grace@example.com",
    "customer_sms": "+1 555",
    "recipient_postcode": "10001",
    "title": "New",
    "logistics_channel": "slow",
    "note": "changed",
    "label": "3",
    "tracking_courier_account": "B-2",
    "tracking_postal_code": "10002",
    "tracking_origin_country": "France",
    "tracking_destination_country": "USA",
    "tracking_ship_date": "20260222",
    "tracking_key": "k2",
}


async def update(house: HouseUnderTest, tracking_id: str, body: Any) -> Any:
    answer = await house.call("PUT", f"/v4/trackings/update/{tracking_id}", json=body)
    return ok(answer, UPDATE)


async def one(house: HouseUnderTest) -> dict[str, Any]:
    (tracking,) = ok(await house.call("GET", "/v4/trackings/get"), [TRACKING])
    assert isinstance(tracking, dict)
    return tracking


async def test_update_changes_what_is_given(v4: HouseUnderTest) -> None:
    tracking = await create(v4)
    countries = {"origin_country_iso2": "FR", "destination_country": "us"}
    updated = await update(v4, tracking["id"], {**CHANGES, **countries, "archived_status": "true"})
    assert updated["archived_status"] == "true"
    assert updated["courier_code_new"] is None
    assert (updated["origin_country"], updated["destination_country"]) == ("FR", "US")
    assert {name: updated[name] for name in CHANGES} == CHANGES
    after = await one(v4)
    assert {name: after[name] for name in CHANGES} == CHANGES
    assert after["archived"] == "true"


@pytest.mark.parametrize("nothing", ["", None])
async def test_empty_fields_change_nothing(v4: HouseUnderTest, nothing: str | None) -> None:
    await create(v4, **CHANGES)
    before = await one(v4)
    empty = dict.fromkeys([*CHANGES, "courier_code_new", "archived_status", "language"], nothing)
    updated = await update(v4, before["id"], empty)
    assert {name: updated[name] for name in CHANGES} == CHANGES
    assert await one(v4) == before


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null"])
async def test_no_body_changes_nothing(v4: HouseUnderTest, body: bytes) -> None:
    tracking = await create(v4, title="kept")
    answer = await v4.call("PUT", f"/v4/trackings/update/{tracking['id']}", body=body)
    assert ok(answer, UPDATE)["title"] == "kept"
    assert await one(v4) == tracking


async def test_one_field_leaves_the_others(v4: HouseUnderTest) -> None:
    tracking = await create(v4, **CHANGES)
    updated = await update(v4, tracking["id"], {"title": "only this"})
    assert {name: updated[name] for name in CHANGES} == {**CHANGES, "title": "only this"}


async def test_archived_and_back(v4: HouseUnderTest) -> None:
    tracking = await create(v4)
    for word, shown in [(True, "true"), ("tracking", "tracking"), ("1", "true"), ("0", "tracking")]:
        updated = await update(v4, tracking["id"], {"archived_status": word})
        assert updated["archived_status"] == (await one(v4))["archived"] == shown


async def test_a_new_courier_keeps_the_id(v4: HouseUnderTest) -> None:
    said = point("2026-02-27T09:00:00", "wrong", Substatus.TRANSIT)
    v4.carriers.script("usps", USPS_NUMBER, report("", said))
    tracking = await create(v4)
    updated = await update(v4, tracking["id"], {"courier_code_new": "DHL", "title": "moved"})
    assert updated["courier_code"] == updated["courier_code_new"] == "dhl"
    after = await one(v4)
    assert (after["id"], after["courier_code"], after["title"]) == (tracking["id"], "dhl", "moved")
    # What the wrong courier said is gone with it.
    assert after["origin_info"]["trackinfo"] == []
    assert after["delivery_status"] == "pending"


async def test_the_same_courier_is_no_change(v4: HouseUnderTest) -> None:
    tracking = await create(v4)
    updated = await update(v4, tracking["id"], {"courier_code_new": "usps"})
    assert updated["courier_code_new"] is None
    assert await one(v4) == tracking


async def test_a_new_courier_gets_what_it_wants_or_nothing_changes(v4: HouseUnderTest) -> None:
    tracking = await create(v4)
    path = f"/v4/trackings/update/{tracking['id']}"
    body = {"courier_code_new": "mondialrelay", "title": "not kept"}
    answer = await v4.call("PUT", path, json=body)
    refused(answer, 4122)
    assert answer.headers["parcelwire-missing-fields"] == "tracking_postal_code"
    assert await one(v4) == tracking
    # What comes with the same call counts.
    updated = await update(v4, tracking["id"], {**body, "tracking_postal_code": "75001"})
    assert (updated["courier_code"], updated["tracking_postal_code"]) == ("mondialrelay", "75001")


async def test_a_courier_that_is_taken_is_4101(v4: HouseUnderTest) -> None:
    first, second = await create(v4), await create(v4, courier_code="dhl")
    answer = await v4.call(
        "PUT",
        f"/v4/trackings/update/{second['id']}",
        json={"courier_code_new": "usps", "title": "not kept"},
    )
    identity = {name: first[name] for name in ("id", "tracking_number", "courier_code")}
    refused(answer, 4101, data=identity)
    assert {t["title"] for t in ok(await v4.call("GET", "/v4/trackings/get"))} == {None}


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        (b'{"courier_code_new":"no-such","title":"x"}', 4120, ""),
        (b'{"order_date":"soon","title":"x"}', 4130, "order_date"),
        (b'{"destination_country":"Nowhere","title":"x"}', 4130, "destination_country"),
        (b'{"archived_status":"perhaps","title":"x"}', 4130, "archived_status"),
        (b'{"title":["x"]}', 4130, "title"),
        (b'{"title":{"a":1}}', 4130, "title"),
        (b"not json", 4130, "request body"),
        (b'["x"]', 4130, "request body"),
        (b'{"title":"' + b"x" * 2_000_001 + b'"}', 4130, "too large"),
    ],
)
async def test_bad_updates_change_nothing(
    v4: HouseUnderTest, body: bytes, code: int, says: str
) -> None:
    tracking = await create(v4)
    answer = await v4.call("PUT", f"/v4/trackings/update/{tracking['id']}", body=body)
    refused(answer, code, says=says)
    assert await one(v4) == tracking


BAD_IDS = [NOBODY, USPS_NUMBER, "x", "0" * 33, "%00", "é" * 32, "0" * 31 + "-"]


@pytest.mark.parametrize("tracking_id", BAD_IDS)
@pytest.mark.parametrize(
    ("method", "call"), [("PUT", "update"), ("DELETE", "delete"), ("POST", "retrack")]
)
async def test_an_unknown_id_is_4112(
    v4: HouseUnderTest, method: str, call: str, tracking_id: str
) -> None:
    await create(v4)
    answer = await v4.call(method, f"/v4/trackings/{call}/{tracking_id}", json={"title": "x"})
    refused(answer, 4112, says="Invalid Tracking ID.")
    assert await count(v4) == 1


@pytest.mark.parametrize(
    ("method", "call"), [("PUT", "update"), ("DELETE", "delete"), ("POST", "retrack")]
)
async def test_no_id_is_4112_and_two_are_no_path(
    v4: HouseUnderTest, method: str, call: str
) -> None:
    refused(await v4.call(method, f"/v4/trackings/{call}/"), 4112)
    refused(await v4.call(method, f"/v4/trackings/{call}/{NOBODY}/{NOBODY}"), 404)


@pytest.mark.parametrize(
    ("method", "call"), [("PUT", "update"), ("DELETE", "delete"), ("POST", "retrack")]
)
async def test_the_other_world_cannot_be_touched(
    v4: HouseUnderTest, method: str, call: str
) -> None:
    tracking = await create(v4)
    path = f"/v4/trackings/{call}/{tracking['id']}"
    refused(await v4.call(method, path, json={"title": "x"}, key=v4.test_key), 4112)
    assert await one(v4) == tracking


async def test_delete_is_for_good(v4: HouseUnderTest) -> None:
    tracking = await create(v4)
    path = f"/v4/trackings/delete/{tracking['id']}"
    deleted = ok(await v4.call("DELETE", path, body=b"ignored"), IDENTITY)
    assert deleted == {name: tracking[name] for name in IDENTITY}
    assert await count(v4) == 0
    refused(await v4.call("DELETE", path), 4112)
    again = await create(v4)
    assert again["id"] != tracking["id"]


async def test_ids_are_read_in_either_case(v4: HouseUnderTest) -> None:
    tracking = await create(v4)
    ok(await v4.call("DELETE", f"/v4/trackings/delete/{tracking['id'].upper()}"), IDENTITY)


async def test_retrack_takes_up_an_expired_tracking_only(v4: HouseUnderTest) -> None:
    said = point("2026-02-27T09:00:00", "On its way", Substatus.TRANSIT)
    v4.carriers.script("usps", USPS_NUMBER, report("", said))
    tracking = await create(v4)
    path = f"/v4/trackings/retrack/{tracking['id']}"
    refused(await v4.call("POST", path), 4113, says="only retrack an expired")

    # Postal parcels expire after 60 days without an event, when the carrier is asked then.
    v4.clock.advance(61 * DAY / 1000)
    stored = await v4.store.load(v4.world_id, tracking["id"])
    assert stored is not None
    await v4.service.refresh_now(stored)
    expired = await one(v4)
    assert (expired["delivery_status"], expired["substatus"]) == ("expired", "expired001")
    assert expired["updating"] is False

    assert ok(await v4.call("POST", path), IDENTITY) == {name: tracking[name] for name in IDENTITY}
    taken_up = await one(v4)
    assert (taken_up["delivery_status"], taken_up["updating"]) == ("transit", True)
    refused(await v4.call("POST", path), 4113)
