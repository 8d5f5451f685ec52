"""Who may do what: the words in which every call, page and form says whom it is for.

Each of them has to name a ``Scope`` and a ``WorldRule``; neither has a default, so that whoever
adds an action cannot forget to decide. ``bootstrap.access`` makes one table of them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal

Scope = Literal["read", "write", "admin"]

RANKS: Final[Mapping[str, int]] = {"read": 0, "write": 1, "admin": 2}
"""Scopes of keys; each may do what those below it may."""

NO_RANK: Final = -1
"""What a scope that nobody knows is worth."""


class WorldRule(StrEnum):
    """Which stored things an action may show and change."""

    OWN = "own"
    """Those of one world: the one that the key opens, or that the session looks at."""
    ACCOUNT = "account"
    """Those that an account's worlds share. From the test world only what belongs to the test world
    is shown and changed, but for what any key may know: the account's own name and quota."""
    LIVE = "live"
    """Those of the live world: refused to test keys, and to sessions that look at the test world.
    """
    INSTALLATION = "installation"
    """Those of the whole installation: public tables, or things for its operators alone."""


def can_operate(scope: str, *, is_test: bool) -> bool:
    """Tell whether a key of an operator's account acts for the operator: a live admin key."""
    return may(scope, "admin") and not is_test


def may(scope: str, needed: Scope) -> bool:
    """Tell whether a key's ``scope`` is enough for what needs ``needed``."""
    return RANKS.get(scope, NO_RANK) >= RANKS[needed]
