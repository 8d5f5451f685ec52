"""When a candidate's answer makes it the parcel's courier, and when nobody is looked for."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY, HOUR, MINUTE, FrozenClock, to_datetime
from parcelwire.domain.report import CarrierReport, Outcome, ParcelFacts
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Details, Tracking
from parcelwire.tracking.courier_correction import rejection_reason
from parcelwire.tracking.courier_detection_retry import is_correctable

NOW = FrozenClock().now()
TRACKING = Tracking(
    id="0" * 32,
    world_id=2,
    number="996012345678901234",
    typed_number="996012345678901234",
    courier_code="poste-italiane",
    created_at=NOW,
    updated_at=NOW,
    page_token="token",
)


def scan(ago: int, **fields: Any) -> Checkpoint:
    moment = to_datetime(NOW - ago).strftime("%Y-%m-%dT%H:%M:%S")
    return Checkpoint(
        **{
            "local_time": moment,
            "offset_minutes": 0,
            "text": "Sorted",
            "status": Status.TRANSIT,
            "raw_code": "S",
            **fields,
        }
    )


def found(*scans: Checkpoint, **facts: str) -> CarrierReport:
    return CarrierReport(
        number=TRACKING.number,
        outcome=Outcome.FOUND,
        checkpoints=scans,
        facts=ParcelFacts(**facts) if facts else None,  # type: ignore[arg-type]  # all text
        fetched_at=NOW,
    )


def test_a_parcel_under_way_is_taken() -> None:
    assert rejection_reason(TRACKING, found(scan(HOUR), scan(2 * DAY))) is None


@pytest.mark.parametrize("outcome", [one for one in Outcome if one is not Outcome.FOUND])
def test_only_found_counts(outcome: Outcome) -> None:
    assert rejection_reason(TRACKING, replace(found(scan(HOUR)), outcome=outcome)) is not None


def test_a_number_without_any_scan_proves_nothing() -> None:
    assert rejection_reason(TRACKING, found()) is not None
    assert rejection_reason(TRACKING, found(scan(HOUR, is_withdrawn=True))) is not None


def test_a_scan_before_the_order_is_another_parcels() -> None:
    ordered = replace(TRACKING, ordered_at=NOW - 3 * DAY)
    assert rejection_reason(ordered, found(scan(3 * DAY), scan(HOUR))) is None
    # The order's date has no time zone: a day of grace.
    assert rejection_reason(ordered, found(scan(4 * DAY))) is None
    why = rejection_reason(ordered, found(scan(4 * DAY + MINUTE), scan(HOUR)))
    assert why is not None
    assert "before the order" in why


def test_without_an_order_date_the_creation_counts_with_a_tolerance() -> None:
    assert rejection_reason(TRACKING, found(scan(30 * DAY))) is None
    assert rejection_reason(TRACKING, found(scan(30 * DAY + MINUTE))) is not None


@pytest.mark.parametrize(
    ("details", "facts", "is_taken"),
    [
        ({"destination_country": "CH"}, {"destination_country": "CH"}, True),
        ({"destination_country": "ch"}, {"destination_country": "CH"}, True),
        ({"destination_country": "CH"}, {"destination_country": "IT"}, False),
        ({"tracking_destination_country": "CH"}, {"destination_country": "IT"}, False),
        ({"destination_country": "CH"}, {}, True),
        ({}, {"destination_country": "IT"}, True),
        ({"origin_country": "CH"}, {"origin_country": "IT"}, False),
        ({"origin_country": "CH"}, {"destination_country": "IT"}, True),
    ],
)
def test_countries_agree_where_both_are_known(
    details: dict[str, Any], facts: dict[str, str], is_taken: bool
) -> None:
    tracking = replace(TRACKING, details=Details(**details))
    why = rejection_reason(tracking, found(scan(HOUR), **facts))
    assert (why is None) == is_taken


def test_a_parcel_delivered_in_another_country_is_another_parcel() -> None:
    arrived = scan(HOUR, status=Status.DELIVERED, substatus=Substatus.DELIVERED, country="IT")
    tracking = replace(TRACKING, details=Details(destination_country="CH"))
    assert rejection_reason(tracking, found(arrived)) is not None
    assert rejection_reason(TRACKING, found(arrived)) is None


@pytest.mark.parametrize(
    ("fields", "is_open"),
    [
        ({}, True),
        ({"is_known_missing": True}, True),
        ({"is_stopped": True, "stopped_reason": "invalid_number"}, True),
        ({"is_stopped": True, "stopped_reason": "by_user"}, False),
        ({"is_stopped": True, "stopped_reason": "expired"}, False),
        ({"is_auto_correct_disabled": True}, False),
        ({"status_override": Status.DELIVERED}, False),
        ({"checkpoints": (scan(HOUR),)}, False),
        ({"checkpoints": (scan(HOUR, is_withdrawn=True),)}, False),
    ],
)
def test_who_is_corrected(fields: dict[str, Any], is_open: bool) -> None:
    assert is_correctable(replace(TRACKING, **fields)) is is_open
