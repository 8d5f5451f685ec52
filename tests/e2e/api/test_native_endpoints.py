"""Endpoints over the native API: made, read, changed, paused, given another secret, deleted."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.domain.account import Endpoint
from parcelwire.webhooks.commands import MOST_ENDPOINTS
from parcelwire.webhooks.ports import MessageState
from tests.contract.webhook_receivers import answer, receiver
from tests.support.native import ENDPOINT_FIELDS, ENDPOINTS, Caller, fields_of, ok, refused

URL = "https://shop.example.com/hook"


# --- made and read ----------------------------------------------------------------------------


async def test_what_was_asked_for_is_made_and_read_again(both: Caller) -> None:
    answered = await both.ask(
        "POST",
        ENDPOINTS,
        json={
            "url": URL,
            "dialect": "v4",
            "statuses": ["delivered", "exception", "delivered"],
            "event_types": ["tracking.status_changed"],
            "headers": {"X-Shop": "alpine", "Authorization": "Bearer of-the-receiver"},
            "rate_per_second": 2.5,
            "concurrency": 3,
            "description": "Lager Zürich",
        },
    )
    made = ok(answered, 201)
    assert list(made) == [*ENDPOINT_FIELDS, "secret"]
    assert answered.headers["location"] == f"/api/endpoints/{made['id']}"
    secret = made.pop("secret")
    assert secret.startswith("whsec_")
    assert made == {
        "id": made["id"],
        "url": URL,
        "dialect": "v4",
        "state": "enabled",
        "disabled_reason": None,
        "statuses": ["delivered", "exception"],
        "event_types": ["tracking.status_changed"],
        "header_names": ["authorization", "x-shop"],
        "rate_per_second": 2.5,
        "concurrency": 3,
        "description": "Lager Zürich",
        "created_at": "2026-03-01T10:00:00+00:00",
        "previous_secret_expires_at": None,
        "health": {"failing_since": None, "pending_count": 0},
    }
    assert ok(await both.ask("GET", answered.headers["location"])) == made
    assert ok(await both.ask("GET", ENDPOINTS)) == {"items": [made]}
    stored = await both.stored(made["id"])
    assert stored.secret == secret
    assert stored.headers == {"x-shop": "alpine", "authorization": "Bearer of-the-receiver"}


async def test_a_url_is_enough(shop: Caller) -> None:
    made = await shop.add_endpoint(URL)
    assert (made["dialect"], made["state"]) == ("native", "enabled")
    assert [made[name] for name in ("statuses", "event_types", "header_names")] == [[], [], []]
    assert (made["rate_per_second"], made["concurrency"], made["description"]) == (None, None, "")
    assert len({made["secret"], (await shop.add_endpoint(URL))["secret"]}) == 2


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"),
        ({"url": None}, "url"),
        ({"url": ""}, "url"),
        ({"url": URL, "dialect": "v3"}, "dialect"),
        ({"url": URL, "dialect": None}, "dialect"),
        ({"url": URL, "statuses": ["gone"]}, "statuses[0]"),
        ({"url": URL, "statuses": "delivered"}, "statuses"),
        ({"url": URL, "statuses": ["delivered"] * 10}, "statuses"),
        ({"url": URL, "event_types": ["endpoint.test"]}, "event_types[0]"),
        ({"url": URL, "headers": {"x-a": 1}}, "headers[...]"),
        ({"url": URL, "headers": ["x-a"]}, "headers"),
        ({"url": URL, "rate_per_second": 0}, "rate_per_second"),
        ({"url": URL, "rate_per_second": "5"}, "rate_per_second"),
        ({"url": URL, "rate_per_second": -1}, "rate_per_second"),
        ({"url": URL, "concurrency": 0}, "concurrency"),
        ({"url": URL, "concurrency": 1.5}, "concurrency"),
        ({"url": URL, "description": "a" * 501}, "description"),
        ({"url": URL, "description": "a\0b"}, "description"),
        ({"url": URL, "secret": "whsec_mine"}, "secret"),
        ({"url": URL, "is_enabled": False}, "is_enabled"),
    ],
)
async def test_a_body_that_does_not_fit_makes_nothing(
    shop: Caller, body: dict[str, Any], field: str
) -> None:
    problem = refused(await shop.ask("POST", ENDPOINTS, json=body), 422, "validation-failed")
    assert fields_of(problem) == [field]
    assert ok(await shop.ask("GET", ENDPOINTS)) == {"items": []}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "shop.example.com"},
        {"webhook-signature": "v1,x"},
        {"parcelwire-event": "x"},
        {"Content-Length": "5"},
        {"transfer-encoding": "chunked"},
        {"x-a": "b\r\nx-c: d"},
        {"x-a": "é"},
        {"x a": "b"},
        {"": "b"},
        {"x-a": "1", "X-A": "2"},
        {f"x-{number}": "a" for number in range(21)},
        {"x-a": "a" * 5_000},
    ],
)
async def test_headers_that_no_message_may_have(shop: Caller, headers: dict[str, str]) -> None:
    body = {"url": URL, "headers": headers}
    problem = refused(await shop.ask("POST", ENDPOINTS, json=body), 422, "headers-not-allowed")
    assert fields_of(problem) == ["headers"]
    made = await shop.add_endpoint(URL)
    path = f"{ENDPOINTS}/{made['id']}"
    refused(await shop.ask("PATCH", path, json={"headers": headers}), 422, "headers-not-allowed")


async def test_a_world_has_only_so_many(shop: Caller) -> None:
    for number in range(MOST_ENDPOINTS):
        await shop.add_endpoint(f"{URL}/{number}")
    refused(await shop.ask("POST", ENDPOINTS, json={"url": URL}), 409, "too-many-endpoints")
    # The other world has its own.
    ok(await shop.ask("POST", ENDPOINTS, json={"url": URL}, key=shop.house.test_key), 201)


# --- changed ----------------------------------------------------------------------------------


async def test_what_is_named_is_changed_and_the_rest_stays(both: Caller) -> None:
    made = await both.add_endpoint(
        URL, statuses=["delivered"], headers={"x-a": "1"}, concurrency=2, description="old"
    )
    path = f"{ENDPOINTS}/{made['id']}"
    secret = made.pop("secret")
    assert ok(await both.ask("PATCH", path, json={})) == made
    changed = ok(
        await both.ask(
            "PATCH",
            path,
            json={
                "url": f"{URL}/new",
                "statuses": ["pickup"],
                "headers": {"X-B": "2"},
                "rate_per_second": 7,
                "concurrency": None,
                "description": None,
            },
        )
    )
    assert changed == {
        **made,
        "url": f"{URL}/new",
        "statuses": ["pickup"],
        "header_names": ["x-b"],
        "rate_per_second": 7.0,
        "concurrency": None,
        "description": "",
    }
    nulls = {"statuses": None, "event_types": None, "headers": None, "rate_per_second": None}
    emptied = ok(await both.ask("PATCH", path, json=nulls))
    assert (emptied["statuses"], emptied["header_names"], emptied["rate_per_second"]) == (
        [],
        [],
        None,
    )
    assert ok(await both.ask("GET", path)) == emptied
    stored = await both.stored(made["id"])
    assert (stored.secret, stored.headers) == (secret, {})


@pytest.mark.parametrize(
    "body",
    [
        {"url": None},
        {"dialect": "v2"},
        {"secret": "x"},
        {"state": "paused"},
        {"concurrency": 0},
        [],
    ],
)
async def test_a_change_that_does_not_fit_changes_nothing(shop: Caller, body: Any) -> None:
    made = await shop.add_endpoint(URL)
    del made["secret"]
    path = f"{ENDPOINTS}/{made['id']}"
    refused(await shop.ask("PATCH", path, json=body), 422, "validation-failed")
    assert ok(await shop.ask("GET", path)) == made


async def test_deleted_it_is_gone_and_what_waited_is_given_up(both: Caller) -> None:
    made = await both.add_endpoint(URL)
    path = f"{ENDPOINTS}/{made['id']}"
    await both.post_events(events=2)
    assert ok(await both.ask("GET", path))["health"]["pending_count"] == 2
    ok(await both.ask("DELETE", path), 204)
    refused(await both.ask("DELETE", path), 404, "endpoint-not-found")
    refused(await both.ask("GET", path), 404, "endpoint-not-found")
    assert {one.state for one in await both.messages()} == {MessageState.DEAD}


# --- paused -----------------------------------------------------------------------------------


async def test_changes_while_paused_are_kept_and_sent_in_order(both: Caller) -> None:
    async with receiver(answer(204)) as shop:
        made = await both.add_endpoint(shop.url)
        path = f"{ENDPOINTS}/{made['id']}"
        await both.post_events(parcels=3)
        await both.deliver()
        paused = ok(await both.ask("POST", f"{path}/pause"))
        assert (paused["state"], paused["disabled_reason"]) == ("paused", "paused by its owner")
        assert ok(await both.ask("POST", f"{path}/pause")) == paused
        await both.post_events(parcels=3, events=4, first=2)
        await both.deliver()
        assert len(shop.received) == 3
        assert ok(await both.ask("GET", path))["health"]["pending_count"] == 12
        enabled = ok(await both.ask("POST", f"{path}/enable"))
        assert (enabled["state"], enabled["disabled_reason"]) == ("enabled", None)
        await both.deliver()
        assert shop.lines == {f"{parcel:032x}": [1, 2, 3, 4, 5] for parcel in (1, 2, 3)}
        assert ok(await both.ask("GET", path))["health"]["pending_count"] == 0


async def test_one_that_answered_410_stays_disabled_until_it_is_enabled(both: Caller) -> None:
    async with receiver(answer(410)) as shop:
        made = await both.add_endpoint(shop.url)
        path = f"{ENDPOINTS}/{made['id']}"
        await both.post_events()
        await both.deliver()
        disabled = ok(await both.ask("GET", path))
        assert disabled["state"] == "disabled"
        assert "410" in disabled["disabled_reason"]
        # Pausing what is off anyway does not hide why it is.
        assert ok(await both.ask("POST", f"{path}/pause")) == disabled
        shop.behaviour = answer(200)
        assert ok(await both.ask("POST", f"{path}/enable"))["state"] == "enabled"
        await both.deliver()
        assert [one.headers["parcelwire-sequence"] for one in shop.received] == ["1", "1"]


async def test_what_a_worker_notes_in_the_meantime_stays(both: Caller) -> None:
    async with receiver(answer(410)) as shop:
        made = await both.add_endpoint(shop.url)
        await both.post_events()
        store, load = both.house.store, both.house.store.load_endpoint

        async def load_and_wait(world_id: int, endpoint_id: str) -> Endpoint | None:
            """Read the endpoint, and let the receiver say 410 before anything is written."""
            read = await load(world_id, endpoint_id)
            await both.deliver()
            return read

        store.load_endpoint = load_and_wait  # type: ignore[method-assign]  # the race, held still
        path = f"{ENDPOINTS}/{made['id']}"
        ok(await both.ask("PATCH", path, json={"description": "new"}))
        store.load_endpoint = load  # type: ignore[method-assign]
        after = ok(await both.ask("GET", path))
        assert (after["state"], after["description"]) == ("disabled", "new")


async def test_health_tells_since_when_it_fails(both: Caller) -> None:
    async with receiver(answer(500)) as shop:
        made = await both.add_endpoint(shop.url)
        path = f"{ENDPOINTS}/{made['id']}"
        await both.post_events()
        await both.deliver()
        for _ in range(12):
            both.house.clock.advance(120)
            await both.deliver()
        health = ok(await both.ask("GET", path))["health"]
        assert health["failing_since"] == "2026-03-01T10:00:00+00:00"
        assert health["pending_count"] == 1
        shop.behaviour = answer(200)
        both.house.clock.advance(7_200)
        await both.deliver()
        assert ok(await both.ask("GET", path))["health"] == {
            "failing_since": None,
            "pending_count": 0,
        }
