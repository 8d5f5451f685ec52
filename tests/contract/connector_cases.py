"""Every connector with its fixtures, and ways to spoil a carrier's answers."""

import json
import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec.structs import replace

from parcelwire.connectors.base import Connector, Request, Response
from parcelwire.connectors.catalogue import load_catalogue
from parcelwire.connectors.fixtures import Fixture, hold, list_cases, load_expected, load_fixture
from parcelwire.connectors.folders import load_folder
from parcelwire.connectors.package import package_of
from parcelwire.connectors.simulated import SimulatedCarrier
from parcelwire.domain.report import CarrierReport

UNHEARD_CODE = "QX7Q"
UNHEARD_TEXT = "Zzqx wubba unheard"
PAGE = (
    b"<!DOCTYPE html>\n<html><head><title>One moment</title></head><body>Please wait</body></html>"
)


class Case(msgspec.Struct, frozen=True):
    """One fixture of one connector."""

    connector: Connector
    name: str
    fixture: Fixture
    package: str

    def __str__(self) -> str:
        return f"{self.connector.manifest.code}-{self.name}"

    def hear(self, answers: list[Response]) -> list[CarrierReport]:
        """Hold the exchange with other answers.

        After the last of them nobody answers any more.
        """
        silence = Response(status=0, fault="connect", received_at=self.fixture.now)

        def answer(step: int, _: Request) -> Response:
            return answers[step] if step < len(answers) else silence

        return hold(self.connector, self.fixture, answer)[0]

    def hear_always(self, answer: Response) -> list[CarrierReport]:
        """Hold the exchange with one answer to every request."""
        return hold(self.connector, self.fixture, lambda step, request: answer)[0]


def is_for_one() -> bool:
    """Tell whether somebody named the folder of one connector that is written elsewhere."""
    return "PARCELWIRE_CONNECTOR" in os.environ


@cache
def all_connectors() -> tuple[Connector, ...]:
    """Return every built-in connector; what is installed beside them is not ours to test.

    Whoever writes one elsewhere names its folder: then the suite is about that one alone.
    """
    if is_for_one():
        return (load_folder(Path(os.environ["PARCELWIRE_CONNECTOR"])),)
    catalogue = load_catalogue(SimulatedCarrier(), installed=[])
    return tuple(entry.connector for entry in catalogue.all())


@cache
def all_cases() -> tuple[Case, ...]:
    """Return every fixture of every connector."""
    return tuple(
        Case(connector, name, load_fixture(package, name), package)
        for connector in all_connectors()
        for package in [package_of(connector)]
        for name in list_cases(package)
    )


def asking_cases() -> list[Case]:
    """Return the cases in which a carrier is asked at all."""
    return [case for case in all_cases() if case.fixture.exchange]


def spelling_cases() -> list[Case]:
    """Return the cases whose answers spell out the code or the text of an event."""
    return [
        case
        for case in asking_cases()
        for spoken in [{text for one in case.fixture.responses() for text in strings_of(one)}]
        if any(words & spoken for words in words_of(case))
    ]


def words_of(case: Case) -> tuple[set[str], set[str]]:
    """Return the carrier's codes and texts of the events that a case must end in."""
    events = [
        checkpoint
        for report in load_expected(case.package, case.name)
        for checkpoint in report.checkpoints
    ]
    return {e.raw_code for e in events if e.raw_code}, {e.text for e in events}


def strings_of(answer: Response) -> set[str]:
    """Return every string value of an answer's JSON; none when it is not JSON."""
    try:
        return set(strings_in(json.loads(answer.body)))
    except ValueError:
        return set()


def with_json(response: Response, change: Callable[[Any], Any]) -> Response:
    """Return a response whose JSON body went through ``change``; others as they are."""
    try:
        body = json.loads(response.body)
    except ValueError:
        return response
    return replace(response, body=json.dumps(change(body)).encode())


def add_fields(value: Any) -> Any:
    """Return JSON with a field nobody knows in every object."""
    if isinstance(value, dict):
        more = {"zzNewField": {"a": [1, None]}, "zzOther": "x"}
        return {**{name: add_fields(one) for name, one in value.items()}, **more}
    return [add_fields(one) for one in value] if isinstance(value, list) else value


def swap_strings(value: Any, swaps: dict[str, str]) -> Any:
    """Return JSON in which each string value that is a key of ``swaps`` is another."""
    if isinstance(value, dict):
        return {name: swap_strings(one, swaps) for name, one in value.items()}
    if isinstance(value, list):
        return [swap_strings(one, swaps) for one in value]
    return swaps.get(value, value) if isinstance(value, str) else value


def strings_in(value: Any) -> Iterator[str]:
    """Yield every string value of JSON."""
    if isinstance(value, dict):
        for one in value.values():
            yield from strings_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings_in(one)
    elif isinstance(value, str):
        yield value


def places_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value of JSON, the whole first."""
    yield path
    if isinstance(value, dict):
        for name, one in value.items():
            yield from places_in(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from places_in(one, (*path, index))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return JSON with ``new`` at a path."""
    if not path:
        return new
    head, *rest = path
    changed: Any = dict(value) if isinstance(value, dict) else list(value)
    changed[head] = put(value[head], tuple(rest), new)
    return changed


odd_values: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        0,
        -1,
        1e308,
        10**30,
        "",
        " ",
        "null",
        "2026-13-45T99:99:99",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "\u0000",
        "\ud800",
        "<b>x</b>",
        "x" * 5_000,
        [],
        {},
        [[]],
        [None],
        [{}],
        {"": None},
    ]
)


@st.composite
def spoiled(draw: st.DrawFn, response: Response) -> Response:
    """Draw a response that went wrong on the way or at the carrier."""
    kind = draw(
        st.sampled_from(["json", "json", "flip", "cut", "bytes", "status", "page", "fault"])
    )
    body = response.body
    match kind:
        case "json":
            try:
                value = json.loads(body)
            except ValueError:
                return replace(response, body=draw(st.binary(max_size=50)))
            path = draw(st.sampled_from(list(places_in(value))))
            spoilt = put(value, path, draw(odd_values))
            # Lone surrogates go out as escapes, as sloppy servers send them.
            return replace(response, body=json.dumps(spoilt).encode())
        case "flip" if body:
            for _ in range(draw(st.integers(1, 8))):
                place = draw(st.integers(0, len(body) - 1))
                flipped = body[place] ^ (1 << draw(st.integers(0, 7)))
                body = body[:place] + bytes([flipped]) + body[place + 1 :]
            return replace(response, body=body)
        case "cut" if body:
            return replace(response, body=body[: draw(st.integers(0, len(body) - 1))])
        case "status":
            code = draw(
                st.sampled_from([200, 201, 204, 301, 302, 400, 401, 403, 404, 429, 500, 503])
            )
            headers = {**response.headers, "retry-after": draw(st.sampled_from(["", "7", "soon"]))}
            return replace(response, status=code, headers=headers)
        case "page":
            return replace(response, headers={"content-type": "text/html"}, body=PAGE)
        case "fault":
            return Response(status=0, fault="cut", received_at=response.received_at)
        case _:
            return replace(response, body=draw(st.binary(max_size=200)))
