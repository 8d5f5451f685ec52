"""Numbers of an answer that JSON writes as numbers."""

from __future__ import annotations

from typing import Any

import pytest

from parcelwire.connectors.carriers.poste_italiane.answers import number_key, whole_number, words


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        (12345678, "12345678"),
        (12345678.0, "12345678"),
        ("12345678", "12345678"),
        (0.0, "0"),
        (12345678.5, ""),
        (9.4e21, ""),
        (float(2**53), ""),
        (float("nan"), ""),
        (float("inf"), ""),
        (10**18, ""),
        (True, ""),
        ([1], ""),
    ],
)
def test_a_fraction_is_no_mark_within_a_number(said: Any, digits: str) -> None:
    assert words(said) == digits
    assert number_key(said) == digits


def test_codes_that_are_whole_numbers() -> None:
    assert (whole_number(3.0), whole_number("3"), whole_number(3)) == (3, 3, 3)
    assert (whole_number(3.5), whole_number(True)) == (None, None)
