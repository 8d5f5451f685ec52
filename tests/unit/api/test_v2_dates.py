"""Times as v2's clients write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.api.trackingmore.timestamps import read_ship_date
from parcelwire.api.v2.dates import is_nothing, read_time, read_unix
from parcelwire.domain.clock import SECOND


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2017/8/27 16:51", 1503852660),
        ("2018/09/08 16:51", 1536425460),
        ("2018-05-20 12:00", 1526817600),
        (" 2018-05-20 12:00:30 ", 1526817630),
        ("2018-05-20T12:00:30Z", 1526817630),
        ("2018-05-20T12:00:30.5+00:00", 1526817630),
        ("2018-05-20T14:00:30+0200", 1526817630),
        ("2018-05-20T12:00:30-02:00", 1526824830),
        ("2018.05.20", 1526774400),
        ("2018-5-20", 1526774400),
        ("1526817600", 1526817600),
    ],
)
def test_times_that_are_understood(text: str, seconds: int) -> None:
    assert read_time(text) == seconds * SECOND


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2018-02-30",
        "2018-13-01 10:00",
        "2018-05-20 24:00",
        "2018-05-20 12:60",
        "2018/05-20",
        "2018-05-20 12",
        "18-05-20",
        "2018-05-20T12:00:00+99:00",
        "0000-01-01",
        "²⁰¹⁸-05-20",
        "12345678901234",
    ],
)
def test_times_that_are_none(text: str) -> None:
    assert read_time(text) is None


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("1526817600", 1526817600000, 1526817600999),
        ("1526817600.0", 1526817600000, 1526817600999),
        ("1526817600.25", 1526817600250, 1526817600250),
        ("1", 1000, 1999),
    ],
)
def test_unix_seconds(text: str, begins: int, ends: int) -> None:
    assert read_unix(text) == begins
    assert read_unix(text, is_end=True) == ends


@pytest.mark.parametrize("text", ["", "-1", "1e9", "1526817600000", "0x10", "nan", "inf", "1.2.3"])
def test_no_unix_seconds(text: str) -> None:
    assert read_unix(text) is None


@pytest.mark.parametrize("text", ["", " ", "0", "0.0", "null", "None", "NULL", "undefined"])
def test_words_for_nothing(text: str) -> None:
    assert is_nothing(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20180908", "20180908"),
        ("2018-09-08", "20180908"),
        ("2018-09-08T10:00:00", "20180908"),
        ("20181301", None),
        ("2018", None),
        ("soon", None),
        ("", None),
    ],
)
def test_ship_dates(text: str, expected: str | None) -> None:
    assert read_ship_date(text) == expected


@given(st.text(max_size=40))
def test_no_text_breaks_a_reader(text: str) -> None:
    for read in (read_time, read_unix, read_ship_date, is_nothing):
        read(text)


@given(st.from_regex(r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2} [0-9]{1,2}:[0-9]{2}", fullmatch=True))
def test_no_likely_text_breaks_a_reader(text: str) -> None:
    read_time(text)
