"""What a journey says about a parcel. All trackings are made up (synthetic)."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.report import DeliveryWindow, ParcelFacts
from parcelwire.domain.status import Reason, Status, Substatus
from parcelwire.domain.tracking import Milestones
from parcelwire.tracking.journeys import journey_of
from tests.contract.store.samples import make_tracking


def scan(day: int, status: Status | None, **fields: Any) -> Checkpoint:
    return Checkpoint(local_time=f"2026-03-0{day}T10:00:00", text="x", status=status, **fields)


def delivered(**fields: Any) -> Any:
    return make_tracking(
        **{
            "status": Status.DELIVERED,
            "checkpoints": (scan(1, Status.TRANSIT), scan(4, Status.DELIVERED)),
            "milestones": Milestones(
                accepted="2026-03-01T10:00:00", delivered="2026-03-04T10:00:00"
            ),
            **fields,
        }
    )


def test_nothing_is_counted_of_what_no_carrier_has_spoken_of() -> None:
    assert journey_of(make_tracking()) is None
    assert journey_of(make_tracking(status=Status.NOTFOUND)) is None


def test_a_delivered_parcel() -> None:
    facts = ParcelFacts(origin_country="ch", destination_country="IT")
    journey = journey_of(delivered(facts=facts, courier_code="ups"))
    assert journey is not None
    assert (journey.origin, journey.destination, journey.courier_code) == ("CH", "IT", "ups")
    assert (journey.created_on, journey.ended_on, journey.transit_days) == (
        "2026-03-01",
        "2026-03-04",
        3,
    )
    assert journey.is_first_attempt is True
    assert journey.is_on_time is None
    assert (journey.had_exception, journey.reason) == (False, None)


@pytest.mark.parametrize(
    ("latest", "is_on_time"),
    [("2026-03-03", False), ("2026-03-04", True), ("2026-03-04T08:00", True), ("2026-03-09", True)],
)
def test_on_time_is_by_the_day(latest: str, is_on_time: bool) -> None:
    window = DeliveryWindow(earliest="2026-03-02", latest=latest, source="ups")
    journey = journey_of(delivered(window=window))
    assert journey is not None
    assert (journey.is_on_time, journey.promised_on) == (is_on_time, latest[:10])


def test_a_promise_of_a_parcel_under_way_is_not_judged() -> None:
    window = DeliveryWindow(earliest="2026-01-01", latest="2026-01-01", source="ups")
    journey = journey_of(
        make_tracking(status=Status.TRANSIT, checkpoints=(scan(1, Status.TRANSIT),), window=window)
    )
    assert journey is not None
    assert (journey.is_on_time, journey.is_first_attempt, journey.ended_on) == (None, None, None)


def test_a_second_attempt_and_its_reason() -> None:
    journey = journey_of(
        delivered(
            checkpoints=(
                scan(1, Status.TRANSIT, reason=Reason.CARRIER_DELAYED),
                scan(2, Status.UNDELIVERED, reason=Reason.RECIPIENT_ABSENT),
                scan(3, Status.UNDELIVERED, reason=Reason.ADDRESS_INVALID, is_withdrawn=True),
                scan(4, Status.DELIVERED),
            )
        )
    )
    assert journey is not None
    assert journey.is_first_attempt is False
    assert (journey.had_exception, journey.reason) == (True, "recipient.absent")


def test_what_was_taken_back_did_not_happen() -> None:
    journey = journey_of(
        delivered(
            checkpoints=(
                scan(3, Status.UNDELIVERED, reason=Reason.ADDRESS_INVALID, is_withdrawn=True),
                scan(4, Status.DELIVERED),
            )
        )
    )
    assert journey is not None
    assert (journey.is_first_attempt, journey.had_exception, journey.reason) == (True, False, None)


def test_returned_to_the_sender() -> None:
    journey = journey_of(
        make_tracking(
            status=Status.EXCEPTION,
            substatus=Substatus.EXCEPTION_RETURNED,
            reason=Reason.RECIPIENT_REFUSED,
            checkpoints=(scan(1, Status.TRANSIT),),
            milestones=Milestones(returned="2026-03-09T10:00"),
        )
    )
    assert journey is not None
    assert (journey.ended_on, journey.transit_days, journey.had_exception) == (
        "2026-03-09",
        None,
        True,
    )
    assert journey.reason == "recipient.refused"
