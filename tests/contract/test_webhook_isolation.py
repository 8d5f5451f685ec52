"""Bad receivers beside good ones, in real time: the good ones must not notice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.webhooks.sender import HttpSender
from tests.contract import webhook_receivers as receivers
from tests.contract.store.places import PLACES
from tests.contract.webhook_office import SETTINGS, Office, PassingClock, eventually, open_office
from tests.contract.webhook_receivers import receiver


@pytest.fixture(params=sorted(PLACES))
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(request.param, request) as one:
        yield one


async def test_bad_receivers_do_not_delay_good_ones(office: Office) -> None:
    """Forty endpoints, half of them hang, drip, redirect, answer a gigabyte or nonsense."""
    bad: list[receivers.Behaviour] = [
        receivers.hang,
        receivers.drip_head,
        receivers.drip_body,
        receivers.Huge(),
        receivers.Huge(500),
        receivers.flood_headers,
        receivers.close_at_once,
        receivers.answer(302, b"", "Location: http://127.0.0.1:1/"),
        receivers.raw(b"nonsense\r\n\r\n"),
        receivers.answer(500, delay=1),
    ]
    async with asyncio.TaskGroup() as group, receiver(receivers.answer(200)) as good:
        stop = asyncio.Event()
        ready: list[asyncio.Future[str]] = []

        async def keep(behaviour: receivers.Behaviour, url: asyncio.Future[str]) -> None:
            async with receiver(behaviour) as one:
                url.set_result(one.url)
                await stop.wait()

        for behaviour in bad * 2:
            url = asyncio.get_running_loop().create_future()
            ready.append(url)
            group.create_task(keep(behaviour, url))
        for url in ready:
            await office.post(await office.add_endpoint(await url), parcels=10)
        healthy = [await office.add_endpoint(good.url + str(number)) for number in range(20)]
        for endpoint in healthy:
            await office.post(endpoint, parcels=10, events=2)

        clock = PassingClock(office.clock.now())
        # So few slots that the hanging ones would hold them all, were they let.
        settings = replace(
            SETTINGS, max_concurrent_deliveries=30, request_timeout_seconds=20, grace_seconds=0.1
        )
        async with HttpSender(settings) as sender:
            worker = office.worker(clock=clock, settings=settings, sender=sender)
            running = asyncio.create_task(worker.run())
            await eventually(lambda: len(good.received) == 400)
            # The hanging requests are still hanging, and still within their time.
            assert worker.in_flight >= 4
            worker.stop()
            await running
        stop.set()
    by_path = Counter(request.path for request in good.received)
    assert set(by_path.values()) == {20}


@pytest.mark.parametrize(
    "bad_answer",
    [receivers.answer(500), receivers.answer(200, delay=1.2)],
    ids=["bad", "slow"],
)
async def test_endpoints_known_as_bad_or_slow_leave_half_to_the_others(
    office: Office, bad_answer: receivers.Behaviour
) -> None:
    settings = replace(
        SETTINGS,
        max_concurrent_deliveries=12,
        slow_seconds=1,
        request_timeout_seconds=20,
        grace_seconds=0.1,
    )
    worker = office.worker(clock=PassingClock(office.clock.now()), settings=settings)
    async with receiver(bad_answer) as bad, receiver(receivers.answer(200)) as good:
        poor = [await office.add_endpoint(f"{bad.url}/{number}") for number in range(20)]
        fine = [await office.add_endpoint(f"{good.url}/{number}") for number in range(20)]
        for endpoint in poor + fine:
            await office.post(endpoint)
        running = asyncio.create_task(worker.run())
        await eventually(lambda: len(bad.received) == len(good.received) == 20)
        await eventually(lambda: worker.in_flight == 0)
        # Now twenty known ones hang, with more work than there are slots.
        bad.behaviour = receivers.hang
        for endpoint in poor + fine:
            await office.post(endpoint, parcels=10, first=2)
        worker.notify()
        await eventually(lambda: len(good.received) == 220)
        await eventually(lambda: len(bad.received) > 20)
        assert len(bad.received) - 20 <= 6
        await eventually(lambda: worker.in_flight <= 6)
        worker.stop()
        await running


async def test_the_failing_are_looked_after_in_turns_and_nobody_is_left_out(office: Office) -> None:
    """Ten that fail, with more messages each than a turn has room for."""
    settings = replace(SETTINGS, suspect_seconds=0.05, retry_base_seconds=3_600)
    worker = office.worker(clock=PassingClock(office.clock.now()), settings=settings)
    async with receiver(receivers.answer(500)) as bad:
        for number in range(10):
            await office.post(await office.add_endpoint(f"{bad.url}/{number}"), parcels=8)
        began = asyncio.get_running_loop().time()
        running = asyncio.create_task(worker.run())
        await eventually(lambda: len(bad.received) >= 40)
        seconds = asyncio.get_running_loop().time() - began
        by_path = Counter(request.path for request in bad.received)
        assert len(by_path) == 10
        assert max(by_path.values()) - min(by_path.values()) <= 2
        # The first ten were unknown; the other thirty had their turns, four at a time.
        assert seconds >= 7 * 0.05
        await eventually(lambda: len(bad.received) == 80)
        worker.stop()
        await running
    attempts = [message.attempts for message in await office.messages()]
    assert attempts == [1] * 80


async def test_a_failure_is_written_down_soon_though_nothing_else_happens(office: Office) -> None:
    settings = replace(SETTINGS, poll_seconds=60, suspect_seconds=0.1)
    worker = office.worker(clock=PassingClock(office.clock.now()), settings=settings)
    async with receiver(receivers.answer(500)) as bad:
        await office.post(await office.add_endpoint(bad.url))
        running = asyncio.create_task(worker.run())
        for _ in range(500):
            if (await office.only_message()).attempts:
                break
            await asyncio.sleep(0.01)
        assert (await office.only_message()).attempts == 1
        worker.stop()
        await running


async def test_a_worker_rests_while_the_failing_have_nothing_that_is_due(office: Office) -> None:
    settings = replace(SETTINGS, poll_seconds=60, suspect_seconds=0.01, retry_base_seconds=3_600)
    looks = 0
    claim = office.store.claim_messages

    async def counted(*arguments: Any, **named: Any) -> Any:
        nonlocal looks
        looks += 1
        return await claim(*arguments, **named)

    office.store.claim_messages = counted  # type: ignore[method-assign]
    worker = office.worker(clock=PassingClock(office.clock.now()), settings=settings)
    async with receiver(receivers.answer(500)) as bad:
        await office.post(await office.add_endpoint(bad.url))
        running = asyncio.create_task(worker.run())
        await eventually(lambda: len(bad.received) == 1)
        for _ in range(100):
            if (await office.only_message()).attempts:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        before = looks
        await asyncio.sleep(0.5)  # fifty turns
        worker.stop()
        await running
    assert looks <= before + 2


async def test_a_new_endpoint_beside_a_failing_one_is_sent_one_message_first(
    office: Office,
) -> None:
    worker = office.worker()
    async with receiver(receivers.answer(500)) as bad, receiver(receivers.answer(200)) as new:
        await office.post(await office.add_endpoint(bad.url))
        assert await worker.step() == 1
        await office.post(await office.add_endpoint(new.url), parcels=3)
        assert await worker.step() == 1
        assert len(new.received) == 1
