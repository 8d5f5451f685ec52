"""The native API over the whole way of a call: key, limits, query, body, answer, problem."""

from __future__ import annotations

import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.accounts.key_format import make_key
from parcelwire.api.house import ApiSettings
from parcelwire.api.native.openapi import render
from parcelwire.bootstrap import open_installation
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.couriers.detection import detect
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.clock import FrozenClock
from parcelwire.domain.status import Status
from tests.contract.store.samples import advance, create
from tests.support.house import call, key_record, open_house
from tests.support.native_shop import Shop, ok, refused

DETECT = "/api/couriers/detect"
AMBIGUOUS = "14882345678902"
SWISS = "996012345678901234"

COURIER_FIELDS = [
    "courier_code",
    "courier_name",
    "names",
    "country",
    "homepage",
    "phone",
    "kind",
    "tracking_url",
    "required_fields",
    "languages",
    "aliases",
    "status",
]


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_house(tmp_path, lambda _: []) as house:
        yield Shop(house)


# --- couriers ---------------------------------------------------------------------------------


async def test_all_couriers_have_one_shape(shop: Shop) -> None:
    couriers = ok(await shop.ask("GET", "/api/couriers"))["items"]
    assert [one["courier_code"] for one in couriers] == [c.code for c in default_registry().all()]
    assert all(list(one) == COURIER_FIELDS for one in couriers)
    by_code = {one["courier_code"]: one for one in couriers}
    assert by_code["mondialrelay"]["required_fields"] == ["postal_code"]
    assert by_code["swiss-post"]["country"] == "CH"
    blank = ok(await shop.ask("GET", "/api/couriers", query="search=+"))["items"]
    assert blank == couriers


async def test_search_finds_the_best_first(shop: Shop) -> None:
    found = ok(await shop.ask("GET", "/api/couriers", query="search=swiss%20post"))["items"]
    assert found[0]["courier_code"] == "swiss-post"
    assert len(found) < 20
    assert ok(await shop.ask("GET", "/api/couriers", query="search=qqqqq")) == {"items": []}


async def test_one_courier_by_code_or_alias(shop: Shop) -> None:
    courier = ok(await shop.ask("GET", "/api/couriers/swiss-post"))
    assert list(courier) == COURIER_FIELDS
    assert courier["courier_name"] == "Swiss Post"
    assert ok(await shop.ask("GET", "/api/couriers/SWISS_POST")) == courier
    problem = refused(await shop.ask("GET", "/api/couriers/nobody"), 404, "courier-not-found")
    assert "nobody" in problem["detail"]


# --- detection --------------------------------------------------------------------------------


async def test_a_number_has_candidates_with_probability_and_reasons(shop: Shop) -> None:
    said = ok(await shop.ask("POST", DETECT, json={"number": "99.60.123456.78901234"}))
    assert list(said) == ["number", "candidates"]
    assert said["number"] == SWISS
    best = said["candidates"][0]
    assert list(best) == ["courier_code", "courier_name", "probability", "reasons"]
    assert (best["courier_code"], best["courier_name"]) == ("swiss-post", "Swiss Post")
    assert 0.9 < best["probability"] <= 1
    assert best["reasons"]

    said = ok(await shop.ask("POST", DETECT, json={"number": AMBIGUOUS}))
    expected = detect(AMBIGUOUS)
    assert [one["courier_code"] for one in said["candidates"]] == [c.courier_code for c in expected]
    shares = [one["probability"] for one in said["candidates"]]
    assert shares == sorted(shares, reverse=True)
    assert shares == [round(one.probability, 6) for one in expected]


async def test_the_example_of_the_page_is_what_is_answered(shop: Shop) -> None:
    page = (Path(__file__).parents[3] / "docs" / "native.md").read_text("utf-8")
    asked = re.search(r"-d '(.+)'", page)
    answered = re.search(r"```json\n(.+)\n```", page)
    assert asked is not None
    assert answered is not None
    said = ok(await shop.ask("POST", DETECT, body=asked[1].encode()))
    assert said == msgspec.json.decode(answered[1])


async def test_what_is_known_of_the_parcel_counts(shop: Shop) -> None:
    async def ask(**known: Any) -> dict[str, dict[str, Any]]:
        said = ok(await shop.ask("POST", DETECT, json={"number": AMBIGUOUS, **known}))
        return {one["courier_code"]: one for one in said["candidates"]}

    plain = await ask()
    nulls = dict.fromkeys(("destination_country", "origin_country", "postal_code", "ship_date"))
    assert await ask(**nulls) == plain
    there = await ask(destination_country="it")
    assert there["bartolini"]["probability"] > plain["bartolini"]["probability"]
    assert "it delivers in the destination country IT" in there["bartolini"]["reasons"]
    origin = await ask(origin_country="IT")
    assert origin["bartolini"]["probability"] > plain["bartolini"]["probability"]
    coded = await ask(postal_code="SW1A 1AA", ship_date="2026-02-28")
    assert coded["dpd-uk"]["probability"] > plain["dpd-uk"]["probability"]


async def test_history_counts_and_stays_in_its_world(shop: Shop) -> None:
    house = shop.house
    for index in range(30):
        tracking = await create(
            house.store, f"BRT{index}", world_id=house.world_id, courier_code="bartolini"
        )
        await advance(house.store, tracking, status=Status.DELIVERED)
    body = {"number": AMBIGUOUS}
    best = ok(await shop.ask("POST", DETECT, json=body))["candidates"][0]
    assert best["courier_code"] == "bartolini"
    assert "you used this courier 30 times" in best["reasons"]
    test = {"Parcelwire-Api-Key": house.test_key}
    best = ok(await shop.ask("POST", DETECT, json=body, headers=test))["candidates"][0]
    assert best["courier_code"] == "dpd"
    assert not any("you used" in reason for reason in best["reasons"])


async def test_nobodys_number_has_no_candidates(shop: Shop) -> None:
    said = ok(await shop.ask("POST", DETECT, json={"number": "aaaa 0 aaaa"}))
    assert said == {"number": "AAAA0AAAA", "candidates": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "number"),
        (b"[]", ""),
        (b"null", ""),
        (b'"RA123456785CH"', ""),
        (b'{"number":null}', "number"),
        (b'{"number":996012345678901234}', "number"),
        (b'{"number":["A1B2C3"]}', "number"),
        (b'{"number":"A1B2C3","destination":"CH"}', "destination"),
        (b'{"number":"A1B2C3","destination_country":"CHE"}', "destination_country"),
        (b'{"number":"A1B2C3","destination_country":""}', "destination_country"),
        (b'{"number":"A1B2C3","origin_country":"C\\n"}', "origin_country"),
        (b'{"number":"A1B2C3","origin_country":"CH\\n"}', "origin_country"),
        (b'{"number":"A1B2C3","ship_date":"2026-02-30"}', "ship_date"),
        (b'{"number":"A1B2C3","ship_date":20260228}', "ship_date"),
        (b'{"number":"A1B2C3","postal_code":8000}', "postal_code"),
        (b'{"number":"' + b"1" * 201 + b'"}', "number"),
    ],
)
async def test_a_body_that_does_not_fit_is_told_by_field(
    shop: Shop, body: bytes, field: str
) -> None:
    problem = refused(await shop.ask("POST", DETECT, body=body), 422, "validation-failed")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize("typed", ["", "  ", "A1", "only letters", "1" * 46, "é12345678"])
async def test_what_cannot_be_a_number_is_told(shop: Shop, typed: str) -> None:
    answer = await shop.ask("POST", DETECT, json={"number": typed})
    problem = refused(answer, 422, "invalid-tracking-number")
    assert [error["field"] for error in problem["errors"]] == ["number"]


@pytest.mark.parametrize("body", [b"", b"{", b"number=1", b"\xff\xfe", b"[" * 100_000])
async def test_a_body_that_is_not_json(shop: Shop, body: bytes) -> None:
    refused(await shop.ask("POST", DETECT, body=body), 400, "invalid-json")


# --- the way in -------------------------------------------------------------------------------


async def test_keys(shop: Shop) -> None:
    key = shop.house.key
    revoked = await shop.house.add_key(revoked_at=1)
    reading = await shop.house.add_key(seed=8, scope="read")
    path = "/api/couriers/swiss-post"
    for headers in (
        {"Authorization": f"bearer  {key}"},
        {"Parcelwire-Api-Key": key},
        {"Authorization": "Basic eDp5", "Parcelwire-Api-Key": key},
        {"Authorization": f"Bearer {key}", "Parcelwire-Api-Key": "nonsense"},
        {"Authorization": f"Bearer {reading}"},
    ):
        ok(await shop.ask("GET", path, headers=headers))
    for headers, kind in (
        ({}, "api-key-missing"),
        ({"Authorization": "Bearer"}, "api-key-missing"),
        ({"Authorization": key}, "api-key-missing"),
        ({"Authorization": "Bearer é"}, "invalid-api-key"),
        ({"Authorization": f"Bearer {key[:-1]}"}, "invalid-api-key"),
        ({"Parcelwire-Api-Key": revoked}, "api-key-revoked"),
    ):
        answer = await shop.ask("GET", path, headers=headers)
        refused(answer, 401, kind)
        assert answer.headers["www-authenticate"] == "Bearer"
    # Who has no key learns nothing of what is wrong with the rest.
    refused(await shop.ask("POST", DETECT, body=b"{", headers={}), 401, "api-key-missing")


async def test_paths_and_methods(shop: Shop) -> None:
    for path in (
        "/api",
        "/api/",
        "/api/nothing",
        "/api/couriers/",
        "/api/couriers/a/b",
        "/api/a\n",
    ):
        refused(await shop.ask("GET", path), 404, "path-not-found")
    refused(await shop.ask("GET", "/api/couriers/a\nb"), 404, "courier-not-found")
    assert (await shop.ask("GET", "/apis")).body == b"nobody"
    answer = await shop.ask("DELETE", "/api/couriers")
    refused(answer, 405, "method-not-allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
    refused(await shop.ask("PUT", DETECT), 405, "method-not-allowed")
    # No courier is called "detect".
    refused(await shop.ask("GET", DETECT), 404, "courier-not-found")
    assert (await shop.ask("HEAD", "/api/couriers")).status == 200


@pytest.mark.parametrize("query", ["serach=dhl", "search=a&x=1", "search=" + "a" * 201])
async def test_a_query_that_does_not_fit_is_told(shop: Shop, query: str) -> None:
    problem = refused(await shop.ask("GET", "/api/couriers", query=query), 400, "invalid-query")
    assert problem["errors"][0]["field"] in {"serach", "x", "search"}
    refused(await shop.ask("GET", "/api/couriers/dhl", query=query), 400, "invalid-query")


async def test_a_body_may_be_as_large_as_the_setting_says(tmp_path: Path) -> None:
    settings = ApiSettings(max_body_bytes=100)
    async with open_house(tmp_path, lambda _: [], settings=settings) as house:
        shop = Shop(house)
        body = msgspec.json.encode({"number": SWISS})
        ok(await shop.ask("POST", DETECT, body=body.ljust(100)))
        refused(await shop.ask("POST", DETECT, body=body.ljust(101)), 413, "body-too-large")


async def test_whole_numbers_may_have_a_point(shop: Shop) -> None:
    path = f"/api/trackings/{(await shop.follow(SWISS))['id']}"
    for number in (b"1.5", b"1e999", b"-1e999"):
        body = b'{"details":{"title":%s}}' % number
        answer = await shop.ask("PATCH", path, body=body)
        assert answer.json()["code"] in {"validation-failed", "invalid-json"}
    endpoint = {"url": "http://127.0.0.1:9009/hook", "concurrency": 2.0}
    body = msgspec.json.encode(endpoint)
    assert b"2.0" in body
    assert ok(await shop.ask("POST", "/api/endpoints", body=body), 201)["concurrency"] == 2


async def test_limits_are_told_and_kept(tmp_path: Path) -> None:
    settings = ApiSettings(other_per_second=2)
    async with open_house(tmp_path, lambda _: [], settings=settings) as house:
        shop = Shop(house)
        path = "/api/couriers/swiss-post"
        answer = await shop.ask("GET", path)
        ok(answer)
        assert answer.headers["ratelimit-limit"] == "2"
        assert answer.headers["ratelimit-remaining"] == "1"
        assert answer.headers["ratelimit-reset"] == "0"
        # A refused call counts and is told how it stands as well.
        answer = await shop.ask("GET", "/api/couriers/nobody")
        refused(answer, 404, "courier-not-found")
        assert answer.headers["ratelimit-remaining"] == "0"
        answer = await shop.ask("GET", path)
        refused(answer, 429, "too-many-requests")
        house.clock.advance(int(answer.headers["retry-after"]))
        ok(await shop.ask("GET", path))


async def test_a_suspended_account_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path, lambda _: []) as house:
        await house.store.suspend_account(house.account.number, now=house.clock.now())
        refused(await Shop(house).ask("GET", "/api/couriers"), 403, "account-suspended")


async def test_without_its_database_it_says_so(tmp_path: Path) -> None:
    async with open_house(tmp_path, lambda _: []) as house:
        shop = Shop(house)
        await house.store.close()
        answer = await shop.ask("GET", "/api/couriers")
        refused(answer, 503, "database-unavailable")
        assert int(answer.headers["retry-after"]) > 0


async def test_a_server_without_the_new_sealing_key_says_so(tmp_path: Path) -> None:
    async with open_house(tmp_path, lambda _: []) as house:
        shop, now = Shop(house), house.clock.now()
        (key,) = await house.store.sealing_keys()
        # On another machine the key was rotated, and its file was not copied here.
        await house.store.begin_rotation(key.fingerprint, "f" * 16, now)
        answer = await shop.ask("POST", "/api/endpoints", json={"url": "https://shop.example/h"})
        problem = refused(answer, 503, "database-unavailable")
        assert "lacks the key that its secrets are sealed with" in problem["detail"]
        assert "ffff" not in problem["detail"]
        assert int(answer.headers["retry-after"]) > 0
        ok(await shop.ask("GET", "/api/endpoints"))


async def test_the_description_is_served_without_a_key(shop: Shop) -> None:
    answer = await shop.ask("GET", "/api/openapi.json", headers={})
    ok(answer)
    assert answer.body == render()


async def test_an_installation_serves_it_in_front_of_the_pages(tmp_path: Path) -> None:
    clock = FrozenClock()
    config = Config(
        store=StoreSection(url=f"sqlite:{tmp_path / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(tmp_path / "parcelwire.key")),
    )
    installation = await open_installation(config, clock=clock)
    try:
        account = await installation.store.add_account("shop@example.com", now=clock.now())
        key = make_key(random.Random(3).randbytes(24), is_test=False)
        await installation.store.add_key(key_record(key, account.number))
        door, headers = installation.asgi(), {"Authorization": f"Bearer {key}"}
        body = msgspec.json.encode({"number": SWISS})
        said = ok(await call(door, "POST", DETECT, body=body, headers=headers))
        assert said["candidates"][0]["courier_code"] == "swiss-post"
        refused(await call(door, "GET", "/api/nothing"), 404, "path-not-found")

        page = await call(door, "GET", "/t/abcdefghijklmnopqrstuvwx")
        assert (page.status, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert (await call(door, "GET", "/healthz")).status == 200
    finally:
        await installation.close()
