"""A connector's examples: ``fixtures/<case>.in.json`` with what the carrier says, and
``<case>.out.json`` with what the connector must make of it.

They are played to the connector without a wire: each request is compared with the one written down,
and the answer written beside it is given back.
"""

from collections.abc import Callable
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Final, Literal

import msgspec
from msgspec.structs import replace

from parcelwire.connectors.base import (
    CarrierContext,
    Connector,
    Fault,
    Request,
    Response,
    TrackingQuery,
)
from parcelwire.connectors.exchange import MAX_STEPS
from parcelwire.domain.clock import Instant
from parcelwire.domain.report import CarrierReport

Provenance = Literal["recorded", "documented", "synthetic"]

_IN: Final = ".in.json"
_OUT: Final = ".out.json"


class WrittenRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A request as a fixture expects it. Headers, and a body if there is one, must be among it."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: Any | msgspec.UnsetType = msgspec.UNSET


class WrittenResponse(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A response as a fixture gives it; a body that is no string is sent as JSON."""

    status: int = 200
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}
    body: Any = ""
    fault: Fault | None = None

    def respond(self, now: Instant) -> Response:
        """Return it as the transport would."""
        return Response(
            status=self.status,
            headers={name.lower(): value for name, value in self.headers.items()},
            cookies=self.cookies,
            body=self.body.encode() if isinstance(self.body, str) else encode(self.body),
            fault=self.fault,
            received_at=now,
        )


class ExchangeStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One step of an exchange."""

    request: WrittenRequest
    response: WrittenResponse


class Fixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The input of one case. ``source`` says where the shape of the answers comes from."""

    provenance: Provenance
    source: str
    transport: str
    now: Instant
    queries: list[TrackingQuery]
    exchange: list[ExchangeStep]
    language: str = "en"
    credentials: dict[str, str] = {}
    session_state: dict[str, Any] = {}

    def context(self) -> CarrierContext:
        """Return a fresh context: what the connector changes in it stays out of the fixture."""
        return CarrierContext(
            transport=self.transport,
            now=self.now,
            credentials=dict(self.credentials),
            session_state=msgspec.json.decode(msgspec.json.encode(self.session_state)),
            language=self.language,
        )

    def responses(self) -> list[Response]:
        """Return all answers, in order."""
        return [step.response.respond(self.now) for step in self.exchange]


class _Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    reports: list[CarrierReport]


class ReplayError(Exception):
    """The connector does not hold the exchange that a fixture describes."""


def list_cases(package: str) -> list[str]:
    """Return the names of a connector's cases, sorted."""
    folder = files(package) / "fixtures"
    if not folder.is_dir():
        return []
    return sorted(one.name.removesuffix(_IN) for one in folder.iterdir() if one.name.endswith(_IN))


def list_strays(package: str) -> list[str]:
    """Return the names of files among the fixtures that are no half of a case."""
    folder = files(package) / "fixtures"
    if not folder.is_dir():
        return []
    names = {one.name for one in folder.iterdir()}
    whole = {f"{case}{end}" for case in list_cases(package) for end in (_IN, _OUT)}
    return sorted(names - whole)


def load_fixture(package: str, case: str) -> Fixture:
    """Read the input of a case.

    Raises:
        msgspec.MsgspecError: when the file is not of the form.
    """
    return msgspec.json.decode(_file(package, case, _IN).read_bytes(), type=Fixture)


def load_expected(package: str, case: str) -> list[CarrierReport]:
    """Read the reports that a case must end in, without raw answers and times of fetching.

    Raises:
        OSError: when the case has no ``.out.json``.
        msgspec.MsgspecError: when the file is not of the form.
    """
    return msgspec.json.decode(_file(package, case, _OUT).read_bytes(), type=_Expected).reports


def replay(connector: Connector, fixture: Fixture) -> list[CarrierReport]:
    """Hold the fixture's exchange and return the reports.

    Raises:
        ReplayError: when the connector asks something else, or less, or more.
    """
    given = fixture.responses()

    def answer(step: int, request: Request) -> Response:
        if step >= len(given):
            msg = f"request {step + 1}, {request.method} {request.url}, is not in the fixture"
            raise ReplayError(msg)
        difference = _difference(fixture.exchange[step].request, request)
        if difference:
            msg = f"request {step + 1}: {difference}"
            raise ReplayError(msg)
        return given[step]

    reports, asked = hold(connector, fixture, answer)
    if asked < len(given):
        msg = f"{asked} requests were made, the fixture has {len(given)}"
        raise ReplayError(msg)
    return reports


def hold(
    connector: Connector, fixture: Fixture, answer: Callable[[int, Request], Response]
) -> tuple[list[CarrierReport], int]:
    """Hold an exchange about the fixture's queries with any answers.

    Returns the reports and how many requests were made.

    Raises:
        ReplayError: when it does not end, or not in reports.
    """
    exchange = connector.track(fixture.queries, fixture.context())
    asked = 0
    try:
        request = next(exchange)
        while asked < MAX_STEPS:
            asked += 1
            request = exchange.send(answer(asked - 1, request))
    except StopIteration as end:
        reports: object = end.value
        if not isinstance(reports, list) or not all(isinstance(r, CarrierReport) for r in reports):
            msg = "the exchange does not end in a list of reports"
            raise ReplayError(msg) from None
        return reports, asked
    msg = f"the exchange does not end within {MAX_STEPS} requests"
    raise ReplayError(msg)


def comparable(report: CarrierReport) -> CarrierReport:
    """Return a report as a fixture writes it down."""
    return replace(
        report,
        raw=b"",
        fetched_at=0,
        checkpoints=tuple(replace(one, received_at=0) for one in report.checkpoints),
    )


def encode(value: object) -> bytes:
    """Return JSON as a carrier would send it."""
    return msgspec.json.encode(value)


def _file(package: str, case: str, end: str) -> Traversable:
    return files(package) / "fixtures" / f"{case}{end}"


def _difference(written: WrittenRequest, made: Request) -> str | None:
    if (made.method, made.url) != (written.method, written.url):
        return f"{made.method} {made.url} instead of {written.method} {written.url}"
    headers = {name.lower(): value for name, value in made.headers.items()}
    for name, value in written.headers.items():
        if headers.get(name.lower()) != value:
            return f"header {name} is {headers.get(name.lower())!r} instead of {value!r}"
    if written.body is msgspec.UNSET:
        return None
    if isinstance(written.body, str):
        body: object = made.body.decode("utf-8", "replace")
    else:
        try:
            body = msgspec.json.decode(made.body)
        except msgspec.DecodeError:
            return "the body is not JSON"
    return None if body == written.body else f"body {body!r} instead of {written.body!r}"
