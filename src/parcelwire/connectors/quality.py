"""What every connector must have, checked by a program.

``check_connector`` reads the files and plays the fixtures, and says where something is wrong. What
it cannot see, answers that were never written down, the shared contract suite tries out.
"""

from __future__ import annotations

import re
import tomllib
import traceback
from collections import Counter
from importlib.resources import files
from pathlib import Path
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
from parcelwire.connectors.grades import GRADES, Played, lacking
from parcelwire.connectors.package import package_of
from parcelwire.connectors.status_table import load_manifest, load_status_table
from parcelwire.couriers.number import is_plausible, normalise
from parcelwire.couriers.registry import default_registry
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.report import CarrierReport, Outcome

_README_LENGTH: Final = 300
MOST_UNOFFICIAL_A_MINUTE: Final = 30
"""Requests a minute to an undocumented endpoint: no more than a busy person would make."""

UNREADABLE: Final = (ValueError, msgspec.ValidationError, OSError, RecursionError)
"""What reading a file of TOML may raise: no text, no TOML, not of the form, no file, too deep."""
_LANGUAGE: Final = re.compile(r"[a-z]{2}")
_NEEDED_OUTCOMES: Final = (Outcome.FOUND, Outcome.UNKNOWN_NUMBER, Outcome.NOT_UNDERSTOOD)


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a connector: the file in its folder, the line from 1, and why."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


def check_connector(connector: Connector) -> list[Problem]:
    """Return what is wrong with a connector; empty when it is sound."""
    try:
        package = package_of(connector)
    except LookupError as error:
        return [Problem("manifest.toml", 1, str(error))]
    try:
        written = load_manifest(package)
    except UNREADABLE as error:
        return [unreadable("manifest.toml", error)]
    problems = []
    if connector.manifest != written:
        problems.append(Problem("connector.py", 1, "its manifest is not what manifest.toml says"))
    problems += _check_manifest(written, package)
    problems += _check_readme(written, package)
    problems += _check_table(package)
    problems += _check_fixtures(connector, package)
    return problems


def unreadable(file: str, error: Exception) -> Problem:
    """Return the problem of a file that cannot be read; tomllib names the line in its message."""
    if isinstance(error, FileNotFoundError):
        return Problem(file, 1, f"{file} is missing")
    found = re.search(r"\(at line (\d+), column \d+\)", str(error))
    return Problem(file, int(found[1]) if found else 1, str(error))


def _check_manifest(manifest: Manifest, package: str) -> list[Problem]:
    text = (files(package) / "manifest.toml").read_text("utf-8")
    folder = package.rpartition(".")[2]
    found: list[tuple[str, str]] = []
    if manifest.code.replace("-", "_") != folder:
        found.append(("code", f"code {manifest.code} does not fit the folder {folder}"))
    if manifest.code not in manifest.courier_codes:
        found.append(("courier_codes", f"courier_codes do not hold the code {manifest.code}"))
    declared = {courier.code for courier in manifest.couriers}
    try:
        default_registry().with_declared(manifest.couriers)
    except ValueError as error:
        found.append(("[[couriers]]", str(error)))
    found += [
        ("[[couriers]]", f"courier {code} is declared but not in courier_codes")
        for code in sorted(declared - set(manifest.courier_codes))
    ]
    unknown = [
        code
        for code in manifest.courier_codes
        if code not in default_registry() and code not in declared
    ]
    # The simulated carrier's own code belongs to no courier of the world.
    found += [
        ("courier_codes", f"courier {code} is not in the registry")
        for code in unknown
        if code != "simulated"
    ]
    try:
        ZoneInfo(manifest.home_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        found.append(("home_zone", f"{manifest.home_zone} is no time zone"))
    if not (len(manifest.home_country) == 2 and manifest.home_country.isupper()):
        found.append(("home_country", f"{manifest.home_country} is no ISO 3166 code"))
    if not manifest.name.strip() or not manifest.languages:
        found.append(("name", "name or languages are empty"))
    if not 0 <= manifest.quiet_from_hour < 24 or not 0 <= manifest.quiet_to_hour < 24:
        found.append(("quiet_", "quiet hours are hours of a day, 0 to 23"))
    if manifest.quality not in GRADES:
        found.append(("quality", f"{manifest.quality} is none of {', '.join(GRADES)}"))
    if not manifest.transports:
        found.append(("[[transports]]", "there is no transport"))
    names = Counter(transport.name for transport in manifest.transports)
    found += [("name", f"two transports {name}") for name, count in names.items() if count > 1]
    problems = [Problem("manifest.toml", _line_of(key, text), why) for key, why in found]
    for transport in manifest.transports:
        line = _line_of(f'name = "{transport.name}"', text)
        problems += [
            Problem("manifest.toml", line, f"transport {transport.name}: {why}")
            for why in _check_transport(transport)
        ]
    return problems


def _line_of(beginning: str, text: str) -> int:
    """Return the first line that begins with a text (blanks beside), the first of all if none."""
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith(beginning):
            return number
    return 1


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


def _check_readme(manifest: Manifest, package: str) -> list[Problem]:
    readme = files(package) / "README.md"
    if not readme.is_file():
        return [Problem("README.md", 1, "README.md is missing")]
    try:
        text = readme.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [unreadable("README.md", error)]
    if len(text) < _README_LENGTH:
        return [Problem("README.md", 1, "README.md says too little")]
    topics = [f"`{transport.name}`" for transport in manifest.transports]
    topics += [
        f"`{field}`" for transport in manifest.transports for field in transport.credential_fields
    ]
    # Whose number it is can only be told there.
    topics += [f"`{one.test_number}`" for one in manifest.transports if one.test_number]
    missing = [f"README.md does not name {topic}" for topic in topics if topic not in text]
    if "not known" not in text.lower():
        missing.append("README.md does not say what is not known")
    problems = [Problem("README.md", 1, one) for one in missing]
    problems += [
        Problem("README.md", number, "a part is still to be written (TODO)")
        for number, line in enumerate(text.splitlines(), 1)
        if "TODO" in line
    ]
    return problems


def _check_table(package: str) -> list[Problem]:
    path = files(package) / "status.toml"
    if not path.is_file():
        return [Problem("status.toml", 1, "status.toml is missing")]
    try:
        load_status_table(package)
        text = path.read_text("utf-8")
        rows = tomllib.loads(text)
    except UNREADABLE as error:
        return [unreadable("status.toml", error)]
    codes: list[dict[str, Any]] = rows.get("code", [])
    texts: list[dict[str, Any]] = rows.get("text", [])
    broad: list[dict[str, Any]] = rows.get("broad", [])
    lines = {
        kind: known if len(known) == len(rows.get(kind, [])) else [1] * len(rows.get(kind, []))
        for kind, known in _row_lines(text).items()
    }
    found = [] if codes or texts or broad else [(1, "there is no row")]
    keys = [
        *(
            (f"{one.get('type', '')} code {one['code']}".strip(), "code", n)
            for n, one in enumerate(codes)
        ),
        *(
            (f"text {fold(one['text'])!r}", "text", n)
            for n, one in enumerate(texts)
            if "text" in one
        ),
        *((f"{one['kind']} {one['value']}", "broad", n) for n, one in enumerate(broad)),
    ]
    seen: set[str] = set()
    for key, kind, number in keys:
        if key in seen:
            found.append((lines[kind][number], f"a second row for {key}"))
        seen.add(key)
    found += [(lines["text"][number], why) for number, why in _check_parts(texts)]
    for number, row in enumerate(codes):
        found += [
            (
                lines["code"][number],
                f"code {row['code']}: {language!r} is no language code, or has no words",
            )
            for language, phrase in sorted(row.get("phrases", {}).items())
            if not _LANGUAGE.fullmatch(language) or not phrase.strip()
        ]
    return [Problem("status.toml", line, why) for line, why in found]


def _row_lines(text: str) -> dict[str, list[int]]:
    """Return on which lines the rows of each kind begin, in their order.

    Those that are written in another of TOML's ways are not among them.
    """
    lines: dict[str, list[int]] = {"code": [], "text": [], "broad": []}
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r"\s*\[\[\s*(code|text|broad)\s*\]\]", line)
        if found:
            lines[found[1]].append(number)
    return lines


def _check_parts(rows: list[dict[str, Any]]) -> list[tuple[int, str]]:
    """Return what is wrong with rows that look for a part of a text: which row, and why."""
    problems = []
    earlier: list[str] = []
    for number, row in enumerate(rows):
        if "contains" not in row:
            continue
        part = fold(row["contains"])
        if not part or not all(fold(guard) for guard in row.get("unless", [])):
            problems.append((number, "an empty text matches everything"))
        before = next((one for one in earlier if one in part), None)
        if before is not None:
            problems.append((number, f"{part!r} is never reached, {before!r} matches before"))
        if part and not row.get("unless"):
            earlier.append(part)
    return problems


def _check_fixtures(connector: Connector, package: str) -> list[Problem]:
    problems = [
        Problem(f"fixtures/{name}", 1, "it is no half of a case") for name in list_strays(package)
    ]
    seen: Counter[tuple[str, Outcome]] = Counter()
    played: list[Played] = []
    for case in list_cases(package):
        file = f"fixtures/{case}.in.json"
        try:
            fixture = load_fixture(package, case)
            reports = replay(connector, fixture)
        except (OSError, msgspec.MsgspecError, ReplayError) as error:
            problems.append(Problem(file, 1, str(error)))
            continue
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the connector's own code
            text = f"{file}: it raises {type(error).__name__}: {error}"
            place = problem_of(error, Path(str(files(package))), text)
            problems.append(place or Problem(file, 1, text))
            continue
        seen.update({(fixture.transport, report.outcome) for report in reports})
        played.append(Played(fixture, reports))
        if len(fixture.source.strip()) < 10:
            problems.append(Problem(file, 1, "source does not say where the shape comes from"))
        file = f"fixtures/{case}.out.json"
        try:
            expected = load_expected(package, case)
        except FileNotFoundError:
            problems.append(Problem(file, 1, "it is missing: connector record writes it"))
            continue
        except (OSError, msgspec.MsgspecError) as error:
            problems.append(Problem(file, 1, str(error)))
            continue
        problems += [Problem(file, 1, one) for one in compare_reports(expected, reports)]
    for transport in connector.manifest.transports:
        problems += [
            Problem("fixtures", 1, f"transport {transport.name} has no case that ends in {outcome}")
            for outcome in _NEEDED_OUTCOMES
            if not seen[transport.name, outcome]
        ]
    text = (files(package) / "manifest.toml").read_text("utf-8")
    line = _line_of("quality", text)
    missing = lacking(connector.manifest, played, _wordless(connector.manifest, package))
    return problems + [Problem("manifest.toml", line, why) for why in missing]


def _wordless(manifest: Manifest, package: str) -> list[str]:
    """Return the codes that have no words in one of the carrier's languages."""
    try:
        load_status_table(package)  # its rows have their form
        rows = tomllib.loads((files(package) / "status.toml").read_text("utf-8")).get("code", [])
    except UNREADABLE:
        return []  # said elsewhere
    languages = set(manifest.languages)
    return [row["code"] for row in rows if not languages <= set(row.get("phrases", {}))]


def problem_of(error: BaseException, folder: Path, text: str) -> Problem | None:
    """Return the problem at the innermost line of a folder that an error came through, if any."""
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno))
    for name, line in reversed(places):
        if Path(name).is_relative_to(folder):
            return Problem(Path(name).relative_to(folder).as_posix(), line or 1, text)
    return None


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
