"""Whether an API key opens anything: for the APIs with every call, for logins once."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from parcelwire.accounts.key_format import digest_of, is_well_formed
from parcelwire.accounts.ports import KeyFinder
from parcelwire.domain.account import Account, ApiKey
from parcelwire.domain.clock import SECOND, Clock, Instant

KEY_CACHE_SECONDS: Final = 1.0
"""How long a key's state is believed, and its account's.

A revoked key, or one of a suspended account, works at most this much longer, in every process.
"""
_MOST_REMEMBERED: Final = 10_000


class AuthFailure(Enum):
    """Why a call does not come in."""

    NO_KEY = auto()
    UNKNOWN_KEY = auto()
    REVOKED_KEY = auto()
    EXPIRED_KEY = auto()


_FAILURES: Final = {"revoked": AuthFailure.REVOKED_KEY, "expired": AuthFailure.EXPIRED_KEY}


async def find_key(store: KeyFinder, text: str) -> tuple[ApiKey, Account] | None:
    """Return the key with this text, whatever its state, and its account; None: there is none.

    What does not have the form of a key is not looked for.
    """
    return await store.find_key(digest_of(text)) if is_well_formed(text) else None


class KeyAuthenticator:
    """Checks keys, with a short memory so that a busy key costs no database read per call."""

    def __init__(self, store: KeyFinder, clock: Clock) -> None:
        """Read keys from ``store``; ``clock`` ends the memory."""
        self._store = store
        self._clock = clock
        self._known: dict[str, tuple[Instant, tuple[ApiKey, Account]]] = {}

    async def authenticate(self, text: str | None) -> tuple[ApiKey, Account] | AuthFailure:
        """Return the key with this text and its account, or why the call is refused.

        The account may be suspended: how that is answered, and when, is for the API to say.
        """
        if text is None or not (text := text.strip()):
            return AuthFailure.NO_KEY
        now = self._clock.now()
        remembered = self._known.get(text)
        if remembered is not None and 0 <= now - remembered[0] < KEY_CACHE_SECONDS * SECOND:
            # What is remembered may end within the second.
            return _FAILURES.get(remembered[1][0].state_at(now), remembered[1])
        found = await find_key(self._store, text)
        if found is None:
            return AuthFailure.UNKNOWN_KEY
        failure = _FAILURES.get(found[0].state_at(now))
        if failure is not None:
            self._known.pop(text, None)
            return failure
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[text] = (now, found)
        return found
