"""Merge: the same state whatever the order, repetition and correction of the answers."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.domain.changes import (
    CheckpointAdded,
    CheckpointCorrected,
    CheckpointWithdrawn,
    DeliveryWindowChanged,
    StatusChanged,
)
from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.clock import DAY, HOUR
from parcelwire.domain.merge import expire, merge, restate
from parcelwire.domain.report import CarrierReport, DeliveryWindow, Outcome, ParcelFacts
from parcelwire.domain.status import DEFAULT_SUBSTATUS, Status, Substatus
from parcelwire.domain.tracking import Tracking

T0 = 1_772_359_200_000

REFINED = [
    substatus
    for substatus in Substatus
    if substatus.status not in (Status.NOTFOUND, Status.EXPIRED)
]


def tracking(**changes: object) -> Tracking:
    plain = Tracking(
        id="0" * 32,
        world_id=2,
        number="RS907483608CH",
        typed_number="RS907483608CH",
        courier_code="swiss-post",
        created_at=T0,
        updated_at=T0,
        page_token="token",
    )
    return replace(plain, **changes)


def checkpoint(
    hour: int, substatus: Substatus | None = Substatus.TRANSIT, **changes: object
) -> Checkpoint:
    plain = Checkpoint(
        local_time=f"2026-03-{1 + hour // 24:02d}T{hour % 24:02d}:00:00",
        offset_minutes=60,
        text=f"event {hour}",
        raw_code=f"c{hour}",
        status=substatus.status if substatus else None,
        substatus=substatus,
    )
    return replace(plain, **changes)


def found(*checkpoints: Checkpoint, at: int = T0 + HOUR, **changes: object) -> CarrierReport:
    report = CarrierReport(
        number="RS907483608CH", outcome=Outcome.FOUND, checkpoints=checkpoints, fetched_at=at
    )
    return replace(report, **changes)


def after(*reports: CarrierReport, start: Tracking | None = None) -> Tracking:
    state = start or tracking()
    for report in reports:
        state = merge(state, report).tracking
    return state


# -- strategies: a parcel's true story, told in wordings that only get corrected, and answers that
# tell parts of it ------


@st.composite
def stories(draw: st.DrawFn) -> list[CarrierReport]:
    """Answers about one parcel, fetched at rising times. An event's wording has versions.

    An answer tells its newest.
    """
    events = draw(
        st.lists(
            st.tuples(
                st.integers(0, 40),
                st.one_of(st.none(), st.sampled_from(REFINED)),
                st.sampled_from(list(Leg)),
                st.lists(
                    st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans()),
                    min_size=1,
                    max_size=3,
                    # A wording that comes back is told apart from one that was late by nothing
                    # that is stored; see ``merge``.
                    unique=True,
                ),
            ),
            max_size=8,
        )
    )
    count = draw(st.integers(1, 5))
    reports = []
    versions = [0] * len(events)
    for step in range(count):
        told = []
        for index, (hour, substatus, leg, wordings) in enumerate(events):
            versions[index] = min(len(wordings) - 1, versions[index] + draw(st.integers(0, 1)))
            if draw(st.booleans()):
                text, is_withdrawn = wordings[versions[index]]
                told.append(
                    checkpoint(
                        hour,
                        substatus,
                        raw_code=f"e{index}",
                        leg=leg,
                        text=text,
                        is_withdrawn=is_withdrawn,
                    )
                )
        reports.append(found(*draw(st.permutations(told)), at=T0 + step * HOUR))
    return reports


@given(st.data())
def test_any_order_and_repetition_of_the_answers_ends_in_the_same_state(
    data: st.DataObject,
) -> None:
    reports = data.draw(stories())
    in_order = after(*reports)
    shuffled = data.draw(st.permutations(reports + data.draw(st.lists(st.sampled_from(reports)))))
    assert after(*shuffled) == in_order


@given(stories())
def test_the_same_answer_twice_changes_nothing_and_tells_nothing(
    reports: list[CarrierReport],
) -> None:
    state = after(*reports)
    for report in reports[-1:]:
        again = merge(state, report)
        assert again.tracking == state
        assert again.changes == ()
        assert not again.is_dirty


@given(stories())
def test_the_same_words_heard_later_are_no_change(reports: list[CarrierReport]) -> None:
    state = after(*reports)
    again = merge(state, replace(reports[-1], fetched_at=T0 + 90 * DAY))
    assert again.changes == ()
    assert not again.is_dirty


@given(stories())
@settings(max_examples=200)
def test_status_changes_form_a_chain_from_pending_to_the_end(reports: list[CarrierReport]) -> None:
    state = tracking()
    steps = []
    for report in reports:
        merged = merge(state, report)
        steps += [change for change in merged.changes if isinstance(change, StatusChanged)]
        state = merged.tracking
    for before, then in pairwise(steps):
        assert (before.to_status, before.to_substatus) == (then.from_status, then.from_substatus)
    if steps:
        assert (steps[-1].to_status, steps[-1].to_substatus) == (state.status, state.substatus)
    else:
        assert state.status is Status.PENDING


@given(stories(), st.integers(41, 60), st.sampled_from(REFINED))
def test_no_scan_after_delivery_takes_the_parcel_back(
    reports: list[CarrierReport], hour: int, stray: Substatus
) -> None:
    delivered = found(checkpoint(40, Substatus.DELIVERED, raw_code="the end"), at=T0 + 30 * HOUR)
    state = after(*reports, delivered)
    if state.status is not Status.DELIVERED:
        assert state.substatus is Substatus.EXCEPTION_RETURNED  # the story had sent it back before
        return
    late = merge(state, found(checkpoint(hour, stray, raw_code="stray"), at=T0 + 40 * HOUR))
    if stray is Substatus.EXCEPTION_RETURNED:
        assert late.tracking.substatus is Substatus.EXCEPTION_RETURNED
    else:
        assert late.tracking.status is Status.DELIVERED


# -- examples --------------------------------------------------------------------------------------
# ----------------------


def test_a_first_answer_tells_status_and_checkpoints() -> None:
    merged = merge(
        tracking(), found(checkpoint(1), checkpoint(2, Substatus.PICKUP_OUT_FOR_DELIVERY))
    )
    assert merged.tracking.status is Status.PICKUP
    kinds = [type(change) for change in merged.changes]
    assert kinds == [StatusChanged, CheckpointAdded, CheckpointAdded]
    assert [one.received_at for one in merged.tracking.checkpoints] == [T0 + HOUR] * 2


def test_unknown_number_is_notfound_until_something_is_heard() -> None:
    missing = CarrierReport(number="x", outcome=Outcome.UNKNOWN_NUMBER, fetched_at=T0)
    state = after(missing)
    assert (state.status, state.substatus) == (Status.NOTFOUND, Substatus.NOTFOUND)
    assert not merge(state, missing).is_dirty
    state = after(found(checkpoint(3)), start=state)
    assert state.status is Status.TRANSIT
    # A carrier that forgets a parcel does not make it unheard of.
    assert merge(state, missing).tracking == state


@pytest.mark.parametrize(
    "outcome",
    [o for o in Outcome if o not in (Outcome.FOUND, Outcome.UNKNOWN_NUMBER)],
)
def test_what_ails_the_carrier_says_nothing_about_the_parcel(outcome: Outcome) -> None:
    state = after(found(checkpoint(1)))
    told = found(checkpoint(9, Substatus.DELIVERED), outcome=outcome)
    assert merge(state, told).tracking == state


def test_a_note_keeps_the_stage() -> None:
    state = after(found(checkpoint(1, Substatus.PICKUP_OUT_FOR_DELIVERY), checkpoint(2, None)))
    assert state.status is Status.PICKUP
    assert len(state.checkpoints) == 2


def test_data_sent_again_does_not_unpost_a_parcel() -> None:
    state = after(found(checkpoint(1), checkpoint(2, Substatus.INFORECEIVED)))
    assert state.status is Status.TRANSIT


def test_a_corrected_wording_is_told_as_a_correction() -> None:
    state = after(found(checkpoint(1, text="Bern")))
    merged = merge(state, found(checkpoint(1, text="Basel"), at=T0 + 2 * HOUR))
    (change,) = merged.changes
    assert isinstance(change, CheckpointCorrected)
    assert (change.before.text, change.after.text) == ("Bern", "Basel")
    stale = merge(merged.tracking, found(checkpoint(1, text="Bern"), at=T0 + HOUR))
    assert stale.tracking == merged.tracking


def test_a_wording_that_comes_back_stands_when_the_answers_come_in_their_order() -> None:
    first, second, third = (
        found(checkpoint(1, Substatus.TRANSIT_AT_HUB, raw_code="e", text=text), at=T0 + at * HOUR)
        for at, text in ((1, "a"), (2, "b"), (3, "a"))
    )
    assert [one.text for one in after(first, second, third).checkpoints] == ["a"]
    # Out of order, the event stays one event.
    assert len(after(third, first, second).checkpoints) == 1


def test_a_withdrawn_delivery_reopens_the_parcel_and_stays_withdrawn() -> None:
    delivered = checkpoint(5, Substatus.DELIVERED)
    state = after(found(checkpoint(1), delivered))
    merged = merge(state, found(replace(delivered, is_withdrawn=True), at=T0 + 3 * HOUR))
    assert merged.tracking.status is Status.TRANSIT
    assert any(isinstance(change, CheckpointWithdrawn) for change in merged.changes)
    old_answer = found(checkpoint(1), delivered, at=T0 + 2 * HOUR)
    assert merge(merged.tracking, old_answer).tracking.status is Status.TRANSIT


def test_an_event_that_the_carrier_forgets_is_kept() -> None:
    state = after(found(checkpoint(1), checkpoint(2)))
    assert len(merge(state, found(checkpoint(2), at=T0 + DAY)).tracking.checkpoints) == 2


def test_events_of_one_date_stand_in_the_order_of_a_journey() -> None:
    day = "2026-03-02"
    state = after(
        found(
            checkpoint(0, Substatus.DELIVERED, local_time=day),
            checkpoint(1, Substatus.TRANSIT, local_time=day),
            checkpoint(2, Substatus.INFORECEIVED, local_time=day),
        )
    )
    assert [one.status for one in state.checkpoints] == [
        Status.INFORECEIVED,
        Status.TRANSIT,
        Status.DELIVERED,
    ]


def test_offsets_decide_the_order_not_the_wall_clocks() -> None:
    shanghai = checkpoint(10, Substatus.TRANSIT, offset_minutes=480)
    bern = checkpoint(9, Substatus.PICKUP_OUT_FOR_DELIVERY, offset_minutes=60)
    assert after(found(bern, shanghai)).status is Status.PICKUP


def test_window_moves_are_told_once() -> None:
    window = DeliveryWindow(earliest="2026-03-04", latest="2026-03-04", source="swiss-post")
    state = tracking()
    merged = merge(state, found(window=window))
    assert [type(change) for change in merged.changes] == [DeliveryWindowChanged]
    assert merge(merged.tracking, found(window=window, at=T0 + DAY)).changes == ()


def test_a_window_that_cannot_be_read_is_not_taken() -> None:
    window = DeliveryWindow(earliest="2026-03-04", latest="2026-03-04", source="swiss-post")
    state = after(found(window=window))
    vague = replace(window, earliest="tomorrow", latest="tomorrow")
    assert not merge(state, found(window=vague, at=T0 + DAY)).is_dirty


def test_facts_are_learned_silently_and_kept_when_not_repeated() -> None:
    merged = merge(tracking(), found(facts=ParcelFacts(weight_grams=1140, service="PRI")))
    assert merged.changes == ()
    assert merged.is_dirty
    state = after(found(facts=ParcelFacts(service="ECO"), at=T0 + DAY), start=merged.tracking)
    assert state.facts == ParcelFacts(weight_grams=1140, service="ECO")


def test_expiry_follows_silence_and_ends_with_news() -> None:
    state = after(found(checkpoint(1)))
    assert not expire(state, T0 + 29 * DAY, "express").is_dirty
    expired = expire(state, T0 + 31 * DAY, "express")
    assert expired.tracking.status is Status.EXPIRED
    assert not expire(state, T0 + 31 * DAY, "globalpost").is_dirty
    assert expire(state, T0 + 61 * DAY, "globalpost").tracking.status is Status.EXPIRED
    alive = merge(expired.tracking, found(checkpoint(40 * 24 % 700), at=T0 + 40 * DAY))
    assert alive.tracking.status is Status.TRANSIT


def test_a_delivered_parcel_never_expires() -> None:
    state = after(found(checkpoint(1, Substatus.DELIVERED)))
    assert not expire(state, T0 + 400 * DAY, "express").is_dirty


def test_an_override_wins_until_it_is_taken_back_or_the_parcel_arrives() -> None:
    state = after(found(checkpoint(1)))
    forced = restate(state, replace(state, status_override=Status.EXCEPTION)).tracking
    assert (forced.status, forced.substatus) == (Status.EXCEPTION, Substatus.EXCEPTION_OTHER)
    assert after(found(checkpoint(2), at=T0 + DAY), start=forced).status is Status.EXCEPTION
    arrived = after(found(checkpoint(3, Substatus.DELIVERED), at=T0 + DAY), start=forced)
    assert arrived.status is Status.DELIVERED
    back = restate(forced, replace(forced, status_override=None)).tracking
    assert back.status is Status.TRANSIT


@pytest.mark.parametrize("said", [None, Substatus.TRANSIT, Substatus.EXCEPTION_CUSTOMS_HOLD])
def test_a_status_set_by_hand_outlives_the_silence(said: Substatus | None) -> None:
    state = after(found(checkpoint(1, said)))
    forced = restate(state, replace(state, status_override=Status.EXCEPTION)).tracking
    silent = expire(forced, T0 + 70 * DAY, "express")
    # Nothing is told, and yet nobody asks any more: it can be taken up again.
    assert silent.changes == ()
    assert silent.tracking.status is Status.EXCEPTION
    assert silent.tracking.substatus is (
        said if said is Substatus.EXCEPTION_CUSTOMS_HOLD else Substatus.EXCEPTION_OTHER
    )
    assert silent.tracking.is_expired
    # What the person said is taken back: the silence counts now.
    plain = restate(silent.tracking, replace(silent.tracking, status_override=None)).tracking
    assert plain.status is Status.EXPIRED
    # Set on one that has expired already, it shows at once.
    expired = expire(state, T0 + 70 * DAY, "express").tracking
    late = restate(expired, replace(expired, status_override=Status.EXCEPTION)).tracking
    assert late.status is Status.EXCEPTION
    assert late.is_expired


def test_what_has_arrived_is_not_expired_whatever_silence_came_before() -> None:
    expired = expire(after(found(checkpoint(1))), T0 + 70 * DAY, "express").tracking
    by_hand = restate(expired, replace(expired, status_override=Status.DELIVERED)).tracking
    assert by_hand.status is Status.DELIVERED
    assert not by_hand.is_expired


def test_milestones_are_first_times_with_the_carriers_offset() -> None:
    state = after(
        found(
            checkpoint(1, Substatus.INFORECEIVED),
            checkpoint(2, Substatus.TRANSIT),
            checkpoint(3, Substatus.PICKUP_OUT_FOR_DELIVERY),
            checkpoint(4, Substatus.UNDELIVERED_NOBODY_HOME),
            checkpoint(27, Substatus.PICKUP_OUT_FOR_DELIVERY),
            checkpoint(28, Substatus.DELIVERED_SIGNED),
        )
    )
    assert state.milestones.out_for_delivery == "2026-03-01T03:00:00+01:00"
    assert state.milestones.delivered == "2026-03-02T04:00:00+01:00"
    assert state.milestones.accepted == "2026-03-01T02:00:00+01:00"


def test_default_substatus_refines_its_own_status() -> None:
    for status, substatus in DEFAULT_SUBSTATUS.items():
        assert substatus is None or substatus.status is status
