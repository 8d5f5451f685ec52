"""The text of a cell, on its way into a table for spreadsheets and back."""

from __future__ import annotations

import re
from typing import Final

RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so is a formula to a spreadsheet (the last four are the full-width forms of
the first four); export puts ``'`` before it.
"""

_FORMULA: Final = re.compile(r'="(.*)"\Z', re.DOTALL)


def cell_text(text: str) -> str:
    """Return what a cell says, without what spreadsheets are told by.

    An apostrophe goes only where ``guarded`` puts one: ``'t Hart`` is a name.
    """
    text = text.strip()
    if formula := _FORMULA.match(text):
        return formula[1].strip()
    return text[1:] if text[:1] == "'" and _is_risky(text) else text


def guarded(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, and that is read as ``value`` again.

    A text that looks as if it was guarded already gets one more, so that it comes back whole.
    """
    return f"'{value}" if _is_risky(value) else value


def _is_risky(text: str) -> bool:
    return text.lstrip("'").startswith(RISKY)
