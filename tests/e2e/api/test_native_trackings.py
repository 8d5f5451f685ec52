"""The native API's calls about trackings: followed, read, changed, let go."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.api.house import ApiSettings
from parcelwire.api.native.table import ALL
from parcelwire.api.native.tracking_shapes import TrackingObject
from parcelwire.domain.clock import SECOND, iso_utc
from parcelwire.domain.report import DeliveryWindow, ParcelFacts, ProofOfDelivery
from parcelwire.domain.status import Status
from parcelwire.webhooks.native import tracking_to_wire
from tests.support.native_shop import SWISS, Shop, found, ok, open_shop, refused

TYPED = "99.60.123456.78901234"
UNKNOWN_ID = "0" * 32


# --- create -----------------------------------------------------------------------------------


async def test_a_number_is_followed_and_its_carrier_asked_just_after(shop: Shop) -> None:
    carriers = shop.house.carriers
    carriers.script("swiss-post", SWISS, found())
    answer = await shop.ask(
        "POST",
        "/api/trackings",
        json={
            "number": TYPED,
            "details": {"title": "Two books", "ship_date": "2026-02-27", "note": None},
            "ordered_at": "2026-02-26T08:30:00+01:00",
        },
    )
    said = ok(answer, 201)
    assert answer.headers["location"] == f"/api/trackings/{said['id']}"
    assert (said["number"], said["typed_number"], said["status"]) == (SWISS, TYPED, "pending")
    assert (said["courier_code"], said["courier_name"]) == ("swiss-post", "Swiss Post")
    assert said["details"] == {
        "title": "Two books",
        "ship_date": "2026-02-27",
        "order_date": "2026-02-26T08:30:00+01:00",
    }
    assert said["ordered_at"] == "2026-02-26T07:30:00+00:00"
    assert said["freshness"] == {
        "checked_at": None,
        "last_outcome": None,
        "check_count": 0,
        "next_check_at": said["created_at"],
        "next_check_reason": "new: asked at once",
    }
    assert said["page_url"].startswith("http://127.0.0.1:8787/t/")
    await shop.house.service.drain()
    assert carriers.asked == [(shop.house.world_id, "swiss-post", SWISS)]
    now = ok(await shop.ask("GET", answer.headers["location"]))
    assert (now["status"], now["sequence"]) == ("transit", 1)
    assert now["freshness"]["last_outcome"] == "found"
    assert now["freshness"]["checked_at"] == iso_utc(shop.house.clock.now())
    assert now["freshness"]["next_check_reason"]


async def test_the_answer_does_not_wait_for_the_carrier(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    carriers = shop.house.carriers
    carriers.connect("swiss-post")
    gate = asyncio.Event()
    ask = carriers.fetch

    async def ask_slowly(*args: Any) -> Any:
        await gate.wait()
        return await ask(*args)

    monkeypatch.setattr(carriers, "fetch", ask_slowly)
    said = await asyncio.wait_for(shop.follow(SWISS), 5)
    assert carriers.asked == []
    assert said["status"] == "pending"
    gate.set()
    await shop.house.service.drain()
    now = ok(await shop.ask("GET", f"/api/trackings/{said['id']}"))
    assert now["freshness"]["last_outcome"] == "unknown_number"


async def test_a_courier_may_be_named_by_anothers_word(shop: Shop) -> None:
    said = await shop.follow("ABC12345", courier_code="brt-it", is_auto_correct_disabled=True)
    assert said["courier_code"] == "bartolini"
    assert said["is_auto_correct_disabled"] is True


async def test_what_is_there_is_told_with_its_place(both: Shop) -> None:
    first = await both.follow(SWISS)
    answer = await both.ask("POST", "/api/trackings", json={"number": TYPED})
    problem = refused(answer, 409, "tracking-already-exists")
    assert problem["existing_id"] == first["id"]
    assert answer.headers["location"] == f"/api/trackings/{first['id']}"
    # Another courier's parcel may have the same number; another world knows nothing of it.
    await both.follow(SWISS, courier_code="dhl")
    test = await both.ask("POST", "/api/trackings", json={"number": SWISS}, key=both.house.test_key)
    ok(test, 201)


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"number": "only letters"}, 422, "invalid-tracking-number", "number"),
        ({"number": "1" * 46}, 422, "invalid-tracking-number", "number"),
        ({"number": "aaaa 0 aaaa"}, 422, "courier-not-detected", "courier_code"),
        ({"number": SWISS, "courier_code": "qq"}, 404, "courier-not-found", "courier_code"),
        (
            {"number": "12345678", "courier_code": "mondialrelay"},
            422,
            "missing-required-fields",
            "details.postal_code",
        ),
    ],
)
async def test_what_cannot_be_followed_is_told(
    shop: Shop, body: Any, status: int, code: str, field: str
) -> None:
    problem = refused(await shop.ask("POST", "/api/trackings", json=body), status, code)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert ok(await shop.ask("GET", "/api/trackings"))["items"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "number"),
        ([], ""),
        ({"number": None}, "number"),
        ({"number": 996012345678901234}, "number"),
        ({"number": "RA1\x00"}, "number"),
        ({"number": "1"}, "number"),
        ({"number": SWISS, "courier": "dhl"}, "courier"),
        ({"number": SWISS, "courier_code": ""}, "courier_code"),
        ({"number": SWISS, "details": None}, "details"),
        ({"number": SWISS, "details": {"tittle": "x"}}, "details.tittle"),
        ({"number": SWISS, "details": {"title": ""}}, "details.title"),
        ({"number": SWISS, "details": {"title": "a\x00b"}}, "details.title"),
        ({"number": SWISS, "details": {"title": "x" * 5_001}}, "details.title"),
        ({"number": SWISS, "details": {"title": 5}}, "details.title"),
        (
            {"number": SWISS, "details": {"destination_country": "CHE"}},
            "details.destination_country",
        ),
        ({"number": SWISS, "details": {"ship_date": "20260228"}}, "details.ship_date"),
        ({"number": SWISS, "ordered_at": "2026-02-28T10:00:00"}, "ordered_at"),
        ({"number": SWISS, "ordered_at": 1772359200}, "ordered_at"),
        ({"number": SWISS, "is_auto_correct_disabled": "true"}, "is_auto_correct_disabled"),
    ],
)
async def test_a_body_that_does_not_fit_is_told_by_field(shop: Shop, body: Any, field: str) -> None:
    problem = refused(await shop.ask("POST", "/api/trackings", json=body), 422, "validation-failed")
    assert [error["field"] for error in problem["errors"]] == [field]


async def test_times_at_the_ends_of_the_calendar(shop: Shop) -> None:
    for number, ordered_at in (("RA123456785CH", "0001-01-01T00:00:00+14:00"),
                               ("RA123456799CH", "9999-12-31T23:59:59-12:00")):  # fmt: skip
        answer = await shop.ask(
            "POST", "/api/trackings", json={"number": number, "ordered_at": ordered_at}
        )
        refused(answer, 422, "validation-failed")
        query = "created_min=" + ordered_at.replace("+", "%2B")
        refused(await shop.ask("GET", "/api/trackings", query=query), 400, "invalid-query")


async def test_a_quota_counts(tmp_path: Path) -> None:
    async with open_shop(tmp_path, quota=1) as shop:
        await shop.follow(SWISS)
        answer = await shop.ask("POST", "/api/trackings", json={"number": "RA123456785CH"})
        refused(answer, 403, "quota-exceeded")
        ok(
            await shop.ask(
                "POST", "/api/trackings", json={"number": SWISS}, key=shop.house.test_key
            ),
            201,
        )


async def test_creating_has_a_limit_of_its_own(tmp_path: Path) -> None:
    settings = ApiSettings(create_per_second=1)
    async with open_shop(tmp_path, settings=settings) as shop:
        body = {"trackings": [{"number": "RA123456785CH"}]}
        answer = await shop.ask("POST", "/api/trackings/batch", json=body)
        ok(answer)
        assert answer.headers["ratelimit-remaining"] == "0"
        answer = await shop.ask("POST", "/api/trackings", json={"number": SWISS})
        refused(answer, 429, "too-many-requests")
        assert answer.headers["retry-after"] == answer.headers["ratelimit-reset"]
        ok(await shop.ask("GET", "/api/trackings"))
        shop.house.clock.advance(int(answer.headers["retry-after"]))
        await shop.follow(SWISS)


# --- batch ------------------------------------------------------------------------------------


async def test_each_number_of_a_batch_has_its_own_outcome(both: Shop) -> None:
    first = await both.follow(SWISS)
    sent: list[dict[str, Any]] = [
        {"number": TYPED},
        {"number": "RA 123 456 785 CH", "details": {"title": "a"}},
        {"number": "no digits"},
        {"number": "RA123456785CH"},
        {"number": "RR123456785CH", "courier_code": "nobody"},
    ]
    said = ok(await both.ask("POST", "/api/trackings/batch", json={"trackings": sent}))
    assert said["created_count"] == 1
    assert [one["number"] for one in said["items"]] == [one["number"] for one in sent]
    codes = [one["problem"] and one["problem"]["code"] for one in said["items"]]
    assert codes == [
        "tracking-already-exists",
        None,
        "invalid-tracking-number",
        "tracking-already-exists",
        "courier-not-found",
    ]
    made = said["items"][1]["tracking"]
    assert said["items"][0]["problem"]["existing_id"] == first["id"]
    assert said["items"][3]["problem"]["existing_id"] == made["id"]
    assert ok(await both.ask("GET", f"/api/trackings/{made['id']}")) == made


async def test_a_batch_has_its_bounds(shop: Shop) -> None:
    many = [{"number": f"RA{number:09d}CH", "courier_code": "swiss-post"} for number in range(201)]
    path = "/api/trackings/batch"
    refused(await shop.ask("POST", path, json={"trackings": many}), 422, "validation-failed")
    refused(await shop.ask("POST", path, json={"trackings": []}), 422, "validation-failed")
    wrong = {"trackings": [{"number": SWISS}, {"number": 5}]}
    problem = refused(await shop.ask("POST", path, json=wrong), 422, "validation-failed")
    assert problem["errors"][0]["field"] == "trackings[1].number"
    assert ok(await shop.ask("GET", "/api/trackings"))["items"] == []
    assert ok(await shop.ask("POST", path, json={"trackings": many[:200]}))["created_count"] == 200
    good_for_nothing = ok(
        await shop.ask("POST", path, json={"trackings": [{"number": "none"}]}, idempotency_key="k")
    )
    assert good_for_nothing["created_count"] == 0


# --- one --------------------------------------------------------------------------------------


async def test_all_that_is_known_has_the_shape_that_is_described(both: Shop) -> None:
    both.house.carriers.script(
        "swiss-post",
        SWISS,
        found(
            Status.UNDELIVERED,
            window=DeliveryWindow(
                earliest="2026-03-02", latest="2026-03-03", source="carrier", reported_at=5 * SECOND
            ),
            facts=ParcelFacts(weight_grams=1_200, proof=ProofOfDelivery(signed_by="A. Muster")),
        ),
    )
    made = await both.follow(SWISS, details={"customer_email": "a@example.com"})
    await both.house.service.drain()
    said = ok(await both.ask("GET", f"/api/trackings/{made['id']}"))
    msgspec.convert(said, TrackingObject)
    (checkpoint,) = said["checkpoints"]
    assert checkpoint["occurred_at"] == "2026-02-28T10:57:24+01:00"
    assert checkpoint["time_source"] == "carrier"
    assert checkpoint["raw_code"] == "LETTER.*.88.912"
    assert said["delivery_window"] == {
        "earliest": "2026-03-02",
        "latest": "2026-03-03",
        "source": "carrier",
        "reported_at": iso_utc(5 * SECOND),
    }
    assert said["shipment"]["weight_grams"] == 1_200
    # What a webhook would carry is in it, word by word.
    stored = await both.house.service.get(both.house.world_id, made["id"])
    wire = msgspec.json.decode(msgspec.json.encode(tracking_to_wire(stored.tracking)))
    assert {name: said[name] for name in wire} == wire


@pytest.mark.parametrize("id_", [UNKNOWN_ID, "x", "A" * 32, "%00", "0" * 33, "\N{SNOWMAN}"])
async def test_an_id_that_nothing_has(both: Shop, id_: str) -> None:
    for one in ALL:
        if one.path.startswith("/trackings/{id}"):
            path = f"/api{one.path.replace('{id}', id_)}"
            sent: dict[str, Any] = {} if one.request is None else {"json": one.example}
            refused(await both.ask(one.method, path, **sent), 404, "tracking-not-found")


async def test_deleted_is_gone(both: Shop) -> None:
    path = f"/api/trackings/{(await both.follow(SWISS))['id']}"
    refused(await both.ask("DELETE", path, key=both.house.test_key), 404, "tracking-not-found")
    answer = await both.ask("DELETE", path)
    ok(answer, 204)
    assert "content-type" not in answer.headers
    refused(await both.ask("DELETE", path), 404, "tracking-not-found")
    refused(await both.ask("GET", path), 404, "tracking-not-found")


# --- change -----------------------------------------------------------------------------------


async def test_a_change_leaves_alone_what_it_does_not_name(both: Shop) -> None:
    made = await both.follow(SWISS, details={"title": "a", "note": "b"})
    path = f"/api/trackings/{made['id']}"
    said = ok(await both.ask("PATCH", path, json={"details": {"title": "c", "label": "d"}}))
    assert said["details"] == {"title": "c", "note": "b", "label": "d"}
    said = ok(await both.ask("PATCH", path, json={"details": {"note": None}, "is_archived": True}))
    assert said["details"] == {"title": "c", "label": "d"}
    assert said["is_archived"] is True
    said = ok(await both.ask("PATCH", path, json={"ordered_at": "2026-02-01T00:00:00Z"}))
    assert said["ordered_at"] == "2026-02-01T00:00:00+00:00"
    assert said["is_archived"] is True
    assert ok(await both.ask("PATCH", path, json={})) == said
    assert ok(await both.ask("GET", path)) == said


COUNTRIES = (
    "origin_country",
    "destination_country",
    "tracking_origin_country",
    "tracking_destination_country",
)


async def test_countries_are_kept_as_codes_are_written(both: Shop) -> None:
    made = await both.follow(SWISS, details=dict.fromkeys(COUNTRIES, "ch"))
    assert made["details"] == dict.fromkeys(COUNTRIES, "CH")
    path = f"/api/trackings/{made['id']}"
    said = ok(await both.ask("PATCH", path, json={"details": dict.fromkeys(COUNTRIES, "iT")}))
    assert said["details"] == dict.fromkeys(COUNTRIES, "IT")
    said = ok(await both.ask("PATCH", path, json={"details": dict.fromkeys(COUNTRIES)}))
    assert said["details"] == {}
    batch = {"trackings": [{"number": "RA123456785CH", "details": {"origin_country": "de"}}]}
    (item,) = ok(await both.ask("POST", "/api/trackings/batch", json=batch))["items"]
    assert item["tracking"]["details"] == {"origin_country": "DE"}


@pytest.mark.parametrize(
    "moment",
    ["1970-01-01T00:00:00+00:00", "1969-12-31T23:59:59+00:00", "1970-01-01T00:00:01+00:00"],
)
async def test_an_order_may_be_of_any_time(both: Shop, moment: str) -> None:
    made = await both.follow(SWISS, ordered_at=moment)
    assert made["ordered_at"] == moment
    path = f"/api/trackings/{made['id']}"
    later = "2026-02-01T00:00:00+00:00"
    for change in (later, moment):
        said = ok(await both.ask("PATCH", path, json={"ordered_at": change}))
        assert (said["ordered_at"], said["details"]["order_date"]) == (change, change)
        assert ok(await both.ask("GET", path)) == said


async def test_a_person_may_know_better(shop: Shop) -> None:
    made = await shop.follow(SWISS)
    path = f"/api/trackings/{made['id']}"
    said = ok(await shop.ask("PATCH", path, json={"status_override": "delivered"}))
    assert (said["status"], said["status_override"], said["is_final"]) == (
        "delivered",
        "delivered",
        True,
    )
    said = ok(await shop.ask("PATCH", path, json={"is_archived": True}))
    assert said["status_override"] == "delivered"
    said = ok(await shop.ask("PATCH", path, json={"status_override": None}))
    assert said["status"] == "pending"
    assert "status_override" not in said


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"is_archived": None}, "is_archived"),
        ({"is_archived": 1}, "is_archived"),
        ({"status_override": "transit"}, "status_override"),
        ({"number": SWISS}, "number"),
        ({"details": {"order_date": "yesterday"}}, "details.order_date"),
        ({"ordered_at": None}, "ordered_at"),
        ([], ""),
    ],
)
async def test_a_change_that_does_not_fit_is_told(shop: Shop, body: Any, field: str) -> None:
    path = f"/api/trackings/{(await shop.follow(SWISS))['id']}"
    problem = refused(await shop.ask("PATCH", path, json=body), 422, "validation-failed")
    assert [error["field"] for error in problem["errors"]] == [field]
