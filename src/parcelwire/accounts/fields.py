"""Checks of single fields that several commands share. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from parcelwire.accounts.errors import FieldProblem, InvalidInputError


def text_problem(field: str, text: str, longest: int) -> FieldProblem | None:
    """Return why a text cannot be stored; None when it can.

    It has ``longest`` characters at most, and no NUL: PostgreSQL stores none.
    """
    if len(text) > longest:
        return FieldProblem(
            field=field, code="too-long", message=f"has at most {longest:,} characters"
        )
    if "\0" in text:
        return FieldProblem(field=field, code="invalid", message="holds a NUL character")
    return None


def refuse_if_any(problems: Iterable[FieldProblem | None]) -> None:
    """Refuse a command that has problems.

    Raises:
        InvalidInputError: it has; all of them are named.
    """
    found = [problem for problem in problems if problem is not None]
    if found:
        raise InvalidInputError(found)
