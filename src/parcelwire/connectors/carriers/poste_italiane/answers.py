"""Reading answers whose types nobody promises: every function takes anything and never raises."""

from collections.abc import Container
from typing import Any

import msgspec

from parcelwire.connectors.base import Question, Response, is_html
from parcelwire.domain.json_limits import decode_json
from parcelwire.domain.report import CarrierReport

CONNECTOR_NAME = "poste-italiane"
RAW_LIMIT = 20_000
TEXT_LIMIT = 1_000


class UnreadableError(Exception):
    """An answer that cannot be read; its text says why. Ends as ``NOT_UNDERSTOOD``."""


def read_json(response: Response, statuses: Container[int] = (200,)) -> Any:
    """Return the decoded body of an answer with one of ``statuses``.

    Raises:
        UnreadableError: for another status, a page for people, no body, or no JSON.
    """
    if response.status not in statuses:
        raise UnreadableError("refused, perhaps by a gateway that wants to see a person")
    if is_html(response):
        raise UnreadableError("a page for people instead of data")
    body = response.body.removeprefix(b"\xef\xbb\xbf").strip()
    if not body:
        raise UnreadableError("an empty answer")
    try:
        return decode_json(body)
    except msgspec.DecodeError as error:
        raise UnreadableError("JSON that cannot be read") from error


def pick(container: Any, name: str) -> Any:
    """Return the member called ``name``, exactly or in any mixture of upper and lower case.

    The manual spells ``StatusDescription`` next to ``appStatusDescription``; None when missing.
    """
    if not isinstance(container, dict):
        return None
    if name in container:
        return container[name]
    wanted = name.casefold()
    for key, value in container.items():
        if key.casefold() == wanted:
            return value
    return None


def words(value: Any) -> str:
    """Return ``value`` as trimmed text; whole numbers as digits, everything else as nothing.

    The point of ``12345678.0`` must not become one of the marks that a number may be written with.
    """
    if isinstance(value, str):
        return " ".join(value.split())[:TEXT_LIMIT]
    if isinstance(value, float):
        # From there on it has not all its digits any more.
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else ""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1e18:
        return str(value)
    return ""


def flag(value: Any) -> bool | None:
    """Return a yes or no (``true``, ``"S"``, ``"true"``), None where it is neither."""
    if isinstance(value, bool):
        return value
    return {"s": True, "true": True, "1": True, "n": False, "false": False, "0": False}.get(
        words(value).casefold()
    )


def whole_number(value: Any) -> int | None:
    """Return a whole number given as one or as digits, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = words(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def items(value: Any) -> list[Any]:
    """Return ``value`` when it is a list, a list of it when it is an object, else nothing."""
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def number_key(value: Any) -> str:
    """Return a shipment number as it is compared: letters and digits, upper case."""
    return "".join(char for char in words(value) if char.isalnum()).upper()


def sample_of(value: Any) -> str:
    """Return ``value`` as JSON, cut, to map an unknown word by."""
    try:
        return msgspec.json.encode(value).decode()[:500]
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return ""


def raw_part(response: Response, part: Any, is_only_one: bool) -> bytes:
    """Return what of the answer belongs to one number: all of it, or its part of many."""
    if is_only_one:
        return response.body[:RAW_LIMIT]
    try:
        return msgspec.json.encode(part)[:RAW_LIMIT]
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return b""


def same_for_all(questions: list[Question], report: CarrierReport) -> list[CarrierReport]:
    """Return ``report`` once for each of ``questions``."""
    return [msgspec.structs.replace(report, number=question.number) for question in questions]
