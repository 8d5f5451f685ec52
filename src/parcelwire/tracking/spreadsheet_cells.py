"""The text of a cell, on its way into a table for spreadsheets and back."""

from __future__ import annotations

import re
from typing import Final

RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""A cell that begins so is a formula to a spreadsheet (the last four are the full-width forms of
the first four); export puts ``'`` before it.
"""

CODES: Final = frozenset(
    {
        *("tracking_number", "courier_code", "order_date", "language", "recipient_postcode"),
        *("tracking_postal_code", "tracking_ship_date", "tracking_courier_account"),
        *("tracking_key", "tracking_origin_country", "tracking_destination_country"),
        *("origin_country_iso2", "destination_country_iso2"),
        *("origin_country", "destination_country"),  # as an export calls them
    }
)
"""Fields that no apostrophe begins: there it tells a spreadsheet that the rest is text."""

_FORMULA: Final = re.compile(r'="(.*)"\Z', re.DOTALL)
_DIGITS: Final = re.compile(r"'+[0-9]+\Z")


def cell_text(text: str, field: str = "") -> str:
    """Return what a cell says, without what spreadsheets are told by.

    An apostrophe goes where ``guarded`` puts one, and where it marks digits, or a code, as text:
    ``'t Hart`` is a name.
    """
    text = text.strip()
    if formula := _FORMULA.match(text):
        return formula[1].strip()
    return text[1:] if text[:1] == "'" and _is_marked(text, field) else text


def guarded(value: str, field: str = "") -> str:
    """Return a cell that no spreadsheet takes for a formula, and that is read as ``value`` again.

    A text that looks as if it was guarded already gets one more, so that it comes back whole.
    """
    return f"'{value}" if _is_marked(value, field) else value


def copied(cell: str) -> str:
    """Return a cell of somebody's file for another file: read as before, and no formula."""
    return f"'{cell}" if cell.startswith(RISKY) else cell


def _is_marked(text: str, field: str) -> bool:
    if text.lstrip("'").startswith(RISKY):
        return True
    return text[:1] == "'" and (field in CODES or _DIGITS.match(text) is not None)
