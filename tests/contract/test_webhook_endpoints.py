"""What owners and the worker do with an endpoint, on both engines: figures, failure, recovery."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, SECOND
from parcelwire.signatures.verify import verify_standard
from parcelwire.webhooks.notices import Notice, NoticeType
from parcelwire.webhooks.ports import MessageState
from parcelwire.webhooks.sender import HttpSender
from parcelwire.webhooks.standing import enable
from tests.contract import webhook_receivers as receivers
from tests.contract.store.places import PLACES
from tests.contract.webhook_office import SETTINGS, Office, PassingClock, open_office
from tests.contract.webhook_receivers import Received, Receiver, receiver
from tests.unit.webhooks.builders import SECRET


@pytest.fixture(params=sorted(PLACES))
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(request.param, request) as one:
        yield one


async def load(office: Office, endpoint: Endpoint) -> Endpoint:
    stored = await office.store.load_endpoint(office.world_id, endpoint.id)
    assert stored is not None
    return stored


def types(shop: Receiver) -> list[str]:
    return [one.headers["parcelwire-event"] for one in shop.received]


class TestRateAndConcurrency:
    async def test_a_slow_rate_loses_nothing_and_harms_nobody(self, office: Office) -> None:
        clock = PassingClock(office.clock.now())
        arrived: list[float] = []

        async def note(request: Received, writer: asyncio.StreamWriter) -> None:
            arrived.append(asyncio.get_running_loop().time())
            await receivers.answer(200)(request, writer)

        async with receiver(note) as slow, receiver(receivers.answer(200)) as good:
            limited = await office.add_endpoint(slow.url, rate_per_second=40)
            free = await office.add_endpoint(good.url)
            await office.post(limited, parcels=10, events=4)
            await office.post(free, parcels=50, events=4)
            await office.run_until_settled(office.worker(clock=clock))
            assert len(slow.received) == 40
            assert all(line == [1, 2, 3, 4] for line in slow.lines.values())
            assert all(line == [1, 2, 3, 4] for line in good.lines.values())
            assert len(good.received) == 200
        # 40 a second, and 4 at once to begin with: the last comes after 0.9 s, and not much later.
        assert 0.85 < arrived[-1] - arrived[0] < 5
        for first in range(len(arrived) - 20):
            assert arrived[first + 20] - arrived[first] > 0.3

    async def test_its_owner_decides_how_many_at_a_time(self, office: Office) -> None:
        clock = PassingClock(office.clock.now())
        async with receiver(receivers.answer(200, delay=0.02)) as shop:
            endpoint = await office.add_endpoint(shop.url, concurrency=2)
            await office.post(endpoint, parcels=30)
            await office.run_until_settled(office.worker(clock=clock))
            assert shop.most_in_flight == 2
            assert len(shop.received) == 30


class TestOwnersWords:
    async def test_headers_and_both_secrets_reach_the_receiver(self, office: Office) -> None:
        new = "whsec_" + "bmV3IHNlY3JldCBvZiB0aGlydHktdHdvIGJ5dGVzISE="
        async with receiver(receivers.answer(200)) as shop:
            endpoint = await office.add_endpoint(
                shop.url,
                headers={"authorization": "Bearer mine"},
                secret=new,
                previous_secret=SECRET,
                previous_secret_until=office.clock.now() + 60 * SECOND,
            )
            await office.post(endpoint, events=2)
            worker = office.worker()
            assert await worker.step() == 1
            office.clock.advance(60)
            assert await worker.step() == 1
        during, after = shop.received
        assert during.headers["authorization"] == "Bearer mine"
        now = office.clock.now() / SECOND
        verify_standard(during.body, during.headers, SECRET, now=now)
        verify_standard(during.body, during.headers, new, now=now)
        verify_standard(after.body, after.headers, new, now=now)
        assert after.headers["webhook-signature"].count("v1,") == 1

    @pytest.mark.parametrize("dialect", ["v2", "v4", "native"])
    async def test_what_was_given_up_is_named_by_the_next(
        self, office: Office, dialect: str
    ) -> None:
        async with receiver(receivers.answer(500)) as shop:
            endpoint = await office.add_endpoint(shop.url, dialect=dialect)
            await office.post(endpoint, events=4)
            worker = office.worker(settings=replace(SETTINGS, max_attempts=1))
            assert [await worker.step() for _ in range(2)] == [1, 1]
            shop.behaviour = receivers.answer(200)
            assert [await worker.step() for _ in range(3)] == [1, 1, 0]
        dead = await office.messages(MessageState.DEAD)
        third, fourth = shop.received[2:]
        assert third.headers["parcelwire-skipped"] == "1,2"
        assert "parcelwire-skipped" not in fourth.headers
        if dialect == "native":
            assert json.loads(third.body)["skipped"] == [
                {"message_id": one.id, "sequence": one.sequence}
                for one in sorted(dead, key=lambda one: one.sequence)
            ]


class TestFailingAndRecovered:
    async def test_it_is_told_once_to_those_who_want_to_know(
        self, office: Office, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.WARNING, "parcelwire.webhooks")
        async with receiver(receivers.answer(500)) as bad, receiver(receivers.answer(200)) as ears:
            ill = await office.add_endpoint(bad.url + "?token=canary", description="the shop")
            others: dict[str, dict[str, Any]] = {
                "all": {},
                "named": {"event_types": ("endpoint.failing", "endpoint.recovered")},
                "other": {"event_types": ("tracking.updated",)},
                "v4": {"dialect": "v4"},
                "off": {"is_enabled": False},
                "elsewhere": {"world_id": office.world_id + 1},
            }
            for name, fields in others.items():
                await office.add_endpoint(f"{ears.url}/{name}", **fields)
            await office.post(ill, parcels=5)
            worker = office.worker()
            for _ in range(30):
                await worker.step()
                office.clock.advance(60)
            assert (await load(office, ill)).failing_reported_at is not None
            bad.behaviour = receivers.answer(200)
            for _ in range(60):
                await worker.step()
                office.clock.advance(600)
        by_path: dict[str, list[Received]] = {}
        for one in ears.received:
            by_path.setdefault(one.path.rpartition("/")[2], []).append(one)
        assert sorted(by_path) == ["all", "named"]
        for heard in by_path.values():
            failing, recovered = (json.loads(one.body) for one in heard)
            assert (failing["type"], recovered["type"]) == (
                "endpoint.failing",
                "endpoint.recovered",
            )
            assert failing["data"]["endpoint"] == {
                "id": ill.id,
                "url": bad.url,
                "dialect": "native",
                "description": "the shop",
            }
            assert failing["data"]["failing_since"] == "2026-03-01T10:00:00+00:00"
            assert (failing["data"]["reason"], failing["data"]["last_status_code"]) == (
                "answered 500",
                500,
            )
            assert "sequence" not in failing
            assert "tracking_id" not in failing
            assert {one.headers["parcelwire-endpoint-id"] for one in heard} == {ill.id}
            assert "canary" not in str(heard)
        stored = await load(office, ill)
        assert (stored.failing_since, stored.failing_reported_at) == (None, None)
        told = "\n".join(one.getMessage() for one in caplog.records)
        assert told.count("has failed since 2026-03-01T10:00:00+00:00: answered 500") == 1
        assert told.count(f"endpoint {ill.id} has recovered") == 1
        assert "canary" not in told

    async def test_a_short_failure_is_nobodys_business(self, office: Office) -> None:
        async with receiver(receivers.answer(500)) as bad, receiver(receivers.answer(200)) as ears:
            ill = await office.add_endpoint(bad.url)
            await office.add_endpoint(ears.url)
            await office.post(ill)
            worker = office.worker()
            for _ in range(3):
                await worker.step()
                office.clock.advance(100)
            assert (await load(office, ill)).failing_since is not None
            bad.behaviour = receivers.answer(200)
            await office.settle(worker, steps=50)
            assert (await load(office, ill)).failing_since is None
        assert ears.received == []

    async def test_after_five_days_it_is_switched_off_and_its_messages_wait(
        self, office: Office
    ) -> None:
        async with receiver(receivers.hang) as bad, receiver(receivers.answer(200)) as ears:
            settings = replace(SETTINGS, request_timeout_seconds=0.2)
            async with HttpSender(settings) as sender:
                ill = await office.add_endpoint(bad.url)
                await office.add_endpoint(ears.url)
                worker = office.worker(settings=settings, sender=sender)
                for day in range(7):
                    await office.post(ill, first=day + 1)
                    await office.deliver_for(worker, DAY)
                stored = await load(office, ill)
                assert not stored.is_enabled
                assert stored.disabled_reason.startswith(
                    "nothing but failures for 5 days; the last: "
                )
                assert types(ears) == ["endpoint.failing", "endpoint.disabled"]
                waiting = await office.pending()
                assert waiting >= 2
                tried = len(bad.received)
                office.clock.advance(DAY / SECOND)
                assert await worker.step() == 0
                assert len(bad.received) == tried
                bad.behaviour = receivers.answer(200)
                await office.store.save_endpoint(enable(stored))
                await office.settle(worker, steps=100)
                assert len(bad.received) == tried + waiting
                assert types(ears) == [
                    "endpoint.failing",
                    "endpoint.disabled",
                    "endpoint.recovered",
                ]

    async def test_410_is_told_as_well(self, office: Office) -> None:
        async with receiver(receivers.answer(410)) as bad, receiver(receivers.answer(200)) as ears:
            await office.post(await office.add_endpoint(bad.url), parcels=3)
            await office.add_endpoint(ears.url)
            worker = office.worker()
            while await worker.step():
                pass
        assert types(ears) == ["endpoint.disabled"]
        assert (
            json.loads(ears.received[0].body)["data"]["reason"] == "the receiver answered 410 Gone"
        )

    async def test_further_notifiers_are_told_once_it_is_stored(self, office: Office) -> None:
        heard: list[Notice] = []

        class Mail:
            async def tell(self, notice: Notice) -> None:
                heard.append(notice)
                raise ConnectionError  # its trouble is not delivery's

        async with receiver(receivers.answer(410)) as bad:
            ill = await office.add_endpoint(bad.url)
            await office.post(ill)
            worker = office.worker(notifiers=[Mail()])
            assert await worker.step() == 1
            assert await worker.step() == 0
        assert [(one.type, one.endpoint.id) for one in heard] == [(NoticeType.DISABLED, ill.id)]
        assert (heard[0].status, heard[0].reason) == (410, "the receiver answered 410 Gone")

    async def test_two_workers_tell_it_once(self, office: Office) -> None:
        async with receiver(receivers.answer(500)) as bad, receiver(receivers.answer(200)) as ears:
            ill = await office.add_endpoint(bad.url)
            await office.add_endpoint(ears.url)
            workers = [office.worker(), office.worker(store=await office.open_another())]
            for round_ in range(40):
                await office.post(ill, first=round_ + 1, parcels=4)
                await asyncio.gather(*(one.step() for one in workers))
                office.clock.advance(60)
        assert types(ears) == ["endpoint.failing"]
