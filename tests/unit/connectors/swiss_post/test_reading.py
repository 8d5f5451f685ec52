"""Reading single values that Swiss Post may send, or that nobody should."""

from typing import Any

import pytest

from parcelwire.connectors.base import Response
from parcelwire.connectors.carriers.swiss_post.json_values import (
    read_answer,
    read_clocks,
    read_date,
    read_postal_code,
    read_promise,
)
from parcelwire.connectors.carriers.swiss_post.products import find_product
from parcelwire.domain.checkpoint import TimeSource

CARRIER, HOME, UNKNOWN = TimeSource.CARRIER, TimeSource.HOME, TimeSource.UNKNOWN
NONSENSE: list[Any] = [None, True, [], {}, [1], {"a": 1}, 1.5, float("inf")]


@pytest.mark.parametrize(
    ("value", "promise"),
    [
        ("2026-04-18T00:00:00+02:00", "2026-04-18"),
        ("2026-04-18", "2026-04-18"),
        ("2026-04-18T13:00:00+02:00", "2026-04-18T13:00"),
        ("soon", None),
        (None, None),
    ],
)
def test_a_promise_is_a_day_or_an_hour(value: Any, promise: str | None) -> None:
    assert read_promise(value) == promise
    assert read_date(value) == (promise[:10] if promise else None)


@pytest.mark.parametrize(
    ("value", "clocks"),
    [
        ("13:15–15:00", ("13:15", "15:00")),
        ("von 09:00 bis 12:00", ("09:00", "12:00")),
        ("STANDARD", None),
        ("13:15", None),
        ("25:00-26:00", None),
        ({"start": "13:15"}, None),
        (None, None),
    ],
)
def test_hours_need_two_clocks(value: Any, clocks: tuple[str, str] | None) -> None:
    assert read_clocks(value) == clocks


@pytest.mark.parametrize(
    ("value", "country", "code"),
    [
        ("462100", "CH", "4621"),
        ("462100", None, "4621"),
        ("101000", "CN", "101000"),
        (8010, "CH", "8010"),
        ("", "CH", None),
        ({"zip": 1}, "CH", None),
    ],
)
def test_postal_codes(value: Any, country: str | None, code: str | None) -> None:
    assert read_postal_code(value, country) == code


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b'"\\ud800"'],
)
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert read_answer(Response(status=200, body=body)) is None


def test_a_page_for_people_is_no_json() -> None:
    response = Response(status=200, headers={"content-type": "text/html"}, body=b"[]")
    assert read_answer(response) is None


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("PARCEL.*.2", "PostPac Priority"),
        ("LETTER.*.11", "Einschreiben Inland"),
        ("LETTER.*.106", "PRIORITY Plus"),
        ("PARCEL.*.4711", "PARCEL.*.4711"),
        ("nonsense", "nonsense"),
        ("", ""),
    ],
)
def test_products_have_names(code: str, name: str) -> None:
    assert find_product(code) == name
