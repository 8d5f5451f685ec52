"""What every connector must have, checked by a program.

``check_connector`` looks at the files and plays the fixtures; what it cannot see, answers that were
never written down, the shared contract suite tries out.
"""

import re
import tomllib
from collections import Counter
from importlib.resources import files
from importlib.util import find_spec
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from parcelwire.connectors.base import Connector, Manifest, Transport
from parcelwire.connectors.fixtures import (
    ReplayError,
    comparable,
    list_cases,
    list_strays,
    load_expected,
    load_fixture,
    replay,
)
from parcelwire.connectors.table import load_manifest, load_status_table
from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.report import CarrierReport, Outcome

GRADES: Final = ("bronze", "silver", "gold")
_README_LENGTH: Final = 300
MOST_UNOFFICIAL_A_MINUTE: Final = 30
"""Requests a minute to an undocumented endpoint: no more than a busy person would make."""

_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_NEEDED_OUTCOMES: Final = (Outcome.FOUND, Outcome.UNKNOWN_NUMBER, Outcome.NOT_UNDERSTOOD)


def package_of(connector: Connector) -> str:
    """Return the package that holds a connector's files: the nearest one with a manifest.

    Raises:
        LookupError: when there is none.
    """
    name = type(connector).__module__
    while name:
        spec = find_spec(name)
        is_package = spec is not None and spec.submodule_search_locations is not None
        if is_package and (files(name) / "manifest.toml").is_file():
            return name
        name = name.rpartition(".")[0]
    msg = f"no manifest.toml beside {type(connector).__module__}"
    raise LookupError(msg)


def check_connector(connector: Connector) -> list[str]:
    """Return what is wrong with a connector, one line each; empty when it is sound."""
    try:
        package = package_of(connector)
        written = load_manifest(package)
    except (LookupError, msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        return [f"manifest.toml: {error}"]
    problems = []
    if connector.manifest != written:
        problems.append("the connector's manifest is not what manifest.toml says")
    problems += _check_manifest(written, package)
    problems += _check_readme(written, package)
    problems += _check_table(package)
    problems += _check_fixtures(connector, package)
    return problems


def _check_manifest(manifest: Manifest, package: str) -> list[str]:
    problems = []
    folder = package.rpartition(".")[2]
    if manifest.code.replace("-", "_") != folder:
        problems.append(f"manifest: code {manifest.code} does not fit the folder {folder}")
    if manifest.code not in manifest.courier_codes:
        problems.append(f"manifest: courier_codes do not hold the code {manifest.code}")
    unknown = [code for code in manifest.courier_codes if code not in default_registry()]
    # The simulated carrier's own code belongs to no courier of the world.
    problems += [
        f"manifest: courier {code} is not in the registry"
        for code in unknown
        if code != "simulated"
    ]
    try:
        ZoneInfo(manifest.home_zone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(f"manifest: home_zone {manifest.home_zone} is no time zone")
    if not (len(manifest.home_country) == 2 and manifest.home_country.isupper()):
        problems.append(f"manifest: home_country {manifest.home_country} is no ISO 3166 code")
    if not manifest.name.strip() or not manifest.languages:
        problems.append("manifest: name or languages are empty")
    if not 0 <= manifest.quiet_from_hour < 24 or not 0 <= manifest.quiet_to_hour < 24:
        problems.append("manifest: quiet hours are hours of a day, 0 to 23")
    if manifest.quality not in GRADES:
        problems.append(f"manifest: quality {manifest.quality} is none of {', '.join(GRADES)}")
    if not manifest.transports:
        problems.append("manifest: no transport")
    names = Counter(transport.name for transport in manifest.transports)
    problems += [f"manifest: two transports {name}" for name, count in names.items() if count > 1]
    for transport in manifest.transports:
        problems += [
            f"manifest: transport {transport.name}: {problem}"
            for problem in _check_transport(transport)
        ]
    return problems


def _check_transport(transport: Transport) -> list[str]:
    problems = []
    if transport.name == "web" and transport.is_official:
        problems.append("web is the name of endpoints that are not official")
    if transport.batch_size < 1 or transport.requests_per_minute < 1:
        problems.append("batch_size and requests_per_minute are at least 1")
    if not transport.is_official and transport.requests_per_minute > MOST_UNOFFICIAL_A_MINUTE:
        problems.append(
            "requests_per_minute of an endpoint that is not official is at most"
            f" {MOST_UNOFFICIAL_A_MINUTE}"
        )
    if transport.requests_per_day is not None and transport.requests_per_day < 1:
        problems.append("requests_per_day is at least 1")
    if not 1 <= transport.timeout_seconds <= 60:
        problems.append("timeout_seconds is between 1 and 60")
    if not 1_000 <= transport.max_answer_bytes <= 20_000_000:
        problems.append("max_answer_bytes is between 1,000 and 20,000,000")
    for name, url in transport.base_urls.items():
        if not url.startswith("https://") or url.endswith("/"):
            problems.append(f"base url {name} begins with https:// and ends without a slash")
    number = transport.test_number
    if number and not (is_plausible(number) and normalise(number) == number):
        problems.append("test_number is no tracking number in its compact form")
    if transport.is_official and transport.base_urls and not transport.docs_url:
        problems.append("an official transport says where it is documented (docs_url)")
    return problems


def _check_readme(manifest: Manifest, package: str) -> list[str]:
    readme = files(package) / "README.md"
    if not readme.is_file():
        return ["README.md is missing"]
    text = readme.read_text("utf-8")
    if len(text) < _README_LENGTH:
        return ["README.md says too little"]
    topics = [f"`{transport.name}`" for transport in manifest.transports]
    topics += [
        f"`{field}`" for transport in manifest.transports for field in transport.credential_fields
    ]
    # Whose number it is can only be told there.
    topics += [f"`{one.test_number}`" for one in manifest.transports if one.test_number]
    problems = [f"README.md does not name {topic}" for topic in topics if topic not in text]
    if "not known" not in text.lower():
        problems.append("README.md does not say what is not known")
    return problems


def _check_table(package: str) -> list[str]:
    path = files(package) / "status.toml"
    if not path.is_file():
        return ["status.toml is missing"]
    try:
        load_status_table(package)
        rows = tomllib.loads(path.read_text("utf-8"))
    except (ValueError, msgspec.ValidationError) as error:
        return [f"status.toml: {error}"]
    codes: list[dict[str, Any]] = rows.get("code", [])
    texts = [fold(row["contains"]) for row in rows.get("text", [])]
    problems = ["status.toml: no row"] if not codes and not texts else []
    twice = Counter(row["code"] for row in codes)
    problems += [f"status.toml: two rows for code {code}" for code, n in twice.items() if n > 1]
    for index, text in enumerate(texts):
        if not text:
            problems.append("status.toml: an empty text matches everything")
        earlier = next((one for one in texts[:index] if one and one in text), None)
        if earlier is not None:
            problems.append(f"status.toml: {text!r} is never reached, {earlier!r} matches before")
    for row in codes:
        problems += [
            f"status.toml: code {row['code']}: {language!r} is no language code, or has no words"
            for language, phrase in sorted(row.get("phrases", {}).items())
            if not _LANGUAGE.fullmatch(language) or not phrase.strip()
        ]
    return problems


def _check_fixtures(connector: Connector, package: str) -> list[str]:
    problems = [f"fixtures: {name} is no half of a case" for name in list_strays(package)]
    seen: Counter[tuple[str, Outcome]] = Counter()
    for case in list_cases(package):
        try:
            fixture = load_fixture(package, case)
            expected = load_expected(package, case)
            reports = replay(connector, fixture)
        except (OSError, msgspec.MsgspecError, ReplayError) as error:
            problems.append(f"fixtures: {case}: {error}")
            continue
        if len(fixture.source.strip()) < 10:
            problems.append(f"fixtures: {case}: source does not say where the shape comes from")
        problems += [f"fixtures: {case}: {one}" for one in compare_reports(expected, reports)]
        seen.update({(fixture.transport, report.outcome) for report in reports})
    for transport in connector.manifest.transports:
        problems += [
            f"fixtures: transport {transport.name} has no case that ends in {outcome}"
            for outcome in _NEEDED_OUTCOMES
            if not seen[transport.name, outcome]
        ]
    return problems


def compare_reports(expected: list[CarrierReport], reports: list[CarrierReport]) -> list[str]:
    """Return how reports differ from what a fixture expects, field by field."""
    if len(expected) != len(reports):
        return [f"{len(reports)} reports instead of {len(expected)}"]
    differences = []
    for wanted, report in zip(expected, reports, strict=True):
        said = comparable(report)
        for name in CarrierReport.__struct_fields__:
            want, have = getattr(wanted, name), getattr(said, name)
            if name == "connector" and not want:
                continue
            if want != have:
                differences.append(f"{report.number}: {name} is {have!r} instead of {want!r}")
    return differences
