"""Weights, dimensions and money, with units and without."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcelwire.connectors.reading.units import (
    NO_SIZES,
    read_length,
    read_money,
    read_printed_sizes,
    read_sizes,
    read_weight,
)

NOT_MEASURED: list[Any] = [
    *(None, True, "", 0, 0.0, "0", "0.000 kg", -1, "-1 kg", "heavy", [], {}, float("inf")),
    *(float("nan"), "kg", "1 stone", "1 kg 2", "1 kg,", "1..2 kg", 10**12, "9" * 50, "१ kg"),
]


@pytest.mark.parametrize(
    ("value", "unit", "grams"),
    [
        (850, "g", 850),
        (1.14, "kg", 1140),
        ("1.14", "KGM", 1140),
        ("1.14", " Kg. ", 1140),
        ("1.14 kg", None, 1140),
        ("1,14kg", None, 1140),
        ("1.250 kg", None, 1250),
        ("1,250.5 g", None, 1250),
        ("850 g", "kg", 850),
        ("2 lb 3 oz", None, 992),
        ("2 LBS. 3 OZ.", None, 992),
        ("0.5", "lb", 227),
        ("0.1", "kg", 100),
        (1500, "GRM", 1500),
    ],
)
def test_weights(value: Any, unit: str | None, grams: int) -> None:
    assert read_weight(value, unit) == grams


@pytest.mark.parametrize("value", NOT_MEASURED, ids=repr)
def test_what_was_not_weighed(value: Any) -> None:
    assert read_weight(value, "kg") is None
    assert read_length(value, "cm") is None


@pytest.mark.parametrize("unit", [None, "", 3, True, [], {"kg": 1}, "x" * 10_000], ids=repr)
def test_a_unit_that_is_none(unit: Any) -> None:
    assert read_weight(5, unit) is None
    assert read_length("5", unit) is None
    assert read_money(5, unit) is None
    assert read_printed_sizes("4 x 2 x 1", unit) == NO_SIZES


def test_a_number_needs_a_unit_and_a_parcel_a_limit() -> None:
    assert read_weight("1.14") is None
    assert read_weight(1.14) is None
    assert read_weight(2_000, "kg") == 2_000_000
    assert read_weight(2_001, "kg") is None
    assert read_weight(1, "cm") is None
    assert read_length(1, "kg") is None


@pytest.mark.parametrize(
    ("value", "unit", "millimetres"),
    [(400, "mm", 400), ("40.5 cm", None, 405), ("15.7 in", None, 399), (1.2, "m", 1200)],
)
def test_lengths(value: Any, unit: str | None, millimetres: int) -> None:
    assert read_length(value, unit) == millimetres


@pytest.mark.parametrize(
    ("values", "unit", "sizes"),
    [
        ([155, 400, 250], "mm", (400, 250, 155)),
        ([400.4, 250, 155], "mm", (400, 250, 155)),
        (["40", "25", "15.5"], "cm", (400, 250, 155)),
        ([220, 110, 0], "mm", NO_SIZES),
        ([220, 110, None], "mm", NO_SIZES),
        ([400, 250, 155, 10], "mm", NO_SIZES),
        ([10**9, 250, 155], "mm", NO_SIZES),
        ([400, 250, 155], "parsec", NO_SIZES),
    ],
)
def test_sizes_have_no_axes(values: list[Any], unit: str, sizes: tuple[int | None, ...]) -> None:
    assert read_sizes(values, unit) == sizes


@pytest.mark.parametrize(
    ("value", "unit", "sizes"),
    [
        ("40.0 x 25.0 x 15.5 cm", None, (400, 250, 155)),
        ("155×250×400", "mm", (400, 250, 155)),
        ("16in x 10in x 6in", None, (406, 254, 152)),
        ("40 x 25 cm", None, NO_SIZES),
        ("40 cm x 25 x 15 mm", None, NO_SIZES),
        ("40 x 25 in x 15 cm", None, NO_SIZES),
        ("40 x 25 x 15", None, NO_SIZES),
        ("0 x 0 x 0 cm", None, NO_SIZES),
        (None, "cm", NO_SIZES),
        ({"x": 1}, "cm", NO_SIZES),
        ("9 x" * 1_000, "cm", NO_SIZES),
    ],
)
def test_printed_sizes(value: Any, unit: str | None, sizes: tuple[int | None, ...]) -> None:
    assert read_printed_sizes(value, unit) == sizes


@pytest.mark.parametrize(
    ("value", "currency", "money"),
    [
        (12.5, "EUR", ("12.50", "EUR")),
        ("12,50 €", None, ("12.50", "EUR")),
        ("EUR 1'250.00", None, ("1250.00", "EUR")),
        ("1.250,00 EUR", "CHF", ("1250.00", "EUR")),
        ("1.250 EUR", None, None),
        ("1,250", "JPY", None),
        ("1.250.000 EUR", None, ("1250000", "EUR")),
        ("1250.500", "KWD", ("1250.500", "KWD")),
        ("£3", None, ("3", "GBP")),
        ("CHF 20.–", None, ("20", "CHF")),
        (20, "CHF", ("20", "CHF")),
        (0, "CHF", ("0", "CHF")),
        (20, None, None),
        ("$20", None, None),  # of which country?
        ("twenty", "CHF", None),
        ("20", "francs", None),
        (-1, "CHF", None),
        (None, "CHF", None),
        ([20], "CHF", None),
        (float("nan"), "CHF", None),
        (float("inf"), "CHF", None),
    ],
)
def test_money(value: Any, currency: str | None, money: tuple[str, str] | None) -> None:
    expected = None if money is None else (Decimal(money[0]), money[1])
    assert read_money(value, currency) == expected


@given(st.text(max_size=60) | st.from_regex(r"[0-9., 'x]{1,60}(kg|lb|cm|EUR)?", fullmatch=True))
def test_reading_never_raises(text: str) -> None:
    read_weight(text, "kg")
    read_length(text, "cm")
    read_printed_sizes(text, "cm")
    read_money(text, "EUR")
