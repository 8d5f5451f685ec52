"""How past polls are written: every word of theirs is read again, and the usual ones are short."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.api.native.tracking_history import PollOutcome
from parcelwire.domain.clock import DAY, HOUR, SECOND
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Substatus
from parcelwire.polling.plan import PollPlanner
from parcelwire.store.past_polls import (
    LONGEST_DEFERRED,
    LONGEST_TRAIL,
    decode_trails,
    encode_deferred,
    encode_past,
)
from parcelwire.tracking.on_demand_refresh import BY_REQUEST, NO_BUDGET
from parcelwire.tracking.ports import DEFERRED, PastPoll, PollState
from tests.unit.polling.test_plan import NOW, policy, tracking

SHORT = 30
"""Bytes of a poll as most are."""


@given(
    st.builds(
        PastPoll,
        at=st.integers(0, 2**32 - 1).map(lambda second: second * SECOND),
        outcome=st.sampled_from([*map(str, Outcome), DEFERRED, "of a later version"]),
        duration_ms=st.integers(0, 2**16 - 1),
        connector=st.text(max_size=9),
        reason=st.sampled_from(["", "the carrier is paused: 503", "new: asked at once", "other"]),
        detail=st.text(alphabet=st.characters(max_codepoint=0xFF), max_size=8),
    )
)
def test_what_is_short_enough_comes_back_as_it_was(past: PastPoll) -> None:
    assert decode_trails([encode_past(past)], 9) == [past]


@given(st.text(max_size=400), st.text(max_size=400), st.text(max_size=60))
def test_no_record_is_too_long(why: str, detail: str, connector: str) -> None:
    past = PastPoll(at=NOW, outcome="found", connector=connector, reason=why, detail=detail)
    record = encode_past(past)
    assert len(record) <= 70
    (found,) = decode_trails([record], 9)
    assert (found.at, found.outcome) == (NOW, "found")


def test_a_trail_may_be_cut_anywhere() -> None:
    chance = random.Random(7)
    polls = [
        PastPoll(at=NOW - n * SECOND, outcome="found", connector="c" * chance.randrange(20))
        for n in range(60)
    ]
    whole = b"".join(map(encode_past, polls))
    for length in range(len(whole) + 1):
        found = decode_trails([whole[:length]], 99)
        assert found == polls[: len(found)]
        assert length - len(b"".join(map(encode_past, found))) <= 70


def test_the_plans_own_sentences_are_short() -> None:
    planner, long = PollPlanner(), []
    outcomes = set(Outcome) - {Outcome.NO_CONNECTION, Outcome.INVALID_NUMBER}
    for substatus in (None, *Substatus):
        for silence in (HOUR, 2 * DAY, 5 * DAY, 20 * DAY):
            for outcome in outcomes:
                said = CarrierReport(number="x", outcome=outcome)
                # At noon, and in the evening: after the carrier's night.
                for now in (NOW, NOW + 9 * HOUR):
                    parcel = tracking(substatus, silence=silence)
                    plan = planner.after(parcel, PollState(), policy(), said, now)
                    past = PastPoll(
                        at=NOW, outcome=outcome, connector="swiss-post", reason=plan.due_reason
                    )
                    if plan.due_at is not None and len(encode_past(past)) > SHORT:
                        long.append(plan.due_reason)
    assert long == []
    first = planner.first(tracking(None), policy(), NOW).due_reason
    for why in (first, BY_REQUEST, NO_BUDGET):
        assert len(encode_past(PastPoll(at=NOW, outcome="found", reason=why))) < 20
    assert LONGEST_TRAIL // SHORT >= 20


def test_the_planner_is_seen_to_say_more_than_one_thing() -> None:
    said = CarrierReport(number="x", outcome=Outcome.FOUND)
    late = PollPlanner().after(tracking(), PollState(), policy(), said, NOW + 9 * HOUR)
    assert late.due_reason.endswith("; after the carrier's night")


def test_five_that_were_put_off_have_room_whatever_they_say() -> None:
    record = encode_deferred(NOW, "the carrier is paused: " + "long " * 90)
    assert len(record) * 5 <= LONGEST_DEFERRED
    assert encode_deferred(None, "x") == encode_past(None) == b""


def test_trails_are_put_together_by_time() -> None:
    asked = [PastPoll(at=NOW - n * HOUR, outcome="found") for n in range(4)]
    deferred = [replace(one, at=one.at - HOUR // 2, outcome=DEFERRED) for one in asked]
    trails = [b"".join(map(encode_past, one)) for one in (asked, deferred)]
    found = decode_trails(trails, 5)
    assert found == [asked[0], deferred[0], asked[1], deferred[1], asked[2]]


def test_the_api_knows_every_outcome() -> None:
    assert {str(one) for one in PollOutcome} == {*map(str, Outcome), DEFERRED}
