"""New secrets for endpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from parcelwire.signatures.signing import make_secret

SECRET_BYTES: Final = 32


def new_secret(random_bytes: Callable[[int], bytes]) -> str:
    """Return a new secret, ``whsec_`` and base64, made of unpredictable bytes."""
    return make_secret(random_bytes(SECRET_BYTES))
