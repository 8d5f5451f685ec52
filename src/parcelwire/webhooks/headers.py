"""Which headers of their own owners may have sent with every message to an endpoint.

One function, which whoever creates or changes an endpoint asks, so that a row of the store never
holds a header that could change what the message is, who it is for, or where it ends.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

MOST_HEADERS: Final = 20
MOST_BYTES: Final = 4_096
"""Names and values together."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]{1,128}\Z")
"""A token of RFC 9110 section 5.6.2, in lower case."""
_VALUE: Final = re.compile(r"[\x20-\x7e]*\Z")
"""Printable ASCII: what every server reads alike."""

_OURS: Final = frozenset(
    {
        *("host", "connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade"),
        *("expect", "accept-encoding", "signature", "timestamp"),
    }
)
"""They say how the message travels, or are part of what Parcelwire says itself."""
_OUR_BEGINNINGS: Final = ("content-", "proxy-", "webhook-", "parcelwire-")


class HeadersRefusedError(ValueError):
    """An endpoint may not have these headers; the text says why and names no value."""


def check_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers as they are stored: names in lower case, values without outer blanks.

    ``user-agent`` may be given: some firewalls want a certain one. ``authorization`` may too.

    Raises:
        HeadersRefusedError: a name is no header name, or belongs to HTTP or to Parcelwire, or is
            given twice; a value holds something else than printable ASCII; or there are too many.
    """
    if len(headers) > MOST_HEADERS:
        msg = f"an endpoint may have at most {MOST_HEADERS} headers of its own"
        raise HeadersRefusedError(msg)
    checked: dict[str, str] = {}
    for given_name, given_value in headers.items():
        name, value = given_name.lower(), given_value.strip(" \t")
        if not _NAME.match(name):
            msg = "a header's name consists of letters, digits and hyphens"
            raise HeadersRefusedError(msg)
        if name in _OURS or name.startswith(_OUR_BEGINNINGS):
            msg = f"the header {name} is set by Parcelwire or by HTTP itself"
            raise HeadersRefusedError(msg)
        if name in checked:
            msg = f"the header {name} is given twice"
            raise HeadersRefusedError(msg)
        if not _VALUE.match(value):
            msg = f"the header {name} holds something else than printable ASCII"
            raise HeadersRefusedError(msg)
        checked[name] = value
    if sum(len(name) + len(value) for name, value in checked.items()) > MOST_BYTES:
        msg = f"an endpoint's own headers may have {MOST_BYTES:,} bytes in all"
        raise HeadersRefusedError(msg)
    return checked
