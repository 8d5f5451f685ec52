"""Everybody who might ask an installation for something: see ``access_site``."""

from __future__ import annotations

from typing import Final

import msgspec

OWNER: Final = "owner@example.com"
STRANGER: Final = "stranger@example.com"
OPERATOR: Final = "operator@example.com"
SUSPENDED: Final = "suspended@example.com"


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who asks."""

    name: str
    email: str = OWNER
    scope: str = "admin"
    is_test: bool = False
    """With a key of the test world."""
    looks_at_test: bool = False
    """With a live key, but with a dashboard that looks at the test world."""
    state: str = "good"
    """Of the key: ``good``, ``none``, ``malformed``, ``unknown``, ``revoked``, ``expired``."""

    @property
    def is_in_test(self) -> bool:
        """Whether what is asked is asked of the test world."""
        return self.is_test or self.looks_at_test

    @property
    def owns_live(self) -> bool:
        """Whether the owner's live things are this caller's."""
        return self.email == OWNER and not self.is_in_test


CALLERS: Final = (
    Caller(name="no key", state="none"),
    Caller(name="a malformed key", state="malformed"),
    Caller(name="an unknown key", state="unknown"),
    Caller(name="a revoked key", state="revoked"),
    Caller(name="an expired key", state="expired"),
    Caller(name="a suspended account", email=SUSPENDED),
    Caller(name="a key without a scope", scope="none"),
    Caller(name="a test key", is_test=True),
    Caller(name="a test key that reads", is_test=True, scope="read"),
    Caller(name="a session that looks at the test world", looks_at_test=True),
    Caller(name="another account", email=STRANGER),
    Caller(name="another account's read key", email=STRANGER, scope="read"),
    Caller(name="another account's test key", email=STRANGER, is_test=True),
    Caller(name="an operator's read key", email=OPERATOR, scope="read"),
    Caller(name="an operator's test key", email=OPERATOR, is_test=True),
    Caller(name="an operator", email=OPERATOR),
    Caller(name="a read key", scope="read"),
    Caller(name="a write key", scope="write"),
    Caller(name="an admin key"),
)
