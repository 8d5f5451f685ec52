"""Sending by hand over the native API: tests and replays."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from parcelwire.accounts.key_format import make_key
from parcelwire.bootstrap import open_installation
from parcelwire.config import Config, SecretsSection, StoreSection
from parcelwire.webhooks.ports import MessageFilter, MessageState
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract.webhook_receivers import answer, close_at_once, receiver
from tests.support.house import call, key_record
from tests.support.native import ENDPOINTS, Caller, fields_of, ok, open_caller, refused

URL = "https://shop.example.com/hook"


# --- a test event -----------------------------------------------------------------------------


async def test_a_test_answers_what_the_receiver_did(both: Caller) -> None:
    async with receiver(answer(202, b"thank you")) as there:
        made = await both.add_endpoint(
            there.url, statuses=["expired"], event_types=["tracking.updated"]
        )
        said = ok(await both.ask("POST", f"{ENDPOINTS}/{made['id']}/test"))
        assert list(said) == ["message_id", "is_delivered", "attempt"]
        assert said["is_delivered"] is True
        attempt = said["attempt"]
        assert list(attempt) == [
            "id",
            "attempted_at",
            "duration_ms",
            "status_code",
            "error",
            "response_body",
        ]
        assert (attempt["status_code"], attempt["error"], attempt["response_body"]) == (
            202,
            None,
            "thank you",
        )
        (received,) = there.received
        assert received.headers["webhook-id"] == said["message_id"]
        assert received.headers["parcelwire-event"] == "endpoint.test"
        kept = ok(await both.ask("GET", f"/api/messages/{said['message_id']}"))
        assert (kept["event_type"], kept["state"]) == ("endpoint.test", "delivered")
        assert kept["attempts"] == [attempt]


async def test_a_test_that_fails_says_how(shop: Caller) -> None:
    async with receiver(answer(500, b"no")) as there:
        made = await shop.add_endpoint(there.url)
        path = f"{ENDPOINTS}/{made['id']}/test"
        said = ok(await shop.ask("POST", path))
        assert said["is_delivered"] is False
        assert (said["attempt"]["status_code"], said["attempt"]["response_body"]) == (500, "no")
        there.behaviour = close_at_once
        said = ok(await shop.ask("POST", path))
        assert (said["is_delivered"], said["attempt"]["status_code"]) == (False, None)
        assert "closed" in said["attempt"]["error"]
    said = ok(await shop.ask("POST", path))
    assert "no connection" in said["attempt"]["error"]


async def test_nothing_is_sent_to_one_that_is_off(shop: Caller) -> None:
    async with receiver(answer(410)) as there:
        made = await shop.add_endpoint(there.url)
        path = f"{ENDPOINTS}/{made['id']}"
        ok(await shop.ask("POST", f"{path}/pause"))
        problem = refused(await shop.ask("POST", f"{path}/test"), 409, "endpoint-disabled")
        assert "paused" in problem["detail"]
        ok(await shop.ask("POST", f"{path}/enable"))
        ok(await shop.ask("POST", f"{path}/test"))
        problem = refused(await shop.ask("POST", f"{path}/test"), 409, "endpoint-disabled")
        assert "410" in problem["detail"]
        assert len(there.received) == 1


async def test_one_test_for_many_that_ask_at_once(both: Caller) -> None:
    async with receiver(answer(200, delay=0.05)) as there:
        made = await both.add_endpoint(there.url)
        path = f"{ENDPOINTS}/{made['id']}/test"
        answers = await asyncio.gather(
            *(both.ask("POST", path, idempotency_key="try-1") for _ in range(20))
        )
        assert {one.status for one in answers} == {200}
        assert len({one.body for one in answers}) == 1
        assert answers[0].json()["is_delivered"] is True
        assert len(there.received) == 1
        assert len(await both.messages()) == 1


async def test_a_server_that_stops_waits_for_no_attempt(tmp_path: Path) -> None:
    config = Config(
        store=StoreSection(url=f"sqlite:{tmp_path / 'parcelwire.db'}"),
        secrets=SecretsSection(key_file=str(tmp_path / "parcelwire.key")),
    )
    house = await open_installation(config)
    try:
        # Workers deliver elsewhere, so it is said, and none does.
        door = house.asgi()
        account = await house.store.add_account("shop@example.com", now=house.clock.now())
        key = make_key(bytes(24), is_test=False)
        await house.store.add_key(key_record(key, account.number))
        headers = {"authorization": f"Bearer {key}"}
        body = b'{"url": "https://203.0.114.7/"}'
        made = ok(await call(door, "POST", ENDPOINTS, body=body, headers=headers), 201)
        path = f"{ENDPOINTS}/{made['id']}/test"
        asking = asyncio.create_task(call(door, "POST", path, headers=headers))
        await asyncio.sleep(0.3)
        assert not asking.done()
        house.house.is_closing = True
        said = ok(await asyncio.wait_for(asking, 3))
        assert (said["is_delivered"], said["attempt"]) == (False, None)
        (message,) = (await house.store.list_messages(account.number * 2, MessageFilter())).messages
        assert (message.id, message.state) == (said["message_id"], MessageState.PENDING)
    finally:
        await house.close()


# --- replays ----------------------------------------------------------------------------------


async def test_a_replay_sends_again_in_order(both: Caller) -> None:
    async with receiver(answer(204)) as there:
        made = await both.add_endpoint(there.url)
        path = f"{ENDPOINTS}/{made['id']}"
        await both.post_events(parcels=3, events=5)
        await both.deliver()
        first = [one.message_id for one in there.received]
        assert len(first) == 15
        there.received.clear()
        # What is new waits behind what is replayed, parcel by parcel.
        ok(await both.ask("POST", f"{path}/pause"))
        await both.post_events(parcels=3, first=6)
        said = ok(await both.ask("POST", f"{path}/replay", json={"states": ["delivered"]}))
        assert said == {"replayed_count": 15, "is_complete": True}
        ok(await both.ask("POST", f"{path}/enable"))
        await both.deliver()
        assert there.lines == {f"{parcel:032x}": [1, 2, 3, 4, 5, 6] for parcel in (1, 2, 3)}
        assert sorted(first) == sorted(one.message_id for one in there.received if one.line[1] != 6)
        assert {one.state for one in await both.messages()} == {MessageState.DELIVERED}


async def test_a_replay_takes_what_its_conditions_name(both: Caller) -> None:
    async with receiver(answer(204)) as there:
        made = await both.add_endpoint(there.url)
        other = await both.add_endpoint(f"{there.url}/other")
        path = f"{ENDPOINTS}/{made['id']}"
        await both.post_events(parcels=2)
        both.house.clock.advance(3_600)
        await both.post_events(parcels=2, first=2)
        await both.deliver()
        there.received.clear()

        async def replay(**body: Any) -> list[tuple[int, int]]:
            """Replay, deliver, and return parcel and sequence of what came."""
            said = ok(await both.ask("POST", f"{path}/replay", json=body))
            await both.deliver()
            came = [(int(one.line[0], 16), one.line[1]) for one in there.received]
            assert all(one.path == "/hook" for one in there.received)
            assert said["replayed_count"] == len(came)
            there.received.clear()
            return sorted(came)

        everything = [(1, 1), (1, 2), (2, 1), (2, 2)]
        assert await replay(created_min="2026-03-01T10:00:00Z") == everything
        assert await replay(created_min="2026-03-01T12:00:01+01:00") == []
        assert await replay(created_min="2026-03-01T11:00:00Z") == [(1, 2), (2, 2)]
        assert await replay(created_max="2026-03-01T10:59:59Z") == [(1, 1), (2, 1)]
        assert await replay(tracking_id=f"{2:032x}") == [(2, 1), (2, 2)]
        assert await replay(tracking_id=f"{9:032x}") == []
        assert await replay(event_types=["tracking.updated"]) == []
        assert await replay(event_types=["tracking.status_changed"]) == everything
        assert await replay(states=["dead"]) == []
        said = ok(
            await both.ask("POST", f"{path}/replay", json={"states": ["delivered"], "limit": 3})
        )
        assert said == {"replayed_count": 3, "is_complete": False}
        untouched = await both.messages(endpoint_id=other["id"])
        assert {one.state for one in untouched} == {MessageState.DELIVERED}


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_what_was_given_up_is_replayed(
    request: pytest.FixtureRequest, tmp_path: Path, engine: str
) -> None:
    settings = WebhookSettings(allowed_networks=("127.0.0.0/8",), max_attempts=2)
    async with (
        receiver(answer(500)) as there,
        open_caller(tmp_path, request, engine, webhooks=settings) as caller,
    ):
        made = await caller.add_endpoint(there.url)
        await caller.post_events(parcels=2, events=3)
        for _ in range(7):
            await caller.deliver()
            caller.house.clock.advance(60)
        dead = await caller.messages(states=(MessageState.DEAD,))
        assert len(dead) == 6
        there.behaviour = answer(200)
        there.received.clear()
        path = f"{ENDPOINTS}/{made['id']}"
        said = ok(await caller.ask("POST", f"{path}/replay", json={"states": ["dead"]}))
        assert said["replayed_count"] == 6
        await caller.deliver()
        assert there.lines == {f"{parcel:032x}": [1, 2, 3] for parcel in (1, 2)}
        assert {one.message_id for one in there.received} == {one.id for one in dead}
        assert ok(await caller.ask("GET", path))["health"]["failing_since"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, ""),
        ({"limit": 5}, ""),
        ({"states": [], "event_types": []}, ""),
        ({"created_min": "yesterday"}, "created_min"),
        ({"created_min": "2026-03-01T10:00:00"}, "created_min"),
        ({"created_min": 1772359200}, "created_min"),
        ({"created_max": "2026-02-30T10:00:00Z"}, "created_max"),
        ({"states": ["gone"]}, "states[0]"),
        ({"states": "dead"}, "states"),
        ({"event_types": ["parcel.lost"]}, "event_types[0]"),
        ({"tracking_id": "x"}, "tracking_id"),
        ({"tracking_id": "0" * 31 + "\n"}, "tracking_id"),
        ({"states": ["dead"], "limit": 0}, "limit"),
        ({"states": ["dead"], "limit": 10_001}, "limit"),
        ({"states": ["dead"], "sinse": "2026-03-01T10:00:00Z"}, "sinse"),
    ],
)
async def test_a_replay_that_is_not_understood(
    shop: Caller, body: dict[str, Any], field: str
) -> None:
    made = await shop.add_endpoint(URL)
    answered = await shop.ask("POST", f"{ENDPOINTS}/{made['id']}/replay", json=body)
    assert fields_of(refused(answered, 422, "validation-failed")) == [field]
