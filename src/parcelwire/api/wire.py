"""One HTTP call and its reply, as the dialects see them: tolerant on the way in, exact on the way
out.

TrackingMore's clients send repeated slashes, bodies on GET, JSON under any content type, raw ``+``
in queries and methods
the manual does not name. No router tolerates that, so the dialects share this thin layer instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import msgspec

from parcelwire.domain.account import Account, ApiKey
from parcelwire.domain.json_limits import CROWDED, is_crowded

JSON: Final = b"application/json; charset=utf-8"

NO_STORE: Final = (b"cache-control", b"no-store")
"""Answers are somebody's data: no cache keeps them."""

NOSNIFF: Final = (b"x-content-type-options", b"nosniff")
"""No browser guesses what an answer is."""


MISSING_FIELDS: Final = b"parcelwire-missing-fields"
"""Header that names the fields a courier wants and a create did not give: TrackingMore's messages
do not, and clients compare them.
"""


class Reply(msgspec.Struct, frozen=True):
    """What goes back: status, body, further headers (names in lower case)."""

    status: int
    body: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    content_type: bytes = JSON


class Call(msgspec.Struct, kw_only=True):
    """One call, after the key was checked."""

    method: str
    segments: tuple[str, ...]
    """Path segments after the dialect's prefix, decoded, empty ones dropped."""
    query_string: bytes
    body: bytes
    headers: Mapping[bytes, bytes]
    """Names in lower case; the last of equal ones."""
    key: ApiKey
    account: Account

    @property
    def world_id(self) -> int:
        """The world the caller's key opens."""
        return self.key.world_id

    def query(self) -> dict[str, str]:
        """Return the query's values; of repeated names the last one, empty ones included."""
        return parse_query(self.query_string)

    def json(self) -> Any:
        """Return the body as JSON whatever its content type says; None for an empty body.

        Raises:
            msgspec.DecodeError: the body is not JSON (or not UTF-8).
        """
        body = self.body.strip()
        if not body:
            return None
        if is_crowded(body):
            raise msgspec.DecodeError(CROWDED)
        try:
            return _decode(body)
        except UnicodeDecodeError as error:
            raise msgspec.DecodeError(str(error)) from error
        except RecursionError as error:
            msg = "nested too deeply"
            raise msgspec.DecodeError(msg) from error


_decode = msgspec.json.Decoder().decode


def parse_query(raw: bytes) -> dict[str, str]:
    """Return a query string as a dict; ``+`` becomes a blank, bad UTF-8 the replacement character.

    A blank where a date wants its sign is the business of the date's reader: some clients send
    ``+`` undecoded.
    """
    values: dict[str, str] = {}
    for part in raw.split(b"&"):
        if not part:
            continue
        name, _, value = part.partition(b"=")
        values[_unquote(name)] = _unquote(value)
    return values


def _unquote(raw: bytes) -> str:
    if b"%" not in raw and b"+" not in raw:
        return raw.decode("utf-8", "replace")
    return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8", "replace")
