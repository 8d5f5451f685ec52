"""What is promised about delivery, on both engines, with real receivers on loopback.

Time stands still and is moved by the tests; only the sockets live in real time.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest
import standardwebhooks
import svix.webhooks
from msgspec.structs import replace

from parcelwire.domain.clock import SECOND
from parcelwire.signatures.verify import verify_standard, verify_v2, verify_v4
from parcelwire.webhooks.ports import MessageState
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.settings import WebhookSettings
from tests.contract import webhook_receivers as receivers
from tests.contract.store.places import PLACES
from tests.contract.webhook_office import SETTINGS, Office, PassingClock, open_office, seeded
from tests.contract.webhook_receivers import Received, receiver
from tests.unit.webhooks.builders import SECRET


@pytest.fixture(params=sorted(PLACES))
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(request.param, request) as one:
        yield one


class TestOrder:
    async def test_each_parcels_messages_arrive_in_order_whatever_fails(
        self, office: Office
    ) -> None:
        source = seeded(1)
        failures = 0

        async def moody(request: Received, writer: asyncio.StreamWriter) -> None:
            nonlocal failures
            if source.random() < 0.2:
                failures += 1
                await receivers.answer(source.choice([500, 302, 404]))(request, writer)
                return
            accepted.append(request)
            await receivers.answer(204)(request, writer)

        accepted: list[Received] = []
        async with receiver(moody) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, parcels=20, events=15)
            await office.settle(office.worker(), steps=2_000)
            assert shop.most_in_flight_of_one_tracking == 1
        lines: dict[str, list[int]] = {}
        for request in accepted:
            tracking, sequence = request.line
            lines.setdefault(tracking, []).append(sequence)
        assert len(lines) == 20
        assert all(line == list(range(1, 16)) for line in lines.values())
        assert failures > 30

    async def test_one_parcel_that_always_fails_holds_up_no_other(self, office: Office) -> None:
        async def choosy(request: Received, writer: asyncio.StreamWriter) -> None:
            is_bad = request.line[0] == f"{7:032x}"
            await receivers.answer(500 if is_bad else 200)(request, writer)

        async with receiver(choosy) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, parcels=100, events=3)
            worker = office.worker()
            while await worker.step():
                pass
            lines = shop.lines
        assert lines.pop(f"{7:032x}") == [1]
        assert len(lines) == 99
        assert all(line == [1, 2, 3] for line in lines.values())
        assert await office.pending() == 3

    async def test_two_workers_never_have_one_parcel_in_hand_at_once(self, office: Office) -> None:
        async with receiver(receivers.answer(200, delay=0.002)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, parcels=10, events=20)
            second = office.worker(store=await office.open_another())
            clock = PassingClock(office.clock.now())
            first = office.worker(clock=clock)
            second = office.worker(store=await office.open_another(), clock=clock)
            running = asyncio.create_task(second.run())
            await office.run_until_settled(first)
            second.stop()
            await running
            assert shop.most_in_flight_of_one_tracking == 1
            assert shop.most_in_flight > 3
            assert len(shop.lines) == 10
            assert all(line == list(range(1, 21)) for line in shop.lines.values())
        assert len({one.message_id for one in shop.received}) == 200


class TestRetries:
    async def test_they_come_when_the_schedule_says_and_no_earlier(self, office: Office) -> None:
        async with receiver(receivers.answer(500, b"oh no")) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            worker = office.worker()
            waits = []
            for _ in range(15):
                assert await worker.step() == 1
                message = await office.only_message()
                if message.state is MessageState.DEAD:
                    break
                wait = (message.due_at - office.clock.now()) / SECOND
                waits.append(wait)
                office.clock.advance(wait - 0.001)
                assert await worker.step() == 0
                office.clock.advance(0.001)
            assert waits == [*(30 * 2**k for k in range(13)), 30 * 2**12]
            office.clock.advance(10_000_000)
            assert await worker.step() == 0
        attempts = await office.store.list_attempts(message.id)
        assert message.attempts == len(attempts) == len(shop.received) == 15
        assert {one.message_id for one in shop.received} == {message.id}
        assert len({one.headers["webhook-timestamp"] for one in shop.received}) == 15
        assert {(one.status, one.error, one.response_body) for one in attempts} == {
            (500, "answered 500", "oh no")
        }

    async def test_after_one_is_given_up_the_next_goes_on(self, office: Office) -> None:
        async with receiver(receivers.answer(500)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, events=2)
            settings = replace(SETTINGS, max_attempts=3)
            worker = office.worker(settings=settings)
            for _ in range(3):
                assert await worker.step() == 1
                office.clock.advance(1_000)
            shop.behaviour = receivers.answer(200)
            assert await worker.step() == 1
        states = {one.sequence: one.state for one in await office.messages()}
        assert states == {1: MessageState.DEAD, 2: MessageState.DELIVERED}

    async def test_jitter_spreads_them(self, office: Office) -> None:
        async with receiver(receivers.answer(500)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, parcels=20)
            worker = office.worker(jitter=seeded(3).random)
            while await worker.step():
                pass
        waits = {one.due_at - office.clock.now() for one in await office.messages()}
        assert len(waits) > 10
        assert all(30_000 <= wait < 33_000 for wait in waits)

    async def test_a_resent_message_goes_out_again_under_its_id(self, office: Office) -> None:
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            worker = office.worker()
            assert await worker.step() == 1
            message = await office.only_message()
            assert await office.store.resend(office.world_id, message.id, office.clock.now())
            assert await worker.step() == 1
        assert [one.message_id for one in shop.received] == [message.id] * 2


class TestAnswers:
    async def test_410_switches_the_endpoint_off_and_loses_nothing(self, office: Office) -> None:
        async with receiver(receivers.answer(410)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, parcels=3, events=2)
            worker = office.worker()
            while await worker.step():
                pass
            stored = await office.store.load_endpoint(office.world_id, endpoint.id)
            assert stored is not None
            assert not stored.is_enabled
            assert stored.disabled_reason == "the receiver answered 410 Gone"
            told = len(shop.received)
            # Further changes happen meanwhile; they wait.
            await office.post(endpoint, parcels=3, events=2, first=3)
            office.clock.advance(1_000_000)
            assert await worker.step() == 0
            assert len(shop.received) == told <= 3
            assert await office.pending() == 12
            shop.received.clear()
            shop.behaviour = receivers.answer(200)
            await office.switch(endpoint, is_enabled=True)
            await office.settle(worker, steps=100)
            assert len(shop.lines) == 3
            assert all(line == [1, 2, 3, 4] for line in shop.lines.values())

    async def test_429_gives_the_whole_endpoint_a_rest(self, office: Office) -> None:
        async with receiver(receivers.answer(429, b"", "Retry-After: 120")) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint, parcels=5)
            worker = office.worker()
            assert await worker.step() == 1
            shop.behaviour = receivers.answer(200)
            office.clock.advance(119)
            assert await worker.step() == 0
            assert len(shop.received) == 1
            office.clock.advance(1)
            await office.settle(worker, steps=50)
            assert len(shop.received) == 6

    async def test_503_with_a_date(self, office: Office) -> None:
        date = "Retry-After: Sun, 01 Mar 2026 10:10:00 GMT"
        async with receiver(receivers.answer(503, b"", date)) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            await office.worker().step()
        assert (await office.only_message()).due_at == office.clock.now() + 600_000

    async def test_a_redirect_is_a_failure_and_leads_nowhere(self, office: Office) -> None:
        async with receiver(receivers.answer(200)) as other:
            redirect = receivers.answer(307, b"", f"Location: {other.url}")
            async with receiver(redirect) as shop:
                endpoint = await office.add_endpoint(shop.url)
                await office.post(endpoint)
                await office.worker().step()
            assert other.connections == 0
        message = await office.only_message()
        assert (message.state, message.attempts) == (MessageState.PENDING, 1)

    async def test_an_inner_address_in_the_store_is_never_called(self, office: Office) -> None:
        async with receiver(receivers.answer(200)) as inside:
            endpoint = await office.add_endpoint(inside.url)
            await office.post(endpoint, parcels=3)
            async with HttpSender(WebhookSettings()) as sender:
                worker = office.worker(sender=sender)
                while await worker.step():
                    pass
            assert inside.connections == 0
        message = (await office.messages())[0]
        (attempt,) = await office.store.list_attempts(message.id)
        assert attempt.error == "not allowed: 127.0.0.1 is not a public address (this host)"

    async def test_what_an_endless_answer_leaves_in_the_log_is_short(self, office: Office) -> None:
        huge = receivers.Huge(500)
        async with receiver(huge) as shop:
            endpoint = await office.add_endpoint(shop.url)
            await office.post(endpoint)
            await office.worker().step()
            assert huge.sent < 20_000_000
        message = await office.only_message()
        (attempt,) = await office.store.list_attempts(message.id)
        assert attempt.response_body == "x" * 1_024


class TestDialects:
    async def test_each_verifies_as_documented(self, office: Office) -> None:
        now = office.clock.now() / SECOND
        for dialect in ("v2", "v4", "native"):
            async with receiver(receivers.answer(200)) as shop:
                endpoint = await office.add_endpoint(shop.url, dialect=dialect)
                await office.post(endpoint)
                assert await office.worker().step() == 1
                (got,) = shop.received
                verify_standard(got.body, got.headers, SECRET, now=now)
                if dialect == "v2":
                    assert verify_v2(got.body, "shop@example.com", now=now)["data"]["sequence"] == 1
                if dialect == "v4":
                    verify_v4(got.headers, SECRET, now=now)
                    assert json.loads(got.body)["data"]["tracking_number"] == "N1"
                if dialect == "native":
                    assert json.loads(got.body)["data"]["tracking"]["number"] == "N1"

    async def test_v2_of_an_account_that_is_gone_is_written_down(self, office: Office) -> None:
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url, dialect="v2", world_id=998)
            message = office.composer.compose_test(endpoint, office.clock.now())
            await office.store.add_messages([message])
            assert await office.worker().step() == 1
            assert shop.connections == 0
        (attempt,) = await office.store.list_attempts(message.id)
        assert "account is gone" in attempt.error

    async def test_a_test_message_arrives_as_one(self, office: Office) -> None:
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(shop.url, statuses=("delivered",))
            await office.store.add_messages(
                [office.composer.compose_test(endpoint, office.clock.now()) for _ in range(2)]
            )
            while await office.worker().step():
                pass
        assert [one.headers["parcelwire-event"] for one in shop.received] == ["endpoint.test"] * 2
        assert json.loads(shop.received[0].body)["type"] == "endpoint.test"

    async def test_a_thousand_messages_are_verified_as_they_arrive(self, office: Office) -> None:
        """Both packages look at the clock themselves, so this one runs at today's time."""
        verified = 0

        async def verify(request: Received, writer: asyncio.StreamWriter) -> None:
            nonlocal verified
            standardwebhooks.Webhook(SECRET).verify(request.body, request.headers)
            svix.webhooks.Webhook(SECRET).verify(request.body, request.headers)
            verified += 1
            await receivers.answer(200)(request, writer)

        clock = PassingClock(int(time.time() * SECOND))
        async with receiver(verify) as shop:
            for dialect in ("v2", "v4", "native"):
                endpoint = await office.add_endpoint(shop.url, dialect=dialect)
                await office.post(endpoint, parcels=67, events=5)
            await office.run_until_settled(office.worker(clock=clock), seconds=60)
        assert verified == len(shop.received) == 1_005
        assert not [one for one in await office.messages() if one.attempts != 1]
