"""From Swiss Post's events to checkpoints: order, withdrawals, PO boxes and returns."""

import pytest

from parcelwire.connectors.carriers.swiss_post.events import (
    Event,
    Understood,
    find_summary_gap,
    summarize,
    understand,
)
from parcelwire.connectors.reading.times import LocalTime
from parcelwire.domain.checkpoint import TimeSource
from parcelwire.domain.status import Substatus


def moment(hour: int, offset: int | None = 120) -> LocalTime:
    return LocalTime(f"2026-04-17T{hour:02}:00:00", offset, TimeSource.CARRIER)


def event(code: str, hour: int, reason: str | None = None) -> Event:
    return Event(raw_code=f"PARCEL.*.1.{code}", moment=moment(hour), reason=reason)


def stages(
    *events: Event, summary: str | None = None, is_returned: bool = False
) -> list[tuple[str, Substatus | None]]:
    understood = understand(events, summary, "en", is_returned=is_returned)
    return [
        ((point.raw_code or "").rpartition(".")[2], point.substatus)
        for point in understood.checkpoints
        if not point.is_withdrawn
    ]


BOX = Substatus.PICKUP_READY_FOR_COLLECTION


@pytest.mark.parametrize("code", ["3900", "3901", "39"])
@pytest.mark.parametrize(
    ("summary", "substatus"),
    [
        ("DELIVERED", Substatus.DELIVERED),
        ("WAITING_FOR_PICKUP", BOX),
        ("TO_BE_DELIVERED", BOX),
        ("MISSED_DELIVERY", BOX),
        ("SOMETHING_NEW", BOX),
        (None, BOX),
    ],
)
def test_a_po_box_follows_the_overall_status(
    code: str, summary: str | None, substatus: Substatus
) -> None:
    assert stages(event(code, 9), summary=summary) == [(code, substatus)]


def test_a_po_box_before_the_counter_was_not_the_end() -> None:
    assert stages(event("3900", 9), event("2000", 11), summary="DELIVERED") == [
        ("3900", BOX),
        ("2000", Substatus.DELIVERED_COLLECTED),
    ]


def test_a_note_after_the_po_box_changes_nothing() -> None:
    assert stages(event("3900", 9), event("9299", 10), summary="DELIVERED") == [
        ("3900", Substatus.DELIVERED),
        ("9299", None),
    ]


@pytest.mark.parametrize("code", ["2100", "2101", "2102"])
def test_waiting_for_collection_stands_against_an_overall_delivered(code: str) -> None:
    assert stages(event(code, 9), summary="DELIVERED") == [(code, BOX)]


@pytest.mark.parametrize("code", ["4000", "2000", "3900", "3800"])
def test_the_last_delivery_of_a_returned_parcel_is_its_return(code: str) -> None:
    returned = stages(event("3600", 8), event(code, 12), is_returned=True, summary="RETURNED")
    assert returned[-1] == (code, Substatus.EXCEPTION_RETURNED)


def test_a_parcel_on_its_way_back_is_not_back_yet() -> None:
    stages_now = stages(event("4000", 8), event("3600", 12), is_returned=True)
    assert stages_now == [
        ("4000", Substatus.DELIVERED),
        ("3600", Substatus.EXCEPTION_RETURNING),
    ]


@pytest.mark.parametrize("withdrawal", ["CAN1", "CANPDS"])
def test_a_withdrawal_hides_the_event_before_it(withdrawal: str) -> None:
    story = [event("1003", 7), event("4000", 8), event("4000", 9, withdrawal)]
    assert stages(*story) == [("1003", Substatus.PICKUP_OUT_FOR_DELIVERY)]
    # The delivery that follows is a new one and stands.
    again = stages(*story, event("4000", 15))
    assert again[-1] == ("4000", Substatus.DELIVERED)
    assert len(again) == 2


def test_a_withdrawn_event_keeps_its_identity() -> None:
    """So it meets the checkpoint that an earlier answer gave, and hides it."""
    before = understand([event("4000", 8)], None, "en", is_returned=False).checkpoints
    after = understand([event("4000", 8, "CANPDS")], None, "en", is_returned=False).checkpoints
    assert [point.identity for point in before] == [point.identity for point in after]
    assert [point.is_withdrawn for point in after] == [True]
    dotted = Event(raw_code="PARCEL.*.1.4000.CANPDS", moment=moment(8))
    (point,) = understand([dotted], None, "en", is_returned=False).checkpoints
    assert (point.is_withdrawn, point.raw_code) == (True, "PARCEL.*.1.4000")


def test_the_withdrawal_of_a_po_box_is_an_event_of_its_own() -> None:
    assert stages(event("3900", 8), event("3997", 9), summary="DELIVERED") == [("3997", None)]


@pytest.mark.parametrize("is_newest_first", [True, False])
def test_events_of_one_moment_keep_the_order_of_the_carrier(is_newest_first: bool) -> None:
    story = [event("1003", 7), event("2100", 8), event("4000", 8)]
    told = story[::-1] if is_newest_first else story
    assert [code for code, _ in stages(*told)] == ["1003", "2100", "4000"]


def test_order_goes_by_instant_not_by_wall_clock() -> None:
    here = Event(raw_code="912", moment=moment(9, 120))
    there = Event(raw_code="915", moment=moment(5, -240))
    assert [code for code, _ in stages(there, here)] == ["912", "915"]


def test_each_unknown_code_is_one_gap_without_a_stage() -> None:
    sample = {"eventCode": "PARCEL.*.1.7777", "recipient": "Maria Muster", "country": "CH"}
    strange = Event(raw_code="PARCEL.*.1.7777", moment=moment(8), sample=sample)
    other = Event(raw_code="PARCEL.*.1.7777", moment=moment(9), sample=sample)
    understood = understand([strange, other, event("1003", 7)], None, "en", is_returned=False)
    (unmapped_code,) = understood.unmapped
    assert (unmapped_code.kind, unmapped_code.value) == ("code", "PARCEL.*.1.7777")
    assert "Muster" not in unmapped_code.sample
    assert [point.status for point in understood.checkpoints[1:]] == [None, None]
    assert understood.last is not None
    assert understood.last.raw_code == "PARCEL.*.1.1003"


def test_the_overall_status_can_stand_for_a_missing_event() -> None:
    point = summarize("REGISTERED", moment(9), "it")
    assert point is not None
    assert (point.text, point.substatus) == ("Invio annunciato", Substatus.INFORECEIVED)
    assert summarize("ABDUCTED", moment(9), "it") is None
    assert [one.value for one in find_summary_gap("ABDUCTED")] == ["ABDUCTED"]
    assert find_summary_gap("REGISTERED") == find_summary_gap(None) == ()


def test_nothing_is_understood_from_nothing() -> None:
    assert understand([], "DELIVERED", "en", is_returned=True) == Understood()
    assert Understood().last is None
