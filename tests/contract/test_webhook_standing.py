"""Who is switched off, and who is not: endpoints' rows, judged by several workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, FrozenClock, Instant
from parcelwire.store.port import StoreUnavailableError
from parcelwire.webhooks.health_reporter import HealthReporter
from parcelwire.webhooks.notices import Notice, NoticeType
from parcelwire.webhooks.ports import (
    Attempt,
    AttemptResult,
    ClaimedMessage,
    Failure,
    MessageFilter,
    MessageState,
)
from parcelwire.webhooks.schedule import Answer
from parcelwire.webhooks.standing import enable, pause
from tests.contract import webhook_receivers as receivers
from tests.contract.store.places import PLACES
from tests.contract.webhook_office import SETTINGS, Office, open_office
from tests.contract.webhook_receivers import receiver

BROKEN = Answer(status=500, error="answered 500")
WELL = Answer(status=200)


@pytest.fixture(params=sorted(PLACES))
async def office(request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    async with open_office(request.param, request) as one:
        yield one


class Ahead:
    """The clock of a machine that is ahead of the others'."""

    def __init__(self, clock: FrozenClock, ms: int) -> None:
        self._clock = clock
        self._ms = ms

    def now(self) -> Instant:
        return self._clock.now() + self._ms

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


async def load(office: Office, endpoint: Endpoint) -> Endpoint:
    loaded = await office.store.load_endpoint(endpoint.world_id, endpoint.id)
    assert loaded is not None
    return loaded


class TestWorkers:
    async def test_enabled_anew_after_four_days_of_failures(self, office: Office) -> None:
        async with receiver(receivers.answer(500)) as shop:
            ill = await office.add_endpoint(shop.url)
            worker = office.worker()
            for day in range(4):
                await office.post(ill, first=day + 1, parcels=day + 1)
                await office.deliver_for(worker, DAY)
            stored = await load(office, ill)
            assert stored.is_enabled
            assert 3 * DAY < stored.failing_ms <= 4 * DAY
            await office.store.save_endpoint(pause(stored), expected=stored)
            await office.deliver_for(worker, 2 * DAY)
            paused = await load(office, ill)
            await office.store.save_endpoint(enable(paused), expected=paused)
            enabled_at = office.clock.now()
            for day in range(4):
                await office.post(ill, first=day + 5, parcels=day + 5)
                await office.deliver_for(worker, DAY)
                assert (await load(office, ill)).is_enabled, day
            assert (await load(office, ill)).failing_since == enabled_at
            await office.post(ill, first=9, parcels=9)
            await office.deliver_for(worker, 2 * DAY)
            assert not (await load(office, ill)).is_enabled

    async def test_a_blip_at_one_worker_and_five_days_of_successes_at_the_other(
        self, office: Office
    ) -> None:
        async with receiver(receivers.answer(500)) as shop:
            ill = await office.add_endpoint(shop.url)
            one, other = office.worker(), office.worker(store=await office.open_another())
            await office.post(ill, parcels=3)
            await office.deliver_for(one, 2 * MINUTE)
            assert (await load(office, ill)).failing_count >= 3
            shop.behaviour = receivers.answer(200)
            for half_a_day in range(11):
                await office.post(ill, first=2 + half_a_day)
                await office.deliver_for(other, DAY // 2)
            assert (await load(office, ill)).failing_since is None
            shop.behaviour = receivers.answer(500)
            await office.post(ill, first=20)
            await office.deliver_for(one, MINUTE)
            stored = await load(office, ill)
        assert stored.is_enabled
        assert office.clock.now() - (stored.failing_since or 0) <= MINUTE

    @pytest.mark.parametrize("has_waiting", [True, False])
    async def test_a_server_that_was_off_for_six_days(
        self, office: Office, has_waiting: bool
    ) -> None:
        settings = replace(SETTINGS, max_attempts=15 if has_waiting else 2)
        async with receiver(receivers.answer(500)) as shop:
            ill = await office.add_endpoint(shop.url)
            await office.post(ill)
            await office.deliver_for(office.worker(settings=settings), MINUTE)
            assert await office.pending() == int(has_waiting)
            office.clock.advance(6 * DAY / SECOND)
            await office.post(ill, first=2, parcels=3)
            await office.deliver_for(office.worker(settings=settings), 5 * MINUTE)
            stored = await load(office, ill)
        assert len(shop.received) >= 5
        assert stored.is_enabled
        assert stored.failing_reported_at is None
        assert stored.failing_ms < 10 * MINUTE

    @pytest.mark.parametrize("skew", [20 * SECOND, HOUR, DAY, 6 * DAY])
    async def test_workers_whose_clocks_differ(self, office: Office, skew: int) -> None:
        async with receiver(receivers.answer(500)) as shop:
            ill = await office.add_endpoint(shop.url)
            workers = [
                office.worker(),
                office.worker(store=await office.open_another(), clock=Ahead(office.clock, skew)),
            ]
            for round_ in range(30):
                await office.post(ill, first=round_ + 1, parcels=2)
                for worker in workers:
                    await worker.step()
                office.clock.advance(60)
            stored = await load(office, ill)
        assert stored.is_enabled
        assert stored.failing_ms <= 30 * MINUTE + min(skew, DAY)

    async def test_five_days_at_two_workers_switch_it_off_once(self, office: Office) -> None:
        async with receiver(receivers.answer(500)) as shop, receiver(receivers.answer(200)) as ears:
            ill = await office.add_endpoint(shop.url)
            await office.add_endpoint(ears.url)
            workers = [office.worker(), office.worker(store=await office.open_another())]
            for half_a_day in range(13):
                await office.post(ill, first=half_a_day + 1, parcels=half_a_day + 1)
                await office.deliver_for(workers[half_a_day % 2], DAY // 2)
            for worker in workers:
                await office.deliver_for(worker, HOUR)
            stored = await load(office, ill)
        assert not stored.is_enabled
        types = [one.headers["parcelwire-event"] for one in ears.received]
        assert types == ["endpoint.failing", "endpoint.disabled"]


class Judge:
    """A worker's reporter, handed copies of an endpoint that are as old as a test wants."""

    def __init__(self, office: Office, store: Any = None) -> None:
        self.office = office
        self.heard: list[NoticeType] = []
        self.reporter = HealthReporter(
            store or office.store,
            identifiers=office.identifiers,
            settings=SETTINGS,
            notifiers=[self],
        )

    async def tell(self, notice: Notice) -> None:
        self.heard.append(notice.type)

    async def judge(self, endpoint: Endpoint, answer: Answer) -> AttemptResult:
        """Try a message that was claimed when the endpoint stood like this."""
        office, now = self.office, self.office.clock.now()
        number = int(office.identifiers.new_id(now), 16)
        message = office.words(endpoint, number % 2**100, 1)
        await office.store.add_messages([message])
        stored = await office.store.load_message(office.world_id, message.id)
        assert stored is not None
        attempt = Attempt(
            id=office.identifiers.new_id(now),
            message_id=message.id,
            at=now,
            duration_ms=1,
            status=answer.status,
        )
        state = MessageState.DELIVERED if answer.is_success else MessageState.PENDING
        outcome = AttemptResult(
            attempt=attempt, state=state, next_at=None if answer.is_success else now + DAY
        )
        return await self.reporter.judge(ClaimedMessage(stored, endpoint), answer, outcome, now)

    async def store(self, *outcomes: AttemptResult) -> None:
        await self.office.store.finish_attempts(outcomes)
        self.reporter.note_stored(outcomes)
        await self.reporter.drain()

    async def fail(self, endpoint: Endpoint) -> AttemptResult:
        outcome = await self.judge(endpoint, BROKEN)
        await self.store(outcome)
        return outcome

    async def fail_for(self, endpoint: Endpoint, ms: int) -> Endpoint:
        """Fail once an hour, and three times at least."""
        for passed in range(0, ms, min(HOUR, ms // 3)):
            await self.fail(await load(self.office, endpoint))
            self.office.clock.advance(min(HOUR, ms // 3, ms - passed) / SECOND)
        await self.fail(await load(self.office, endpoint))
        return await load(self.office, endpoint)


class TestOldCopies:
    """A message's copy of its endpoint may be older than what is in the row."""

    async def test_a_restart_does_not_tell_again(self, office: Office) -> None:
        ill = await office.add_endpoint("http://127.0.0.1:9/")
        first, second = Judge(office), Judge(office)
        await first.fail_for(ill, 15 * MINUTE)
        await second.fail_for(ill, 15 * MINUTE)
        assert (first.heard, second.heard) == ([NoticeType.FAILING], [])

    async def test_what_was_claimed_before_it_was_told_does_not_tell_again(
        self, office: Office
    ) -> None:
        ill = await office.add_endpoint("http://127.0.0.1:9/")
        judge = Judge(office)
        for _ in range(3):
            await judge.fail(await load(office, ill))
            office.clock.advance(250)
        claimed = await load(office, ill)
        await judge.fail(claimed)
        assert judge.heard == [NoticeType.FAILING]
        office.clock.advance(1)
        await judge.fail(claimed)
        assert judge.heard == [NoticeType.FAILING]

    async def test_two_at_the_same_time_tell_once(self, office: Office) -> None:
        ill = await office.add_endpoint("http://127.0.0.1:9/")
        judge = Judge(office)
        for _ in range(3):
            await judge.fail(await load(office, ill))
            office.clock.advance(250)
        claimed = await load(office, ill)
        await judge.store(await judge.judge(claimed, BROKEN), await judge.judge(claimed, BROKEN))
        assert judge.heard == [NoticeType.FAILING]

    async def test_a_success_elsewhere_while_the_last_attempt_was_under_way(
        self, office: Office
    ) -> None:
        ill = await office.add_endpoint("http://127.0.0.1:9/")
        judge, other = Judge(office), Judge(office)
        claimed = await judge.fail_for(ill, 5 * DAY - HOUR)
        office.clock.advance(2 * HOUR / SECOND)
        await other.store(await other.judge(claimed, WELL))
        await judge.fail(claimed)
        stored = await load(office, ill)
        assert stored.is_enabled
        assert stored.failing_since == office.clock.now()
        assert judge.heard == [NoticeType.FAILING]

    async def test_a_success_stored_between_the_judgement_and_its_storing(
        self, office: Office
    ) -> None:
        ill = await office.add_endpoint("http://127.0.0.1:9/")
        friend = await office.add_endpoint("http://127.0.0.1:9/")
        judge, other = Judge(office), Judge(office)
        claimed = await judge.fail_for(ill, 5 * DAY - HOUR)
        office.clock.advance(2 * HOUR / SECOND)
        disabling = await judge.judge(claimed, BROKEN)
        assert disabling.disable_endpoint_reason
        await other.store(await other.judge(claimed, WELL))
        await office.store.finish_attempts([disabling])
        stored = await load(office, ill)
        assert (stored.is_enabled, stored.failing_reported_at) == (True, None)
        where = MessageFilter(endpoint_id=friend.id)
        told = (await office.store.list_messages(office.world_id, where)).messages
        assert sorted(one.event_type for one in told) == [
            "endpoint.failing",
            "endpoint.recovered",
        ]

    async def test_enabled_anew_while_the_last_attempt_was_under_way(self, office: Office) -> None:
        ill = await office.add_endpoint("http://127.0.0.1:9/")
        judge = Judge(office)
        claimed = await judge.fail_for(ill, 5 * DAY - HOUR)
        office.clock.advance(2 * HOUR / SECOND)
        disabling = await judge.judge(claimed, BROKEN)
        assert disabling.disable_endpoint_reason
        await office.store.save_endpoint(enable(claimed), expected=claimed)
        await office.store.finish_attempts([disabling])
        assert (await load(office, ill)).is_enabled

    async def test_a_success_claimed_before_the_failures_ends_them(self, office: Office) -> None:
        ill = await office.add_endpoint("http://127.0.0.1:9/")
        judge = Judge(office)
        claimed = await load(office, ill)
        await judge.fail_for(ill, 15 * MINUTE)
        await judge.store(await judge.judge(claimed, WELL))
        stored = await load(office, ill)
        assert (stored.failing_since, stored.failing_reported_at) == (None, None)
        assert judge.heard == [NoticeType.FAILING, NoticeType.RECOVERED]
        # Another one of that time says nothing new.
        assert not (await judge.judge(claimed, WELL)).has_recovered

    async def test_a_store_that_is_away_tells_nobody_and_switches_nobody_off(
        self, office: Office
    ) -> None:
        class Away:
            async def list_endpoints(self, world_id: int) -> list[Endpoint]:
                raise StoreUnavailableError

        ill = await office.add_endpoint("http://127.0.0.1:9/")
        judge, blind = Judge(office), Judge(office, Away())
        claimed = await judge.fail_for(ill, 5 * DAY - HOUR)
        office.clock.advance(2 * HOUR / SECOND)
        await blind.fail(claimed)
        assert blind.heard == []
        assert (await load(office, ill)).is_enabled
        # The next failure does, where the store can be read.
        await judge.fail(await load(office, ill))
        assert not (await load(office, ill)).is_enabled


async def test_many_failures_a_second_write_the_row_once_a_minute(office: Office) -> None:
    ill = await office.add_endpoint("http://127.0.0.1:9/")
    judge = Judge(office)
    said = []
    for _ in range(300):
        outcome = await judge.fail(await load(office, ill))
        said.append(outcome.failure is not None)
        office.clock.advance(0.5)
    assert sum(said) <= 3 + 3
    stored = await load(office, ill)
    assert 100 * SECOND <= stored.failing_ms <= 150 * SECOND


async def test_a_failure_is_added_to_the_row_as_it_is_then(office: Office) -> None:
    """Two workers that saw the same gap count it once."""
    ill = await office.add_endpoint("http://127.0.0.1:9/")
    judge, other = Judge(office), Judge(office)
    await judge.fail(await load(office, ill))
    office.clock.advance(300)
    claimed = await load(office, ill)
    outcomes = [await one.judge(claimed, BROKEN) for one in (judge, other)]
    assert all(isinstance(one.failure, Failure) for one in outcomes)
    for outcome in outcomes:
        await office.store.finish_attempts([outcome])
    stored = await load(office, ill)
    assert (stored.failing_count, stored.failing_ms) == (3, 300 * SECOND)
