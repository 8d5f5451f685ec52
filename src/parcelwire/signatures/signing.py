"""How messages are signed, in three ways. Standard library only; no clock, no I/O."""

from __future__ import annotations

import base64
import binascii
import hmac
from functools import lru_cache

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public first part of every secret


def make_secret(entropy: bytes) -> str:
    """Return ``whsec_`` and ``entropy`` in base64: the secret of an endpoint.

    Raises:
        ValueError: unless there are 24 to 64 bytes, as Standard Webhooks asks.
    """
    if not 24 <= len(entropy) <= 64:
        msg = "a webhook secret is made of 24 to 64 random bytes"
        raise ValueError(msg)
    return SECRET_PREFIX + base64.b64encode(entropy).decode()


@lru_cache(maxsize=1_024)
def key_of(secret: str) -> bytes:
    """Return the key in a secret: what follows ``whsec_``, read as base64.

    A secret without that prefix (one brought along from TrackingMore) is its own key, byte by byte.

    Raises:
        ValueError: when there is no key in it. The message never contains the secret.
    """
    if not secret.startswith(SECRET_PREFIX):
        if not secret:
            msg = "the webhook secret is empty"
            raise ValueError(msg)
        try:
            return secret.encode()
        except UnicodeEncodeError:
            msg = "the webhook secret holds characters that cannot be encoded"
            raise ValueError(msg) from None
    encoded = secret[len(SECRET_PREFIX) :]
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        msg = "the webhook secret has no base64 after whsec_"
        raise ValueError(msg) from None
    return key


def sign_standard(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return ``v1,<base64>``: HMAC-SHA256 over ``id.timestamp.body`` (Standard Webhooks 1.0)."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    digest = hmac.digest(key_of(secret), signed, "sha256")
    return "v1," + base64.b64encode(digest).decode()


def sign_timestamp(key: str, timestamp: int | str) -> str:
    """Return hex HMAC-SHA256 with ``key`` over the timestamp's digits.

    TrackingMore signs so: in v4 with the secret, in v2 with the account's e-mail address as key.
    The body is not covered.
    """
    return hmac.digest(key.encode(), str(timestamp).encode(), "sha256").hex()
