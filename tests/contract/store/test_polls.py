from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND
from parcelwire.polling.ports import Claim, Pause
from parcelwire.store.port import Store
from parcelwire.store.rules import RECALLED_AT_ONCE
from parcelwire.tracking.ports import PollResult, PollState, RawResponse, TrackingFilter
from tests.contract.store.samples import NOW, OTHER_WORLD, WORLD, advance, create, make_new

OpenAnother = Callable[[], Awaitable[Store]]
LEASE = NOW + 30 * SECOND


async def claimed(store: Store, now: int = NOW, limit: int = 100) -> list[str]:
    claims = await store.claim_polls(now, lease_until=now + 30 * SECOND, limit=limit)
    return [claim.tracking_id for claim in claims]


async def test_due_trackings_are_claimed_longest_due_first(store: Store) -> None:
    late = await create(store, "A1", due_at=NOW - 5)
    later = await create(store, "A2", due_at=NOW - 9, courier_code="dhl", world_id=OTHER_WORLD)
    now_due = await create(store, "A3", due_at=NOW)
    await create(store, "A4", due_at=NOW + 1)
    await create(store, "A5", due_at=None)

    claims = await store.claim_polls(NOW, lease_until=LEASE, limit=2)

    assert claims == [
        Claim(tracking_id=later.id, world_id=OTHER_WORLD, courier_code="dhl", due_reason="new"),
        Claim(tracking_id=late.id, world_id=WORLD, courier_code="swiss-post", due_reason="new"),
    ]
    assert await claimed(store) == [now_due.id]
    assert await claimed(store) == []
    stored = await store.load(WORLD, late.id)
    assert stored is not None
    assert stored.poll.leased_until == LEASE


async def test_a_lease_ends_by_time(store: Store) -> None:
    tracking = await create(store)
    assert await claimed(store) == [tracking.id]
    assert await claimed(store, LEASE - 1) == []
    assert await claimed(store, LEASE) == [tracking.id]


async def test_a_lease_given_at_creation_keeps_the_workers_away(store: Store) -> None:
    tracking = await create(store, leased_until=LEASE)
    assert await claimed(store, LEASE - 1) == []
    assert await claimed(store, LEASE) == [tracking.id]


@pytest.mark.parametrize("jump", [DAY, 3650 * DAY])
async def test_a_lease_from_before_the_clock_jumped_back_counts_as_ended(
    store: Store, jump: int
) -> None:
    tracking = await create(store)
    assert await claimed(store, NOW + jump) == [tracking.id]
    assert await claimed(store, NOW) == [tracking.id]
    assert await claimed(store, NOW) == []


async def test_a_clock_that_jumps_back_a_little_does_not_end_leases(store: Store) -> None:
    tracking = await create(store, due_at=NOW - 2 * HOUR)
    assert await claimed(store, NOW) == [tracking.id]
    assert await claimed(store, NOW - 10 * MINUTE) == []


async def test_a_finished_poll_is_due_again_when_it_says(store: Store) -> None:
    tracking = await create(store)
    await claimed(store)
    await store.save_polls([PollResult(tracking_id=tracking.id, poll=PollState(due_at=NOW + 5))])
    assert await claimed(store, NOW + 4) == []
    assert await claimed(store, NOW + 5) == [tracking.id]


async def test_a_save_with_a_poll_ends_the_lease(store: Store) -> None:
    tracking = await create(store)
    await claimed(store)
    await advance(store, tracking, poll=PollState(due_at=NOW))
    assert await claimed(store) == [tracking.id]


async def test_a_poll_without_due_time_is_never_claimed(store: Store) -> None:
    tracking = await create(store)
    await store.save_polls([PollResult(tracking_id=tracking.id, poll=PollState())])
    assert await claimed(store, NOW + 9_999 * DAY) == []
    assert await store.next_poll_due() is None


@pytest.mark.parametrize("how", ["polled", "saved"])
async def test_a_poll_that_asks_another_courier_is_claimed_as_such(store: Store, how: str) -> None:
    tracking = await create(store)
    await claimed(store)
    probe = PollState(due_at=NOW, due_reason="dhl is asked next", probe_courier="dhl")
    if how == "polled":
        await store.save_polls([PollResult(tracking_id=tracking.id, poll=probe, lease=LEASE)])
    else:
        tracking = await advance(store, tracking, poll=probe)
    (claim,) = await store.claim_polls(NOW, lease_until=LEASE, limit=9)
    assert claim == Claim(
        tracking_id=tracking.id,
        world_id=WORLD,
        courier_code="swiss-post",
        due_reason="dhl is asked next",
        probe_courier="dhl",
    )
    # A change that leaves the poll alone leaves this alone, too.
    await advance(store, tracking, is_archived=True)
    for stored in (
        await store.load(WORLD, tracking.id),
        *await store.load_many([tracking.id]),
        *await store.find(WORLD, tracking.number),
        *await store.list_trackings(WORLD, TrackingFilter(), offset=0, limit=9),
    ):
        assert stored is not None
        assert (stored.poll.probe_courier, stored.poll.leased_until) == ("dhl", LEASE)
    # Given back unasked, it is the own courier's turn.
    await store.postpone_polls([tracking.id], due_at=NOW + 9, due_reason="later")
    (claim,) = await store.claim_polls(NOW + 9, lease_until=LEASE, limit=9)
    assert (claim.courier_code, claim.probe_courier) == ("swiss-post", "")


async def test_a_suspended_accounts_poll_that_asks_another_courier_is_given_up(
    store: Store,
) -> None:
    await store.add_account("a@shop.example", now=NOW)
    tracking = await create(store)
    probe = PollState(due_at=NOW, probe_courier="dhl")
    await store.save_polls([PollResult(tracking_id=tracking.id, poll=probe)])
    await store.suspend_account(1, now=NOW)
    assert await claimed(store) == []
    await store.resume_account(1)
    later = NOW + 2 * HOUR
    (claim,) = await store.claim_polls(later, lease_until=later + SECOND, limit=9)
    assert (claim.tracking_id, claim.probe_courier) == (tracking.id, "")


async def test_skipped_pairs_are_left_for_another_time(store: Store) -> None:
    mine = await create(store, "A1")
    dhl = await create(store, "A2", courier_code="dhl")
    theirs = await create(store, "A3", world_id=OTHER_WORLD)
    claims = await store.claim_polls(
        NOW, lease_until=LEASE, limit=9, skip={(WORLD, "swiss-post"), (OTHER_WORLD, "dhl")}
    )
    assert {claim.tracking_id for claim in claims} == {dhl.id, theirs.id}
    assert await claimed(store) == [mine.id]


async def test_postponed_polls_come_back(store: Store) -> None:
    tracking = await create(store)
    other = await create(store, "A2")
    assert len(await claimed(store)) == 2
    await store.postpone_polls([tracking.id], due_at=NOW + 9, due_reason="carrier rests")
    await store.postpone_polls([], due_at=NOW, due_reason="")
    assert await claimed(store, NOW + 8) == []
    assert await claimed(store, NOW + 9) == [tracking.id]
    stored = await store.load(WORLD, tracking.id)
    assert stored is not None
    assert (stored.poll.due_at, stored.poll.due_reason) == (NOW + 9, "carrier rests")
    assert await store.load(WORLD, other.id) is not None


async def test_the_next_due_time_looks_past_leases(store: Store) -> None:
    assert await store.next_poll_due() is None
    for index in range(5):
        await create(store, f"A{index}", due_at=NOW - 1)
    await create(store, "B1", due_at=NOW + 7 * SECOND)
    assert await store.next_poll_due() == NOW - 1
    assert len(await claimed(store)) == 5
    assert await store.next_poll_due() == NOW + 7 * SECOND
    await store.claim_polls(NOW + 7 * SECOND, lease_until=NOW + 99 * SECOND, limit=9)
    assert await store.next_poll_due() == LEASE


async def test_a_result_under_an_ended_lease_is_out_of_date(store: Store) -> None:
    tracking = await create(store)
    other = await create(store, "A2")
    await claimed(store)
    raw = RawResponse(at=NOW, connector="post", outcome="not_understood", body=b"<html>")
    stopped = PollState(due_at=None, due_reason="stopped by request")
    await advance(store, tracking, poll=stopped)

    late = PollState(due_at=NOW + 5, due_reason="every hour", checks=1)
    await store.save_polls(
        [
            PollResult(tracking_id=one.id, poll=late, raw=raw, lease=LEASE)
            for one in (tracking, other)
        ]
    )

    stored = {one.tracking.id: one.poll for one in await store.load_many([tracking.id, other.id])}
    assert stored == {tracking.id: stopped, other.id: late}
    assert await store.raw_responses(tracking.id) == []
    assert await store.raw_responses(other.id) == [raw]


async def test_due_times_of_a_clock_that_has_jumped_back_come_near_again(store: Store) -> None:
    later = NOW + 3650 * DAY
    polls = {
        "checked then": PollState(due_at=later + HOUR, checked_at=later, checks=3),
        "due at once then": PollState(due_at=later - HOUR, checked_at=later),
        "never checked": PollState(due_at=later + 6 * HOUR),
        "as it should be": PollState(due_at=NOW + HOUR, checked_at=NOW - HOUR),
        "finished": PollState(due_at=None, checked_at=later),
    }
    ids = {}
    for index, (name, poll) in enumerate(polls.items()):
        ids[name] = (await create(store, f"A{index}")).id
        await store.save_polls([PollResult(tracking_id=ids[name], poll=poll)])

    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY) == 3
    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY) == 0

    times = {}
    for name, tracking_id in ids.items():
        (stored,) = await store.load_many([tracking_id])
        times[name] = (stored.poll.due_at, stored.poll.checked_at)
    assert times == {
        "checked then": (NOW + HOUR, NOW),
        "due at once then": (NOW, NOW),
        "never checked": (NOW, None),
        "as it should be": (NOW + HOUR, NOW - HOUR),
        "finished": (None, later),
    }


async def test_the_far_end_alone_is_looked_at_when_no_more_is_asked(store: Store) -> None:
    later = NOW + 3650 * DAY
    polls = {
        "far": PollState(due_at=later + HOUR, checked_at=later),
        "never checked": PollState(due_at=later),
        "near": PollState(due_at=NOW + DAY + HOUR, checked_at=NOW + DAY),
        "finished": PollState(due_at=None, checked_at=later),
    }
    ids = {}
    for index, (name, poll) in enumerate(polls.items()):
        ids[name] = (await create(store, f"A{index}")).id
        await store.save_polls([PollResult(tracking_id=ids[name], poll=poll)])

    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY, far_only=True) == 2
    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY, far_only=True) == 0

    due = {}
    for name, tracking_id in ids.items():
        (stored,) = await store.load_many([tracking_id])
        due[name] = stored.poll.due_at
    near = NOW + DAY + HOUR
    assert due == {"far": NOW + HOUR, "never checked": NOW, "near": near, "finished": None}
    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY) == 1


@pytest.mark.parametrize("far_only", [True, False])
async def test_any_number_is_brought_back_in_portions(store: Store, *, far_only: bool) -> None:
    count = 2 * RECALLED_AT_ONCE + 1
    later = NOW + 3650 * DAY
    await store.create_trackings([make_new(f"N{index}", due_at=later) for index in range(count)])

    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY, far_only=far_only) == count
    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY, far_only=far_only) == 0

    assert await store.next_poll_due() == NOW
    assert len(await claimed(store, limit=count)) == count


async def test_a_wait_that_would_still_be_too_long_ends_at_once(store: Store) -> None:
    tracking = await create(store)
    later = NOW + 3650 * DAY
    poll = PollState(due_at=later + 30 * DAY, checked_at=later)
    await store.save_polls([PollResult(tracking_id=tracking.id, poll=poll)])

    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY) == 1

    (stored,) = await store.load_many([tracking.id])
    assert (stored.poll.due_at, stored.poll.checked_at) == (NOW, NOW)
    assert await store.recall_polls(NOW, beyond=NOW + 3 * DAY) == 0


async def test_no_tracking_is_claimed_twice(store: Store) -> None:
    ids = {(await create(store, f"N{index:04d}")).id for index in range(60)}
    claims = await asyncio.gather(
        *(store.claim_polls(NOW, lease_until=LEASE, limit=9) for _ in range(12))
    )
    taken = [claim.tracking_id for one in claims for claim in one]
    assert len(taken) == 60
    assert set(taken) == ids


# -- budgets -----------------------------------------------------------------------------------


async def take(
    store: Store, now: int, wanted: int, per_minute: int = 60, per_day: int | None = None
) -> int:
    return await store.take_budget(
        "post", now=now, wanted=wanted, per_minute=per_minute, per_day=per_day
    )


async def test_a_bucket_holds_ten_seconds_worth_and_refills_smoothly(store: Store) -> None:
    assert await take(store, NOW, 7) == 7
    assert await take(store, NOW, 45) == 3
    assert await take(store, NOW, 1) == 0
    assert await take(store, NOW + SECOND, 1) == 0
    assert await take(store, NOW + 2 * SECOND, 9) == 1
    assert await take(store, NOW + 11 * SECOND, 99) == 8
    assert await take(store, NOW + HOUR, 99) == 10


@pytest.mark.parametrize("per_minute", [1, 2, 5, 10, 60, 100])
async def test_the_first_minute_grants_what_a_minute_allows(store: Store, per_minute: int) -> None:
    granted = 0
    for passed in range(0, 60_000, 250):
        granted += await take(store, NOW + passed, 1_000, per_minute)
    # A little less comes of whole numbers.
    assert per_minute * 0.9 - 1 <= granted <= per_minute


async def test_clocks_that_differ_grant_no_more(store: Store, open_another: OpenAnother) -> None:
    ahead = await open_another()
    granted = 0
    for passed in range(0, 58_000, 250):
        granted += await take(store, NOW + passed, 10)
        granted += await take(ahead, NOW + passed + 2 * SECOND, 10)
    assert 50 <= granted <= 60


async def test_what_was_not_used_can_be_returned(store: Store) -> None:
    assert await take(store, NOW, 9, per_day=12) == 9
    await store.return_budget("post", count=4, per_minute=60)
    assert await take(store, NOW, 99, per_day=12) == 5
    await store.return_budget("post", count=99, per_minute=60)
    assert await take(store, NOW, 99, per_day=12) == 10
    await store.return_budget("never taken", count=1, per_minute=60)


async def test_budgets_have_nothing_to_do_with_each_other(store: Store) -> None:
    assert await take(store, NOW, 60) == 10
    other = await store.take_budget("other", now=NOW, wanted=9, per_minute=60, per_day=None)
    assert other == 9


async def test_the_days_budget_ends_with_the_utc_day(store: Store) -> None:
    midnight = (NOW // DAY + 1) * DAY
    assert await take(store, midnight - HOUR, 60, per_day=16) == 10
    assert await take(store, midnight - 1, 60, per_day=16) == 6
    assert await take(store, midnight - 1, 60, per_day=16) == 0
    assert await take(store, midnight, 4, per_day=16) == 4


async def test_a_bucket_that_became_smaller_is_no_fuller_than_its_size(store: Store) -> None:
    assert await take(store, NOW, 1) == 1
    assert await take(store, NOW, 99, per_minute=30) == 5


async def test_a_clock_that_jumps_back_locks_for_a_minute_at_most(store: Store) -> None:
    assert await take(store, NOW + 400 * DAY, 60) == 10
    assert await take(store, NOW, 60) == 0
    assert await take(store, NOW + MINUTE, 60) == 10


async def test_of_concurrent_takers_nobody_gets_more_than_there_is(store: Store) -> None:
    granted = await asyncio.gather(*(take(store, NOW, 7) for _ in range(20)))
    assert sum(granted) == 10


# -- pauses ------------------------------------------------------------------------------------


async def test_a_pause_is_kept_until_it_is_cleared(store: Store) -> None:
    assert await store.pauses() == {}
    pause = Pause(until=NOW + MINUTE, failures=3, reason="503 – außer Betrieb", since=NOW)
    other = Pause(until=NOW - MINUTE, failures=1, reason="timeout", since=NOW - HOUR)
    await store.set_pause("post", Pause(until=NOW, failures=1, reason="", since=NOW))
    await store.set_pause("post", pause)
    await store.set_pause("dhl", other)
    assert await store.pauses() == {"post": pause, "dhl": other}
    await store.set_pause("post", None)
    await store.set_pause("never set", None)
    assert await store.pauses() == {"dhl": other}
