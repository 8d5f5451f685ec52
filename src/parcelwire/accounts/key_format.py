"""How an API key is written, and what is kept and shown of it. Pure."""

from __future__ import annotations

import hashlib
import re
import zlib
from typing import Final

KEY_BYTES: Final = 24
"""Random bytes of a key: 192 bits, of which 32 characters to the base 62 hold 190."""

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_FORM: Final = re.compile(r"pw_(live|test)_([0-9A-Za-z]{32})([0-9A-Za-z]{6})\Z")


def make_key(random_bytes: bytes, *, is_test: bool) -> str:
    """Return a new API key: ``pw_live_`` or ``pw_test_``, 32 characters of randomness, 6 of
    checksum.

    The prefix lets secret scanners find a leaked key; the checksum (CRC-32 of what stands before
    it) lets anybody tell a mistyped key from a revoked one without asking the database.
    ``random_bytes``: at least ``KEY_BYTES`` from a secure source.
    """
    if len(random_bytes) < KEY_BYTES:
        msg = f"an API key needs at least {KEY_BYTES} random bytes"
        raise ValueError(msg)
    number = int.from_bytes(random_bytes[:KEY_BYTES])
    body = f"pw_{'test' if is_test else 'live'}_{_base62(number, 32)[-32:]}"
    return body + _base62(zlib.crc32(body.encode()), 6)


def is_well_formed(key: str) -> bool:
    """Tell whether ``key`` has the form and the checksum of a key that ``make_key`` made."""
    return _FORM.match(key) is not None and key[-6:] == _base62(zlib.crc32(key[:-6].encode()), 6)


def digest_of(key: str) -> bytes:
    """Return what is stored of a key.

    Its SHA-256 (the key itself has 190 random bits, so no salt or stretching).
    """
    return hashlib.sha256(key.encode()).digest()


def prefix_of(key: str) -> str:
    """Return the part of a key that people may see.

    Enough to tell keys apart, useless to open anything.
    """
    return key[:16]


def _base62(number: int, width: int) -> str:
    digits = []
    while number:
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits)).rjust(width, "0")
