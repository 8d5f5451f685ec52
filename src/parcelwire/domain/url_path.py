"""Paths of URLs: split as they were sent, then decoded.

An encoded slash belongs to the name it stands in ("9999%2F99999999" is one tracking number). Who
decodes first and splits afterwards takes it for a border between two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote


def split_path(raw_path: bytes) -> tuple[str, ...]:
    """Return the decoded segments of a path as it was sent; empty ones are left out."""
    return tuple(unquote(one) for one in raw_path.decode("latin-1").split("/") if one)


def decode_path(raw_path: bytes) -> str:
    """Return a path decoded but for its encoded slashes, which stay ``%2F``."""
    segments = raw_path.decode("latin-1").split("/")
    return "/".join(unquote(one).replace("/", "%2F") for one in segments)


def has_encoded_slash(raw_path: bytes) -> bool:
    """Tell whether decoding a path would move its borders."""
    return b"%" in raw_path and b"%2f" in raw_path.lower()


def sent_path(scope: Mapping[str, Any]) -> str:
    """Return the path of an ASGI scope as it was sent, fit to be sent again in ASCII."""
    raw: bytes | None = scope.get("raw_path")
    if not raw:
        return quote(scope["path"])
    return quote(raw, safe="/%:@!$&'()*+,;=~")
