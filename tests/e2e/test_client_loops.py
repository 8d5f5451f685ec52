"""One client for a whole program: its threads, and its event loops, one after the other or at once.

The server is a real one on loopback, in the loop of the test; each client lives in other threads.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
import uvloop

from parcelwire.client import AsyncParcelwire, ClientClosedError, Parcelwire, ParcelwireError
from tests.support.clients import whole_door
from tests.support.house import HouseUnderTest, open_house, serve
from tests.support.v4 import USPS_NUMBER

Run = Callable[[Coroutine[Any, Any, Any]], Any]
RUNS: list[Run] = [asyncio.run, uvloop.run]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[tuple[HouseUnderTest, str]]:
    async with open_house(tmp_path, lambda _: []) as house, serve(whole_door(house)) as address:
        yield house, f"http://{address}"


@pytest.mark.parametrize("run", RUNS)
async def test_one_loop_after_the_other(site: tuple[HouseUnderTest, str], run: Run) -> None:
    client = AsyncParcelwire(site[0].key, site[1])

    def program() -> tuple[Any, Any, Any]:
        created = run(client.trackings.create(USPS_NUMBER, "usps"))
        found = run(client.trackings.get(USPS_NUMBER))
        listed = run(client.with_options(max_retries=0).trackings.list().all())
        # What a loop left open would be told of here, as an error of this test.
        gc.collect()
        return created, found, listed

    created, found, listed = await asyncio.to_thread(program)
    assert created.id == found.id
    assert [one.id for one in listed] == [created.id]
    assert client.engine.settings.base_url == site[1]
    await client.close()


# The sockets of loops that were closed over them are told of when they are collected: rightly.
@pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
async def test_a_loop_that_ends_without_tidying_up(site: tuple[HouseUnderTest, str]) -> None:
    client = AsyncParcelwire(site[0].key, site[1])

    def once() -> Any:
        loop = asyncio.new_event_loop()
        try:
            return loop.run_until_complete(client.trackings.find(USPS_NUMBER))
        finally:
            loop.close()

    for _ in range(3):
        assert await asyncio.to_thread(once) is None
    assert await client.trackings.find(USPS_NUMBER) is None
    await client.close()
    gc.collect()


@pytest.mark.parametrize("run", RUNS)
async def test_many_threads_at_once_each_with_its_loop(
    site: tuple[HouseUnderTest, str], run: Run
) -> None:
    client = AsyncParcelwire(site[0].key, site[1])
    start = Barrier(6)

    def program(index: int) -> list[str]:
        async def work() -> list[str]:
            start.wait(60)
            made = await asyncio.gather(
                *(
                    client.trackings.create(f"94001118992238579{index}{other:04d}", "usps")
                    for other in range(5)
                )
            )
            return [one.tracking_number for one in made]

        numbers: list[str] = run(work())
        return numbers

    with ThreadPoolExecutor(6) as threads:
        work = [asyncio.wrap_future(threads.submit(program, index)) for index in range(6)]
        made = [number for numbers in await asyncio.gather(*work) for number in numbers]
    listed = await client.trackings.list().all()
    assert len(made) == 30
    assert {one.tracking_number for one in listed} == set(made)
    await client.close()


async def test_many_threads_share_the_synchronous_client(site: tuple[HouseUnderTest, str]) -> None:
    with Parcelwire(site[0].key, site[1]) as client, ThreadPoolExecutor(6) as threads:
        work = [
            asyncio.wrap_future(
                threads.submit(client.trackings.create, f"94001118992238579253{index:02d}", "usps")
            )
            for index in range(30)
        ]
        made = await asyncio.gather(*work)
    assert len({one.id for one in made}) == 30


async def test_what_is_closed_says_so(site: tuple[HouseUnderTest, str]) -> None:
    client = AsyncParcelwire(site[0].key, site[1])
    other = client.with_options(max_retries=0)
    assert await other.trackings.find(USPS_NUMBER) is None
    await client.close()
    await client.close()
    for one in (client, other):
        with pytest.raises(ClientClosedError) as caught:
            await one.trackings.find(USPS_NUMBER)
        assert isinstance(caught.value, ParcelwireError)
        assert isinstance(caught.value, RuntimeError)
    with pytest.raises(ClientClosedError):
        await asyncio.to_thread(asyncio.run, client.trackings.find(USPS_NUMBER))
    blocking = Parcelwire(site[0].key, site[1])
    blocking.close()
    blocking.close()
    with pytest.raises(ClientClosedError):
        blocking.trackings.find(USPS_NUMBER)


async def test_closing_reaches_the_other_loops(site: tuple[HouseUnderTest, str]) -> None:
    client = AsyncParcelwire(site[0].key, site[1])
    is_open, is_told = Event(), Event()

    def program() -> str:
        async def work() -> str:
            await client.trackings.find(USPS_NUMBER)
            is_open.set()
            await asyncio.to_thread(is_told.wait, 60)
            try:
                await client.trackings.find(USPS_NUMBER)
            except ClientClosedError as error:
                return error.message
            return "still open"

        return asyncio.run(work())

    running = asyncio.create_task(asyncio.to_thread(program))
    await asyncio.to_thread(is_open.wait, 60)
    await client.trackings.find(USPS_NUMBER)
    await client.close()
    is_told.set()
    assert "closed" in await running
    gc.collect()
