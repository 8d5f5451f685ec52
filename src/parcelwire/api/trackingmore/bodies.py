"""What all versions read alike of the values that clients send.

A body counts by its content, not by its content type. Which mistake has which code is each
version's own affair.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from parcelwire.domain.json_limits import is_crowded

Text = str | int | float | bool | None
"""A field that should be text or nothing, as it arrives."""

MAX_TEXT: Final = 5_000
"""Characters of one field. Longer is no title and no note, and every answer would carry it."""

ECHOED: Final = 100
"""Characters of a sent value that are repeated beside an error."""

_BOM: Final = b"\xef\xbb\xbf"


class NotJsonError(Exception):
    """A body is not JSON, or more of it than anybody means."""


def content_of(raw: bytes) -> bytes:
    """Return a body without a byte order mark and without white space around it."""
    return raw.removeprefix(_BOM).strip()


def decode_json(content: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """Return a body as what ``decoder`` makes of it.

    Raises:
        NotJsonError: it is not JSON (or not UTF-8), or nested or crowded beyond reason.
        msgspec.ValidationError: it is JSON of another shape.
    """
    if is_crowded(content):
        raise NotJsonError
    try:
        return decoder.decode(content)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise NotJsonError from error


def is_storable(text: str) -> bool:
    """Tell whether a field's text is short enough, and without the NUL no database column takes."""
    return len(text) <= MAX_TEXT and "\0" not in text


def read_switch(text: str | None) -> bool | None:
    """Return what a switch says; None where it says nothing that can be read."""
    word = text.strip().lower() if text is not None else ""
    if word in {"true", "1", "yes"}:
        return True
    return False if word in {"false", "0", "no"} else None


def echo_of(item: Any, field: str) -> str:
    """Return what an item says in ``field``, as it was sent, so that its sender finds the item.

    Not at any length, and ``""`` for what is no text, number or truth value.
    """
    value = item.get(field) if isinstance(item, dict) else None
    return str(value)[:ECHOED] if isinstance(value, str | int | float) else ""
