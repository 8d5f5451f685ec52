"""``parcelwire.tracking.spreadsheet`` for the command line: its options and its errors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from parcelwire.cli.exit_codes import CommandError
from parcelwire.tracking.spreadsheet import (
    FIELDS,
    Form,
    Row,
    Sheet,
    SheetError,
    examine,
)
from parcelwire.tracking.spreadsheet_cells import RISKY, guarded

__all__ = [
    "FIELDS",
    "RISKY",
    "Form",
    "Row",
    "Sheet",
    "SheetError",
    "examine",
    "guarded",
    "parse_columns",
    "reading",
]


@contextmanager
def reading() -> Iterator[None]:
    """Turn what is wrong with a file into a line for people, with the option that may help.

    Raises:
        CommandError: the file cannot be read as a table.
    """
    try:
        yield
    except SheetError as error:
        msg = f"{error}{error.remedy}"
        raise CommandError(msg) from None


def parse_columns(given: Iterable[str]) -> dict[str, str]:
    """Return ``--column HEADING=FIELD`` options as heading -> field.

    Raises:
        CommandError: one is not of that form, or names no field.
    """
    columns = {}
    for text in given:
        heading, separator, field = text.rpartition("=")
        if not separator or (field and field not in FIELDS):
            msg = f"--column wants HEADING=FIELD; fields are {', '.join(FIELDS)}"
            raise CommandError(msg)
        columns[heading] = field
    return columns
