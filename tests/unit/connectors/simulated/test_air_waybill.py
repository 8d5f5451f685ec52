"""Simulated air waybills: deterministic by number, and moving with the clock."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parcelwire.connectors.simulated.air_waybill import AIRLINES, CYCLE_DAYS, air_waybill
from parcelwire.domain.clock import DAY, HOUR
from parcelwire.domain.status import Status

NOW = 1_772_359_200_000


def test_a_waybill_is_whole() -> None:
    told = air_waybill("235-69030430", NOW)
    assert told is not None
    assert told.number == "235-69030430"
    assert told.airline.code == "TK"
    assert told.stations[0] == told.origin
    assert told.stations[-1] == told.destination
    assert len(told.flights) == len(told.stations) - 1
    assert told.pieces >= 1
    assert told.weight_kg > 0
    for flight, (start, end) in zip(told.flights, pairwise(told.stations), strict=True):
        assert (flight.depart_station, flight.arrival_station) == (start, end)
        assert flight.number.startswith("TK")


@pytest.mark.parametrize("number", ["23569030430", "235 69030430", " 235-69030430 "])
def test_separators_do_not_matter(number: str) -> None:
    assert air_waybill(number, NOW) == air_waybill("235-69030430", NOW)


@pytest.mark.parametrize(
    "number",
    ["", "235", "235-690304", "235-690304301", "ABC-69030430", "999-69030430", "235--69030430"],
)
def test_other_forms_and_airlines_have_no_answer(number: str) -> None:
    assert air_waybill(number, NOW) is None


numbers = st.builds(
    lambda prefix, serial: f"{prefix}-{serial:08}",
    st.sampled_from(sorted(AIRLINES)),
    st.integers(0, 99_999_999),
)


@given(number=numbers, hours=st.integers(0, CYCLE_DAYS * 24))
def test_it_is_deterministic_and_says_nothing_of_the_future(number: str, hours: int) -> None:
    now = NOW + hours * HOUR
    told = air_waybill(number, now)
    assert told is not None
    assert told == air_waybill(number, now)
    assert len(set(told.stations)) == len(told.stations)
    for flight in told.flights:
        assert (flight.departure is None) == (flight.status == "BKD")
        assert (flight.arrival is None) == (flight.status != "ARR")
    departed = sum(event.code == "DEP" for event in told.events)
    assert departed == sum(flight.departure is not None for flight in told.flights)


@settings(max_examples=15)
@given(number=numbers)
def test_one_cycle_passes_every_stage_in_order(number: str) -> None:
    seen: list[tuple[int, str]] = []
    for hour in range(0, CYCLE_DAYS * 24 * 2, 2):
        told = air_waybill(number, NOW + hour * HOUR)
        assert told is not None
        seen.append((len(told.events), told.status))
    statuses = {status for _, status in seen}
    assert {Status.INFORECEIVED, Status.TRANSIT, Status.PICKUP, Status.DELIVERED} <= statuses
    drops = sum(after[0] < before[0] for before, after in pairwise(seen))
    assert drops in (1, 2), "events only go away when the journey begins anew"


def test_numbers_are_at_different_stages_at_one_time() -> None:
    told = [air_waybill(f"172-{n:08}", NOW) for n in range(200)]
    assert len({one.status for one in told if one is not None}) >= 4
    assert air_waybill("172-00000001", NOW + CYCLE_DAYS * DAY) != told[1]
