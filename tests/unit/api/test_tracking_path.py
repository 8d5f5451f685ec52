"""Number and language in the path of one tracking."""

from __future__ import annotations

import pytest

from parcelwire.api.trackingmore.tracking_path import read_tracking_path

STROKE = "9999/99999999"


@pytest.mark.parametrize(
    ("tail", "readings"),
    [
        (("9999/99999999",), [(STROKE, None)]),
        (("9999", "99999999"), [(STROKE, None)]),
        (("9999", "99999999", "en"), [(STROKE, "en")]),
        (("9999/99999999", "zh-CN"), [("9999/99999999/zh-CN", None), (STROKE, "zh-CN")]),
        (("RS907483608CH", "cn"), [("RS907483608CH/cn", None), ("RS907483608CH", "cn")]),
        (
            ("RS907483608CH", "es-419"),
            [("RS907483608CH/es-419", None), ("RS907483608CH", "es-419")],
        ),
        (("RS907483608CH", "nonsense"), [("RS907483608CH/nonsense", None)]),
        (("12345678", "ABCDEF"), [("12345678/ABCDEF", None)]),
        (("RS907483608CH",), [("RS907483608CH", None)]),
    ],
)
def test_a_last_segment_is_a_language_only_where_it_can_be_one(
    tail: tuple[str, ...], readings: list[tuple[str, str | None]]
) -> None:
    named = read_tracking_path(("trackings", "nacex", *tail), has_language=True)
    assert {one.courier_code for one in named} == {"nacex"}
    assert [(one.number, one.language) for one in named] == readings


@pytest.mark.parametrize(
    ("tail", "number"),
    [
        (("RS907483608CH",), "RS907483608CH"),
        (("9999", "99999999"), STROKE),
        (("12345678", "AB"), "12345678/AB"),
        (("12345678", "de"), "12345678/de"),
        (("12345678", "DE-555555"), "12345678/DE-555555"),
    ],
)
def test_a_call_that_changes_knows_no_language(tail: tuple[str, ...], number: str) -> None:
    (named,) = read_tracking_path(("trackings", "nacex", *tail), has_language=False)
    assert (named.number, named.language) == (number, None)


@pytest.mark.parametrize("has_language", [True, False])
@pytest.mark.parametrize(
    "tail",
    [
        *[(), ("1", "en", "2"), ("1", "2", "3", "4"), ("1", "2", "en", "x"), ("..",)],
        *[("12345678", ".."), ("12345678", "."), ("12345678/..",), ("../12345678",)],
        *[("12345678", "-"), ("12345678", "\u200b"), ("12345678", "/")],
    ],
)
def test_other_forms_name_nothing(tail: tuple[str, ...], has_language: bool) -> None:
    assert read_tracking_path(("trackings", "nacex", *tail), has_language=has_language) == ()


def test_a_language_is_no_end_of_a_path_that_changes() -> None:
    assert read_tracking_path(("trackings", "nacex", "1", "2", "en"), has_language=False) == ()
