"""What the native API does with a tracking: ask, stop, take up again, give to another courier."""

from __future__ import annotations

from parcelwire.domain.clock import iso_utc
from parcelwire.domain.report import Outcome
from parcelwire.domain.status import Status
from tests.support.carriers import report
from tests.support.native_shop import SWISS, Shop, found, ok, refused

# --- ask, stop, take up, correct --------------------------------------------------------------


async def test_refresh_asks_now(shop: Shop) -> None:
    carriers = shop.house.carriers
    carriers.script("swiss-post", SWISS, report(SWISS, outcome=Outcome.UNKNOWN_NUMBER), found())
    path = f"/api/trackings/{(await shop.follow(SWISS))['id']}"
    await shop.house.service.drain()
    ok(await shop.ask("POST", f"{path}/refresh"))
    assert len(carriers.asked) == 1, "the last check is fresh"
    shop.house.clock.advance(61)
    said = ok(await shop.ask("POST", f"{path}/refresh"))
    assert said["status"] == "transit"
    assert said["freshness"]["check_count"] == 2


async def test_raw_responses_are_shown_as_they_came(shop: Shop) -> None:
    carriers = shop.house.carriers
    binary = b"\xff\xfe\x00"
    carriers.script("swiss-post", SWISS, found(raw='{"Zürich": 1}'.encode()))
    made = await shop.follow(SWISS)
    await shop.house.service.drain()
    shop.house.clock.advance(61)
    carriers.script(
        "swiss-post", SWISS, found(Status.DELIVERED, raw=binary, fetched_at=shop.house.clock.now())
    )
    ok(await shop.ask("POST", f"/api/trackings/{made['id']}/refresh"))
    new, old = ok(await shop.ask("GET", f"/api/trackings/{made['id']}/raw-responses"))["items"]
    assert (old["body"], old["body_encoding"]) == ('{"Zürich": 1}', "utf-8")
    assert (new["body"], new["body_encoding"]) == ("//4A", "base64")
    assert (new["outcome"], new["connector"]) == ("found", "scripted")


async def test_stop_and_retrack(shop: Shop) -> None:
    carriers = shop.house.carriers
    carriers.connect("swiss-post")
    path = f"/api/trackings/{(await shop.follow(SWISS))['id']}"
    await shop.house.service.drain()
    said = ok(await shop.ask("POST", f"{path}/stop"))
    assert (said["is_stopped"], said["stopped_reason"]) == (True, "by_user")
    assert said["freshness"]["next_check_at"] is None
    assert ok(await shop.ask("POST", f"{path}/stop")) == said
    refused(await shop.ask("POST", f"{path}/retrack"), 409, "tracking-not-expired")

    other = await shop.follow("RA123456785CH")
    path = f"/api/trackings/{other['id']}"
    await shop.house.service.drain()
    shop.house.clock.advance(400 * 86_400)
    expired = ok(await shop.ask("POST", f"{path}/refresh"))
    assert expired["status"] == "expired"
    said = ok(await shop.ask("POST", f"{path}/retrack"))
    assert (said["is_stopped"], said["status"] == "expired") == (False, False)
    # Sent again, because the answer was lost.
    assert ok(await shop.ask("POST", f"{path}/retrack")) == said


async def test_who_stops_what_has_ended_by_itself_stops_it_for_good(both: Shop) -> None:
    both.house.carriers.connect("swiss-post")
    path = f"/api/trackings/{(await both.follow(SWISS))['id']}"
    await both.house.service.drain()
    # Over by itself, it goes on when its end is taken back.
    said = ok(await both.ask("PATCH", path, json={"status_override": "delivered"}))
    assert (said["is_stopped"], said["stopped_reason"]) == (True, "final")
    said = ok(await both.ask("PATCH", path, json={"status_override": None}))
    assert (said["is_stopped"], "stopped_reason" in said) == (False, False)
    ok(await both.ask("PATCH", path, json={"status_override": "delivered"}))
    said = ok(await both.ask("POST", f"{path}/stop"))
    assert (said["is_stopped"], said["stopped_reason"]) == (True, "by_user")
    assert ok(await both.ask("POST", f"{path}/stop")) == said
    said = ok(await both.ask("PATCH", path, json={"status_override": None}))
    assert (said["is_stopped"], said["stopped_reason"]) == (True, "by_user")
    assert said["freshness"]["next_check_at"] is None


async def test_correct_courier(both: Shop) -> None:
    made = await both.follow(SWISS)
    path = f"/api/trackings/{made['id']}"
    body = {"courier_code": "DHL"}
    said = ok(await both.ask("POST", f"{path}/correct-courier", json=body))
    assert (said["id"], said["courier_code"]) == (made["id"], "dhl")
    (correction,) = said["corrections"]
    assert correction["from_courier"] == "swiss-post"
    assert correction["corrected_at"] == iso_utc(both.house.clock.now())
    assert ok(await both.ask("POST", f"{path}/correct-courier", json=body)) == said
    unknown = {"courier_code": "nobody"}
    answer = await both.ask("POST", f"{path}/correct-courier", json=unknown)
    refused(answer, 404, "courier-not-found")
    refused(await both.ask("POST", f"{path}/correct-courier", json={}), 422, "validation-failed")

    wanting = {"courier_code": "mondialrelay"}
    answer = await both.ask("POST", f"{path}/correct-courier", json=wanting, idempotency_key="k")
    problem = refused(answer, 422, "missing-required-fields")
    assert [one["field"] for one in problem["errors"]] == ["details.postal_code"]
    assert ok(await both.ask("GET", path)) == said
    ok(await both.ask("PATCH", path, json={"details": {"postal_code": "75001"}}))
    answer = await both.ask("POST", f"{path}/correct-courier", json=wanting, idempotency_key="k")
    assert ok(answer)["courier_code"] == "mondialrelay"
    ok(await both.ask("POST", f"{path}/correct-courier", json=body))

    second = await both.follow(SWISS)
    answer = await both.ask("POST", f"/api/trackings/{second['id']}/correct-courier", json=body)
    problem = refused(answer, 409, "tracking-already-exists")
    assert problem["existing_id"] == made["id"]
    assert answer.headers["location"] == f"/api/trackings/{made['id']}"
