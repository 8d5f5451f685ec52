"""Overall statuses that no event tells of: a checkpoint where there is a time, else unmapped.

The answers are those of fixtures with fields taken away or set: synthetic.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from parcelwire.connectors.carriers.swiss_post.events import find_untold
from parcelwire.domain.checkpoint import Checkpoint
from parcelwire.domain.clock import DAY
from parcelwire.domain.merge import EXPIRY_DAYS, expire, merge
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus
from parcelwire.domain.tracking import Tracking
from tests.unit.connectors.swiss_post.replaying import hold, load_cases, read_response

CASES = load_cases()
UNTOLD = "{}, but no event of it"


def report_of(name: str, change: Callable[[list[Any]], None]) -> CarrierReport:
    """Hold the exchange of a fixture after ``change`` has changed its answers' bodies."""
    case = deepcopy(CASES[name])
    change([step["response"]["body"] for step in case["exchange"]])
    (report,) = hold(
        case, lambda step, request: read_response(case["exchange"][step]["response"], case["now"])
    )
    assert report.outcome is Outcome.FOUND
    return report


def web(summary: str, *, events: int | None = 0, **fields: Any) -> CarrierReport:
    """Return what the web transport makes of a shipment with so many of its oldest events."""

    def change(bodies: list[Any]) -> None:
        shipment = bodies[-2][0]
        shipment |= {
            "globalStatus": summary,
            "deliveryDate": None,
            "lastEventDateTime": None,
            "sendingDateTime": "2026-04-15T10:57:24+02:00",
            **fields,
        }
        bodies[-1][:] = bodies[-1][len(bodies[-1]) - events :] if events else []

    return report_of("web_delivered_without_its_event", change)


def api(summary: str, *codes: str) -> CarrierReport:
    def change(bodies: list[Any]) -> None:
        bodies[-2]["status"]["status"] = summary
        kept = bodies[-1]["events"]
        for event, code in zip(kept, codes, strict=False):
            event["code"] = f"PARCEL.*.1.{code}"
        del kept[len(codes) :]

    return report_of("api_delivered", change)


def untold(report: CarrierReport) -> list[str]:
    return [one.value for one in report.unmapped]


def stages(report: CarrierReport) -> list[tuple[str, Substatus | None]]:
    return [(point.local_time, point.substatus) for point in report.checkpoints]


@pytest.mark.parametrize("summary", ["DELIVERED", "RETURNED", "MISSED_DELIVERY", "IN_DELIVERY"])
def test_a_late_stage_without_event_and_time_is_a_gap(summary: str) -> None:
    """Not dated to the day on which the parcel was posted, and not passed over in silence."""
    for report in (web(summary), api(summary)):
        assert stages(report) == []
        assert untold(report) == [UNTOLD.format(summary)]


def test_a_delivery_without_event_counts_by_its_date() -> None:
    report = web("DELIVERED", deliveryDate="2026-04-17")
    assert stages(report) == [("2026-04-17", Substatus.DELIVERED)]
    assert untold(report) == []
    dated = web("DELIVERED", lastEventDateTime="2026-04-17T10:28:29+02:00")
    assert stages(dated) == [("2026-04-17T10:28:29", Substatus.DELIVERED)]


@pytest.mark.parametrize("summary", ["REGISTERED", "REPORTED", "TO_BE_DELIVERED"])
def test_an_early_stage_is_dated_to_the_posting(summary: str) -> None:
    report = web(summary)
    assert [point.local_time for point in report.checkpoints] == ["2026-04-15T10:57:24"]
    assert untold(report) == []


def test_an_announced_parcel_without_a_time_waits_in_peace() -> None:
    for report in (
        web("REGISTERED", sendingDateTime=None, creationDateTime=None),
        api("NOT_YET_SENT"),
    ):
        assert (stages(report), untold(report)) == ([], [])


def test_a_delivery_that_events_do_not_tell_is_a_gap() -> None:
    report = web("DELIVERED", events=3)
    assert {point.status for point in report.checkpoints} <= {Status.INFORECEIVED, Status.TRANSIT}
    assert untold(report) == [UNTOLD.format("DELIVERED")]
    assert untold(api("DELIVERED", "1003")) == [UNTOLD.format("DELIVERED")]


@pytest.mark.parametrize("code", ["4000", "2000", "2100", "2102", "3900"])
def test_a_delivery_and_a_parcel_in_a_machine_are_told(code: str) -> None:
    assert untold(api("DELIVERED", code)) == []


def test_a_return_is_told_by_its_beginning_until_it_is_closed() -> None:
    open_, closed = (
        find_untold("RETURNED", RETURNING, is_closed=is_closed) for is_closed in (False, True)
    )
    assert open_ == ()
    assert [one.value for one in closed] == [UNTOLD.format("RETURNED")]
    assert find_untold("RETURNED", RETURNED, is_closed=True) == ()
    for summary in (None, "UNKNOWN", "ABDUCTED", "CUSTOMS"):
        assert find_untold(summary, RETURNING, is_closed=True) == ()


def test_a_closed_return_without_its_last_scan_stays_one_and_tells_of_it() -> None:
    def change(bodies: list[Any]) -> None:
        bodies[-2][0] |= {"closed": True, "globalStatus": "RETURNED"}

    report = report_of("web_return_0_not_collected", change)
    assert untold(report) == [UNTOLD.format("RETURNED")]
    assert report.checkpoints[-1].substatus is Substatus.EXCEPTION_RETURNING
    same = report_of("web_return_0_not_collected", lambda bodies: None)
    assert untold(same) == []
    tracking = Tracking(
        id="0" * 32,
        world_id=2,
        number=report.number,
        typed_number=report.number,
        courier_code="swiss-post",
        created_at=report.fetched_at,
        updated_at=report.fetched_at,
        page_token="t",
    )
    returning = merge(tracking, report).tracking
    assert returning.substatus is Substatus.EXCEPTION_RETURNING
    late = report.fetched_at + EXPIRY_DAYS["globalpost"] * DAY
    assert expire(returning, late, "globalpost").tracking.status is Status.EXPIRED


RETURNING = Checkpoint(
    local_time="2026-04-17T10:00:00",
    text="",
    status=Status.EXCEPTION,
    substatus=Substatus.EXCEPTION_RETURNING,
)
RETURNED = Checkpoint(
    local_time="2026-04-17T10:00:00",
    text="",
    status=Status.EXCEPTION,
    substatus=Substatus.EXCEPTION_RETURNED,
)
