"""Accounts that an operator has suspended: nothing is asked or sent for them.

What is claimed from the store passes them over by itself. Whoever has claimed something before asks
here, once more, right before a call to the outside.
"""

from __future__ import annotations

from typing import Final, Protocol

from parcelwire.domain.account import account_of
from parcelwire.domain.clock import HOUR, SECOND, Clock, Instant

BELIEVED: Final = SECOND
"""How long an answer is believed: a suspension is known everywhere this much later at most."""

LONGEST_HOLD: Final = HOUR
"""A due poll of a suspended account is put off by half of this to all of it, again and again. So it
costs little, and when the account is resumed its polls come back by themselves, spread over this
time.
"""

HELD_REASON: Final = "the account is suspended"
"""Stands as the reason of such a poll's due time."""


class SuspensionStore(Protocol):
    """Where suspensions are kept."""

    async def suspended_accounts(self) -> frozenset[int]:
        """Return the numbers of all suspended accounts. Cheap: nearly always there are none."""
        ...


class Suspensions:
    """Tells whether a world's account is suspended, with a memory of one second."""

    def __init__(self, store: SuspensionStore, clock: Clock) -> None:
        """Read them from ``store``; ``clock`` ends the memory."""
        self._store = store
        self._clock = clock
        self._read_at: Instant | None = None
        self._numbers: frozenset[int] = frozenset()

    async def holds(self, world_id: int) -> bool:
        """Tell whether nothing may be asked or sent for a world now."""
        now = self._clock.now()
        if self._read_at is None or not 0 <= now - self._read_at < BELIEVED:
            self._numbers = await self._store.suspended_accounts()
            self._read_at = now
        return account_of(world_id) in self._numbers
