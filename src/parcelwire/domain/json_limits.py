"""How much structure a JSON text may have before anybody decodes it."""

from __future__ import annotations

from typing import Any, Final

import msgspec

MOST_CONTAINERS: Final = 20_000
"""Arrays and objects of one text, brackets within strings included."""
CROWDED: Final = f"it has more than {MOST_CONTAINERS:,} arrays and objects"


def is_crowded(body: bytes) -> bool:
    """Tell whether a text has more arrays and objects than anybody needs.

    660,000 empty arrays fit into 2 MB and take half a second to decode, in one go.
    """
    if len(body) <= MOST_CONTAINERS:
        return False
    return body.count(b"[") + body.count(b"{") > MOST_CONTAINERS


def decode_json(body: bytes) -> Any:
    """Return what a JSON text from outside holds.

    Raises:
        msgspec.DecodeError: it is no JSON, not UTF-8, nested too deeply, or crowded.
    """
    if is_crowded(body):
        raise msgspec.DecodeError(CROWDED)
    try:
        return msgspec.json.decode(body)
    except UnicodeDecodeError as error:
        raise msgspec.DecodeError(str(error)) from error
    except RecursionError as error:
        msg = "nested too deeply"
        raise msgspec.DecodeError(msg) from error
