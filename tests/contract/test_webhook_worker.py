"""The worker's own life: crashes, outages of the store, stopping, clocks."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import Instant
from parcelwire.store.port import StoreUnavailableError
from parcelwire.webhooks.ports import MessageState
from tests.contract import webhook_receivers as receivers
from tests.contract.poll_yard import Unreliable
from tests.contract.store.places import PLACES
from tests.contract.webhook_office import SETTINGS, Office, PassingClock, eventually, open_office
from tests.contract.webhook_receivers import Received, receiver
from tests.unit.webhooks.builders import SECRET


@pytest.fixture(params=sorted(PLACES))
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(request.param, request) as one:
        yield one


class Failing:
    """A store of which some calls fail while it is ``broken``; ``dead`` ones never come back."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.broken: set[str] = set()
        self.dead: set[str] = set()
        self.failed = 0

    def __getattr__(self, name: str) -> Any:
        async def call(*values: Any, **named: Any) -> Any:
            if name in self.dead:
                self.failed += 1
                await asyncio.Event().wait()
            if name in self.broken:
                self.failed += 1
                raise StoreUnavailableError
            return await getattr(self._store, name)(*values, **named)

        return call


class TestCrash:
    async def test_between_sending_and_writing_down(self, office: Office) -> None:
        """The lease ends, and the message goes out again under the same id."""
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, events=2)
            dying = Failing(office.store)
            dying.dead.add("finish_attempts")
            crashed = asyncio.create_task(office.worker(store=dying).step())
            await eventually(lambda: dying.failed > 0)
            crashed.cancel()
            await asyncio.gather(crashed, return_exceptions=True)

            other = office.worker(store=await office.open_another())
            assert await other.step() == 0
            office.clock.advance(SETTINGS.lease_seconds - 0.001)
            assert await other.step() == 0
            office.clock.advance(0.001)
            assert await other.step() == 1
            assert await other.step() == 1
        first, again, second = shop.received
        assert first.message_id == again.message_id != second.message_id
        assert [one.line[1] for one in shop.received] == [1, 1, 2]
        assert await office.pending() == 0

    async def test_a_lease_lasts_longer_than_an_attempt_and_not_for_long(self) -> None:
        assert SETTINGS.request_timeout_seconds < SETTINGS.lease_seconds <= 30

    async def test_a_late_failure_does_not_undo_what_another_worker_delivered(
        self, office: Office
    ) -> None:
        async with receiver(receivers.answer(500)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, events=2)
            slow = Failing(office.store)
            slow.broken.add("finish_attempts")
            late = office.worker(store=slow)
            assert await late.step() == 1
            assert slow.failed == 1
            office.clock.advance(SETTINGS.lease_seconds)
            shop.behaviour = receivers.answer(200)
            other = office.worker()
            assert await other.step() == 1
            slow.broken.clear()
            await office.settle(late, steps=20)  # writes down the failure, then takes the next
            states = {one.sequence: one.state for one in await office.messages()}
        assert states == {1: MessageState.DELIVERED, 2: MessageState.DELIVERED}
        assert [one.line[1] for one in shop.received] == [1, 1, 2]

    async def test_a_store_too_slow_to_claim_in_time_sends_nothing(self, office: Office) -> None:
        class Slow(Failing):
            async def claim_messages(self, *values: Any, **named: Any) -> Any:
                claimed = await office.store.claim_messages(*values, **named)
                office.clock.advance(SETTINGS.lease_margin_seconds + 1)
                return claimed

        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            assert await office.worker(store=Slow(office.store)).step() == 0
            office.clock.advance(SETTINGS.lease_seconds)
            assert await office.worker().step() == 1
        assert len(shop.received) == 1


class TestOutage:
    @pytest.mark.parametrize("call", ["claim_messages", "finish_attempts", "next_message_due"])
    async def test_it_is_sat_out_and_told_once(
        self, office: Office, call: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "parcelwire.webhooks")
        store = Failing(office.store)
        clock = PassingClock(office.clock.now())
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, parcels=20, events=2)
            worker = office.worker(store=store, clock=clock)
            store.broken.add(call)
            running = asyncio.create_task(worker.run())
            await eventually(lambda: store.failed >= 3)
            assert not running.done()
            store.broken.clear()
            worker.stop()
            await running
            await office.run_until_settled(office.worker(store=store, clock=clock), seconds=40)
            assert all(line in ([1, 2], [1, 1, 2]) for line in shop.lines.values())
            assert len(shop.lines) == 20
        told = [one.getMessage() for one in caplog.records]
        assert told.count("webhooks: the store fails (StoreUnavailableError); delivery waits") == 1

    async def test_healing_is_told_once_too(
        self, office: Office, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "parcelwire.webhooks")
        store = Failing(office.store)
        worker = office.worker(store=store)
        store.broken |= {"claim_messages", "finish_attempts"}
        for _ in range(5):
            assert await worker.step() == 0
        store.broken.clear()
        for _ in range(5):
            assert await worker.step() == 0
        assert [one.getMessage() for one in caplog.records] == [
            "webhooks: the store fails (StoreUnavailableError); delivery waits",
            "webhooks: the store works again; delivery goes on",
        ]

    async def test_an_outcome_that_could_not_be_stored_is_stored_later_without_sending_again(
        self, office: Office
    ) -> None:
        store = Failing(office.store)
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            worker = office.worker(store=store)
            store.broken.add("finish_attempts")
            assert await worker.step() == 1
            assert await worker.step() == 0
            store.broken.clear()
            assert await worker.step() == 0
        assert len(shop.received) == 1
        message = await office.only_message()
        assert (message.state, message.attempts) == (MessageState.DELIVERED, 1)


class TestWaking:
    async def test_notice_beats_the_next_look(self, office: Office) -> None:
        settings = replace(SETTINGS, poll_seconds=60)
        worker = office.worker(clock=PassingClock(office.clock.now()), settings=settings)
        running = asyncio.create_task(worker.run())
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await asyncio.sleep(0.1)  # it sleeps by now
            await office.post(endpoint)
            worker.notify()
            await office.none_pending()
            assert len(shop.received) == 1
        worker.stop()
        await running

    async def test_without_notice_another_process_work_is_found(self, office: Office) -> None:
        clock = PassingClock(office.clock.now())
        worker = office.worker(clock=clock)
        running = asyncio.create_task(worker.run())
        async with receiver(receivers.answer(200)) as shop:
            await asyncio.sleep(0.1)
            await office.post(await office.add_endpoint(shop.url))
            await office.none_pending()
        worker.stop()
        await running


class TestStopping:
    async def test_what_is_under_way_is_finished_and_nothing_new_begun(
        self, office: Office
    ) -> None:
        async with receiver(receivers.answer(200, delay=0.3)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, events=3)
            worker = office.worker(clock=PassingClock(office.clock.now()))
            running = asyncio.create_task(worker.run())
            await eventually(lambda: bool(shop.received))
            worker.stop()
            await running
            assert len(shop.received) == 1
        assert sorted(one.state for one in await office.messages()) == [
            MessageState.DELIVERED,
            MessageState.PENDING,
            MessageState.PENDING,
        ]

    @pytest.mark.parametrize("is_cancelled", [False, True])
    async def test_what_does_not_end_in_time_is_left_to_its_lease(
        self, office: Office, is_cancelled: bool
    ) -> None:
        settings = replace(SETTINGS, grace_seconds=0.1)
        async with receiver(receivers.hang) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            worker = office.worker(clock=PassingClock(office.clock.now()), settings=settings)
            running = asyncio.create_task(worker.run())
            await eventually(lambda: bool(shop.received))
            if is_cancelled:
                running.cancel()
            else:
                worker.stop()
            async with asyncio.timeout(3):
                await asyncio.gather(running, return_exceptions=True)
            assert worker.in_flight == 0
            message = await office.only_message()
            assert (message.state, message.attempts) == (MessageState.PENDING, 0)
            shop.behaviour = receivers.answer(200)
            office.clock.advance(60)
            assert await office.worker().step() == 1
            assert {one.message_id for one in shop.received} == {message.id}


class TestClockJumps:
    async def test_ahead_while_a_request_is_under_way(self, office: Office) -> None:
        """Its lease has ended by the clock; it must not be sent a second time beside itself."""
        clock = PassingClock(office.clock.now())
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            worker = office.worker(clock=clock)
            running = asyncio.create_task(worker.run())
            # An endpoint that answers well may have several requests at a time.
            await office.post(endpoint, parcels=9)
            await office.none_pending()
            shop.received.clear()
            shop.behaviour = receivers.answer(200, delay=0.5)
            await office.post(endpoint, events=2, first=2)
            worker.notify()
            await eventually(lambda: bool(shop.received))
            clock.jump(3_600)
            await office.none_pending()
            worker.stop()
            await running
            assert shop.most_in_flight_of_one_tracking == 1
            assert [one.line[1] for one in shop.received] == [2, 3]

    async def test_back_by_ten_years_leaves_new_messages_flowing(self, office: Office) -> None:
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            worker = office.worker()
            assert await worker.step() == 1
            office.clock.advance(-10 * 365 * 86_400)
            await office.post(endpoint, first=2)
            assert await worker.step() == 1

    @pytest.mark.parametrize("jump", [3_600, 86_400, 10 * 365 * 86_400])
    async def test_back_loses_no_retry_and_no_message_of_the_time_ahead(
        self, office: Office, jump: int
    ) -> None:
        async with receiver(receivers.answer(500)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            worker = office.worker()
            office.clock.advance(jump)
            await office.post(endpoint)
            assert await worker.step() == 1
            await office.post(endpoint, first=2)
            office.clock.advance(-jump)
            shop.behaviour = receivers.answer(200)
            await office.settle(worker, steps=5)
            assert [one.line[1] for one in shop.received] == [1, 1, 2]

    async def test_all_that_waits_is_looked_at_only_after_a_jump(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looks: list[bool] = []
        recall = office.store.recall_messages

        async def note(now: Instant, *, beyond: Instant, far_only: bool = False) -> int:
            looks.append(far_only)
            return await recall(now, beyond=beyond, far_only=far_only)

        monkeypatch.setattr(office.store, "recall_messages", note)
        worker = office.worker()
        for seconds in (0, 1_800, 1_800, 3_600, -7_200, 1):
            office.clock.advance(seconds)
            await worker.step()
        assert looks == [False, True, True, False]

    async def test_back_while_the_store_is_away_loses_no_retry(self, office: Office) -> None:
        async with receiver(receivers.answer(500)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            store = Unreliable(office.store)
            worker = office.worker(store=store)
            office.clock.advance(10 * 365 * 86_400)
            await office.post(endpoint)
            assert await worker.step() == 1
            office.clock.advance(-10 * 365 * 86_400)
            shop.behaviour = receivers.answer(200)
            store.is_away = True
            assert await worker.step() == 0
            store.is_away = False
            await office.settle(worker, steps=5)
            assert store.fired > 0
            assert len(shop.received) == 2


class TestFaultsOfOurOwn:
    async def test_a_sender_that_breaks_uses_up_attempts_and_ends_nothing(
        self, office: Office, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Broken:
            async def send(self, request: Any) -> Any:
                raise ZeroDivisionError

        endpoint = await office.add_endpoint("http://127.0.0.1:1/")
        await office.post(endpoint)
        worker = office.worker(sender=Broken(), settings=replace(SETTINGS, max_attempts=3))
        for _ in range(3):
            assert await worker.step() == 1
            office.clock.advance(1_000)
        message = await office.only_message()
        assert message.state is MessageState.DEAD
        attempts = await office.store.list_attempts(message.id)
        assert [one.error for one in attempts] == ["internal error: ZeroDivisionError"] * 3
        assert "could not be sent" in caplog.text

    async def test_an_endpoint_deleted_under_way_is_no_trouble(self, office: Office) -> None:
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)

            async def delete(request: Received, writer: asyncio.StreamWriter) -> None:
                await office.store.delete_endpoint(office.world_id, endpoint.id)
                await receivers.answer(200)(request, writer)

            shop.behaviour = delete
            await office.post(endpoint, events=2)
            worker = office.worker()
            assert await worker.step() == 1
            assert await worker.step() == 0
        states = {one.sequence: one.state for one in await office.messages()}
        assert states == {1: MessageState.DELIVERED, 2: MessageState.DEAD}


async def test_logs_hold_no_secret_no_payload_and_no_url(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with receiver(receivers.answer(500, b"canary in the answer")) as shop:
        endpoint = await office.add_endpoint(shop.url + "?token=canary")
        await office.post(endpoint, parcels=3)
        worker = office.worker(settings=replace(SETTINGS, max_attempts=2))
        for _ in range(8):
            await worker.step()
            office.clock.advance(1_000)
        shop.behaviour = receivers.answer(410)
        await office.post(endpoint, first=2)
        await worker.step()
        await office.switch(endpoint, is_enabled=True)
        shop.behaviour = receivers.answer(200)
        while await worker.step():
            pass
    told = [one.getMessage() for one in caplog.records if one.name.startswith("parcelwire")]
    assert f"webhooks: endpoint {endpoint.id} fails: answered 500" in told
    assert f"webhooks: endpoint {endpoint.id} answers well again" in told
    assert sum("given up after 2 attempts: answered 500" in one for one in told) == 3
    assert sum("disabled: the receiver answered 410 Gone" in one for one in told) == 1
    for word in ("canary", SECRET, "Sortierzentrum", "127.0.0.1", "shop@example.com"):
        assert word not in "\n".join(told)
