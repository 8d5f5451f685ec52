"""``mock_server.toml``: what a carrier's mock server speaks, as a small file beside its connector.

::

    number = "TEST0000001"              # of the carrier's form, made up; what a trial asks about
    dates = "dmy"                       # order of day and month in the fixtures' dates

    [credentials]                       # made up; whoever has them is let in
    client_id = "made-up-client"
    client_secret = "made-up-secret"

    [[routes]]                          # the first that fits a request answers it
    request = "POST /token"             # the path as the carrier has it, with that of its base URL
    reads = "form"                      # how the body is read: json, form, xml
    require = { "body.client_id" = "{client_id}", "body.client_secret" = "{client_secret}" }
    issues = "token"                    # a value that no one can guess: {token}, issued.token
    lifetime_seconds = 600
    answer = "token"

    [[routes]]
    request = "GET /track/{number}"
    require = { "header.authorization" = "Bearer {token}" }
    numbers = "path.number"             # where the numbers stand
    answer = "parcel"

    [answers.token]                     # a template of Jinja; see ``rendering`` for what it knows
    body = '{"access_token": "{{ issued.token }}", "expires_in": 600}'

    [answers.parcel]
    is_fixture = true                   # what fixtures/<case>.in.json answers to this request

    [[numbers]]                         # numbers with a life of their own; the first row that fits
    ends_with = "2"
    case = "at_shop"

A *selector* names a part of the request: ``path.x``, ``query.x``, ``header.x``, ``cookie.x``,
``body.a.b`` (lists on the way are gone through; ``b[]`` has to be one).
"""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from typing import Any, Final, Literal

import msgspec

from parcelwire.connectors.mock_servers import Behaviour

FILE: Final = "mock_server.toml"
_PLACE: Final = re.compile(r"\{(\w+)\}")


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A response: a template, or what fixtures answer."""

    status: int = 200
    type: str = "application/json"
    headers: dict[str, str] = {}
    """Values are templates, too."""
    body: str = ""
    is_fixture: bool = False
    join: str = ""
    """Where the parcels stand in a fixture's answer about one of them (``parcels``,
    ``answer.parcel``), so that an answer about many can be made of several fixtures.
    """


class Paging(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Only so many events of a parcel in one answer."""

    size: int
    by: str
    """Selector of what asks for another part than the first."""
    counts: Literal["pages", "events"] = "pages"
    """What that counts: pages from 1, or events from 0 (an offset)."""


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One kind of request, and how it is answered."""

    request: str
    answer: str
    """Name of the answer."""
    when: dict[str, str] = {}
    """Selectors and values, beside method and path: without them it is another route's."""
    reads: Literal["json", "form", "xml"] = "json"
    require: dict[str, str] = {}
    """Selectors and what has to stand there. ``{name}`` is a credential or an issued value,
    ``{basic.name.other}`` two credentials as HTTP Basic has them, ``*`` anything. A wrong
    credential is answered with ``refused``, anything else with ``bad``.
    """
    refused: str = "unauthorized"
    bad: str = "bad_request"
    issues: str = ""
    """Name of what this route gives out: a token, a session."""
    values: list[str] = []
    """Of what it consists, when that is more than one value: ``{session.cookie}``."""
    lifetime_seconds: int = 0
    """0: it never ends."""
    numbers: str = ""
    """Selector of the numbers asked about; without it the request is about no parcel."""
    separator: str = ""
    """Between numbers that stand in one value."""
    most: int | None = None
    """More numbers than these are not answered."""
    remembers: bool = False
    """Notes the numbers in the session, for routes that are asked with their SHA-256."""
    by_hash: bool = False
    """``numbers`` selects such a SHA-256, not a number."""
    follows: bool = False
    """A later step about a number: it has the behaviour that the first step had."""
    language: str = "header.accept-language"
    unknown: str = ""
    """Name of the answer when no number asked about is known; without it the usual one says so."""
    invalid: str = ""
    """The same, for numbers that cannot be."""
    paging: Paging | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.request.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path, with ``{name}`` for what changes."""
        return self.request.partition(" ")[2].strip()

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return what stands in the places of the path; None when this is not its route."""
        if method != self.method:
            return None
        pattern = "".join(
            f"(?P<{part}>[^/]+)" if place % 2 else re.escape(part)
            for place, part in enumerate(_PLACE.split(self.path))
        )
        found = re.fullmatch(pattern, path)
        return None if found is None else found.groupdict()


class NumberRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is special about numbers of a form."""

    starts_with: str = ""
    ends_with: str = ""
    matches: str = ""
    """A regular expression, found anywhere in the number."""
    behaviour: Behaviour = Behaviour.FOUND
    scenario: str = ""
    case: str = ""
    """Of the fixtures, for answers that are fixtures."""

    def fits(self, number: str) -> bool:
        """Tell whether this row is about a number."""
        return (
            number.startswith(self.starts_with)
            and number.endswith(self.ends_with)
            and re.search(self.matches, number) is not None
        )


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a parcel lives through."""

    events: list[dict[str, Any]] = []
    """``at``: when, from 0 (first asked about) to 1 (the end); ``event``: the name of a table of
    ``events`` whose fields it has; anything else is a field for the templates.
    """
    begins: str = ""
    """Name of a scenario whose events come before these."""


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole ``mock_server.toml``; all parts but ``routes`` may be missing."""

    routes: list[Route]
    number: str = ""
    """Of the carrier's form, made up; what a trial asks about."""
    more_numbers: list[str] = []
    """Others, for batches, where changing a digit would make none (check digits)."""
    transports: list[str] | None = None
    """Which transports of the manifest it speaks; None: all."""
    dates: Literal["ymd", "dmy", "mdy"] = "ymd"
    credentials: dict[str, str] = {}
    answers: dict[str, Answer] = {}
    numbers: list[NumberRow] = []
    scenario: str = ""
    """Name of the scenario of numbers without a row."""
    scenarios: dict[str, Scenario] = {}
    events: dict[str, dict[str, Any]] = {}
    data: dict[str, Any] = {}
    """Whatever the templates need."""

    def __post_init__(self) -> None:
        """Refuse names of what is not there."""
        for route in self.routes:
            if not re.fullmatch(r"(GET|POST|PUT) /\S*", route.request):
                raise ValueError(f"route {route.request}: write a method, a blank and a path")
            names = (route.answer, route.unknown, route.invalid, route.refused, route.bad)
            for name in names:
                if name and name not in self.answers and name not in DEFAULT_ANSWERS:
                    raise ValueError(f"route {route.request}: there is no answer {name}")
        for name in (self.scenario, *(row.scenario for row in self.numbers)):
            if name and name not in self.scenarios:
                raise ValueError(f"there is no scenario {name}")
        for scenario in self.scenarios:
            self.events_of(scenario)

    def row_of(self, number: str) -> NumberRow:
        """Return the first row that is about a number, or one that says nothing."""
        return next((row for row in self.numbers if row.fits(number)), _NO_ROW)

    def events_of(self, scenario: str) -> list[dict[str, Any]]:
        """Return the events of a scenario, in their order.

        Raises:
            ValueError: there is no scenario or event of a name, or an event says no time.
        """
        told = self.scenarios.get(scenario)
        if told is None:
            raise ValueError(f"there is no scenario {scenario}")
        events = self.events_of(told.begins) if told.begins else []
        for written in told.events:
            kind = written.get("event", "")
            if kind and kind not in self.events:
                raise ValueError(f"scenario {scenario}: there is no event {kind}")
            event = {**self.events.get(kind, {}), **written}
            if not isinstance(event.get("at"), int | float):
                raise ValueError(f"scenario {scenario}: an event does not say when it is (at)")
            events.append(event)
        return events


_NO_ROW: Final = NumberRow()
_PAGE: Final = "<!DOCTYPE html>\n<html><body><h1>One moment, please</h1></body></html>"

DEFAULT_ANSWERS: Final = {
    "unauthorized": Answer(status=401, body='{"message": "unauthorized"}'),
    "bad_request": Answer(status=400, body='{"message": "bad request"}'),
    "not_found": Answer(status=404, body='{"message": "not found"}'),
    Behaviour.FORBIDDEN: Answer(status=403, type="text/html", body=_PAGE),
    Behaviour.HTML: Answer(type="text/html", body=_PAGE),
    Behaviour.RATE_LIMITED: Answer(status=429, body='{"message": "too many requests"}'),
    Behaviour.UNAVAILABLE: Answer(status=503, body='{"message": "out of order"}'),
    Behaviour.BROKEN: Answer(body='{"parcels": ['),
}
"""Answers that a description need not have; one of the same name replaces them."""


def read_description(text: str) -> Description:
    """Return what a ``mock_server.toml`` says.

    Raises:
        ValueError: it is no TOML, names what is not there, or is not of the form
            (``msgspec.ValidationError``).
    """
    return msgspec.convert(tomllib.loads(text), Description)


def load_description(package: str) -> Description:
    """Read ``mock_server.toml`` of the connector in ``package`` (a dotted name).

    Raises:
        OSError: there is none.
        ValueError: as ``read_description``.
    """
    return read_description((files(package) / FILE).read_text("utf-8"))
