"""When a parcel is asked about again, and the sentence that says why."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE, SECOND, to_datetime
from parcelwire.domain.report import CarrierReport, DeliveryWindow, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from parcelwire.polling.plan import NO_WAY_INTERVAL, PollPlanner
from parcelwire.tracking.ports import CarrierPolicy, PollState

# 2026-03-02T10:00:00Z, a Monday morning in Bern.
NOW = 1_772_445_600_000
PLANNER = PollPlanner()


def policy(**changes: Any) -> CarrierPolicy:
    plain = CarrierPolicy(
        connector="swiss-post",
        budget_key="swiss-post:api",
        batch_size=1,
        requests_per_minute=60,
        requests_per_day=None,
        home_zone="Europe/Zurich",
        quiet_from_hour=22,
        quiet_to_hour=6,
    )
    return replace(plain, **changes)


def tracking(
    substatus: Substatus | None = Substatus.TRANSIT, *, silence: int = HOUR, **changes: Any
) -> Tracking:
    checkpoints: tuple[Checkpoint, ...] = ()
    if substatus is not None:
        when = to_datetime(NOW - silence).strftime("%Y-%m-%dT%H:%M:%S")
        checkpoints = (
            Checkpoint(
                local_time=when,
                offset_minutes=0,
                text="x",
                status=substatus.status,
                substatus=substatus,
            ),
        )
    plain = Tracking(
        id="0" * 31 + "7",
        world_id=2,
        number="RS907483608CH",
        typed_number="RS907483608CH",
        courier_code="swiss-post",
        created_at=NOW - silence,
        updated_at=NOW,
        page_token="token",
        status=substatus.status if substatus else Status.PENDING,
        substatus=substatus,
        checkpoints=checkpoints,
    )
    return replace(plain, **changes)


def report(outcome: Outcome = Outcome.FOUND, **changes: Any) -> CarrierReport:
    return replace(CarrierReport(number="x", outcome=outcome, fetched_at=NOW), **changes)


def after(
    parcel: Tracking, said: CarrierReport | None = None, how: CarrierPolicy | None = None
) -> PollState:
    return PLANNER.after(parcel, PollState(), how or policy(), said or report(), NOW)


def wait_of(state: PollState) -> int:
    assert state.due_at is not None
    return state.due_at - NOW


def test_a_new_tracking_is_asked_about_at_once() -> None:
    assert PLANNER.first(tracking(None), policy(), NOW).due_at == NOW


def test_without_a_way_to_ask_it_looks_again_later_and_says_so() -> None:
    state = PLANNER.first(tracking(None), None, NOW)
    assert wait_of(state) == NO_WAY_INTERVAL
    assert "swiss-post" in state.due_reason


@pytest.mark.parametrize(
    ("parcel", "wait"),
    [
        (tracking(None), 2 * HOUR),
        (tracking(None, silence=2 * DAY), 4 * HOUR),
        (tracking(None, silence=6 * DAY), 12 * HOUR),
        (tracking(Substatus.TRANSIT), 4 * HOUR),
        (tracking(Substatus.TRANSIT, silence=5 * DAY), 8 * HOUR),
        (tracking(Substatus.TRANSIT, silence=20 * DAY), DAY),
        (tracking(Substatus.TRANSIT_AT_DELIVERY_FACILITY), HOUR),
        (tracking(Substatus.PICKUP_OUT_FOR_DELIVERY), 30 * MINUTE),
        (tracking(Substatus.PICKUP_READY_FOR_COLLECTION), 4 * HOUR),
        (tracking(Substatus.UNDELIVERED_NOBODY_HOME), 2 * HOUR),
        (tracking(Substatus.EXCEPTION_CUSTOMS_HOLD), 6 * HOUR),
        (tracking(Substatus.EXCEPTION_RETURNING), 12 * HOUR),
    ],
)
def test_the_nearer_to_delivery_the_more_often(parcel: Tracking, wait: int) -> None:
    state = after(parcel, how=policy(quiet_from_hour=0, quiet_to_hour=0))
    assert abs(wait_of(state) - wait) <= wait // 10
    assert state.due_reason


def test_a_parcel_promised_for_today_is_asked_about_every_hour() -> None:
    window = DeliveryWindow(earliest="2026-03-02", latest="2026-03-02", source="swiss-post")
    state = after(tracking(window=window))
    assert abs(wait_of(state) - HOUR) <= HOUR // 10


@pytest.mark.parametrize("why", ["final", "expired", "invalid_number", "by_user"])
def test_a_stopped_tracking_is_never_due_again(why: str) -> None:
    state = after(tracking(is_stopped=True, stopped_reason=why))
    assert state.due_at is None
    assert state.due_reason


def test_nights_of_the_carriers_home_are_left_out() -> None:
    # 20:30 UTC is 21:30 in Bern; four hours later is the middle of the night.
    evening = NOW + 10 * HOUR + 30 * MINUTE
    parcel = tracking(Substatus.TRANSIT)
    state = PLANNER.after(parcel, PollState(), policy(), report(), evening)
    assert state.due_at is not None
    local_hour = to_datetime(state.due_at).hour + 1
    assert local_hour == 6
    assert "night" in state.due_reason


@given(st.integers(0, 2 * DAY), st.sampled_from(list(Substatus)), st.integers(0, 1000))
def test_no_poll_falls_into_the_night(later: int, substatus: Substatus, checks: int) -> None:
    if substatus.status in (Status.NOTFOUND, Status.EXPIRED):
        return
    parcel = tracking(substatus)
    state = PLANNER.after(parcel, PollState(checks=checks), policy(), report(), NOW + later)
    assert state.due_at is not None
    assert state.due_at > NOW + later
    assert 6 <= (to_datetime(state.due_at).hour + 1) % 24 < 22


def test_troubles_of_the_carrier_have_their_own_times() -> None:
    until = NOW + 17 * MINUTE
    limited = after(tracking(), report(Outcome.RATE_LIMITED, retry_at=until))
    assert limited.due_at == until
    assert wait_of(after(tracking(), report(Outcome.UNAVAILABLE))) <= 5 * MINUTE
    assert wait_of(after(tracking(), report(Outcome.AUTH_FAILED))) == HOUR
    assert wait_of(after(tracking(), report(Outcome.NOT_UNDERSTOOD))) >= 100 * MINUTE


def test_an_outage_does_not_count_as_a_check() -> None:
    before = PollState(checked_at=NOW - DAY)
    state = PLANNER.after(tracking(), before, policy(), report(Outcome.UNAVAILABLE), NOW)
    assert state.checked_at == NOW - DAY
    assert after(tracking()).checked_at == NOW


def test_a_simulated_parcel_lives_faster() -> None:
    state = after(tracking(Substatus.TRANSIT), how=policy(time_scale=1440.0))
    assert wait_of(state) == 10 * SECOND


def test_a_polite_interval_is_kept() -> None:
    out = tracking(Substatus.PICKUP_OUT_FOR_DELIVERY)
    state = after(out, how=policy(min_interval_seconds=7200, quiet_from_hour=0, quiet_to_hour=0))
    assert wait_of(state) >= 108 * MINUTE


def test_parcels_of_one_moment_are_spread() -> None:
    waits = {
        wait_of(after(tracking(id=f"{i:032x}"), how=policy(quiet_from_hour=0, quiet_to_hour=0)))
        for i in range(50)
    }
    assert len(waits) > 40
