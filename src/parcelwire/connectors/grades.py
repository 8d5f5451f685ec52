"""What a connector's ``quality`` promises: rules that its fixtures are held against.

A grade is a claim in the manifest. A connector may claim less than it could, never more.

========  ==========================================================================================
bronze    whatever ``quality.check_connector`` asks of every connector
silver    its shapes can be looked up, and the bad moments are there: refusals of every kind, codes
          that nobody knows, trouble, returns
gold      answers of the carrier itself were recorded, and its codes have words in every language
========  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from parcelwire.connectors.base import Manifest
from parcelwire.connectors.fixtures import Fixture
from parcelwire.domain.report import CarrierReport, Outcome
from parcelwire.domain.status import Status, Substatus

GRADES: Final = ("bronze", "silver", "gold")

_STAGES: Final[dict[str, set[Substatus]]] = {
    "delivered": {one for one in Substatus if one.status is Status.DELIVERED},
    "waiting for collection": {Substatus.PICKUP_READY_FOR_COLLECTION},
    "not delivered, or in trouble": {
        one
        for one in Substatus
        if one.status in (Status.UNDELIVERED, Status.EXCEPTION)
        and one not in (Substatus.EXCEPTION_RETURNING, Substatus.EXCEPTION_RETURNED)
    },
    "going back, or back": {Substatus.EXCEPTION_RETURNING, Substatus.EXCEPTION_RETURNED},
}
"""What a customer and an operator have to be told, of every carrier."""


class Played(msgspec.Struct, frozen=True):
    """A fixture, and the reports that it ended in."""

    fixture: Fixture
    reports: Sequence[CarrierReport]


def lacking(
    manifest: Manifest, played: Sequence[Played], wordless: Iterable[str] = ()
) -> list[str]:
    """Return what is missing for the grade that ``manifest`` claims.

    ``wordless``: the codes of its status table that have no words in one of its languages.
    """
    found: list[str] = []
    if manifest.quality in ("silver", "gold"):
        found += _lacking_for_silver(manifest, played)
    if manifest.quality == "gold":
        found += _lacking_for_gold(manifest, played)
        found += [f"gold: code {code} has no words in every language" for code in wordless]
    return found


def _lacking_for_silver(manifest: Manifest, played: Sequence[Played]) -> list[str]:
    found = []
    for transport in manifest.transports:
        if not transport.base_urls:
            continue  # nobody is asked: there is nothing to be refused
        needed = [Outcome.RATE_LIMITED, Outcome.UNAVAILABLE]
        needed += [Outcome.AUTH_FAILED] if transport.credential_fields else []
        found += [
            f"silver: transport {transport.name} has no case that ends in {outcome}"
            for outcome in needed
            if not _has(played, outcome, transport=transport.name)
        ]
        if not _has(played, Outcome.FOUND, transport=transport.name, is_real=True):
            found.append(f"silver: transport {transport.name} has no documented parcel")
    if any(one.base_urls for one in manifest.transports):
        if not _has(played, Outcome.UNKNOWN_NUMBER, is_real=True):
            found.append("silver: no documented answer says that a number is unknown")
        if not any(_has_unknown_code(report) for one in played for report in one.reports):
            found.append("silver: no case has a code or text that nobody knows")
    told = {
        checkpoint.substatus
        for one in played
        for report in one.reports
        for checkpoint in report.checkpoints
    }
    found += [f"silver: no parcel is {what}" for what, some in _STAGES.items() if not told & some]
    return found


def _lacking_for_gold(manifest: Manifest, played: Sequence[Played]) -> list[str]:
    recorded = [one for one in played if one.fixture.provenance == "recorded"]
    return [
        f"gold: transport {transport.name} has no recorded answer that ends in {outcome}"
        for transport in manifest.transports
        for outcome in (Outcome.FOUND, Outcome.UNKNOWN_NUMBER)
        if transport.base_urls and not _has(recorded, outcome, transport=transport.name)
    ]


def _has(
    played: Sequence[Played],
    outcome: Outcome,
    *,
    transport: str | None = None,
    is_real: bool = False,
) -> bool:
    """Tell whether a case ends in ``outcome``; ``is_real``: and is not made up."""
    return any(
        report.outcome is outcome
        for one in played
        if transport in (None, one.fixture.transport)
        and not (is_real and one.fixture.provenance == "synthetic")
        for report in one.reports
    )


def _has_unknown_code(report: CarrierReport) -> bool:
    return any(one.kind in ("code", "text") for one in report.unmapped) and any(
        checkpoint.status is None for checkpoint in report.checkpoints
    )
