from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.api.v2.requests import MAX_ITEMS
from parcelwire.domain.clock import CLOCKS_DIFFER, DAY, MINUTE, SECOND
from parcelwire.domain.lane import Lane, lane_of
from parcelwire.domain.report import ParcelFacts
from parcelwire.domain.status import Status
from parcelwire.domain.tracking import Details, Milestones
from parcelwire.polling.budget import burst, refill
from parcelwire.store.rules import (
    DELETED_AT_ONCE,
    Budget,
    place_key,
    take_from_budget,
)
from tests.contract.store.samples import NOW, make_tracking


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SW1A 1AA", "sw1a1aa"),
        ("Zürich-Flughafen", "ZURICH FLUGHAFEN"),
        (" 8001 ", "8001"),
        ("L'Aquila", "l’aquila"),
    ],
)
def test_places_are_the_same_whatever_their_spelling(one: str, other: str) -> None:
    assert place_key(one) == place_key(other)


def test_what_one_call_deletes_goes_in_one_transaction() -> None:
    assert MAX_ITEMS <= DELETED_AT_ONCE


def test_different_places_stay_different() -> None:
    assert len({place_key(place) for place in ("8001", "8010", "Bern", "Berne", "")}) == 5


@pytest.mark.parametrize(
    ("accepted", "delivered", "days"),
    [
        ("2026-02-01T23:59:00+01:00", "2026-02-02T00:01:00+01:00", 1),
        ("2026-02-01", "2026-02-01", 0),
        ("2026-02-01T10:00:00", "2026-02-11", 10),
        ("2026-02-11", "2026-02-01", None),
        (None, "2026-02-01", None),
        ("2026-02-01", None, None),
    ],
)
def test_transit_days_are_calendar_days(
    accepted: str | None, delivered: str | None, days: int | None
) -> None:
    tracking = make_tracking(
        status=Status.DELIVERED, milestones=Milestones(accepted=accepted, delivered=delivered)
    )
    assert lane_of(tracking).transit_days == days


def test_a_lane_prefers_what_the_carrier_says() -> None:
    details = Details(origin_country="ch", destination_country="it")
    assert lane_of(make_tracking(details=details)) == Lane("CH", "IT", None)
    facts = ParcelFacts(destination_country="DE")
    assert lane_of(make_tracking(details=details, facts=facts)) == Lane("CH", "DE", None)
    assert lane_of(make_tracking()) == Lane(None, None, None)


takes = st.lists(
    st.tuples(st.integers(-2 * DAY, 2 * DAY) | st.integers(0, 5 * MINUTE), st.integers(0, 50)),
    max_size=40,
)


@given(takes, st.integers(1, 100), st.none() | st.integers(0, 200))
def test_a_budget_never_gives_more_than_it_has(
    steps: list[tuple[int, int]], per_minute: int, per_day: int | None
) -> None:
    budget: Budget | None = None
    now = NOW
    given_today: dict[int, int] = {}
    window = float(burst(per_minute))  # what the bucket may hold at this moment
    for passed, wanted in steps:
        more = max(0, passed) * refill(per_minute) / MINUTE
        window = min(float(burst(per_minute)), window + more)
        now += passed
        granted, budget = take_from_budget(budget, now, wanted, per_minute, per_day)
        assert 0 <= granted <= wanted
        assert granted <= window + 1e-6
        window -= granted
        if passed < 0 and now // DAY != (now - passed) // DAY:
            given_today.clear()  # another day by a clock that was put back
        given_today[now // DAY] = given_today.get(now // DAY, 0) + granted
        if per_day is not None and passed >= 0:
            assert budget.used_today <= per_day


@given(st.integers(-4000 * DAY, 4000 * DAY), st.integers(1, 600))
def test_no_jump_locks_a_bucket_for_longer_than_a_minute(jump: int, per_minute: int) -> None:
    _, budget = take_from_budget(None, NOW, per_minute, per_minute, None)
    _, budget = take_from_budget(budget, NOW + jump, per_minute, per_minute, None)
    later = NOW + jump + MINUTE + CLOCKS_DIFFER
    granted, _ = take_from_budget(budget, later, per_minute, per_minute, None)
    assert granted == burst(per_minute)


@given(
    st.integers(1, 200),
    st.lists(st.tuples(st.integers(0, 20 * SECOND), st.integers(1, 50)), max_size=60),
    st.lists(st.integers(0, CLOCKS_DIFFER // 2), min_size=1, max_size=3),
)
def test_no_minute_grants_more_than_it_allows_in_all(
    per_minute: int, steps: list[tuple[int, int]], ahead: list[int]
) -> None:
    """Not the first one either, and though the processes that take have different clocks."""
    budget: Budget | None = None
    now, granted = NOW, []
    for turn, (passed, wanted) in enumerate(steps):
        now += passed
        by_its_clock = now + ahead[turn % len(ahead)]
        got, budget = take_from_budget(budget, by_its_clock, wanted, per_minute, None)
        granted.append((now, got))
    slack = max(ahead) - min(ahead)  # by which a minute of one clock may begin later than another's
    for begin, _ in granted:
        end = begin + MINUTE - slack
        assert sum(count for at, count in granted if begin <= at < end) <= per_minute
