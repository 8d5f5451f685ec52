"""What a grade takes: each rule is missed when what it asks for is taken away."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from parcelwire.connectors.base import Connector, Manifest
from parcelwire.connectors.fixtures import list_cases, load_expected, load_fixture
from parcelwire.connectors.folders import built_in_folders, load_folder
from parcelwire.connectors.grades import Played, lacking
from parcelwire.connectors.package import package_of
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus

CARRIERS = [load_folder(folder) for folder in built_in_folders()]


def played_of(connector: Connector) -> list[Played]:
    package = package_of(connector)
    return [
        Played(load_fixture(package, case), load_expected(package, case))
        for case in list_cases(package)
    ]


def claim(manifest: Manifest, quality: str) -> Manifest:
    return replace(manifest, quality=quality)


@pytest.mark.parametrize("connector", CARRIERS, ids=lambda one: one.manifest.code)
def test_the_first_two_carriers_keep_silver(connector: Connector) -> None:
    manifest = connector.manifest
    assert manifest.quality == "silver"
    assert lacking(manifest, played_of(connector)) == []


def without_outcome(one: Played, outcome: Outcome) -> Played:
    return Played(one.fixture, [report for report in one.reports if report.outcome is not outcome])


@pytest.mark.parametrize(
    ("outcome", "why"),
    [
        (Outcome.RATE_LIMITED, "silver: transport api has no case that ends in rate_limited"),
        (Outcome.UNAVAILABLE, "silver: transport web has no case that ends in unavailable"),
        (Outcome.AUTH_FAILED, "silver: transport api has no case that ends in auth_failed"),
        (Outcome.FOUND, "silver: transport api has no documented parcel"),
        (Outcome.UNKNOWN_NUMBER, "silver: no documented answer says that a number is unknown"),
    ],
)
@pytest.mark.parametrize("connector", CARRIERS, ids=lambda one: one.manifest.code)
def test_every_outcome_counts(connector: Connector, outcome: Outcome, why: str) -> None:
    manifest = connector.manifest
    left = [without_outcome(one, outcome) for one in played_of(connector)]
    assert why in lacking(manifest, left)
    assert lacking(claim(manifest, "bronze"), left) == []


def test_what_is_made_up_shows_no_shape() -> None:
    made_up = [
        Played(replace(one.fixture, provenance="synthetic"), one.reports)
        for one in played_of(CARRIERS[0])
    ]
    assert lacking(CARRIERS[0].manifest, made_up) == [
        "silver: transport api has no documented parcel",
        "silver: transport web has no documented parcel",
        "silver: no documented answer says that a number is unknown",
    ]


@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ({one for one in Substatus if one.status is Status.DELIVERED}, "delivered"),
        ({Substatus.PICKUP_READY_FOR_COLLECTION}, "waiting for collection"),
        ({Substatus.EXCEPTION_RETURNING, Substatus.EXCEPTION_RETURNED}, "going back, or back"),
    ],
)
def test_every_kind_of_end_counts(ends: set[Substatus], why: str) -> None:
    def spare(report: CarrierReport) -> CarrierReport:
        left = tuple(one for one in report.checkpoints if one.substatus not in ends)
        return replace(report, checkpoints=left)

    left = [Played(one.fixture, [*map(spare, one.reports)]) for one in played_of(CARRIERS[0])]
    assert lacking(CARRIERS[0].manifest, left) == [f"silver: no parcel is {why}"]


def test_codes_that_nobody_knows_count() -> None:
    known = [
        Played(one.fixture, [replace(report, unmapped=()) for report in one.reports])
        for one in played_of(CARRIERS[0])
    ]
    assert lacking(CARRIERS[0].manifest, known) == [
        "silver: no case has a code or text that nobody knows"
    ]


def test_gold_takes_the_carriers_own_answers_and_words() -> None:
    manifest = claim(CARRIERS[0].manifest, "gold")
    played = played_of(CARRIERS[0])
    assert len(lacking(manifest, played)) == 4
    recorded = [Played(replace(one.fixture, provenance="recorded"), one.reports) for one in played]
    assert lacking(manifest, recorded) == []
    assert lacking(manifest, recorded, ["003"]) == ["gold: code 003 has no words in every language"]
    assert lacking(claim(manifest, "silver"), recorded, ["003"]) == []
