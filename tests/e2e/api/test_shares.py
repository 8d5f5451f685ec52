"""One account's calls are never another's speed: what is bounded, and what the bounds answer."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from parcelwire.api.house import ApiSettings
from parcelwire.api.native.paging import make_cursor
from parcelwire.api.shares import ShareSettings, TooManyCallsError
from parcelwire.api.v2.render import Renderer
from parcelwire.domain.clock import SECOND
from parcelwire.store.sqlite.rows import stored_of
from parcelwire.tracking.slices import SLICE
from tests.contract.store.samples import advance, create, make_new
from tests.support.house import HouseUnderTest, open_house
from tests.support.native_shop import Shop, ok, open_shop, refused
from tests.support.v2 import ask, open_v2
from tests.support.v4 import DIALECTS

OTHER = "other@example.com"


async def fill(house: HouseUnderTest, count: int, world_id: int | None = None) -> None:
    await house.store.create_trackings(
        [make_new(f"NR{index:07d}", world_id=world_id or house.world_id) for index in range(count)]
    )


class Slow:
    """A house's store whose lists wait for a gate, and that counts how many are under way."""

    def __init__(self, house: HouseUnderTest) -> None:
        self.gate = asyncio.Event()
        self.under_way = 0
        self.most = 0
        self.order: list[int] = []
        listing = house.store.list_trackings

        async def list_slowly(world_id: int, *arguments: Any, **named: Any) -> Any:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.order.append(world_id)
            try:
                await self.gate.wait()
                return await listing(world_id, *arguments, **named)
            finally:
                self.under_way -= 1

        store: Any = house.store
        store.list_trackings = list_slowly


async def settle() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


# --- long reads -------------------------------------------------------------------------------


async def test_of_one_account_two_long_lists_are_read_at_a_time_and_another_has_its_turn(
    tmp_path: Path,
) -> None:
    async with open_v2(tmp_path) as house:
        other_key = await house.add_account(OTHER)
        other_world = house.world_id + 2
        await fill(house, 60)
        await fill(house, 60, other_world)
        slow = Slow(house)
        crowd = [
            asyncio.create_task(ask(house, "GET", "/v2/trackings/get", query="limit=2000"))
            for _ in range(16)
        ]
        await settle()
        assert slow.most == 2
        one = asyncio.create_task(
            ask(house, "GET", "/v2/trackings/get", query="limit=2000", key=other_key)
        )
        await settle()
        # It does not stand behind the fourteen that wait.
        assert slow.order == [house.world_id, house.world_id, other_world]
        slow.gate.set()
        assert (await one)[0] == 200
        for code, data in await asyncio.gather(*crowd):
            assert code == 200
            assert len(data["items"]) == 60
        assert slow.most <= 3


async def test_a_short_list_and_a_number_do_not_wait_for_long_ones(tmp_path: Path) -> None:
    async with open_v2(tmp_path) as house:
        await fill(house, 60)
        slow = Slow(house)
        crowd = [
            asyncio.create_task(ask(house, "GET", "/v2/trackings/get", query="limit=2000"))
            for _ in range(8)
        ]
        await settle()
        short = asyncio.create_task(ask(house, "GET", "/v2/trackings/get", query="limit=50"))
        await settle()
        assert slow.under_way == 3
        slow.gate.set()
        await asyncio.gather(short, *crowd)


SHORT = ShareSettings(long_reads=1, long_reads_per_account=1, long_read_wait_seconds=0.05)


async def test_a_long_list_that_has_no_turn_in_time_is_429_in_v2(tmp_path: Path) -> None:
    async with open_v2(tmp_path, shares=SHORT) as house:
        await fill(house, 60)
        slow = Slow(house)
        first = asyncio.create_task(ask(house, "GET", "/v2/trackings/get", query="limit=2000"))
        await settle()
        answer = await house.call("GET", "/v2/trackings/get", query="limit=2000")
        assert answer.json()["meta"]["code"] == 429
        assert "retry-after" in answer.headers
        slow.gate.set()
        assert (await first)[0] == 200
        assert (await ask(house, "GET", "/v2/trackings/get", query="limit=2000"))[0] == 200


async def test_a_long_list_that_has_no_turn_in_time_is_429_in_v4(tmp_path: Path) -> None:
    async with open_house(tmp_path, DIALECTS, shares=SHORT) as house:
        await fill(house, 60)
        async with house.house.reads.slot(house.world_id):
            answer = await house.call("GET", "/v4/trackings/get", query="items_amount=200")
            assert (answer.status, answer.json()["data"]) == (429, [])
            assert answer.headers["retry-after"] == "5"
            # Who asks for a number does not wait.
            by_number = await house.call(
                "GET", "/v4/trackings/get", query="tracking_numbers=NR0000001"
            )
            assert by_number.status == 200
        assert (await house.call("GET", "/v4/trackings/get")).status == 200


async def test_a_long_list_that_has_no_turn_in_time_is_429_in_the_native_api(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path, shares=SHORT) as shop:
        async with shop.house.house.reads.slot(shop.house.world_id):
            for query in ("limit=200", "courier_code=dhl"):
                answer = await shop.ask("GET", "/api/trackings", query=query)
                refused(answer, 429, "too-many-requests")
                assert answer.headers["retry-after"] == "5"
            answer = await shop.ask("GET", "/api/trackings/counts", query="courier_code=dhl")
            refused(answer, 429, "too-many-requests")
            ok(await shop.ask("GET", "/api/trackings"))
            ok(await shop.ask("GET", "/api/trackings/counts"))
        ok(await shop.ask("GET", "/api/trackings", query="limit=200"))


async def test_a_list_of_2000_lets_others_have_their_turn_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted in rounds of the event loop: none may hold the work of more than two slices."""
    rounds = 0
    read: Counter[int] = Counter()
    rendered: Counter[int] = Counter()

    def counted(work: Any, counts: Counter[int]) -> Any:
        def count(*arguments: Any) -> Any:
            counts[rounds] += 1
            return work(*arguments)

        return count

    async def count_rounds() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    async with open_v2(tmp_path) as house:
        for start in range(0, 2_000, 500):
            await house.store.create_trackings(
                [
                    make_new(f"NR{start + index:07d}", world_id=house.world_id)
                    for index in range(500)
                ]
            )
        monkeypatch.setattr("parcelwire.store.sqlite.reading.stored_of", counted(stored_of, read))
        monkeypatch.setattr(Renderer, "full_item", counted(Renderer.full_item, rendered))
        counting = asyncio.create_task(count_rounds())
        code, data = await ask(house, "GET", "/v2/trackings/get", query="limit=2000")
        counting.cancel()
    assert (code, len(data["items"])) == (200, 2_000)
    for counts in (read, rendered):
        assert counts.total() == 2_000
        # After a pause a slice may come before the counter, in the round of the slice before.
        assert max(counts.values()) <= 2 * SLICE


# --- waiting for events -----------------------------------------------------------------------


class Counted:
    """Counts what is asked of a store's events."""

    def __init__(self, shop: Shop) -> None:
        self.asked = 0
        events_after = shop.house.store.events_after

        async def count(*arguments: Any) -> Any:
            self.asked += 1
            return await events_after(*arguments)

        store: Any = shop.house.store
        store.events_after = count


class Paced:
    """A clock that moves only when it is told to, for those who sleep on it."""

    def __init__(self, shop: Shop) -> None:
        self._clock = shop.house.clock
        self._tick = asyncio.Event()
        shop.house.clock.sleep = self._sleep  # type: ignore[method-assign]  # sleeps until told

    async def _sleep(self, seconds: float) -> None:
        await self._tick.wait()

    async def pass_by(self, seconds: float) -> None:
        self._clock.advance(seconds)
        tick, self._tick = self._tick, asyncio.Event()
        tick.set()
        await settle()


def waits(shop: Shop, count: int, key: str = "") -> list[asyncio.Task[Any]]:
    return [
        asyncio.create_task(shop.ask("GET", "/api/events", query="wait_seconds=30", key=key))
        for _ in range(count)
    ]


async def test_an_account_has_so_many_calls_that_wait_and_the_others_are_refused_at_once(
    tmp_path: Path,
) -> None:
    shares = ShareSettings(event_waits=25, event_waits_per_account=20)
    async with open_shop(tmp_path, shares=shares) as shop:
        other_key = await shop.house.add_account(OTHER)
        paced = Paced(shop)
        crowd = waits(shop, 500)
        await settle()
        answered = [task.result() for task in crowd if task.done()]
        assert len(answered) == 480
        for answer in answered[:3]:
            refused(answer, 429, "too-many-requests")
            assert answer.headers["retry-after"] == "5"
        others = waits(shop, 6, other_key)
        await settle()
        # Five more than the twenty are all that may wait, whoever they are.
        assert [task.done() for task in others] == [False] * 5 + [True]
        await paced.pass_by(31)
        for task in (*crowd, *others[:5]):
            assert (await task).status in (200, 429)
        # Whoever has gone makes room.
        again = waits(shop, 1)
        await settle()
        assert not again[0].done()
        await paced.pass_by(31)
        ok(await again[0])


async def test_who_waits_costs_one_look_per_world_whatever_their_number(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        paced, counted = Paced(shop), Counted(shop)
        crowd = waits(shop, 20)
        await settle()
        assert counted.asked == 20
        for _ in range(10):
            await paced.pass_by(0.5)
        assert counted.asked == 20 + 10
        tracking = await create(shop.house.store, "RA123456785CH", world_id=shop.house.world_id)
        await advance(shop.house.store, tracking)
        await paced.pass_by(0.5)
        for task in crowd:
            assert len(ok(await asyncio.wait_for(task, 5))["items"]) == 1


async def test_a_made_up_cursor_hides_no_events_from_others(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        paced = Paced(shop)
        far = make_cursor("events", 10**9, shop.house.clock.now())
        stranger = asyncio.create_task(
            shop.ask("GET", "/api/events", query=f"wait_seconds=30&after={far}")
        )
        (honest,) = waits(shop, 1)
        await settle()
        tracking = await create(shop.house.store, "RA123456785CH", world_id=shop.house.world_id)
        await advance(shop.house.store, tracking)
        await paced.pass_by(0.5)
        assert len(ok(await asyncio.wait_for(honest, 5))["items"]) == 1
        assert not stranger.done()
        await paced.pass_by(30)
        assert ok(await asyncio.wait_for(stranger, 5))["items"] == []


async def test_a_clock_that_is_set_back_ends_the_wait_and_gives_the_slot_back(
    tmp_path: Path,
) -> None:
    shares = ShareSettings(event_waits_per_account=1)
    async with open_shop(tmp_path, shares=shares) as shop:
        paced = Paced(shop)
        (waiter,) = waits(shop, 1)
        await settle()
        await paced.pass_by(-7_200)
        assert ok(await asyncio.wait_for(waiter, 5))["items"] == []
        with shop.house.house.events.slot(shop.house.world_id):
            pass


async def test_slots_are_given_back_when_a_caller_goes_away(tmp_path: Path) -> None:
    shares = ShareSettings(event_waits_per_account=1)
    async with open_shop(tmp_path, shares=shares) as shop:
        Paced(shop)
        (leaves,) = waits(shop, 1)
        await settle()
        leaves.cancel()
        await asyncio.gather(leaves, return_exceptions=True)
        (stays,) = waits(shop, 1)
        await settle()
        assert not stays.done()
        with pytest.raises(TooManyCallsError), shop.house.house.events.slot(shop.house.world_id):
            pass
        stays.cancel()


# --- rate limits ------------------------------------------------------------------------------


async def test_batches_count_as_many_as_they_create(tmp_path: Path) -> None:
    settings = ApiSettings(create_per_second=20)
    batch = [{"tracking_number": f"AB1000{n:04d}CH", "courier_code": "dhl"} for n in range(40)]
    async with open_house(tmp_path, DIALECTS, settings=settings) as house:
        answer = await house.call("POST", "/v4/trackings/batch", json=batch)
        assert (answer.status, len(answer.json()["data"]["success"])) == (200, 40)
        assert answer.headers["ratelimit-limit"] == "20"
        assert answer.headers["ratelimit-remaining"] == "0"
        answer = await house.call("POST", "/v4/trackings/batch", json=batch)
        assert answer.status == 429
        # Twenty were there; twenty more are to be made up for, and one is wanted.
        assert answer.headers["retry-after"] == "2"
        house.clock.advance(1)
        assert (await house.call("POST", "/v4/trackings/batch", json=batch)).status == 429
        house.clock.advance(1)
        assert (await house.call("POST", "/v4/trackings/batch", json=batch)).status == 200


async def test_a_batch_of_v2_counts_so_too_and_so_does_a_realtime_query_that_creates(
    tmp_path: Path,
) -> None:
    settings = ApiSettings(create_per_second=4)
    items = [{"tracking_number": f"AB1000{n:04d}CH", "carrier_code": "dhl"} for n in range(6)]
    async with open_v2(tmp_path, settings=settings) as house:
        assert (await ask(house, "POST", "/v2/trackings/batch", json=items[:5]))[0] == 201
        assert (await ask(house, "POST", "/v2/trackings/post", json=items[5]))[0] == 429
        assert (await ask(house, "POST", "/v2/trackings/realtime", json=items[5]))[0] == 429
        # Who asks about what is there creates nothing.
        assert (await ask(house, "POST", "/v2/trackings/realtime", json=items[0]))[0] == 200
        house.clock.advance(1)
        assert (await ask(house, "POST", "/v2/trackings/realtime", json=items[5]))[0] == 200


async def test_a_batch_of_the_native_api_counts_so_too(tmp_path: Path) -> None:
    settings = ApiSettings(create_per_second=10)
    body = {"trackings": [{"number": f"RA12345{n:04d}", "courier_code": "dhl"} for n in range(30)]}
    async with open_shop(tmp_path, settings=settings) as shop:
        answer = await shop.ask("POST", "/api/trackings/batch", json=body)
        assert ok(answer)["created_count"] == 30
        assert answer.headers["ratelimit-remaining"] == "0"
        answer = await shop.ask("POST", "/api/trackings/batch", json=body)
        refused(answer, 429, "too-many-requests")
        assert answer.headers["retry-after"] == "3"
        shop.house.clock.advance(3 * SECOND / 1_000)
        ok(await shop.ask("POST", "/api/trackings/batch", json=body))
