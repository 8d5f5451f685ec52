"""What is remembered of polls, on both engines."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from parcelwire.domain.clock import HOUR, MINUTE, SECOND
from parcelwire.domain.status import Status
from parcelwire.store.past_polls import LONGEST_TRAIL
from parcelwire.store.port import Store
from parcelwire.tracking.ports import (
    DEFERRED,
    PastPoll,
    PollResult,
    PollState,
    RawResponse,
)
from tests.contract.store.samples import NOW, WORLD, advance, create, make_change, new_id

PAST = PastPoll(
    at=NOW,
    outcome="found",
    duration_ms=412,
    connector="swiss-post",
    reason="on its way: every 4 hours; after the carrier's night",
)


def past(number: int, **fields: object) -> PastPoll:
    return PastPoll(
        **{  # type: ignore[arg-type]
            "at": NOW + number * MINUTE,
            "outcome": "found",
            "connector": "swiss-post",
            "reason": "on its way: every 4 hours",
            "duration_ms": number,
            **fields,
        }
    )


async def poll(store: Store, tracking_id: str, *told: PastPoll, **fields: object) -> None:
    for one in told:
        result = PollResult(tracking_id=tracking_id, poll=PollState(due_at=NOW), past=one, **fields)  # type: ignore[arg-type]
        await store.save_polls([result])


async def test_a_poll_that_changed_nothing_is_remembered(store: Store) -> None:
    tracking = await create(store)
    other = await create(store, "A2")
    assert await store.past_polls(tracking.id) == []
    failed = past(1, outcome="unavailable", detail="HTTP 503 – später", connector="österreich")
    await poll(store, tracking.id, PAST, failed)
    assert await store.past_polls(tracking.id) == [failed, PAST]
    assert await store.past_polls(tracking.id, limit=1) == [failed]
    assert await store.past_polls(other.id) == []
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert (stored.tracking, stored.poll) == (tracking, PollState(due_at=NOW))


async def test_many_are_remembered_in_one_go_each_with_its_own(store: Store) -> None:
    ids = [(await create(store, f"A{index}")).id for index in range(30)]
    polls = [
        PollResult(
            tracking_id=one,
            poll=PollState(due_at=NOW),
            past=past(index) if index % 3 else None,
            raw=RawResponse(at=NOW, connector="c", outcome="found", body=b"x")
            if index == 7
            else None,
        )
        for index, one in enumerate(ids)
    ]
    await store.save_polls(polls)
    for index, one in enumerate(ids):
        assert await store.past_polls(one) == ([past(index)] if index % 3 else [])
    assert len(await store.raw_responses(ids[7])) == 1


async def test_a_save_remembers_its_poll_and_a_save_that_fails_does_not(store: Store) -> None:
    tracking = await create(store)
    news = past(1, has_changes=True)
    change = make_change(tracking, status=Status.TRANSIT, poll=PollState(due_at=NOW + HOUR))
    assert await store.save(replace(change, past=news))
    assert not await store.save(replace(change, past=past(2)))
    assert await store.past_polls(tracking.id) == [news]
    # A save without one leaves what there is.
    after = await advance(store, change.tracking, status=Status.PICKUP)
    assert await store.past_polls(tracking.id) == [news]
    moved = make_change(after, courier_code="dhl", poll=PollState(due_at=NOW))
    assert await store.change_courier(replace(moved, past=past(3))) == "saved"
    assert await store.past_polls(tracking.id) == [past(3), news]


async def test_what_came_too_late_is_not_remembered(store: Store) -> None:
    tracking = await create(store)
    lease = NOW + 30 * SECOND
    await store.claim_polls(NOW, lease_until=lease, limit=9)
    await poll(store, tracking.id, past(1), lease=lease - 1)
    await poll(store, new_id(), past(1))
    await poll(store, "no id at all", past(1))
    assert await store.past_polls(tracking.id) == []
    assert await store.past_polls("no id at all") == []
    await poll(store, tracking.id, past(2), lease=lease)
    assert await store.past_polls(tracking.id) == [past(2)]


async def test_the_last_twenty_are_kept_and_no_more_than_have_room(store: Store) -> None:
    tracking = await create(store)
    told = [past(number) for number in range(70)]
    await poll(store, tracking.id, *told)
    assert await store.past_polls(tracking.id) == told[:-21:-1]
    everything = await store.past_polls(tracking.id, limit=1_000)
    assert everything == told[: -len(everything) - 1 : -1]
    assert 20 <= len(everything) <= LONGEST_TRAIL // 20


async def test_those_with_long_words_take_the_place_of_more(store: Store) -> None:
    tracking = await create(store)
    told = [past(number, outcome="unavailable", detail="é" * 200) for number in range(40)]
    await poll(store, tracking.id, *told)
    kept = await store.past_polls(tracking.id, limit=1_000)
    assert 8 <= len(kept) < 20
    assert [one.at for one in kept] == [one.at for one in told[: -len(kept) - 1 : -1]]
    for one in kept:
        assert (one.outcome, one.connector, one.reason) == (
            "unavailable",
            "swiss-post",
            "on its way: every 4 hours",
        )
        assert one.detail.endswith("é…")
        assert len(one.detail) >= 15


async def test_being_put_off_is_remembered_apart(store: Store) -> None:
    tracking = await create(store)
    other = await create(store, "A2")
    asked = [past(number) for number in range(20)]
    await poll(store, tracking.id, *asked)
    for number in range(60):
        await store.postpone_polls(
            [tracking.id],
            due_at=NOW + 9,
            due_reason=f"the carrier is paused: no answer {number}",
            at=NOW + number * SECOND,
        )
    await store.postpone_polls([other.id], due_at=NOW + 9, due_reason="carrier rests")
    assert await store.past_polls(other.id) == []
    found = await store.past_polls(tracking.id, limit=100)
    deferred = [one for one in found if one.outcome == DEFERRED]
    assert 5 <= len(deferred) <= 20
    assert deferred[0] == PastPoll(
        at=NOW + 59 * SECOND, outcome=DEFERRED, reason="the carrier is paused: no answer 59"
    )
    assert [one for one in found if one.outcome != DEFERRED] == asked[::-1]
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)


async def test_it_goes_with_the_tracking(store: Store) -> None:
    tracking = await create(store)
    await poll(store, tracking.id, PAST)
    await store.delete_trackings(WORLD, [tracking.id])
    assert await store.past_polls(tracking.id) == []
    again = await create(store)
    assert await store.past_polls(again.id) == []


async def test_results_of_one_tracking_at_a_time_lose_nothing(store: Store) -> None:
    tracking = await create(store)
    told = [past(number) for number in range(12)]
    await asyncio.gather(*(poll(store, tracking.id, one) for one in told))
    found = await store.past_polls(tracking.id)
    assert sorted(one.at for one in found) == [one.at for one in told]


@pytest.mark.parametrize(
    "odd",
    [
        PastPoll(at=-5, outcome=""),
        PastPoll(at=2**62, outcome="found", duration_ms=2**40),
        PastPoll(at=NOW, outcome="a new one", detail="\x00\ud800", reason="\x00" * 99),
    ],
)
async def test_odd_values_harm_nothing(store: Store, odd: PastPoll) -> None:
    tracking = await create(store)
    await poll(store, tracking.id, odd, PAST)
    found = await store.past_polls(tracking.id)
    assert PAST in found
    assert len(found) == 2
