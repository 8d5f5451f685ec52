"""Public ids as they stand in the file: 16 bytes instead of 32 hex digits."""

from __future__ import annotations


def id_value(public_id: str) -> bytes | str:
    """Return what to store or look up for an id.

    A word that is no id stays itself, and is not found.
    """
    if len(public_id) == 32:
        try:
            value = bytes.fromhex(public_id)
        except ValueError:
            return public_id
        if value.hex() == public_id:
            return value
    return public_id


def public_id(value: bytes | str) -> str:
    """Return the id behind a stored value."""
    return value.hex() if isinstance(value, bytes) else value
