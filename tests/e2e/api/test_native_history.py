"""One tracking's events and polls over the native API, on both engines."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from parcelwire.api.native.events import EventObject
from parcelwire.api.native.paging import make_cursor
from parcelwire.api.native.tracking_history import PollHistory
from parcelwire.domain.clock import HOUR, SECOND, iso_utc
from parcelwire.domain.report import Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.tracking.drafts import Draft
from tests.contract.store.places import PLACES
from tests.contract.store.samples import advance, create, new_id
from tests.support.house import report
from tests.support.native_shop import Shop, ok, open_shop, refused
from tests.support.v4 import USPS_NUMBER, point


@pytest.fixture(params=sorted(PLACES))
async def shop(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, request, request.param) as shop:
        yield shop


async def tell(shop: Shop, number: str, count: int) -> str:
    now = shop.house.clock.now()
    world_id = shop.house.world_id
    tracking = await create(shop.house.store, number, world_id=world_id, created_at=now)
    for index in range(count):
        status = Status.TRANSIT if index % 2 else Status.PICKUP
        tracking = await advance(shop.house.store, tracking, status=status, updated_at=now)
    return tracking.id


class TestEvents:
    async def test_one_trackings_events_in_pages(self, shop: Shop) -> None:
        mine = await tell(shop, "RA123456785CH", 5)
        await tell(shop, "RA123456799CH", 2)
        seen: list[Any] = []
        cursor: Any = ""
        for size in (2, 2, 1):
            query = f"limit=2&cursor={cursor}"
            said = ok(await shop.ask("GET", f"/api/trackings/{mine}/events", query=query))
            assert len(said["items"]) == size
            seen += said["items"]
            cursor = said["next_cursor"]
            assert said["has_more"] == (cursor is not None)
        assert cursor is None
        assert [one["sequence"] for one in seen] == [5, 4, 3, 2, 1]
        assert {one["tracking_id"] for one in seen} == {mine}
        for one in seen:
            msgspec.convert(one, EventObject)
        # They are the feed's.
        feed = ok(await shop.ask("GET", "/api/events"))["items"]
        assert [one for one in feed if one["tracking_id"] == mine] == seen[::-1]

    async def test_without_events_there_is_an_empty_page(self, shop: Shop) -> None:
        mine = await tell(shop, "RA123456785CH", 0)
        said = ok(await shop.ask("GET", f"/api/trackings/{mine}/events"))
        assert said == {"items": [], "next_cursor": None, "has_more": False}

    async def test_bad_questions(self, shop: Shop) -> None:
        mine = await tell(shop, "RA123456785CH", 1)
        for name in (new_id(), "x", "0" * 31):
            answer = await shop.ask("GET", f"/api/trackings/{name}/events")
            refused(answer, 404, "tracking-not-found")
        path = f"/api/trackings/{mine}/events"
        for cursor in (
            "AAAA",
            make_cursor("events", 3, 4),
            make_cursor("tracking-events", "3"),
            make_cursor("tracking-events", -1),
            make_cursor("tracking-events", 2**70),
        ):
            refused(await shop.ask("GET", path, query=f"cursor={cursor}"), 400, "invalid-cursor")
        for query in ("limit=0", "limit=201", "limit=x", "after=1"):
            assert (await shop.ask("GET", path, query=query)).status == 400, query


class TestPolls:
    async def ask(self, shop: Shop, tracking_id: str) -> Any:
        answer = await shop.ask("GET", f"/api/trackings/{tracking_id}/polls")
        said = ok(answer)
        msgspec.json.decode(answer.body, type=PollHistory)
        return said

    async def test_what_was_asked_why_and_what_came(self, shop: Shop) -> None:
        house = shop.house
        scan = point("2026-02-27T09:00:00", "Accepted", Substatus.TRANSIT)
        house.carriers.script("usps", USPS_NUMBER, report("", scan))
        created = await house.service.create(
            house.world_id, Draft(number=USPS_NUMBER, courier_code="usps")
        )
        began_at = house.clock.now()
        house.clock.advance(2 * HOUR / SECOND)
        await house.service.refresh_now(created)
        house.carriers.script(
            "usps", USPS_NUMBER, report("", outcome=Outcome.UNAVAILABLE, detail="HTTP 503")
        )
        house.clock.advance(2 * HOUR / SECOND)
        stored = await house.service.get(house.world_id, created.tracking.id)
        await house.service.refresh_now(stored)

        said = await self.ask(shop, created.tracking.id)
        assert list(said) == ["items", "check_count", "next_check_at", "next_check_reason"]
        third, second, first = said["items"]
        assert first == {
            "attempted_at": iso_utc(began_at),
            "outcome": "found",
            "has_changes": True,
            "reason": "new: asked at once",
            "connector": "scripted",
            "duration_ms": 0,
            "detail": None,
        }
        assert (second["outcome"], second["has_changes"]) == ("found", False)
        assert second["reason"] == "asked for by hand or by a program"
        assert (third["outcome"], third["detail"]) == ("unavailable", "HTTP 503")
        assert third["attempted_at"] == iso_utc(house.clock.now())
        assert said["check_count"] == 3
        assert said["next_check_at"] > third["attempted_at"]
        assert said["next_check_reason"] == "the carrier is out of order: again when it is back"

    async def test_a_tracking_nobody_asked_about_has_none(self, shop: Shop) -> None:
        mine = await tell(shop, "RA123456785CH", 0)
        said = await self.ask(shop, mine)
        assert (said["items"], said["check_count"]) == ([], 0)

    async def test_a_tracking_that_is_not_there(self, shop: Shop) -> None:
        for name in (new_id(), "x"):
            answer = await shop.ask("GET", f"/api/trackings/{name}/polls")
            refused(answer, 404, "tracking-not-found")
