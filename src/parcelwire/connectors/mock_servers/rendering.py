"""The bodies of a mock server's answers: templates of Jinja, or what fixtures answer.

A template knows ``parcels`` (and ``parcel``, the first): each has ``number``, ``is_known``,
``is_valid``, and ``events``, oldest first, which are those of its scenario that have happened, with
``at`` in milliseconds; ``more`` is what asks for the next part of them (``Route.paging``), None at
the end. ``asked`` is the request (``asked.first("query.lang")``), ``issued`` what the server gave
out, ``language``, ``now``, ``data``, ``DAY``, ``HOUR``, ``phrase(code)`` the carrier's words, and
the filters ``local`` (a time on the carrier's clocks), ``sha256``, ``tojson``, ``e`` (for XML).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any, Final
from urllib.parse import urlsplit
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import msgspec
from jinja2 import DictLoader, Environment, StrictUndefined

from parcelwire.connectors.base import Connector
from parcelwire.connectors.fixtures import WrittenResponse, load_fixture
from parcelwire.connectors.mock_servers import Behaviour, Script
from parcelwire.connectors.mock_servers.description import (
    DEFAULT_ANSWERS,
    Answer,
    Description,
    Paging,
    Route,
)
from parcelwire.connectors.mock_servers.moved_times import days_between, move_times
from parcelwire.domain.clock import DAY, HOUR, SECOND, Instant, to_datetime

_CASES: Final = {Behaviour.UNKNOWN: "unknown_number", Behaviour.INVALID: "invalid_number"}
_USUAL_CASE: Final = "found"


class Parcel(msgspec.Struct, kw_only=True):
    """What an answer tells of one number."""

    number: str
    is_known: bool
    is_valid: bool
    case: str
    begun_at: Instant
    """When the number was first asked about."""
    events: list[dict[str, Any]] = []
    more: int | None = None


class Rendered(msgspec.Struct, kw_only=True):
    """A response before it is sent."""

    status: int
    type: str
    body: str
    headers: dict[str, str] = {}
    cookies: dict[str, str] = {}


class FixtureError(Exception):
    """No fixture answers a request; the text says which is missing."""


class Renderer:
    """Makes the answers of one carrier."""

    def __init__(self, connector: Connector, package: str, description: Description) -> None:
        """Take the connector (its words, its zone), the package of its files, and what to speak."""
        self._connector = connector
        self._package = package
        self._description = description
        self._home = ZoneInfo(connector.manifest.home_zone)
        self._answers: dict[str, Answer] = {**DEFAULT_ANSWERS, **description.answers}
        self._environment = Environment(
            undefined=StrictUndefined,
            autoescape=False,  # noqa: S701  # answers of a test server, mostly JSON
            trim_blocks=True,
            lstrip_blocks=True,
            loader=DictLoader({name: one.body for name, one in self._answers.items()}),
        )
        self._environment.filters["local"] = self._local
        self._environment.filters["sha256"] = lambda text: hashlib.sha256(
            str(text).encode()
        ).hexdigest()
        self._environment.globals.update(DAY=DAY, HOUR=HOUR, data=description.data)

    def parcel(self, number: str, behaviour: Behaviour, script: Script, now: Instant) -> Parcel:
        """Return what is told of a number now."""
        row = self._description.row_of(number)
        scenario = script.scenarios.get(number) or row.scenario or self._description.scenario
        is_told = behaviour not in (Behaviour.UNKNOWN, Behaviour.INVALID)
        begun_at = script.begun_at(number, now)
        events = self._happened(scenario, number, script, now) if scenario and is_told else []
        case = _CASES.get(behaviour) or row.case or _USUAL_CASE
        return Parcel(
            number=number,
            is_known=bool(events) if scenario else is_told,
            is_valid=behaviour is not Behaviour.INVALID,
            case=case,
            begun_at=begun_at,
            events=events,
        )

    def _happened(
        self, scenario: str, number: str, script: Script, now: Instant
    ) -> list[dict[str, Any]]:
        """Return the events that have happened.

        A scenario without length is over when it is first asked about: it then ended at that
        moment and took the hour before, so that its events keep their order.
        """
        progress = script.progress(number, now)
        begun_at = script.begun_at(number, now)
        length = round(script.scenario_seconds * SECOND)
        if length <= 0:
            begun_at, length = begun_at - HOUR, HOUR
        return [
            {**event, "at": begun_at + round(event["at"] * length)}
            for event in self._description.events_of(scenario)
            if event["at"] <= progress
        ]

    def page(self, paging: Paging, parcels: Sequence[Parcel], wanted: str) -> None:
        """Leave each parcel the events of the page that was asked for."""
        count = int(wanted) if wanted.isdecimal() else 0
        start = max(0, count - 1) * paging.size if paging.counts == "pages" else count
        for parcel in parcels:
            end = start + paging.size
            following = start // paging.size + 2 if paging.counts == "pages" else end
            parcel.more = following if end < len(parcel.events) else None
            parcel.events = parcel.events[start:end]

    def render(self, name: str, route: Route, context: Mapping[str, Any]) -> Rendered:
        """Return the response of the answer of a name.

        Raises:
            FixtureError: it is to be a fixture's, and there is none.
            jinja2.TemplateError: its template is wrong.
        """
        answer = self._answers[name]
        if answer.is_fixture:
            return self._of_fixtures(answer, route, context["parcels"])
        language = context["language"]
        known = {
            **context,
            "phrase": lambda code: self._connector.phrase(code, language),
        }
        template = self._environment.get_template(name)
        headers = {
            one: self._environment.from_string(value).render(known)
            for one, value in answer.headers.items()
        }
        return Rendered(
            status=answer.status, type=answer.type, body=template.render(known), headers=headers
        )

    def _local(self, at: Instant) -> datetime:
        return to_datetime(at).astimezone(self._home)

    def _of_fixtures(self, answer: Answer, route: Route, parcels: Sequence[Parcel]) -> Rendered:
        written = [self._of_fixture(route, parcel) for parcel in parcels]
        first, body = written[0]
        bodies = [one for _, one in written]
        if len(bodies) > 1:
            if not answer.join:
                raise FixtureError(f"{route.request}: without join, one number is answered")
            body = join_bodies(bodies, answer.join)
        headers = {name.lower(): value for name, value in first.headers.items()}
        return Rendered(
            status=first.status,
            type=headers.pop("content-type", answer.type),
            body=body,
            headers=headers,
            cookies=first.cookies,
        )

    def _of_fixture(self, route: Route, parcel: Parcel) -> tuple[WrittenResponse, str]:
        """Return the response of a parcel's case to a request of a route, told of the parcel."""
        place = f"fixtures/{parcel.case}.in.json"
        if not (files(self._package) / place).is_file():
            raise FixtureError(f"{route.request} needs {place}")
        fixture = load_fixture(self._package, parcel.case)
        steps = [
            step.response
            for step in fixture.exchange
            if route.match(step.request.method, urlsplit(step.request.url).path) is not None
        ]
        if not steps:
            raise FixtureError(f"{place} has no step {route.request}")
        response = steps[-1]
        body = response.body
        text = body if isinstance(body, str) else msgspec.json.encode(body).decode()
        # No part of a number is taken for a date.
        number, mark = fixture.queries[0].number, "\x00"
        days = days_between(fixture.now, parcel.begun_at)
        moved = move_times(text.replace(number, mark), days, fixture.now, self._description.dates)
        return response, moved.replace(mark, parcel.number)


def join_bodies(bodies: Sequence[str], path: str) -> str:
    """Return one answer out of several: the first, with what all have at ``path``.

    ``path``: dotted names; in JSON what is there is a list, in XML it is what is called so in the
    parent, from the root on.
    """
    *parents, last = path.split(".")
    if bodies[0].lstrip().startswith("<"):
        # They are the fixtures' own bodies, written by whoever wrote the connector.
        roots = [ElementTree.fromstring(body) for body in bodies]  # noqa: S314
        around = [_element(root, parents[1:]) for root in roots]
        for other in around[1:]:
            around[0].extend(one for one in other if _bare(one.tag) == last)
        return ElementTree.tostring(roots[0], encoding="unicode")
    documents = [msgspec.json.decode(body) for body in bodies]
    objects = []
    for one in documents:
        for name in parents:
            one = one[name]
        objects.append(one)
    objects[0][last] = [item for one in objects for item in one[last]]
    return msgspec.json.encode(documents[0]).decode()


def _element(root: ElementTree.Element, path: Sequence[str]) -> ElementTree.Element:
    for name in path:
        root = next(one for one in root if _bare(one.tag) == name)
    return root


def _bare(tag: str) -> str:
    return tag.rpartition("}")[2]
