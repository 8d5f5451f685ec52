"""Secrets that an answer tells once, in what is kept under an idempotency key.

The answer is recorded with the effect, and told again to a repetition. Its secret is recorded
beside it, sealed by the store; the body that is kept leaves it out.
"""

from __future__ import annotations

import base64
from typing import Final

from parcelwire.api.house import House
from parcelwire.api.native.operations import Asked
from parcelwire.domain.sealing import SealingError
from parcelwire.store.port import KeyUnavailableError

LEFT_OUT: Final = ""


def reveal(house: House, asked: Asked, kept: str, owner: str) -> str:
    """Return the secret of the answer to a repeatable call.

    ``kept`` is what the recorded body has in its place: nothing, or, in records of versions before,
    the sealed secret itself, bound to ``owner``.

    Raises:
        KeyUnavailableError: it cannot be opened here (any more).
    """
    if kept == LEFT_OUT:
        if asked.repeatable is None or not asked.repeatable.secret:
            # Given up with the key. An empty one would be taken for the secret.
            msg = "the secret of a recorded answer was lost with the installation's key"
            raise KeyUnavailableError(msg)
        return asked.repeatable.secret
    try:
        secret: str = house.sealer.open(base64.b64decode(kept), owner)["secret"]
    except SealingError as error:
        raise KeyUnavailableError(str(error)) from error
    return secret
