"""Endpoints of the native API: what is done once, and whose they are."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.contract.webhook_receivers import answer, receiver
from tests.support.native import ENDPOINTS, NOBODY, Caller, ok, refused

URL = "https://shop.example.com/hook"


ACTIONS = ("pause", "enable", "rotate-secret", "test", "replay")


# --- once -------------------------------------------------------------------------------------


async def test_a_repetition_answers_the_very_bytes_and_does_nothing(both: Caller) -> None:
    async with receiver(answer(204)) as shop:
        body = {"url": shop.url}
        first = await both.ask("POST", ENDPOINTS, json=body, idempotency_key="create-1")
        made = ok(first, 201)
        again = await both.ask("POST", ENDPOINTS, json=body, idempotency_key="create-1")
        assert (again.status, again.body) == (201, first.body)
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert len(ok(await both.ask("GET", ENDPOINTS))["items"]) == 1
        assert (await both.stored(made["id"])).secret == made["secret"]
        await both.post_events(events=2)
        await both.deliver()
        for action, sent in (
            ("pause", None),
            ("enable", None),
            ("rotate-secret", {"overlap_seconds": 60}),
            ("test", None),
            ("replay", {"states": ["delivered"]}),
        ):
            path = f"{ENDPOINTS}/{made['id']}/{action}"
            fields: dict[str, Any] = {} if sent is None else {"json": sent}
            first = await both.ask("POST", path, idempotency_key=action, **fields)
            assert first.status == 200, first.body
            before = await both.stored(made["id"]), await both.messages()
            both.house.clock.advance(5)
            again = await both.ask("POST", path, idempotency_key=action, **fields)
            assert (again.status, again.body) == (200, first.body)
            assert again.headers["idempotency-replayed"] == "true"
            assert (await both.stored(made["id"]), await both.messages()) == before
        refused(
            await both.ask("POST", ENDPOINTS, json={"url": URL}, idempotency_key="create-1"),
            422,
            "idempotency-key-reused",
        )


async def test_a_refused_effect_is_told_again_too(both: Caller) -> None:
    path = f"{ENDPOINTS}/{NOBODY}/pause"
    for _ in range(2):
        refused(await both.ask("POST", path, idempotency_key="k"), 404, "endpoint-not-found")


# --- whose they are ---------------------------------------------------------------------------


async def test_nobody_elses_endpoints_are_there(both: Caller) -> None:
    house = both.house
    made = await both.add_endpoint(URL)
    before = await both.stored(made["id"])
    stranger = await house.add_account("other@example.com")
    for key in (house.test_key, stranger):
        for endpoint_id in (made["id"], NOBODY, "x", "%00", "é"):
            path = f"{ENDPOINTS}/{endpoint_id}"
            calls: list[tuple[str, str, dict[str, Any]]] = [
                ("GET", path, {}),
                ("PATCH", path, {"json": {"url": f"{URL}/stolen"}}),
                ("DELETE", path, {}),
                *(("POST", f"{path}/{action}", {}) for action in ("pause", "enable", "test")),
                ("POST", f"{path}/rotate-secret", {"json": {}}),
                ("POST", f"{path}/replay", {"json": {"states": ["dead"]}}),
            ]
            for method, where, sent in calls:
                refused(await both.ask(method, where, key=key, **sent), 404, "endpoint-not-found")
        assert ok(await both.ask("GET", ENDPOINTS, key=key)) == {"items": []}
    assert await both.stored(made["id"]) == before


async def test_a_key_that_may_only_read_changes_nothing(shop: Caller) -> None:
    made = await shop.add_endpoint(URL)
    reading = await shop.house.add_key(scope="read")
    path = f"{ENDPOINTS}/{made['id']}"
    ok(await shop.ask("GET", path, key=reading))
    ok(await shop.ask("GET", ENDPOINTS, key=reading))
    small = "insufficient-scope"
    refused(await shop.ask("POST", ENDPOINTS, json={"url": URL}, key=reading), 403, small)
    refused(await shop.ask("PATCH", path, json={}, key=reading), 403, small)
    refused(await shop.ask("DELETE", path, key=reading), 403, small)
    for action in ACTIONS:
        refused(await shop.ask("POST", f"{path}/{action}", json={}, key=reading), 403, small)


async def test_many_that_ask_at_once_make_one(both: Caller) -> None:
    """D1 on what makes a secret: one effect, the same bytes, whoever comes first."""
    admin = await both.house.add_key(seed=44, scope="admin")
    for path, body in ((ENDPOINTS, {"url": URL}), ("/api/keys", {"label": "one"})):
        answers = await asyncio.gather(
            *(
                both.ask("POST", path, json=body, key=admin, idempotency_key=f"once for {path}")
                for _ in range(200)
            )
        )
        assert {one.status for one in answers} == {201}
        assert len({one.body for one in answers}) == 1
        told = [one.headers.get("idempotency-replayed") for one in answers]
        assert told.count("true") == 199
    assert len(ok(await both.ask("GET", ENDPOINTS))["items"]) == 1
    assert len(ok(await both.ask("GET", "/api/keys", key=admin))["items"]) == 4
