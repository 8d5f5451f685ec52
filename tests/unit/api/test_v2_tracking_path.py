"""Number and language in the path of one tracking of v2."""

from __future__ import annotations

import pytest

from parcelwire.api.v2.tracking_path import read_tracking_path


@pytest.mark.parametrize(
    ("tail", "number", "language"),
    [
        (("9999/99999999",), "9999/99999999", None),
        (("9999", "99999999"), "9999/99999999", None),
        (("9999", "99999999", "en"), "9999/99999999", "en"),
        (("9999/99999999", "zh-CN"), "9999/99999999", "zh-CN"),
        (("RS907483608CH", "cn"), "RS907483608CH", "cn"),
        (("RS907483608CH", "es-419"), "RS907483608CH", "es-419"),
        (("RS907483608CH", "nonsense"), "RS907483608CH", "nonsense"),
        (("RS907483608CH",), "RS907483608CH", None),
    ],
)
def test_a_stroke_in_the_number_is_no_border(
    tail: tuple[str, ...], number: str, language: str | None
) -> None:
    named = read_tracking_path(("trackings", "nacex", *tail))
    assert named is not None
    assert (named.courier_code, named.number, named.language) == ("nacex", number, language)


@pytest.mark.parametrize(
    "tail", [(), ("1", "en", "more"), ("1", "en", "2"), ("1", "2", "3", "4"), ("1", "2", "en", "x")]
)
def test_other_forms_name_nothing(tail: tuple[str, ...]) -> None:
    assert read_tracking_path(("trackings", "nacex", *tail)) is None
