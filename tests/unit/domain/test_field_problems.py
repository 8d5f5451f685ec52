"""What is wrong with the fields of a command."""

from __future__ import annotations

import pytest

from parcelwire.domain.field_problems import (
    FieldProblem,
    InvalidInputError,
    refuse_if_any,
    text_problem,
)


@pytest.mark.parametrize(
    ("text", "code"),
    [("", None), ("ü" * 3, None), ("four", "too-long"), ("a\0", "invalid"), ("\0" * 4, "too-long")],
)
def test_which_texts_can_be_stored(text: str, code: str | None) -> None:
    problem = text_problem("label", text, 3)
    assert (problem.code if problem else None) == code


def test_all_problems_are_told_at_once() -> None:
    refuse_if_any([])
    refuse_if_any([None])
    wrong = FieldProblem(field="", code="missing", message="name one of a and b")
    with pytest.raises(InvalidInputError) as caught:
        refuse_if_any([text_problem("label", "four", 3), None, wrong])
    assert [one.field for one in caught.value.problems] == ["label", ""]
    assert str(caught.value) == "label has at most 3 characters; name one of a and b"
