"""Pauses and budgets of a carrier, as the throttle sees them, on a real SQLite file."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, FrozenClock
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.polling.carrier_throttle import HALF_OPEN, LONGEST_PAUSE, CarrierThrottle
from parcelwire.polling.ports import Pause
from parcelwire.store.port import Store
from parcelwire.store.sqlite import open_store
from parcelwire.tracking.ports import CarrierPolicy

POLICY = CarrierPolicy(
    connector="swiss-post",
    budget_key="swiss-post:api",
    batch_size=10,
    requests_per_minute=6,
    requests_per_day=None,
    home_zone="Europe/Zurich",
    quiet_from_hour=22,
    quiet_to_hour=6,
)
NOW = FrozenClock().now()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    clock = FrozenClock()
    one = await open_store(tmp_path / "parcelwire.db", render=lambda _: b"{}", clock=clock)
    yield one
    await one.close()


@pytest.fixture
def throttle(store: Store) -> CarrierThrottle:
    return CarrierThrottle(store, FrozenClock())


def said(outcome: Outcome, **fields: Any) -> CarrierReport:
    return CarrierReport(number="x", outcome=outcome, **fields)


async def test_a_batch_counts_as_one_request(throttle: CarrierThrottle) -> None:
    policy = replace(POLICY, requests_per_minute=30)
    assert await throttle.admit(policy, 25, NOW) == 25
    assert await throttle.admit(policy, 95, NOW) == 20
    assert await throttle.admit(policy, 1, NOW) == 0
    assert await throttle.admit(policy, 0, NOW) == 0
    assert await throttle.admit(policy, 1, NOW + 10 * SECOND) == 1


async def test_what_was_not_asked_about_is_given_back(throttle: CarrierThrottle) -> None:
    policy = replace(POLICY, requests_per_minute=30)
    assert await throttle.admit(policy, 50, NOW) == 50
    await throttle.give_back(policy, 11)
    assert await throttle.admit(policy, 50, NOW) == 20


async def test_the_days_budget_is_counted_too(throttle: CarrierThrottle) -> None:
    policy = replace(POLICY, requests_per_day=2, requests_per_minute=60)
    assert await throttle.admit(policy, 99, NOW) == 20
    assert await throttle.admit(policy, 99, NOW + MINUTE) == 0


async def test_an_outage_pauses_ever_longer_and_a_good_answer_ends_it(
    throttle: CarrierThrottle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    now, waits = NOW, []
    for _ in range(10):
        await throttle.record_results(POLICY, [said(Outcome.UNAVAILABLE, detail="503")], now)
        pause = await throttle.pause_of(POLICY, now)
        assert pause is not None
        waits.append(pause.until - now)
        assert await throttle.admit(POLICY, 5, now) == 0
        now = pause.until
        assert await throttle.pause_of(POLICY, now) is None
    assert waits[:4] == [MINUTE // 2, MINUTE, 2 * MINUTE, 4 * MINUTE]
    assert waits[-1] == LONGEST_PAUSE
    await throttle.record_results(POLICY, [said(Outcome.UNKNOWN_NUMBER)], now)
    assert await throttle.admit(POLICY, 5, now) == 5
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert f"after {(now - NOW) // SECOND} s" in caplog.text


async def test_questions_that_were_under_way_make_the_pause_no_longer(
    throttle: CarrierThrottle,
) -> None:
    for _ in range(8):
        await throttle.record_results(POLICY, [said(Outcome.UNAVAILABLE)], NOW)
    pause = await throttle.pause_of(POLICY, NOW)
    assert pause is not None
    assert (pause.failures, pause.until) == (1, NOW + MINUTE // 2)
    # But a time that the carrier names counts.
    limited = said(Outcome.RATE_LIMITED, retry_at=NOW + 9 * MINUTE)
    await throttle.record_results(POLICY, [limited], NOW + SECOND)
    pause = await throttle.pause_of(POLICY, NOW + SECOND)
    assert pause is not None
    assert pause.until == NOW + 9 * MINUTE


async def test_after_a_pause_one_question_finds_out_whether_the_carrier_is_back(
    throttle: CarrierThrottle,
) -> None:
    await throttle.record_results(POLICY, [said(Outcome.UNAVAILABLE)], NOW)
    policy, later = replace(POLICY, requests_per_minute=60), NOW + MINUTE
    assert await throttle.admit(policy, 35, later) == 10
    assert await throttle.admit(policy, 35, later + SECOND) == 0
    # Whoever asked may have died: the next one tries.
    assert await throttle.admit(policy, 35, later + HALF_OPEN) == 10
    await throttle.record_results(policy, [said(Outcome.FOUND)], later + HALF_OPEN)
    assert await throttle.admit(policy, 35, later + HALF_OPEN) == 35


@pytest.mark.parametrize(
    ("named", "wait"),
    [(17 * MINUTE, 17 * MINUTE), (-HOUR, SECOND), (90 * DAY, DAY), (None, MINUTE // 2)],
)
async def test_a_rate_limit_lasts_as_long_as_the_carrier_says_within_reason(
    throttle: CarrierThrottle, named: int | None, wait: int
) -> None:
    retry_at = None if named is None else NOW + named
    await throttle.record_results(POLICY, [said(Outcome.RATE_LIMITED, retry_at=retry_at)], NOW)
    pause = await throttle.pause_of(POLICY, NOW)
    assert pause is not None
    assert pause.until == NOW + wait


async def test_refused_credentials_are_a_long_pause(throttle: CarrierThrottle) -> None:
    await throttle.record_results(POLICY, [said(Outcome.AUTH_FAILED, detail="401")], NOW)
    pause = await throttle.pause_of(POLICY, NOW)
    assert pause is not None
    assert (pause.until, pause.reason) == (NOW + LONGEST_PAUSE, "401")


@pytest.mark.parametrize("outcome", [Outcome.NOT_UNDERSTOOD, Outcome.NO_CONNECTION])
async def test_what_says_nothing_about_the_carrier_changes_nothing(
    throttle: CarrierThrottle, store: Store, outcome: Outcome
) -> None:
    await throttle.record_results(POLICY, [said(outcome)], NOW)
    assert await store.pauses() == {}
    await throttle.record_results(POLICY, [said(Outcome.UNAVAILABLE)], NOW)
    before = await store.pauses()
    await throttle.record_results(POLICY, [said(outcome)], NOW + MINUTE)
    assert await store.pauses() == before


async def test_one_number_that_a_carrier_stumbles_over_is_no_outage(
    throttle: CarrierThrottle, store: Store
) -> None:
    await throttle.record_results(POLICY, [said(Outcome.FOUND), said(Outcome.UNAVAILABLE)], NOW)
    assert await store.pauses() == {}
    await throttle.record_results(POLICY, [said(Outcome.FOUND), said(Outcome.RATE_LIMITED)], NOW)
    assert list(await store.pauses()) == [POLICY.budget_key]


async def test_another_process_learns_of_a_pause_within_a_second(
    throttle: CarrierThrottle, store: Store
) -> None:
    other = CarrierThrottle(store, FrozenClock())
    assert await other.pause_of(POLICY, NOW) is None
    await throttle.record_results(POLICY, [said(Outcome.UNAVAILABLE)], NOW)
    assert await other.pause_of(POLICY, NOW + SECOND) is not None


@pytest.mark.parametrize("jump", [DAY, 3650 * DAY])
async def test_a_pause_of_a_clock_that_has_jumped_back_is_not_believed(
    throttle: CarrierThrottle, store: Store, jump: int
) -> None:
    ahead = NOW + jump
    await store.set_pause(
        POLICY.budget_key, Pause(until=ahead + HOUR, failures=3, reason="503", since=ahead)
    )
    assert await throttle.pause_of(POLICY, NOW) is None
    assert await throttle.admit(POLICY, 1, NOW) == 1
