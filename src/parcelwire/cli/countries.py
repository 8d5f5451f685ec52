"""Countries on the command line."""

from __future__ import annotations

import re

import click


def read_country(text: str | None) -> str | None:
    """Return a country code of the command line in capitals.

    Raises:
        click.UsageError: it is not one of two letters.
    """
    if text is None:
        return None
    if not re.fullmatch("[A-Za-z]{2}", text):
        msg = f"{text!r} is no country of two letters (ISO 3166), e.g. CH"
        raise click.UsageError(msg)
    return text.upper()
