"""Figures from counts, and the pictures of them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.pages.analytics import Counts, Table, percentile, share, tables_of, volume
from parcelwire.pages.charts import WIDTH, Bar, bars, columns
from parcelwire.tracking.journeys import JourneyCount


def courier(code: str, number: int, **said: str | int | bool) -> JourneyCount:
    fields: dict[str, str | int | bool | None] = {
        "status": "transit",
        "transit_days": None,
        "is_on_time": None,
        "is_first_attempt": None,
        "had_exception": False,
        "reason": None,
        **said,
    }
    return ((code, *fields.values()), number)


COUNTS = Counts(
    [
        courier(
            "ups", 50, status="delivered", transit_days=1, is_on_time=True, is_first_attempt=True
        ),
        courier("ups", 30, status="delivered", transit_days=2, is_first_attempt=True),
        courier(
            "ups",
            20,
            status="delivered",
            transit_days=9,
            is_on_time=False,
            is_first_attempt=False,
            had_exception=True,
            reason="recipient.absent",
        ),
        courier("ups", 100),
        courier("dhl", 10, status="exception", had_exception=True),
        courier("dhl", 30, status="exception", had_exception=True, reason="recipient.absent"),
    ],
    [
        (("CH", "IT", 3), 7),
        (("CH", "IT", None), 90),
        (("DE", "CH", 1), 70),
        ((None, "CH", 1), 500),
    ],
    [
        (("2026-03-01", "ups"), 3),
        (("2026-03-03", "ups"), 4),
        (("2026-03-03", "dhl"), 5),
    ],
)


def table(name: str) -> Table:
    return next(one for one in tables_of(COUNTS, {"ups": "UPS"}) if one.name == name)


def test_transit_times() -> None:
    assert table("transit-by-courier").rows == (("UPS", 100, 1, 2, 9), ("All", 100, 1, 2, 9))
    assert table("transit-by-lane").rows == (("DE", "CH", 70, 1, 1, 1), ("CH", "IT", 7, 3, 3, 3))


def test_couriers_compared() -> None:
    assert table("couriers").rows == (
        ("UPS", "ups", 200, 100, 70, 50 / 70, 0.8, 0.1),
        ("dhl", "dhl", 40, 0, 0, None, None, 1.0),
        ("All", "", 240, 100, 70, 50 / 70, 0.8, 0.25),
    )


def test_problems_by_reason() -> None:
    assert table("problems").rows == (
        ("recipient.absent", 50, 50 / 60, 50 / 240, "dhl"),
        ("not said", 10, 10 / 60, 10 / 240, "dhl"),
    )


def test_days_and_weeks_without_parcels_are_there() -> None:
    assert table("volume-by-day").rows == (
        ("2026-03-01", 3),
        ("2026-03-02", 0),
        ("2026-03-03", 9),
    )
    # The first of March 2026 is a Sunday.
    assert table("volume-by-week").rows == (("2026-02-23", 3), ("2026-03-02", 9))


def test_of_nothing_there_is_nothing() -> None:
    assert all(not one.rows for one in tables_of(Counts([], [], [])))
    assert volume([], weekly=True).rows == ()
    assert share(0, 0) is None
    assert percentile({}, 50) is None


@given(st.lists(st.integers(0, 60), min_size=1, max_size=200), st.integers(1, 100))
def test_percentiles_are_those_of_the_sorted_list(days: list[int], percent: int) -> None:
    expected = sorted(days)[-(-len(days) * percent // 100) - 1]
    assert percentile(Counter(days), percent) == expected


@given(st.text(max_size=80), st.floats(-5, 1e9), st.text(max_size=40))
def test_charts_are_xml_whatever_their_labels_say(label: str, value: float, text: str) -> None:
    readable = "".join(char for char in label if char.isprintable())
    readable_text = "".join(char for char in text if char.isprintable())
    for chart in (
        bars("a", readable, [Bar(readable, value, readable_text, (value, 3.0))]),
        columns("b", readable, [(readable, round(value))]),
    ):
        root = ET.fromstring(chart)  # noqa: S314  (made here)
        assert root.get("role") == "img"
        title, described = root.find("title"), root.find("desc")
        assert title is not None
        assert described is not None
        assert root.get("aria-labelledby") == f"{title.get('id')} {described.get('id')}"
        assert (title.text or "") == readable
        for box in root.iter("rect"):
            assert 0 <= float(box.get("x", "")) <= WIDTH
            assert float(box.get("width", "")) >= 0


@pytest.mark.parametrize("number", [1, 30, 400])
def test_columns_fit_into_the_picture(number: int) -> None:
    chart = columns("a", "t", [(f"d{place}", place) for place in range(number)])
    boxes = list(ET.fromstring(chart).iter("rect"))  # noqa: S314  (made here)
    assert len(boxes) == number
    assert all(
        float(box.get("x", "")) + float(box.get("width", "")) <= WIDTH + 0.1 for box in boxes
    )
    assert bars("a", "t", []) == columns("a", "t", []) == ""
