"""The order of events of which a carrier gives no hour, or no offset."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.domain.checkpoint import Checkpoint, Leg
from parcelwire.domain.clock import HOUR
from parcelwire.domain.merge import merge
from parcelwire.domain.status import Status, Substatus
from tests.unit.domain.test_merge import REFINED, T0, after, found, tracking

DAY = "2026-03-05"


def event(
    local_time: str,
    substatus: Substatus | None = Substatus.TRANSIT,
    offset: int | None = 60,
    **more: object,
) -> Checkpoint:
    plain = Checkpoint(
        local_time=local_time,
        offset_minutes=offset if "T" in local_time else None,
        text=local_time,
        status=substatus.status if substatus else None,
        substatus=substatus,
    )
    return replace(plain, **more)


def order(*events: Checkpoint) -> list[str]:
    state = after(found(*events))
    # One after the other, and the other way round, they come to stand the same.
    one_by_one = tracking()
    for hour, one in enumerate(reversed(events)):
        one_by_one = merge(one_by_one, found(one, at=T0 + hour * HOUR)).tracking
    texts = [one.text for one in state.checkpoints]
    assert [one.text for one in one_by_one.checkpoints] == texts
    assert one_by_one.status is state.status
    return texts


@pytest.mark.parametrize(
    ("substatus", "place"),
    [
        (Substatus.INFORECEIVED, 0),
        (None, 0),
        (Substatus.TRANSIT, 1),
        (Substatus.PICKUP_OUT_FOR_DELIVERY, 2),
        (Substatus.UNDELIVERED_NOBODY_HOME, 2),
        (Substatus.DELIVERED, 2),
    ],
)
@pytest.mark.parametrize("offset", [None, 60, -480, 780])
def test_a_date_stands_among_the_hours_of_its_day_by_how_far_it_is(
    substatus: Substatus | None, place: int, offset: int | None
) -> None:
    hours = [
        event(f"{DAY}T06:10:00", Substatus.TRANSIT, offset),
        event(f"{DAY}T08:20:00", Substatus.PICKUP_OUT_FOR_DELIVERY, offset),
    ]
    around = [
        event("2026-03-04T23:50:00", Substatus.TRANSIT_AT_HUB, offset),
        event("2026-03-06T00:10:00", Substatus.TRANSIT_AT_HUB, offset),
    ]
    expected = [one.text for one in hours]
    expected.insert(place, DAY)
    told = order(event(DAY, substatus), *hours, *around)
    assert told == [around[0].text, *expected, around[1].text]


@pytest.mark.parametrize("offset", [None, 60])
def test_a_date_without_hour_says_how_the_parcel_stands(offset: int | None) -> None:
    out = event(f"{DAY}T08:20:00", Substatus.PICKUP_OUT_FOR_DELIVERY, offset)
    failed = event(DAY, Substatus.UNDELIVERED_NOBODY_HOME)
    state = after(found(out, failed))
    assert state.status is Status.UNDELIVERED
    assert state.latest_checkpoint == replace(failed, received_at=T0 + HOUR)


@pytest.mark.parametrize("offset", [-600, -480, 60, 780])
def test_a_date_is_the_day_of_where_the_others_are(offset: int) -> None:
    evening = event("2026-03-04T18:00:00", offset=offset)
    morning = event("2026-03-06T05:00:00", offset=offset)
    assert order(event(DAY), evening, morning) == [evening.text, DAY, morning.text]


def test_a_date_of_one_leg_stands_among_the_hours_of_that_leg() -> None:
    there = event(f"{DAY}T22:00:00", Substatus.TRANSIT, -300, leg=Leg.ORIGIN)
    here = event(f"{DAY}T09:00:00", Substatus.TRANSIT_CUSTOMS_CLEARED, 60, leg=Leg.DESTINATION)
    dated = event(DAY, Substatus.PICKUP_OUT_FOR_DELIVERY, leg=Leg.DESTINATION)
    assert order(there, dated, here) == [here.text, DAY, there.text]


def test_an_hour_without_offset_stands_where_the_clock_on_the_wall_puts_it() -> None:
    """The hour that is shown twice is unknown; the events around it are not."""
    night = [
        event("2025-10-26T01:50:00", offset=120),
        event("2025-10-26T02:30:00", offset=None),
        event("2025-10-26T03:10:00", offset=60),
    ]
    assert order(*night) == [one.text for one in night]


def test_without_any_offset_the_walls_decide() -> None:
    assert order(
        event(f"{DAY}T10:00:00", offset=None),
        event(f"{DAY}T09:00", offset=None),
        event("2026-03-04", offset=None),
    ) == ["2026-03-04", f"{DAY}T09:00", f"{DAY}T10:00:00"]


@st.composite
def journeys(draw: st.DrawFn) -> list[Checkpoint]:
    """Events with and without hour and offset."""
    told = []
    for index in range(draw(st.integers(1, 8))):
        day = f"2026-03-{draw(st.integers(1, 3)):02}"
        clock = draw(st.one_of(st.none(), st.integers(0, 23)))
        told.append(
            event(
                day if clock is None else f"{day}T{clock:02}:00:00",
                draw(st.one_of(st.none(), st.sampled_from(REFINED))),
                draw(st.sampled_from([None, 60, -480])),
                leg=draw(st.sampled_from(list(Leg))),
                raw_code=f"e{index}",
            )
        )
    return told


@given(journeys(), st.data())
def test_the_order_follows_from_the_set_alone(told: list[Checkpoint], data: st.DataObject) -> None:
    at_once = after(found(*told)).checkpoints
    pieces = tracking()
    for one in data.draw(st.permutations(told)):
        pieces = merge(pieces, found(one)).tracking
    assert pieces.checkpoints == at_once
