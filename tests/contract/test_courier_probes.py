"""The question to another courier is a due poll of its own, on both engines."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from parcelwire.domain.clock import DAY, HOUR, MINUTE, Instant
from parcelwire.polling.ports import Pause
from parcelwire.polling.worker import OWN_FAULT_WAIT
from parcelwire.tracking.courier_detection_retry import CYCLE
from tests.contract.poll_yard import Yard, drive, kill, outage, until
from tests.contract.store.samples import NOW, create
from tests.contract.wrong_couriers import SWISS, due_probe, follow, pass_cycles
from tests.support.house import report

OTHER = "996012345678901299"
"""A number that Swiss Post has (made up)."""


async def test_it_is_stored_with_its_due_time_until_any_worker_does_it(yard: Yard) -> None:
    yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
    stored, _ = await due_probe(yard)
    assert (stored.poll.probe_courier, stored.poll.due_at) == ("swiss-post", yard.clock.now())
    assert "swiss-post is asked next" in stored.poll.due_reason
    assert stored.poll.leased_until == 0
    # That process is gone; another one, an hour later.
    yard.clock.advance(3_600)
    await drive(yard.worker())
    after = await yard.stored(stored.tracking)
    assert (after.tracking.courier_code, after.poll.probe_courier) == ("swiss-post", "")
    assert yard.carriers.numbers_asked("poste-italiane") == [SWISS, SWISS]


async def test_a_worker_that_dies_with_it_loses_nothing(yard: Yard) -> None:
    yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
    yard.carriers.hold("swiss-post")
    stored, worker = await due_probe(yard)
    await worker.step()
    await until(lambda: yard.carriers.under_way["swiss-post", SWISS] == 1)
    await kill(worker)
    yard.carriers.gates.clear()
    await drive(yard.worker())
    assert (await yard.stored(stored.tracking)).tracking.courier_code == "poste-italiane"
    yard.clock.advance(27)
    await drive(yard.worker())
    now = await yard.check_history(stored.tracking)
    assert now.courier_code == "swiss-post"
    assert yard.carriers.numbers_asked("poste-italiane") == [SWISS, SWISS]


async def test_it_shares_a_conversation_with_what_the_candidate_is_asked_anyway(yard: Yard) -> None:
    yard.carriers.connect("swiss-post", batch_size=10)
    _, worker = await due_probe(yard)
    await create(yard.store, OTHER, due_at=yard.clock.now())
    await worker.step()
    await worker.drain()
    _, courier, numbers = yard.carriers.calls[-1]
    assert (courier, sorted(numbers)) == ("swiss-post", [SWISS, OTHER])


async def test_while_the_candidate_is_paused_the_own_courier_is_asked_every_cycle(
    yard: Yard,
) -> None:
    yard.carriers.connect("swiss-post")
    pause = Pause(until=NOW + DAY, failures=1, reason="HTTP 503", since=NOW)
    await yard.store.set_pause("swiss-post", pause)
    created = await follow(yard)
    for count in (2, 3, 4):
        after = await pass_cycles(yard, created.tracking)
        assert len(yard.carriers.numbers_asked("poste-italiane")) == count
        assert (after.poll.due_at, after.poll.probe_courier) == (yard.clock.now() + CYCLE, "")
    assert yard.carriers.numbers_asked("swiss-post") == []
    # Nobody was to be asked about it by plan: nothing was deferred.
    told = await yard.store.past_polls(created.tracking.id)
    assert {one.outcome for one in told} == {"unknown_number"}


@pytest.mark.parametrize("answers_others", [False, True], ids=["outage", "this-number-alone"])
async def test_a_candidate_that_says_nothing_is_asked_less_and_less_often(
    yard: Yard, answers_others: bool
) -> None:
    yard.carriers.script("swiss-post", SWISS, outage())
    yard.carriers.script("swiss-post", OTHER, report("", yard.scan(60)))
    created = await follow(yard)
    other = await create(yard.store, OTHER, due_at=None)
    asked_at: list[Instant] = []
    while (due_at := (await yard.poll(created.tracking)).due_at or 0) <= NOW + 2 * HOUR:
        if answers_others:
            # A good answer ends the carrier's pause.
            await yard.store.postpone_polls([other.id], due_at=due_at, due_reason="")
        await pass_cycles(yard, created.tracking)
        count = yard.carriers.numbers_asked("swiss-post").count(SWISS)
        asked_at += [due_at] * (count - len(asked_at))
    assert len(asked_at) <= 9
    assert len(yard.carriers.numbers_asked("swiss-post")) >= len(asked_at) * (1 + answers_others)
    waits = [later - earlier for earlier, later in itertools.pairwise(asked_at)]
    assert waits[-1] >= 20 * MINUTE
    # Back again, it is asked within the hour, and a bit.
    back_at = yard.clock.now()
    yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
    while (await yard.stored(created.tracking)).tracking.courier_code != "swiss-post":
        await pass_cycles(yard, created.tracking)
        assert yard.clock.now() <= back_at + HOUR + CYCLE


async def test_a_dropped_one_does_not_make_the_own_courier_be_asked_too_often(yard: Yard) -> None:
    yard.carriers.connect("swiss-post", requests_per_minute=1, batch_size=1)
    await yard.store.take_budget("swiss-post", now=NOW + HOUR, wanted=1, per_minute=1, per_day=None)
    stored, worker = await due_probe(yard, min_interval_seconds=3_600)
    assert yard.clock.now() == NOW + HOUR
    await drive(worker)
    assert (await yard.poll(stored.tracking)).due_at == NOW + 2 * HOUR
    assert yard.carriers.numbers_asked("swiss-post") == []


async def test_asking_on_demand_meanwhile_asks_the_own_courier(yard: Yard) -> None:
    yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
    stored, _ = await due_probe(yard)
    yard.clock.advance(61)
    after = await yard.service().refresh_now(stored)
    assert (after.poll.probe_courier, after.poll.due_at) == ("", yard.clock.now() + CYCLE)
    assert len(yard.carriers.numbers_asked("poste-italiane")) == 3
    assert yard.carriers.numbers_asked("swiss-post") == []


async def test_a_candidate_that_nobody_can_ask_any_more_leaves_it_to_the_own_courier(
    yard: Yard,
) -> None:
    yard.carriers.connect("swiss-post")
    stored, worker = await due_probe(yard)
    yard.carriers.disconnect("swiss-post")
    await drive(worker)
    after = await yard.stored(stored.tracking)
    assert (after.poll.due_at, after.poll.probe_courier) == (yard.clock.now() + CYCLE, "")
    assert after.tracking.tried_couriers == ()


async def test_an_answer_that_cannot_be_stored_is_the_own_couriers_turn_again(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
    stored, worker = await due_probe(yard)

    def fail(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr("parcelwire.tracking.courier_correction.rejection_reason", fail)
    await drive(worker)
    poll = await yard.poll(stored.tracking)
    assert (poll.due_at, poll.probe_courier) == (yard.clock.now() + OWN_FAULT_WAIT, "")


async def test_stopped_before_it_is_done_nobody_is_asked(yard: Yard) -> None:
    yard.carriers.script("swiss-post", SWISS, report("", yard.scan(60)))
    stored, worker = await due_probe(yard)
    await yard.service().stop(stored)
    await drive(worker)
    after = await yard.stored(stored.tracking)
    assert (after.poll.due_at, after.poll.probe_courier) == (None, "")
    assert yard.carriers.numbers_asked("swiss-post") == []
