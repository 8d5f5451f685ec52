"""What is kept encrypted: the keys an installation knows, and how opening a value can fail.

A key is known by its fingerprint. Sealed bytes begin with a mark of their form and the id of their
key, which is the first half of its fingerprint.
"""

from __future__ import annotations

from typing import Final

import msgspec

from parcelwire.domain.clock import Instant

FORM: Final = b"pw1"
KEY_ID_BYTES: Final = 4
MARK_BYTES: Final = len(FORM) + KEY_ID_BYTES
"""Length of what sealed bytes begin with."""


class SealingError(Exception):
    """A value cannot be sealed or opened. The text is fit for the operator's eyes."""


class UnknownKeyError(SealingError):
    """The key is not in this process's key file: a fault of this machine, not of the value."""


class DecryptionError(SealingError):
    """The sealed bytes were changed, cut short, or belong somewhere else."""


class SealingKey(msgspec.Struct, frozen=True, kw_only=True):
    """A sealing key that the installation knows, by its fingerprint; never the key itself."""

    fingerprint: str
    """16 hexadecimal digits, from the SHA-256 of the key."""
    added_at: Instant
    is_current: bool
    """It seals. The others only open, until a rotation has sealed everything anew."""


def id_of(fingerprint: str) -> bytes:
    """Return the id of a key as sealed bytes carry it."""
    return bytes.fromhex(fingerprint)[:KEY_ID_BYTES]


def key_id_of(fingerprint: str) -> str:
    """Return the id of a key in hexadecimal."""
    return fingerprint[: 2 * KEY_ID_BYTES]


def key_id_in(sealed: bytes) -> str:
    """Return the id of the key that sealed these bytes, in hexadecimal; empty when not sealed."""
    return sealed[len(FORM) : MARK_BYTES].hex()


def place_of_connection(connection_id: str) -> str:
    """Return what a connection's credentials are bound to."""
    return f"connection:{connection_id}"
