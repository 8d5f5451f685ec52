"""Secrets in what is kept under an idempotency key: sealed, so that they do not lie in the
database.

The answer to a call that makes a secret is recorded with the effect, and told again to a
repetition.
The record holds the secret sealed under the installation's key file, bound to what it belongs to.
"""

from __future__ import annotations

import base64

from parcelwire.api.house import House


def conceal(house: House, secret: str, owner: str) -> str:
    """Return ``secret`` as it is recorded, bound to ``owner`` (an id, a prefix)."""
    return base64.b64encode(house.sealer.seal({"secret": secret}, owner)).decode()


def reveal(house: House, sealed: str, owner: str) -> str:
    """Return what ``conceal`` recorded."""
    secret: str = house.sealer.open(base64.b64decode(sealed), owner)["secret"]
    return secret
