"""Idempotency keys of the native API: one effect, the same bytes, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.api.native.openapi import problems_of
from parcelwire.api.native.table import ALL
from parcelwire.domain.clock import DAY
from parcelwire.domain.status import Status
from parcelwire.store.port import Store, StoreUnavailableError
from parcelwire.tracking.service import ServiceSettings
from tests.contract.store.places import PLACES
from tests.contract.store.samples import advance, create
from tests.support.house import Answer
from tests.support.native_shop import Shop, ok, open_shop, refused

PATH = "/api/trackings"
SWISS = {"number": "996012345678901234"}
OTHER = {"number": "RA123456785CH"}


@pytest.fixture(params=sorted(PLACES))
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, request, request.param) as shop:
        yield shop


def is_replayed(answer: Answer) -> bool:
    return answer.headers.get("idempotency-replayed") == "true"


async def stored(shop: Shop) -> int:
    return int(ok(await shop.ask("GET", f"{PATH}/counts"))["total"])


async def test_a_call_sent_again_is_answered_the_same_bytes(shop: Shop) -> None:
    first = await shop.ask("POST", PATH, json=SWISS, idempotency_key="order-1001")
    ok(first, 201)
    assert not is_replayed(first)
    shop.house.clock.advance(DAY // 1_000 - 60)
    again = await shop.ask("POST", PATH, json=SWISS, idempotency_key="order-1001")
    assert is_replayed(again)
    assert (again.status, again.body) == (201, first.body)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["content-type"] == "application/json"
    assert await stored(shop) == 1
    # Deleted meanwhile: still what was answered, and still no second effect.
    ok(await shop.ask("DELETE", first.headers["location"]), 204)
    last = await shop.ask("POST", PATH, json=SWISS, idempotency_key="order-1001")
    assert (last.status, last.body) == (201, first.body)
    assert await stored(shop) == 0


async def test_a_batch_sent_again(shop: Shop) -> None:
    body = {"trackings": [SWISS, OTHER, {"number": "none"}]}
    first = await shop.ask("POST", f"{PATH}/batch", json=body, idempotency_key="b")
    assert ok(first)["created_count"] == 2
    again = await shop.ask("POST", f"{PATH}/batch", json=body, idempotency_key="b")
    assert is_replayed(again)
    assert (again.status, again.body) == (200, first.body)
    plain = ok(await shop.ask("POST", f"{PATH}/batch", json=body))
    assert plain["created_count"] == 0


async def test_what_is_done_with_a_tracking_is_answered_again(shop: Shop) -> None:
    store, world_id = shop.house.store, shop.house.world_id
    tracking = await create(store, "RA123456785CH", world_id=world_id)
    await advance(store, tracking, status=Status.EXPIRED, expired_at=shop.house.clock.now())
    path = f"{PATH}/{tracking.id}"
    for action, body in (
        ("retrack", None),
        ("correct-courier", {"courier_code": "dhl"}),
        ("stop", None),
    ):
        sent: dict[str, Any] = {} if body is None else {"json": body}
        answers = await asyncio.gather(
            *(
                shop.ask("POST", f"{path}/{action}", idempotency_key=action, **sent)
                for _ in range(10)
            )
        )
        assert {one.status for one in answers} == {200}
        assert len({one.body for one in answers}) == 1, action
        assert sum(not is_replayed(one) for one in answers) == 1
        ok(await shop.ask("PATCH", path, json={"details": {"note": f"after {action}"}}))
        again = await shop.ask("POST", f"{path}/{action}", idempotency_key=action, **sent)
        assert again.body == answers[0].body
    stored = await shop.house.service.get(world_id, tracking.id)
    (correction,) = stored.tracking.corrections
    assert correction.to_courier == "dhl"
    # What was refused is not kept: it may become possible.
    fresh = (await shop.follow("RA123456799CH"))["id"]
    answer = await shop.ask("POST", f"{PATH}/{fresh}/retrack", idempotency_key="other")
    refused(answer, 409, "tracking-not-expired")
    assert not is_replayed(
        await shop.ask("POST", f"{PATH}/{fresh}/retrack", idempotency_key="other")
    )


async def test_many_at_once_have_one_effect(shop: Shop) -> None:
    answers = await asyncio.gather(
        *(shop.ask("POST", PATH, json=SWISS, idempotency_key="same") for _ in range(40))
    )
    assert {(one.status, one.body) for one in answers} == {(201, answers[0].body)}
    assert sum(not is_replayed(one) for one in answers) == 1
    assert len({one.headers["location"] for one in answers}) == 1
    assert await stored(shop) == 1


async def test_a_key_is_good_for_one_call(shop: Shop) -> None:
    ok(await shop.ask("POST", PATH, json=SWISS, idempotency_key="k"), 201)
    for path, body, query in (
        (PATH, OTHER, ""),
        (PATH, {**SWISS, "is_auto_correct_disabled": False}, ""),
        (f"{PATH}/batch", {"trackings": [SWISS]}, ""),
    ):
        answer = await shop.ask("POST", path, json=body, query=query, idempotency_key="k")
        refused(answer, 422, "idempotency-key-reused")
    assert await stored(shop) == 1


async def test_a_key_belongs_to_its_world(shop: Shop) -> None:
    live = ok(await shop.ask("POST", PATH, json=SWISS, idempotency_key="k"), 201)
    answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k", key=shop.house.test_key)
    assert ok(answer, 201)["id"] != live["id"]
    assert not is_replayed(answer)
    # Another key of the same world is the same shop.
    second = await shop.house.add_key(scope="write")
    assert is_replayed(await shop.ask("POST", PATH, json=SWISS, idempotency_key="k", key=second))
    # Who may not do it is not told what came of it.
    reader = await shop.house.add_key(seed=8, scope="read")
    answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k", key=reader)
    refused(answer, 403, "insufficient-scope")


async def test_a_number_that_was_followed_may_be_followed_under_the_same_key(shop: Shop) -> None:
    first = ok(await shop.ask("POST", PATH, json=SWISS), 201)
    for _ in range(2):
        answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")
        refused(answer, 409, "tracking-already-exists")
        assert answer.headers["location"] == f"{PATH}/{first['id']}"
        assert not is_replayed(answer)
    ok(await shop.ask("DELETE", f"{PATH}/{first['id']}"), 204)
    made = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")
    assert ok(made, 201)["id"] != first["id"]
    again = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")
    assert is_replayed(again)
    assert again.body == made.body


async def test_a_quota_that_was_raised_is_seen_under_the_same_key(shop: Shop) -> None:
    house = shop.house
    batch = {"trackings": [SWISS, OTHER]}

    async def set_quota(quota: int | None) -> None:
        await house.store.save_account(replace(house.account, tracking_quota=quota))
        # What the gate remembers of an account is a second old at most.
        house.clock.advance(2)

    await set_quota(0)
    for _ in range(2):
        answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key="one")
        refused(answer, 403, "quota-exceeded")
        answer = await shop.ask("POST", f"{PATH}/batch", json=batch, idempotency_key="many")
        assert [one["problem"]["code"] for one in ok(answer)["items"]] == ["quota-exceeded"] * 2
        assert not is_replayed(answer)
    await set_quota(None)
    ok(await shop.ask("POST", PATH, json=SWISS, idempotency_key="one"), 201)
    answer = await shop.ask("POST", f"{PATH}/batch", json=batch, idempotency_key="many")
    assert ok(answer)["created_count"] == 1
    # Something was stored: from here on it is answered again, with the refusal of the other one.
    again = await shop.ask("POST", f"{PATH}/batch", json=batch, idempotency_key="many")
    assert is_replayed(again)
    assert again.body == answer.body


async def test_a_full_test_world_is_asked_again_under_the_same_key(tmp_path: Path) -> None:
    settings = ServiceSettings(test_trackings=1)
    async with open_shop(tmp_path, service_settings=settings) as shop:
        key = shop.house.test_key
        first = ok(await shop.ask("POST", PATH, json=SWISS, key=key), 201)
        answer = await shop.ask("POST", PATH, json=OTHER, key=key, idempotency_key="k")
        refused(answer, 403, "quota-exceeded")
        ok(await shop.ask("DELETE", f"{PATH}/{first['id']}", key=key), 204)
        # TrackingCounts of a world are a few seconds old at most.
        shop.house.clock.advance(120)
        ok(await shop.ask("POST", PATH, json=OTHER, key=key, idempotency_key="k"), 201)


async def test_many_at_once_that_are_refused_keep_nothing(shop: Shop) -> None:
    ok(await shop.ask("POST", PATH, json=SWISS), 201)
    answers = await asyncio.gather(
        *(shop.ask("POST", PATH, json=SWISS, idempotency_key="same") for _ in range(20))
    )
    assert {one.status for one in answers} == {409}
    assert not any(map(is_replayed, answers))
    assert await shop.house.store.find_idempotency_record(shop.house.world_id, "same") is None


async def test_what_stored_nothing_may_be_mended_under_its_key(shop: Shop) -> None:
    wrong = {"number": "12345678", "courier_code": "mondialrelay"}
    answer = await shop.ask("POST", PATH, json=wrong, idempotency_key="k")
    refused(answer, 422, "missing-required-fields")
    refused(await shop.ask("POST", PATH, body=b"{", idempotency_key="k"), 400, "invalid-json")
    right = {**wrong, "details": {"postal_code": "75001"}}
    ok(await shop.ask("POST", PATH, json=right, idempotency_key="k"), 201)


async def test_a_write_that_failed_leaves_no_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any, **__: Any) -> None:
        raise StoreUnavailableError

    with monkeypatch.context() as broken:
        broken.setattr(shop.house.store, "create_trackings", fail)
        answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")
        refused(answer, 503, "database-unavailable")
    answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")
    ok(answer, 201)
    assert not is_replayed(answer)


async def test_a_secret_that_was_lost_with_its_key_is_not_answered_as_an_empty_one(
    shop: Shop,
) -> None:
    body, store = {"url": "https://shop.example/hook"}, shop.house.store
    ok(await shop.ask("POST", "/api/endpoints", json=body, idempotency_key="k"), 201)
    (key,) = await store.sealing_keys()
    assert (await store.reset_keys(key.fingerprint, shop.house.clock.now(), held=[]))["answer"] == 1
    answer = await shop.ask("POST", "/api/endpoints", json=body, idempotency_key="k")
    problem = refused(answer, 503, "database-unavailable")
    assert "lacks the key" in problem["detail"]


async def test_two_that_both_saw_no_record_have_one_effect(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")

    async def see_nothing(*_: Any) -> None:
        return None

    # The second looked ahead before the first had written: only the write itself finds it.
    monkeypatch.setattr(shop.house.store, "find_idempotency_record", see_nothing)
    again = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")
    assert is_replayed(again)
    assert again.body == first.body
    refused(
        await shop.ask("POST", PATH, json=OTHER, idempotency_key="k"),
        422,
        "idempotency-key-reused",
    )


async def test_a_record_ends(shop: Shop) -> None:
    ok(await shop.ask("POST", PATH, json=SWISS, idempotency_key="k"), 201)
    shop.house.clock.advance(2 * DAY // 1_000)
    store: Store = shop.house.store
    assert await store.prune_idempotency_records(shop.house.clock.now() - DAY) == 1
    answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key="k")
    refused(answer, 409, "tracking-already-exists")
    assert not is_replayed(answer)


@pytest.mark.parametrize(
    "key", ["", " ", "a" * 256, "a\tb", "\x7f", "é", " a", "a "], ids=lambda key: repr(key)[:8]
)
async def test_what_cannot_be_a_key_is_refused(tmp_path: Path, key: str) -> None:
    async with open_shop(tmp_path) as shop:
        answer = await shop.ask("POST", PATH, json=SWISS, idempotency_key=key)
        refused(answer, 400, "invalid-idempotency-key")
        assert await stored(shop) == 0
        # A call that takes none does not care.
        ok(await shop.ask("GET", PATH, idempotency_key=key))


async def test_the_longest_key(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        key = "~" + " !" * 127
        assert len(key) == 255
        ok(await shop.ask("POST", PATH, json=SWISS, idempotency_key=key), 201)
        assert is_replayed(await shop.ask("POST", PATH, json=SWISS, idempotency_key=key))


def test_calls_that_make_something_take_a_key() -> None:
    # They ask, or set what is the same however often it is set.
    makes_nothing = {"detect_courier", "refresh_tracking", "suspend_account", "resume_account"}
    for one in ALL:
        if one.method == "POST" and one.name not in makes_nothing:
            assert one.takes_idempotency_key, one.name
            assert "idempotency-key-reused" in problems_of(one)
        if one.takes_idempotency_key:
            assert one.method == "POST"
            assert one.scope != "read"
