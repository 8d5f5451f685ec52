"""The simulated carrier: pure, deterministic, and every script ends where it says."""

import asyncio
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.base import CarrierContext, Request, Response, TrackingQuery
from parcelwire.connectors.exchange import run_exchange
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.connectors.simulated.scenarios import (
    all_routes,
    all_scenarios,
    choose_route,
    choose_scenario,
)
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.checkpoint import Leg, TimeSource
from parcelwire.domain.clock import DAY, MINUTE, SECOND, to_datetime
from parcelwire.domain.merge import merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Tracking

CREATED_AT = 1_772_359_200_000
DAY_A_MINUTE = 1_440.0


async def _never(request: Request) -> Response:
    raise AssertionError(f"the simulated carrier asked for {request.url}")


def ask(
    number: str, *, days: float, scale: float = DAY_A_MINUTE, language: str = "en", **more: Any
) -> CarrierReport:
    carrier = SimulatedCarrier(scale)
    now = CREATED_AT + round(days * DAY / scale)
    query = TrackingQuery(
        number=number, courier_code="swiss-post", **{"created_at": CREATED_AT, **more}
    )
    context = CarrierContext(transport="simulated", now=now, language=language)
    reports = asyncio.run(run_exchange(carrier.track([query], context), _never))
    assert len(reports) == 1
    return reports[0]


def live(number: str, days: int = 30, scale: float = DAY_A_MINUTE) -> list[Tracking]:
    """Follow a number four times a simulated day; return each state it had, once."""
    tracking = Tracking(
        id="0" * 32,
        world_id=3,
        number=number,
        typed_number=number,
        courier_code="swiss-post",
        created_at=CREATED_AT,
        updated_at=CREATED_AT,
        page_token="t",
    )
    states = [tracking]
    for quarter in range(days * 4 + 1):
        merged = merge(states[-1], ask(number, days=quarter / 4, scale=scale))
        if merged.tracking.substatus != states[-1].substatus or merged.is_dirty:
            states.append(merged.tracking)
    return states


ENDS = {
    "NORMAL": Substatus.DELIVERED_SIGNED,
    "CUSTOMS": Substatus.DELIVERED,
    "MISSED": Substatus.DELIVERED_COLLECTED,
    "RETURN": Substatus.EXCEPTION_RETURNED,
    "LOST": Substatus.EXCEPTION_LOST_OR_DAMAGED,
    "SILENCE": Substatus.TRANSIT_AT_HUB,
    "DUPLICATE": Substatus.DELIVERED,
    "BACKWARDS": Substatus.DELIVERED,
    "TIMEZONE": Substatus.DELIVERED,
    "HANDOVER": Substatus.DELIVERED,
    "ADDRESS": Substatus.DELIVERED,
    "EXPIRED": Substatus.EXPIRED,
    "GAP": Substatus.DELIVERED,
    "UNKNOWN": Substatus.NOTFOUND,
    "LATE": Substatus.DELIVERED_SIGNED,
    "INVALID": None,
    "OUTAGE": Substatus.DELIVERED_SIGNED,
    "AUTH": Substatus.DELIVERED_SIGNED,
    "LIMIT": Substatus.DELIVERED_SIGNED,
    "GARBAGE": Substatus.DELIVERED_SIGNED,
}


def test_every_scenario_has_an_expected_end() -> None:
    assert {scenario.word for scenario in all_scenarios()} == set(ENDS)


@pytest.mark.parametrize("word", ENDS)
def test_a_scenario_ends_where_it_says(word: str) -> None:
    assert live(f"SIM-{word}-0001")[-1].substatus is ENDS[word]


@pytest.mark.parametrize(
    "number", ["SIM-CUSTOMS-0001", "simcustoms0001", "SIM CUSTOMS 7", "sim.customs"]
)
def test_the_word_in_the_number_chooses(number: str) -> None:
    assert choose_scenario(number).word == "CUSTOMS"


def test_other_numbers_are_mostly_normal_and_never_in_trouble() -> None:
    words = Counter(choose_scenario(f"99.00.{n:06}").word for n in range(5_000))
    assert 0.73 < words["NORMAL"] / 5_000 < 0.83
    assert {"CUSTOMS", "MISSED", "RETURN", "LOST", "SILENCE"} <= set(words)
    assert not {"OUTAGE", "AUTH", "LIMIT", "GARBAGE", "UNKNOWN", "INVALID", "GAP"} & set(words)


def test_a_word_that_is_none_falls_back_to_the_hash() -> None:
    assert choose_scenario("SIMNOSUCHWORD1").trouble == ()


def test_a_normal_parcel_starts_pending_and_passes_the_usual_stages() -> None:
    assert ask("SIM-NORMAL-1", days=0).checkpoints == ()
    seen = [state.status for state in live("SIM-NORMAL-1")]
    order = [status for index, status in enumerate(seen) if index == 0 or seen[index - 1] != status]
    assert order == [
        Status.PENDING,
        Status.INFORECEIVED,
        Status.TRANSIT,
        Status.PICKUP,
        Status.DELIVERED,
    ]


def test_customs_holds_with_two_reasons_before_it_clears() -> None:
    states = live("SIM-CUSTOMS-1")
    reasons = {state.reason for state in states}
    assert {Reason.CUSTOMS_HOLD, Reason.CUSTOMS_PAYMENT} <= reasons
    assert Substatus.TRANSIT_CUSTOMS_CLEARED in {
        c.substatus for c in states[-1].visible_checkpoints
    }


def test_a_missed_parcel_waits_at_a_pickup_point() -> None:
    waiting = ask("SIM-MISSED-1", days=4)
    assert waiting.facts is not None
    assert waiting.facts.pickup_point is not None
    assert waiting.facts.pickup_until_on is not None
    missed = [c for c in waiting.checkpoints if c.status is Status.UNDELIVERED]
    assert [c.reason for c in missed] == [Reason.RECIPIENT_ABSENT]


def test_silence_says_nothing_new_for_ever() -> None:
    after_two, after_ninety = ask("SIM-SILENCE-1", days=2), ask("SIM-SILENCE-1", days=90)
    assert after_two.checkpoints == after_ninety.checkpoints
    assert len(after_two.checkpoints) == 3


def test_duplicates_are_repeated_without_ids_and_merge_into_one() -> None:
    report = ask("SIM-DUPLICATE-1", days=10)
    assert {c.event_id for c in report.checkpoints} == {None}
    assert len(report.checkpoints) == 13
    assert len(live("SIM-DUPLICATE-1")[-1].checkpoints) == 6


def test_backwards_scans_come_late_and_a_stray_one_follows_the_delivery() -> None:
    early = ask("SIM-BACKWARDS-1", days=1.1)
    assert [c.raw_code for c in early.checkpoints] == ["SIM-ACCEPTED"]
    late = ask("SIM-BACKWARDS-1", days=9)
    newest = max(late.checkpoints, key=lambda c: c.occurred_at)
    assert newest.raw_code == "SIM-DEPOT"
    assert live("SIM-BACKWARDS-1")[-1].status is Status.DELIVERED


def test_the_time_zone_trap_turns_wall_clocks_back() -> None:
    report = ask("SIM-TIMEZONE-1", days=9)
    flown, arrived = (
        next(c for c in report.checkpoints if c.raw_code == code)
        for code in ("SIM-FLOWN", "SIM-ARRIVED")
    )
    assert flown.local_time > arrived.local_time
    assert flown.occurred_at < arrived.occurred_at
    bare = [c for c in report.checkpoints if c.offset_minutes is None]
    assert [(c.raw_code, c.time_source) for c in bare] == [("SIM-CUSTOMS-OK", TimeSource.UNKNOWN)]


def test_a_handover_has_two_legs_and_the_partners_number() -> None:
    before, after = ask("SIM-HANDOVER-1", days=2), ask("SIM-HANDOVER-1", days=9)
    assert {c.leg for c in before.checkpoints} == {Leg.ORIGIN}
    assert {c.leg for c in after.checkpoints} == {Leg.ORIGIN, Leg.DESTINATION}
    assert before.facts is not None
    assert before.facts.exchange_number is None
    assert after.facts is not None
    assert after.facts.exchange_number == "PSIMHANDOVER1"
    assert after.facts.partner_courier_code in default_registry()


def test_a_code_nobody_mapped_is_a_gap_without_a_status() -> None:
    report = ask("SIM-GAP-1", days=2)
    unmapped = [c for c in report.checkpoints if c.raw_code == "SIM-SORT-9"]
    assert [(c.status, c.substatus) for c in unmapped] == [(None, None)]
    assert [one.value for one in report.unmapped] == ["SIM-SORT-9"]


@pytest.mark.parametrize(
    ("word", "during", "outcome"),
    [
        ("UNKNOWN", 50.0, Outcome.UNKNOWN_NUMBER),
        ("INVALID", 0.0, Outcome.INVALID_NUMBER),
        ("LATE", 0.5, Outcome.UNKNOWN_NUMBER),
        ("OUTAGE", 1.5, Outcome.UNAVAILABLE),
        ("AUTH", 1.5, Outcome.AUTH_FAILED),
        ("LIMIT", 1.2, Outcome.RATE_LIMITED),
        ("GARBAGE", 1.5, Outcome.NOT_UNDERSTOOD),
    ],
)
def test_trouble_has_its_outcome_and_no_checkpoints(
    word: str, during: float, outcome: Outcome
) -> None:
    report = ask(f"SIM-{word}-1", days=during)
    assert report.outcome is outcome
    assert report.checkpoints == ()


@pytest.mark.parametrize("word", ["LATE", "OUTAGE", "AUTH", "LIMIT", "GARBAGE"])
def test_trouble_passes(word: str) -> None:
    assert ask(f"SIM-{word}-1", days=2.1).outcome is Outcome.FOUND


@pytest.mark.parametrize(("word", "until"), [("LIMIT", 1.5), ("OUTAGE", 2.0)])
def test_a_limit_and_an_outage_say_when_to_come_back(word: str, until: float) -> None:
    report = ask(f"SIM-{word}-1", days=1.2)
    assert report.retry_at == CREATED_AT + round(until * MINUTE)
    assert ask(f"SIM-{word}-1", days=until).outcome is Outcome.FOUND


def test_garbage_is_kept_raw_with_a_gap() -> None:
    report = ask("SIM-GARBAGE-1", days=1.5)
    assert b"<html>" in report.raw
    assert [one.kind for one in report.unmapped] == ["answer"]


numbers = st.one_of(
    st.text(min_size=1, max_size=30),
    st.sampled_from([f"SIM-{word}-{n}" for word in ENDS for n in range(20)]),
)


@given(number=numbers, days=st.floats(0, 40), scale=st.floats(1, 1_000_000))
def test_nothing_is_dated_in_the_future_and_more_days_only_add(
    number: str, days: float, scale: float
) -> None:
    now = CREATED_AT + round(days * DAY / scale)
    earlier, later = (ask(number, days=d, scale=scale) for d in (days, days + 1))
    for checkpoint in earlier.checkpoints:
        if checkpoint.offset_minutes is not None:
            assert checkpoint.occurred_at <= now
    if later.outcome is Outcome.FOUND:
        assert set(earlier.checkpoints) <= set(later.checkpoints)


@given(number=numbers, days=st.floats(0, 40), scale=st.floats(1, 1_000_000))
def test_the_same_question_gets_the_same_answer(number: str, days: float, scale: float) -> None:
    assert ask(number, days=days, scale=scale) == ask(number, days=days, scale=scale)


def test_at_real_time_a_scan_is_dated_when_it_becomes_visible() -> None:
    for day in range(6):
        report = ask("SIM-NORMAL-1", days=day, scale=1.0)
        before = ask("SIM-NORMAL-1", days=max(0, day - 1), scale=1.0)
        for checkpoint in set(report.checkpoints) - set(before.checkpoints):
            assert CREATED_AT + (day - 1) * DAY <= checkpoint.occurred_at <= CREATED_AT + day * DAY


def test_days_keep_their_length_however_fast_the_clock_runs() -> None:
    spans = set()
    for scale in (1.0, 1_440.0, 86_400.0):
        checkpoints = ask("SIM-NORMAL-1", days=9, scale=scale).checkpoints
        span = checkpoints[-1].occurred_at - checkpoints[0].occurred_at
        spans.add(round(span / MINUTE))
        assert abs(CREATED_AT + round(4.0 * DAY / scale) - checkpoints[-1].occurred_at) < (
            3_600 * SECOND / scale + 2 * SECOND
        )
    assert len(spans) == 1


def test_without_a_creation_time_the_whole_story_is_told() -> None:
    report = ask("SIM-NORMAL-1", days=0, created_at=0)
    assert report.checkpoints[-1].status is Status.DELIVERED
    assert abs(report.checkpoints[-1].occurred_at - CREATED_AT) <= SECOND


def test_before_its_creation_nothing_is_told() -> None:
    assert ask("SIM-NORMAL-1", days=-5).checkpoints == ()


def test_a_time_scale_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        SimulatedCarrier(0.5)


@pytest.mark.parametrize("language", ["de", "fr", "it"])
def test_texts_come_in_the_language_asked_for(language: str) -> None:
    english, other = (ask("SIM-NORMAL-1", days=9, language=lang) for lang in ("en", language))
    assert {c.language for c in other.checkpoints} == {language}
    assert not {c.text for c in english.checkpoints} & {c.text for c in other.checkpoints}
    assert [c.identity for c in english.checkpoints] == [c.identity for c in other.checkpoints]


def test_every_code_of_the_scripts_has_a_phrase_in_every_language() -> None:
    carrier = SimulatedCarrier()
    codes = {step.code for scenario in all_scenarios() for step in scenario.steps}
    for code in codes - {"SIM-SORT-9"}:
        for language in carrier.manifest.languages:
            assert carrier.phrase(code, language), (code, language)
    assert carrier.phrase("SIM-SORT-9", "en") is None


def test_offsets_are_those_of_the_places() -> None:
    for scenario in all_scenarios():
        number = f"SIM-{scenario.word}-1"
        route = choose_route(number, scenario)
        zones = {
            route.place(role).city: route.place(role).zone
            for role in ("origin", "origin_hub", "gateway", "hub", "depot", "door")
        }
        for checkpoint in ask(number, days=60).checkpoints:
            if checkpoint.offset_minutes is None:
                continue
            zone = ZoneInfo(zones[checkpoint.city or ""])
            offset = to_datetime(checkpoint.occurred_at).astimezone(zone).utcoffset()
            assert offset is not None
            assert offset.total_seconds() == checkpoint.offset_minutes * 60


def test_routes_name_couriers_of_the_registry() -> None:
    assert all(route.partner in default_registry() for route in all_routes())
