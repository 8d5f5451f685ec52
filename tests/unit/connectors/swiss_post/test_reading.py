"""Reading single values that Swiss Post may send, or that nobody should."""

from typing import Any

import pytest

from parcelwire.connectors.base import Response
from parcelwire.connectors.carriers.swiss_post.products import find_product
from parcelwire.connectors.carriers.swiss_post.reading import (
    read_clocks,
    read_country,
    read_date,
    read_epoch,
    read_flag,
    read_handle,
    read_json,
    read_measure,
    read_moment,
    read_number,
    read_postal_code,
    read_promise,
    read_sizes,
    read_text,
    recall,
)
from parcelwire.connectors.carriers.swiss_post.web import Session
from parcelwire.domain.checkpoint import TimeSource

CARRIER, HOME, UNKNOWN = TimeSource.CARRIER, TimeSource.HOME, TimeSource.UNKNOWN
NONSENSE: list[Any] = [None, True, [], {}, [1], {"a": 1}, 1.5, float("inf")]


@pytest.mark.parametrize(
    ("value", "country", "local_time", "offset", "source"),
    [
        ("2026-04-17T06:37:12+02:00", "CH", "2026-04-17T06:37:12", 120, CARRIER),
        ("2026-01-17T06:37:12+01:00", None, "2026-01-17T06:37:12", 60, CARRIER),
        ("2026-04-17T06:37:12Z", "CH", "2026-04-17T06:37:12", 0, CARRIER),
        ("2026-04-17T06:37:12.9-04:00", "US", "2026-04-17T06:37:12", -240, CARRIER),
        ("2026-04-17T06:37:12", "CH", "2026-04-17T06:37:12", 120, HOME),
        ("2026-01-17T06:37:12", None, "2026-01-17T06:37:12", 60, HOME),
        ("2026-01-17 06:37:12", "LI", "2026-01-17T06:37:12", 60, HOME),
        # The hour that comes twice, and the hour that never comes.
        ("2025-10-26T02:30:00", "CH", "2025-10-26T02:30:00", None, UNKNOWN),
        ("2026-03-29T02:30:00", "CH", "2026-03-29T02:30:00", None, UNKNOWN),
        ("2026-04-17T06:37:12", "US", "2026-04-17T06:37:12", None, UNKNOWN),
        ("2026-04-17", "CH", "2026-04-17", None, UNKNOWN),
        # An instant is the carrier's own, in the hour that comes twice, too.
        (1776400632000, None, "2026-04-17T06:37:12", 120, CARRIER),
        (1761438600000, None, "2025-10-26T02:30:00", 120, CARRIER),
        (1761442200000, None, "2025-10-26T02:30:00", 60, CARRIER),
    ],
)
def test_a_time_keeps_its_offset_or_says_where_it_comes_from(
    value: Any, country: str | None, local_time: str, offset: int | None, source: TimeSource
) -> None:
    moment = read_moment(value, country)
    assert moment is not None
    assert (moment.local_time, moment.offset_minutes, moment.source) == (
        local_time,
        offset,
        source,
    )


@pytest.mark.parametrize(
    "value",
    [
        *NONSENSE,
        "",
        "yesterday",
        "17.04.2026",
        "2026-04-31",
        "2026-04-17T25:00:00+02:00",
        "2026-W16-5",
        "20260417",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "2026-04-17T06:37:12+99:00",
        "2026-04-17T06:37:12" + "0" * 50,
        0,
        -1,
        17764006320000000,
    ],
)
def test_what_is_no_time_is_none(value: Any) -> None:
    assert read_moment(value) is None


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
    ("values", "sizes"),
    [
        ([155, 400, 250], (400, 250, 155)),
        ([400.4, 250, 155], (400, 250, 155)),
        ([220, 110, 0], (None, None, None)),
        ([220, 110, None], (None, None, None)),
        (["400", 250, 155], (None, None, None)),
        ([400, 250, 155, 10], (None, None, None)),
        ([10**9, 250, 155], (None, None, None)),
    ],
)
def test_sizes_have_no_axes(values: list[Any], sizes: tuple[int | None, ...]) -> None:
    assert read_sizes(values) == sizes


def test_texts_are_cleaned_and_capped() -> None:
    assert read_text("  <b>Sendung</b>\n ist&nbsp;da ") == "Sendung ist da"
    assert read_text(3000) == "3000"
    assert read_text("x" * 900) == "x" * 500
    assert [read_text(value) for value in NONSENSE] == [None] * len(NONSENSE)


def test_handles_go_back_as_they_came() -> None:
    assert read_handle("<[anonymous]>a1") == "<[anonymous]>a1"
    assert [read_handle(value) for value in (*NONSENSE, "", "a\r\nb", "x" * 900)] == [None] * 11


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


def test_numbers_flags_measures_and_countries() -> None:
    assert read_number("99.00.123456.12345678") == "990012345612345678"
    assert read_number({"n": 1}) == ""
    assert [read_flag(value) for value in (True, False, "true", 1, None)] == [
        True,
        False,
        None,
        None,
        None,
    ]
    assert [read_measure(value, 10) for value in (5, 5.4, 0, -1, 11, "5", True, None)] == [
        5,
        5,
        *[None] * 6,
    ]
    assert [read_country(value) for value in ("CH", "ch", "ZZ", "CHE", "", ["CH"], 1)] == [
        "CH",
        "CH",
        *[None] * 5,
    ]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(60, 60), ("90", 90), (None, 300), ("soon", 300), (-5, 300), (10**12, 300), ([], 300)],
)
def test_a_lifetime_has_a_default(value: Any, seconds: int) -> None:
    assert read_epoch(value, 1_000) == 1_000 + seconds * 1000


@pytest.mark.parametrize(
    "body",
    [b"", b"  ", b"<html>", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b'"\\ud800"'],
)
def test_what_is_no_json_is_none(body: bytes) -> None:
    assert read_json(Response(status=200, body=body)) is None


def test_a_page_for_people_is_no_json() -> None:
    response = Response(status=200, headers={"content-type": "text/html"}, body=b"[]")
    assert read_json(response) is None


@pytest.mark.parametrize("kept", [None, 7, {}, {"user_id": 1}, {"user_id": "a"}])
def test_a_memory_of_another_kind_is_forgotten(kept: Any) -> None:
    assert recall({"session": kept}, "session", Session) is None
    assert recall({}, "session", Session) is None


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
