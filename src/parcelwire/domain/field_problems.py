"""What is wrong with the fields of a command: one form for the use cases of all packages. Pure.

Adapters translate: ``field`` finds the place in their own form, ``code`` the words, and where they
have none of their own, ``message`` is for people.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import msgspec

NO_NUL_PATTERN: Final = r"^[^\x00]*$"
"""Texts that can be stored, for JSON schemas (see ``text_problem``)."""

FieldCode = Literal["missing", "too-long", "invalid", "unknown", "not-allowed"]


class FieldProblem(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one field of a command."""

    field: str
    """As the command names it; of credentials, as the connector does. Empty: several together."""
    code: FieldCode
    """For programs."""
    message: str
    """For people, without the field's name: ``has at most 200 characters``."""


class InvalidInputError(Exception):
    """A command holds what cannot be taken. Nothing was changed."""

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        """``problems``: at least one."""
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.field} {one.message}".strip() for one in self.problems))


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
