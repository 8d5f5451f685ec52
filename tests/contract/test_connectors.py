"""What every connector must keep, tried on every fixture of every connector.

A newcomer brings a folder with fixtures; nothing is written here for one carrier.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.connectors.base import ANSWER_FAULTS, Connector, Fault, Response
from parcelwire.connectors.fixtures import load_expected, replay
from parcelwire.connectors.quality import check_connector, compare_reports
from parcelwire.connectors.status_table import StatusTable, load_status_table
from parcelwire.domain.checkpoint import Checkpoint, TimeSource, fold
from parcelwire.domain.report import CarrierReport, Outcome
from tests.contract.connector_cases import (
    PAGE,
    UNHEARD_CODE,
    UNHEARD_TEXT,
    Case,
    add_fields,
    all_cases,
    all_connectors,
    asking_cases,
    is_for_one,
    spelling_cases,
    spoiled,
    strings_of,
    swap_strings,
    with_json,
    words_of,
)

every_connector = pytest.mark.parametrize(
    "connector", all_connectors(), ids=lambda connector: connector.manifest.code
)
every_case = pytest.mark.parametrize("case", all_cases(), ids=str)
every_asking_case = pytest.mark.parametrize("case", asking_cases(), ids=str)


def check_reports(case: Case, reports: Sequence[CarrierReport]) -> None:
    """Check what must hold of any answer to any query."""
    assert [report.number for report in reports] == [q.number for q in case.fixture.queries]
    for report in reports:
        for checkpoint in report.checkpoints:
            check_time(checkpoint, case.connector)
            if checkpoint.substatus is not None:
                assert checkpoint.substatus.status is checkpoint.status
        if report.outcome is not Outcome.FOUND:
            assert report.checkpoints == ()
        if report.outcome is Outcome.NOT_UNDERSTOOD:
            assert report.unmapped, "what was not understood is an unmapped code"
        if report.outcome is Outcome.RATE_LIMITED:
            assert report.retry_at is not None
            assert report.retry_at > case.fixture.now
        for secret in case.fixture.credentials.values():
            assert len(secret) < 6 or secret not in report.detail
        # Whatever it is, the store can keep it.
        assert msgspec.json.decode(msgspec.json.encode(report), type=CarrierReport) == report


def check_time(checkpoint: Checkpoint, connector: Connector) -> None:
    assert isinstance(checkpoint.occurred_at, int)
    assert checkpoint.iso_time
    assert re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?)?", checkpoint.local_time), (
        "wall clock without an offset"
    )
    has_offset = checkpoint.offset_minutes is not None
    assert has_offset == (checkpoint.time_source is not TimeSource.UNKNOWN)
    if checkpoint.time_source is TimeSource.HOME:
        home = ZoneInfo(connector.manifest.home_zone)
        wall = datetime.fromisoformat(checkpoint.local_time).replace(tzinfo=home)
        # An hour that is lived twice, or never, has two offsets to choose from.
        offsets = {wall.replace(fold=fold).utcoffset() for fold in (0, 1)}
        assert timedelta(minutes=checkpoint.offset_minutes or 0) in offsets


@every_connector
def test_files_are_sound(connector: Connector) -> None:
    assert check_connector(connector) == []


@every_case
def test_fixtures_give_their_reports(case: Case) -> None:
    expected = load_expected(case.package, case.name)
    reports = replay(case.connector, case.fixture)
    assert compare_reports(expected, reports) == []
    check_reports(case, reports)


@every_case
def test_the_same_answers_give_the_same_reports(case: Case) -> None:
    assert replay(case.connector, case.fixture) == replay(case.connector, case.fixture)


@every_asking_case
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_spoiled_answers_never_raise(case: Case, data: st.DataObject) -> None:
    answers = case.fixture.responses()
    place = data.draw(st.integers(0, len(answers) - 1))
    answers[place] = data.draw(spoiled(answers[place]))
    check_reports(case, case.hear(answers))


NO_ANSWERS = {
    "page": Response(status=200, headers={"content-type": "text/html"}, body=PAGE),
    "page without a type": Response(status=200, body=PAGE),
    "page 403": Response(status=403, headers={"content-type": "text/html"}, body=PAGE),
    "page 404": Response(status=404, headers={"content-type": "text/html"}, body=PAGE),
    "json 403": Response(status=403, body=b'{"message":"Forbidden"}'),
    "empty": Response(status=200, body=b""),
    "no content": Response(status=204),
    "empty list": Response(status=200, body=b"[]"),
    "empty object": Response(status=200, body=b"{}"),
    "null": Response(status=200, body=b"null"),
    "string": Response(status=200, body=b'"ok"'),
    "deep": Response(status=200, body=b"[" * 20_000),
    "utf-16": Response(status=200, body='{"a":1}'.encode("utf-16")),
    "redirect": Response(status=302, headers={"location": "https://elsewhere.example/"}),
}


@every_asking_case
def test_what_is_no_answer_is_never_a_parcel_nor_an_unknown_number(case: Case) -> None:
    for name in NO_ANSWERS:
        check_no_answer(case, name)


def check_no_answer(case: Case, name: str) -> None:
    now = case.fixture.now
    is_json = NO_ANSWERS[name].body[:1] in (b"{", b"[", b"n", b'"')
    kind = {"content-type": "application/json"} if is_json else {}
    nothing = replace(
        NO_ANSWERS[name], received_at=now, headers={**kind, **NO_ANSWERS[name].headers}
    )
    exchanges = [[nothing] * 40]
    given_answers = case.fixture.responses()
    # Good answers at first (the token, the session), and nothing from there on.
    exchanges += [given_answers[:good] + [nothing] * 40 for good in range(1, len(given_answers))]
    for number, answers in enumerate(exchanges):
        reports = case.hear(answers)
        check_reports(case, reports)
        for report in reports:
            assert number or report.outcome is not Outcome.FOUND
            if report.outcome in (Outcome.UNKNOWN_NUMBER, Outcome.INVALID_NUMBER):
                # The carrier must have said so, in one of its good answers.
                assert number, f"{report.outcome} out of {name}"


@every_asking_case
def test_no_answer_at_all_is_the_carriers_trouble(case: Case) -> None:
    for fault in set(get_args(Fault)) - set(ANSWER_FAULTS):
        reports = case.hear_always(Response(status=0, fault=fault, received_at=case.fixture.now))
        check_reports(case, reports)
        assert {report.outcome for report in reports} == {Outcome.UNAVAILABLE}, fault


@every_asking_case
@pytest.mark.parametrize("status", [0, 200, 404])
def test_an_answer_that_cannot_be_read_concerns_its_parcel_alone(case: Case, status: int) -> None:
    for fault in ANSWER_FAULTS:
        said = Response(status=status, fault=fault, received_at=case.fixture.now)  # type: ignore[arg-type]  # its keys are faults
        reports = case.hear_always(said)
        check_reports(case, reports)
        assert {report.outcome for report in reports} == {Outcome.NOT_UNDERSTOOD}, fault


@every_asking_case
@pytest.mark.parametrize(
    ("status", "outcome"), [(429, Outcome.RATE_LIMITED), (500, Outcome.UNAVAILABLE)]
)
def test_refusals_are_told_apart(case: Case, status: int, outcome: Outcome) -> None:
    answer = Response(
        status=status, headers={"retry-after": "77"}, received_at=case.fixture.now, body=b"{}"
    )
    reports = case.hear_always(answer)
    check_reports(case, reports)
    assert {report.outcome for report in reports} == {outcome}


@every_asking_case
def test_fields_nobody_knows_change_nothing(case: Case) -> None:
    plain = replay(case.connector, case.fixture)
    answers = [with_json(answer, add_fields) for answer in case.fixture.responses()]
    for before, after in zip(plain, case.hear(answers), strict=True):
        assert bare(after) == bare(before)


def bare(report: CarrierReport) -> CarrierReport:
    """Return a report without what quotes the carrier's bytes."""
    return replace(
        report,
        raw=b"",
        unmapped=tuple(replace(one, sample="") for one in report.unmapped),
    )


@pytest.mark.parametrize("case", spelling_cases(), ids=str)
def test_codes_and_texts_nobody_mapped_are_gaps(case: Case) -> None:
    codes, texts = words_of(case)
    swaps = {text: f"{UNHEARD_TEXT} {n}" for n, text in enumerate(sorted(texts))}
    swaps |= {code: f"{UNHEARD_CODE}{n}" for n, code in enumerate(sorted(codes))}
    # A stage may also follow from another word of the event (a phase), so those go too.
    spoken = {text for answer in case.fixture.responses() for text in strings_of(answer)}
    swaps = {text: UNHEARD_TEXT for text in spoken if is_mapped(text, case)} | swaps
    answers = [
        with_json(answer, lambda body: swap_strings(body, swaps))
        for answer in case.fixture.responses()
    ]
    reports = case.hear(answers)
    check_reports(case, reports)
    unheard = [
        (report, checkpoint)
        for report in reports
        for checkpoint in report.checkpoints
        if is_unheard(checkpoint.raw_code or checkpoint.text)
    ]
    if not unheard:
        # A stage told only in a summary is no event when the summary is not understood.
        assert any(report.unmapped for report in reports)
    for report, checkpoint in unheard:
        assert checkpoint.status is None or report.unmapped, "a stage was guessed, and nobody told"
        value = fold(checkpoint.raw_code or checkpoint.text)
        assert any(fold(one.value) in value or value in fold(one.value) for one in report.unmapped)


@cache
def table_of(package: str) -> StatusTable:
    return load_status_table(package)


def is_mapped(text: str, case: Case) -> bool:
    table = table_of(case.package)
    return any((table.by_code(text), table.by_code(fold(text)), table.look_up(text=text)))


def is_unheard(text: str) -> bool:
    return fold(text).startswith((fold(UNHEARD_CODE), fold(UNHEARD_TEXT)))


@every_asking_case
def test_offsets_said_to_be_the_carriers_are_in_its_answer(case: Case) -> None:
    said = b"\n".join(answer.body for answer in case.fixture.responses()).decode("utf-8", "replace")
    for report in replay(case.connector, case.fixture):
        for checkpoint in report.checkpoints:
            if checkpoint.time_source is not TimeSource.CARRIER:
                continue
            assert any(form in said for form in offset_forms(checkpoint))


def offset_forms(checkpoint: Checkpoint) -> list[str]:
    """Return the ways a carrier can print the offset of a time, or the instant itself."""
    minutes = checkpoint.offset_minutes or 0
    sign, hours, rest = "-" if minutes < 0 else "+", abs(minutes) // 60, abs(minutes) % 60
    forms = [f"{sign}{hours:02}:{rest:02}", f"{sign}{hours:02}{rest:02}"]
    forms += ["Z", "UTC", "GMT"] if minutes == 0 else []
    return [*forms, str(checkpoint.occurred_at // 1_000)]


@pytest.mark.skipif(is_for_one(), reason="one connector was named")
def test_the_suite_sees_the_connectors_it_is_for() -> None:
    codes = {connector.manifest.code for connector in all_connectors()}
    assert {"simulated", "swiss-post", "poste-italiane"} <= codes
    assert len(asking_cases()) > 50
