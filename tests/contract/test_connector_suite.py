"""The shared suite must find what it is for: connectors with planted faults have to fail it."""

from collections.abc import Callable, Sequence

import pytest
from msgspec.structs import replace

from parcelwire.connectors.base import CarrierContext, Connector, Exchange, Manifest, TrackingQuery
from parcelwire.connectors.fixtures import replay
from parcelwire.connectors.quality import compare_reports
from parcelwire.domain.checkpoint import Checkpoint, TimeSource
from parcelwire.domain.report import (
    CarrierReport,
    DeliveryWindow,
    Outcome,
    ParcelFacts,
    UnmappedCode,
)
from parcelwire.domain.status import Status, Substatus
from tests.contract import test_connectors as suite
from tests.contract.connector_cases import Case, asking_cases, spelling_cases


class Tampered:
    """A sound connector whose reports somebody spoils."""

    def __init__(self, sound: Connector, spoil: Callable[[CarrierReport], CarrierReport]) -> None:
        self._sound = sound
        self._spoil = spoil

    @property
    def manifest(self) -> Manifest:
        return self._sound.manifest

    def track(self, queries: Sequence[TrackingQuery], context: CarrierContext) -> Exchange:
        reports = yield from self._sound.track(queries, context)
        return [self._spoil(report) for report in reports]

    def phrase(self, raw_code: str, language: str) -> str | None:
        return self._sound.phrase(raw_code, language)


def tampered(case: Case, spoil: Callable[[CarrierReport], CarrierReport]) -> Case:
    return Case(Tampered(case.connector, spoil), case.name, case.fixture, case.package)


def a_case(outcome: Outcome = Outcome.FOUND) -> Case:
    """Return a case that ends in an outcome, and in events where it is found."""
    for case in spelling_cases() if outcome is Outcome.FOUND else asking_cases():
        reports = replay(case.connector, case.fixture)
        if all(report.outcome is outcome for report in reports):
            return case
    raise AssertionError(outcome)


def guess_transit(report: CarrierReport) -> CarrierReport:
    moved = tuple(
        replace(one, status=Status.TRANSIT, substatus=Substatus.TRANSIT)
        if one.status is None
        else one
        for one in report.checkpoints
    )
    return replace(report, checkpoints=moved, unmapped=())


def call_it_unknown(report: CarrierReport) -> CarrierReport:
    if report.outcome is Outcome.NOT_UNDERSTOOD:
        return replace(report, outcome=Outcome.UNKNOWN_NUMBER, unmapped=())
    return report


def call_it_fine(report: CarrierReport) -> CarrierReport:
    return replace(report, outcome=Outcome.FOUND, unmapped=(), retry_at=None)


def drop_gaps(report: CarrierReport) -> CarrierReport:
    return replace(report, unmapped=())


def invent_offset(report: CarrierReport) -> CarrierReport:
    moved = tuple(
        replace(one, offset_minutes=345, time_source=TimeSource.CARRIER)
        for one in report.checkpoints
    )
    return replace(report, checkpoints=moved)


def test_a_guessed_stage_is_found() -> None:
    with pytest.raises(AssertionError, match="a stage was guessed"):
        suite.test_codes_and_texts_nobody_mapped_are_gaps(tampered(a_case(), guess_transit))


def test_a_page_called_an_unknown_number_is_found() -> None:
    with pytest.raises(AssertionError, match="unknown_number out of page"):
        suite.check_no_answer(tampered(a_case(), call_it_unknown), "page")


def test_a_page_called_a_parcel_is_found() -> None:
    with pytest.raises(AssertionError):
        suite.check_no_answer(tampered(a_case(), call_it_fine), "page 403")


def test_a_missing_gap_is_found() -> None:
    with pytest.raises(AssertionError, match="is an unmapped code"):
        suite.check_no_answer(tampered(a_case(), drop_gaps), "empty list")


def test_an_outage_called_a_parcel_is_found() -> None:
    with pytest.raises(AssertionError):
        suite.test_no_answer_at_all_is_the_carriers_trouble(tampered(a_case(), call_it_fine))


def test_an_invented_offset_is_found() -> None:
    with pytest.raises(AssertionError):
        suite.test_offsets_said_to_be_the_carriers_are_in_its_answer(
            tampered(a_case(), invent_offset)
        )


def test_an_offset_without_a_source_is_found() -> None:
    def spoil(report: CarrierReport) -> CarrierReport:
        moved = tuple(replace(c, time_source=TimeSource.UNKNOWN) for c in report.checkpoints)
        return replace(report, checkpoints=moved)

    case = tampered(a_case(), spoil)
    with pytest.raises(AssertionError):
        suite.check_reports(case, replay(case.connector, case.fixture))


def test_a_connector_that_raises_is_found() -> None:
    def spoil(report: CarrierReport) -> CarrierReport:
        if report.outcome is not Outcome.FOUND:
            raise KeyError(report.number)
        return report

    with pytest.raises(KeyError):
        suite.check_no_answer(tampered(a_case(), spoil), "null")


def test_a_swapped_order_is_found() -> None:
    case = next(c for c in asking_cases() if len(c.fixture.queries) > 1)
    reports = replay(case.connector, case.fixture)
    with pytest.raises(AssertionError):
        suite.check_reports(case, reports[::-1])


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("number", "M"),
        ("outcome", Outcome.UNAVAILABLE),
        ("checkpoints", (Checkpoint(local_time="2026-03-01", text="x"),)),
        ("facts", ParcelFacts(pieces=2)),
        ("window", DeliveryWindow(earliest="2026-03-01", latest="2026-03-02", source="x")),
        ("unmapped", (UnmappedCode(kind="code", value="x"),)),
        ("retry_at", 5),
        ("detail", "x"),
        ("connector", "x"),
    ],
)
def test_every_field_of_a_fixture_is_compared(name: str, other: object) -> None:
    report = CarrierReport(number="N", outcome=Outcome.FOUND)
    assert compare_reports([report], [report]) == []
    assert compare_reports([replace(report, **{name: other})], [report])
