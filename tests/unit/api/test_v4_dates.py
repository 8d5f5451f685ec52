"""Dates as v4's clients write them."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.api.trackingmore.timestamps import read_ship_date
from parcelwire.api.v4.dates import read_instant
from parcelwire.domain.clock import from_datetime


def at(iso: str) -> int:
    return from_datetime(datetime.fromisoformat(iso))


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("2023-08-23T06:00:00+00:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T14:00:00+08:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T14:00:00 08:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T14:00:00  08:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T03:00:00-03:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T14:00:00+0800", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T14:00+08:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23 14:00 08:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T06:00:00Z", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23t06:00:00z", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23T06:00:00.250Z", "2023-08-23T06:00:00.250+00:00"),
        ("2023-08-23T06:00:00.123456789Z", "2023-08-23T06:00:00.123+00:00"),
        ("2023-08-23 06:00", "2023-08-23T06:00:00+00:00"),
        ("2023-08-23 06:00:30", "2023-08-23T06:00:30+00:00"),
        ("2017/8/27 16:51", "2017-08-27T16:51:00+00:00"),
        (" 2023-08-23 ", "2023-08-23T00:00:00+00:00"),
        ("20230823", "2023-08-23T00:00:00+00:00"),
        ("1692770400", "2023-08-23T06:00:00+00:00"),
        ("2024-02-29", "2024-02-29T00:00:00+00:00"),
    ],
)
def test_reads_what_clients_write(text: str, means: str) -> None:
    assert read_instant(text) == at(means)


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("2023-08-23", "2023-08-23T23:59:59.999+00:00"),
        ("2023-08-23 06:00", "2023-08-23T06:00:59.999+00:00"),
        ("2023-08-23T06:00:00+00:00", "2023-08-23T06:00:00.999+00:00"),
        ("2023-08-23T06:00:00.5Z", "2023-08-23T06:00:00.500+00:00"),
        ("1692770400", "2023-08-23T06:00:00.999+00:00"),
    ],
)
def test_the_end_of_a_period_includes_what_it_names(text: str, ends: str) -> None:
    assert read_instant(text, is_end=True) == at(ends)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2023-13-01",
        "2023-02-29",
        "2023-8",
        "23.08.2023",
        "2023-08-23T25:00:00Z",
        "2023-08-23T06:61",
        "2023-08-23T06:00:00+99:00",
        "2023-08-23T06:00:00+",
        "2023-08/23",
        "2023-08-23T06:00:00 UTC",
        "0000-01-01",
        "99999999",
        "169277040",
        "\u0662\u0660\u0662\u0663-08-23",
        "2023-08-23\n2023-08-24",
    ],
)
def test_refuses_what_is_no_date(text: str) -> None:
    assert read_instant(text) is None


@given(st.text(alphabet="0123456789-/: TZ+.,", max_size=30), st.booleans())
def test_never_fails(text: str, is_end: bool) -> None:
    read = read_instant(text, is_end=is_end)
    assert read is None or isinstance(read, int)


@given(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001  (naive on purpose: the offset is added to the text)
def test_reads_back_every_iso_time(moment: datetime) -> None:
    text = moment.isoformat(timespec="milliseconds") + "+05:30"
    assert read_instant(text) == at(text)
    assert read_instant(text.replace("+", " ")) == at(text)


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("20230823", "20230823"),
        ("2023-08-23", "20230823"),
        ("2023-08-23T06:00:00+00:00", "20230823"),
        ("20231301", None),
        ("soon", None),
        ("", None),
    ],
)
def test_ship_dates(text: str, means: str | None) -> None:
    assert read_ship_date(text) == means
