"""JSON values of answers whose types nobody promises.

Each function takes anything and returns None, or something empty, for what it cannot use; that is
what keeps the parsers short.
"""

from __future__ import annotations

import html
import re
from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from html.entities import html5
from typing import Any, Final, TypeVar

import msgspec

from parcelwire.connectors.base import Response, is_html
from parcelwire.domain.clock import SECOND, Instant
from parcelwire.domain.json_limits import decode_json

TEXT_LIMIT: Final = 500
SAMPLE_LIMIT: Final = 500
RAW_LIMIT: Final = 20_000

_TAG: Final = re.compile(r"<[A-Za-z/!][^<>]{0,200}>")
_ENTITY: Final = re.compile(r"&(#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_MOST_INTEGER: Final = 2**53
"""From there on a float has not all its digits any more."""
_MOST_DIGITS: Final = 10**18
_LONGEST_LIFE_SECONDS: Final = 31 * 24 * 3_600
_USUAL_LIFE_SECONDS: Final = 300
_FLAGS: Final = {"true": True, "1": True, "false": False, "0": False}

_Kept = TypeVar("_Kept")


class UnreadableError(Exception):
    """An answer that cannot be read; its text says why. Ends as ``NOT_UNDERSTOOD``."""


def read_body(response: Response, statuses: Container[int] | None = (200,)) -> bytes:
    """Return the body of an answer with one of ``statuses``; None: whatever its status.

    Raises:
        UnreadableError: another status, a page for people, or no body.
    """
    if statuses is not None and response.status not in statuses:
        raise UnreadableError("refused, perhaps by a gateway that wants to see a person")
    if is_html(response):
        raise UnreadableError("a page for people instead of data")
    # Not at the end, too: in UTF-16 the last byte may be half of a line's end.
    body = response.body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not body:
        raise UnreadableError("an empty answer")
    return body


def read_json(response: Response, statuses: Container[int] | None = (200,)) -> Any:
    """Return what the JSON body of an answer holds.

    Raises:
        UnreadableError: as ``read_body``, or no JSON.
    """
    body = read_body(response, statuses)
    try:
        return decode_json(body)
    except msgspec.DecodeError as error:
        raise UnreadableError("JSON that cannot be read") from error


# -- containers -----------------------------------------------------------------------------------


def read_mapping(value: Any) -> Mapping[str, Any]:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def read_items(value: Any) -> list[Any]:
    """Return ``value`` if it is a list, a list of it if it is an object, else nothing.

    What is, or once was, XML is an object where there is one of it, and a list where there are
    more.
    """
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def pick(container: Any, name: str) -> Any:
    """Return the member called ``name``, exactly or in any mixture of upper and lower case.

    None where it is missing, or ``container`` is no object.
    """
    if not isinstance(container, dict):
        return None
    if name in container:
        return container[name]
    wanted = name.casefold()
    return next((one for key, one in container.items() if key.casefold() == wanted), None)


def pick_path(value: Any, *names: str) -> Any:
    """Return what stands at the end of a path of members, each as by ``pick``."""
    for name in names:
        value = pick(value, name)
    return value


def walk(value: Any, depth: int = 5) -> Iterator[Mapping[str, Any]]:
    """Yield every object in ``value`` down to ``depth``, for answers of no published shape."""
    if depth == 0:
        return
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for item in value[:1_000]:
            yield from walk(item, depth - 1)


# -- texts ----------------------------------------------------------------------------------------


def read_text(value: Any, limit: int = TEXT_LIMIT) -> str | None:
    """Return a string or whole number as clean text of one line, without markup; else None.

    ``12345678.0`` is a whole number that went through a language that has no other.
    """
    if not isinstance(value, str):
        return _digits(value)
    # Cut before it is cleaned: far more than any text needs, markup included.
    text = value[:RAW_LIMIT]
    if "<" in text or "&" in text:
        text = _ENTITY.sub(_character, _TAG.sub(" ", text))
    return " ".join(text.split())[:limit].strip() or None


def _character(entity: re.Match[str]) -> str:
    """Return what a whole entity stands for; "AT&T" and "Bed&paradise" hold none."""
    is_known = entity[1].startswith("#") or f"{entity[1]};" in html5
    return html.unescape(entity[0]) if is_known else entity[0]


def _digits(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not (value.is_integer() and abs(value) < _MOST_INTEGER):
        return None
    return str(int(value)) if abs(value) < _MOST_DIGITS else None


def read_handle(value: Any) -> str | None:
    """Return an opaque value that goes back to the carrier exactly as it came; else None.

    A session's name may look like markup and must not be taken for it.
    """
    is_handle = isinstance(value, str) and 0 < len(value) <= TEXT_LIMIT and value.isprintable()
    return value if is_handle else None


def read_token(value: Any) -> str | None:
    """Return what can go into a header as it came: an access token, a cookie; else None.

    Signed tokens are long: some thousand characters.
    """
    is_token = isinstance(value, str) and 0 < len(value) <= RAW_LIMIT and value.isascii()
    return value if is_token and value.isprintable() else None


def read_number(value: Any, limit: int = 64) -> str:
    """Return a tracking number as it is compared: letters and digits, upper case; else ``""``.

    Nothing is also what is longer than ``limit``.
    """
    # No number is cut to another one, and only A to Z have a form that means the same.
    text = read_text(value, limit + 1) or ""
    if len(text) > limit:
        return ""
    return "".join(_upper(char) for char in text if char.isalnum())


def _upper(char: str) -> str:
    return char.upper() if char.isascii() else char


def read_country(value: Any) -> str | None:
    """Return an ISO 3166 alpha-2 code; None for anything else, and for ``ZZ`` (unknown)."""
    code = read_text(value, 10) or ""
    return code.upper() if re.fullmatch("[A-Za-z]{2}", code) and code.upper() != "ZZ" else None


# -- numbers and flags ----------------------------------------------------------------------------


def read_flag(value: Any, words: Mapping[str, bool] | None = None) -> bool | None:
    """Return a yes or no: ``true``, ``"true"``, ``1``, and the carrier's own ``words``.

    ``words`` in lower case, such as ``{"y": True, "n": False}``. None for what is neither.
    """
    if isinstance(value, bool):
        return value
    text = (read_text(value, 20) or "").lower()
    own = None if words is None else words.get(text)
    return _FLAGS.get(text) if own is None else own


def read_whole_number(value: Any) -> int | None:
    """Return a whole number of up to nine digits, given as one or as digits; else None."""
    text = read_text(value, 20) or ""
    return int(text) if re.fullmatch(r"-?\d{1,9}", text, re.ASCII) else None


def read_expiry(lifetime: Any, now: Instant) -> Instant:
    """Return ``now`` plus a lifetime in seconds (``expires_in``), 300 s where none is given."""
    seconds = read_whole_number(lifetime) or 0
    is_usual = 0 < seconds <= _LONGEST_LIFE_SECONDS
    return now + (seconds if is_usual else _USUAL_LIFE_SECONDS) * SECOND


# -- what is kept ---------------------------------------------------------------------------------


def recall(session_state: Mapping[str, Any], name: str, kind: type[_Kept]) -> _Kept | None:
    """Return what an earlier exchange kept under ``name``; None for nothing, or nonsense."""
    try:
        return msgspec.convert(session_state[name], kind)
    except (KeyError, msgspec.ValidationError):
        return None


def sample_of(value: Any, fields: Sequence[str] | None = None) -> str:
    """Return ``value`` as JSON, cut, to map an unknown word by.

    ``fields``: those that help to map it, with all that stands below them, where others may name a
    person. Of what is no object, nothing is told then.
    """
    if fields is not None:
        members = read_mapping(value)
        value = {name: members[name] for name in fields if name in members}
    return _encoded(value).decode("utf-8", "replace")[:SAMPLE_LIMIT]


def raw_part(
    response: Response, part: Any, *, is_only_one: bool, drop: Collection[str] = ()
) -> bytes:
    """Return what of an answer belongs to one number: all of it, or its part of many.

    ``drop``: names of members, at any depth, that hold persons and are kept out of it.
    """
    if drop:
        part = drop_members(part, drop)
    elif is_only_one:
        return response.body[:RAW_LIMIT]
    return _encoded(part)[:RAW_LIMIT]


def drop_members(value: Any, names: Iterable[str]) -> Any:
    """Return ``value`` without the members called one of ``names``, at any depth.

    As for ``pick``, upper and lower case do not matter; a member that was an attribute of XML goes,
    too. Below 100 levels everything is dropped.
    """
    return _without(value, {name.casefold() for name in names}, 100)


def _without(value: Any, names: Container[str], depth: int) -> Any:
    if not isinstance(value, dict | list):
        return value
    if depth == 0:
        return None
    if isinstance(value, list):
        return [_without(one, names, depth - 1) for one in value]
    return {
        name: _without(one, names, depth - 1)
        for name, one in value.items()
        if name.removeprefix("@").casefold() not in names
    }


def _encoded(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError):
        return b""
