"""Messages and attempts over the native API: found, read, sent again."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.store import message_ways
from parcelwire.webhooks.ports import MessageFilter
from tests.contract.webhook_receivers import answer, receiver
from tests.support.native import ENDPOINTS, MESSAGES, NOBODY, Caller, fields_of, ok, refused

URL = "https://shop.example.com/hook"
FIELDS = [
    "id",
    "endpoint_id",
    "tracking_id",
    "sequence",
    "event_id",
    "event_type",
    "state",
    "attempt_count",
    "created_at",
    "due_at",
]


async def test_one_message_with_all_that_happened_to_it(both: Caller) -> None:
    async with receiver(answer(503, b"later", "Retry-After: 60")) as there:
        made = await both.add_endpoint(there.url)
        await both.post_events()
        (waiting,) = ok(await both.ask("GET", MESSAGES))["items"]
        assert waiting["state"] == "pending"
        assert waiting["due_at"] == waiting["created_at"] == "2026-03-01T10:00:00+00:00"
        await both.deliver()
        there.behaviour = answer(200, b"ok")
        both.house.clock.advance(120)
        await both.deliver()
    (listed,) = ok(await both.ask("GET", MESSAGES))["items"]
    assert list(listed) == FIELDS
    one = ok(await both.ask("GET", f"{MESSAGES}/{listed['id']}"))
    assert list(one) == [*FIELDS, "payload", "attempts"]
    assert {name: one[name] for name in FIELDS} == listed
    assert listed == {
        "id": there.received[0].message_id,
        "endpoint_id": made["id"],
        "tracking_id": f"{1:032x}",
        "sequence": 1,
        "event_id": f"{1_001:032x}",
        "event_type": "tracking.status_changed",
        "state": "delivered",
        "attempt_count": 2,
        "created_at": "2026-03-01T10:00:00+00:00",
        "due_at": None,
    }
    assert one["payload"]["tracking"]["number"] == "N1"
    assert [attempt["status_code"] for attempt in one["attempts"]] == [503, 200]
    assert [attempt["response_body"] for attempt in one["attempts"]] == ["later", "ok"]
    assert [attempt["error"] for attempt in one["attempts"]] == ["answered 503", None]
    path = f"{MESSAGES}/{listed['id']}/attempts"
    assert ok(await both.ask("GET", path)) == {"items": one["attempts"]}


async def test_messages_are_found_by_what_is_known_of_them(both: Caller) -> None:
    async with receiver(answer(204)) as there:
        taking = await both.add_endpoint(there.url)
        paused = await both.add_endpoint(URL)
        ok(await both.ask("POST", f"{ENDPOINTS}/{paused['id']}/pause"))
        await both.post_events(parcels=2)
        both.house.clock.advance(3_600)
        await both.post_events(parcels=2, first=2)
        await both.deliver()
        ok(await both.ask("POST", f"{ENDPOINTS}/{taking['id']}/test"))

    async def find(query: str) -> list[tuple[str, int, int]]:
        """Return endpoint ("t" or "p"), parcel (0: a test) and sequence of what is found."""
        page = ok(await both.ask("GET", MESSAGES, query=query))
        assert (page["next_cursor"], page["has_more"]) == (None, False)
        return [
            (
                "t" if one["endpoint_id"] == taking["id"] else "p",
                0 if one["event_type"] == "endpoint.test" else int(one["tracking_id"], 16),
                one["sequence"],
            )
            for one in page["items"]
        ]

    everything = await find("")
    assert len(everything) == 9
    assert everything[0] == ("t", 0, 1)
    assert set(await find(f"endpoint_id={paused['id']}")) == {
        ("p", parcel, sequence) for parcel in (1, 2) for sequence in (1, 2)
    }
    assert len(await find("state=pending")) == 4
    assert len(await find("state=delivered")) == 5
    assert await find("state=dead") == []
    assert await find("state=dead&state=pending&state=delivered") == everything
    assert await find("event_type=endpoint.test") == [("t", 0, 1)]
    assert await find("event_type=tracking.updated") == []
    assert set(await find(f"tracking_id={2:032x}")) == {
        (to, 2, sequence) for to in "tp" for sequence in (1, 2)
    }
    assert len(await find("created_max=2026-03-01T10:59:59Z")) == 4
    assert len(await find("created_min=2026-03-01T11:00:00Z")) == 5
    assert len(await find("created_min=2026-03-01T12:00:00%2B01:00")) == 5
    assert await find("created_min=2026-03-02T00:00:00Z") == []
    assert await find("created_min=0001-01-01T00:00:00%2B14:00") == everything
    assert await find(f"endpoint_id={NOBODY}") == []
    narrow = f"endpoint_id={taking['id']}&tracking_id={1:032x}&state=delivered"
    assert await find(narrow) == [("t", 1, 2), ("t", 1, 1)]


async def test_pages_hold_each_message_once_while_others_come(both: Caller) -> None:
    await both.add_endpoint(URL)
    await both.post_events(parcels=5, events=5)
    expected = [one.id for one in await both.messages()][::-1]
    seen: list[str] = []
    query = "limit=4&state=pending"
    while True:
        answered = await both.ask("GET", MESSAGES, query=query)
        page = ok(answered)
        seen += [one["id"] for one in page["items"]]
        await both.post_events(first=100 + len(seen))
        if not page["has_more"]:
            break
        assert len(page["items"]) == 4
        link = answered.headers["link"]
        assert link.startswith(f"<{MESSAGES}?")
        query = link[1:].partition(">")[0].partition("?")[2]
    assert seen == expected
    assert page["next_cursor"] is None


async def test_a_page_without_a_match_leads_on_to_the_next(
    both: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(message_ways, "MESSAGES_LOOKED_AT", 5)
    async with receiver(answer(200)) as there:
        await both.add_endpoint(there.url)
        await both.post_events()
        await both.deliver()
    (delivered,) = await both.messages()
    await both.post_events(parcels=4, events=4, first=2)
    found: list[list[str]] = []
    query: str | None = "limit=2&state=delivered"
    while query is not None:
        answered = await both.ask("GET", MESSAGES, query=query)
        page = ok(answered)
        found.append([one["id"] for one in page["items"]])
        assert page["has_more"] is (page["next_cursor"] is not None)
        link = answered.headers.get("link")
        assert (link is not None) is page["has_more"]
        query = link and link[1:].partition(">")[0].partition("?")[2]
    assert found == [[], [], [], [delivered.id]]


@pytest.mark.parametrize(
    "query",
    [
        "state=gone",
        "event_type=x",
        "created_min=yesterday",
        "created_min=2026-03-01T10:00:00",
        "limit=0",
        "limit=201",
        "limit=many",
        "endpoint_id=x",
        "endpoint_id=%00",
        "tracking_id=" + "A" * 32,
        "stat=dead",
    ],
)
async def test_a_query_that_is_not_understood(shop: Caller, query: str) -> None:
    problem = refused(await shop.ask("GET", MESSAGES, query=query), 400, "invalid-query")
    assert fields_of(problem)[0].partition("[")[0] == query.partition("=")[0]


async def test_a_cursor_of_another_list_is_refused(shop: Caller) -> None:
    for cursor in ("x", "W10", "WyJ0cmFja2luZ3MiLDEsImEiXQ", "-_"):
        answered = await shop.ask("GET", MESSAGES, query=f"cursor={cursor}")
        refused(answered, 400, "invalid-cursor")


async def test_one_is_sent_again(both: Caller) -> None:
    async with receiver(answer(204)) as there:
        made = await both.add_endpoint(there.url)
        await both.post_events(events=2)
        await both.deliver()
        first = (await both.messages())[0]
        path = f"{MESSAGES}/{first.id}/resend"
        both.house.clock.advance(60)
        answered = await both.ask("POST", path, idempotency_key="again")
        said = ok(answered)
        assert list(said) == FIELDS
        assert (said["state"], said["attempt_count"]) == ("pending", 0)
        assert said["due_at"] == "2026-03-01T10:01:00+00:00"
        await both.deliver()
        again = await both.ask("POST", path, idempotency_key="again")
        assert again.body == answered.body
        await both.deliver()
        sent = [one.message_id for one in there.received]
        assert len(sent) == 3
        assert sent[2] == sent[0] == first.id
        # A message that waits may be hurried; one whose endpoint is gone goes nowhere.
        ok(await both.ask("DELETE", f"{ENDPOINTS}/{made['id']}"), 204)
        refused(await both.ask("POST", path), 404, "endpoint-not-found")


async def test_what_is_resent_goes_before_what_comes_later(both: Caller) -> None:
    async with receiver(answer(204)) as there:
        made = await both.add_endpoint(there.url)
        await both.post_events()
        await both.deliver()
        ok(await both.ask("POST", f"{ENDPOINTS}/{made['id']}/pause"))
        await both.post_events(first=2)
        (first, _) = await both.messages()
        ok(await both.ask("POST", f"{MESSAGES}/{first.id}/resend"))
        ok(await both.ask("POST", f"{ENDPOINTS}/{made['id']}/enable"))
        await both.deliver()
        assert there.lines == {f"{1:032x}": [1, 1, 2]}


async def test_nobody_elses_messages_are_there(both: Caller) -> None:
    house = both.house
    await both.add_endpoint(URL)
    await both.post_events()
    (message,) = await both.messages()
    stranger = await house.add_account("other@example.com")
    for key in (house.test_key, stranger):
        assert ok(await both.ask("GET", MESSAGES, key=key))["items"] == []
        query = f"endpoint_id={message.endpoint_id}"
        assert ok(await both.ask("GET", MESSAGES, key=key, query=query))["items"] == []
        for message_id in (message.id, NOBODY, "x", "%00"):
            path = f"{MESSAGES}/{message_id}"
            calls: list[tuple[str, str]] = [
                ("GET", path),
                ("GET", f"{path}/attempts"),
                ("POST", f"{path}/resend"),
            ]
            for method, where in calls:
                refused(await both.ask(method, where, key=key), 404, "message-not-found")
    (after,) = (await house.store.list_messages(house.world_id, MessageFilter())).messages
    assert after == message


async def test_a_key_that_may_only_read_sends_nothing_again(shop: Caller) -> None:
    await shop.add_endpoint(URL)
    await shop.post_events()
    (message,) = await shop.messages()
    reading = await shop.house.add_key(scope="read")
    sent: dict[str, Any] = {"key": reading}
    path = f"{MESSAGES}/{message.id}"
    ok(await shop.ask("GET", MESSAGES, **sent))
    ok(await shop.ask("GET", path, **sent))
    ok(await shop.ask("GET", f"{path}/attempts", **sent))
    refused(await shop.ask("POST", f"{path}/resend", **sent), 403, "insufficient-scope")
