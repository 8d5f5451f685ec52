"""What the poll worker needs from the store.

Due trackings by lease, shared budgets, and carriers' pauses.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.tracking.ports import PollResult


class StoreOutageError(Exception):
    """The store cannot do its work now; nothing is wrong with what it was given."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One due tracking, leased to the claimer until the lease's end."""

    tracking_id: str
    world_id: int
    courier_code: str
    """The tracking's own."""
    due_reason: str = ""
    """Why it was due now."""
    probe_courier: str = ""
    """Who is asked instead, see ``PollState.probe_courier``; empty: its own courier."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """A carrier (or one connection to it) that is left in peace until ``until``."""

    until: Instant
    failures: int
    reason: str
    since: Instant
    """When the trouble began; the operator is told once when it breaks and once when it heals."""


class PollStore(Protocol):
    """Due trackings. A lease ends by time, never by the life of a process."""

    async def claim_polls(
        self,
        now: Instant,
        *,
        lease_until: Instant,
        limit: int,
        skip: Collection[tuple[int, str]] = (),
    ) -> list[Claim]:
        """Lease up to ``limit`` trackings with ``due_at <= now`` and no live lease, longest due
        first.

        ``skip`` names (world_id, courier_code) pairs not wanted now. No tracking is claimed twice
        while its lease lives,
        whatever the number of processes.
        """
        ...

    async def postpone_polls(
        self,
        tracking_ids: Sequence[str],
        *,
        due_at: Instant,
        due_reason: str,
        at: Instant | None = None,
    ) -> None:
        """Give claimed trackings back unasked, with a new due time; their lease ends.

        Their own courier is asked then, also where it would have been another one's turn. With
        ``at``, it is remembered that each was deferred then, and why (``past_polls``).
        """
        ...

    async def next_poll_due(self) -> Instant | None:
        """Return the earliest due time (of leased ones: their lease's end), or None."""
        ...

    async def save_polls(self, results: Sequence[PollResult]) -> None:
        """Store polls that changed nothing."""
        ...

    async def recall_polls(self, now: Instant, *, beyond: Instant, far_only: bool = False) -> int:
        """Bring due times near again that a clock wrote which has jumped back since.

        A poll checked later than ``now`` is due (at the latest) as long after ``now`` as it was
        after that check, and counts as checked now; any other one that is due later than
        ``beyond``, or still would be, is due now. Returns how many were brought back.

        All polls are looked at, in portions; with ``far_only`` those that are due later than
        ``beyond`` alone, which costs next to nothing while there is none, however many polls there
        are.
        """
        ...

    async def take_budget(
        self, key: str, *, now: Instant, wanted: int, per_minute: int, per_day: int | None
    ) -> int:
        """Take up to ``wanted`` requests from the budget ``key``, shared by all processes; return
        how many were granted.

        No minute grants more than ``per_minute`` (``polling.budget``), whatever the number of
        processes, and though their clocks differ by some seconds; the day's counts UTC days. A
        clock that jumps back must not lock the budget for much longer than a minute (or the rest
        of the day).
        """
        ...

    async def return_budget(self, key: str, *, count: int, per_minute: int) -> None:
        """Give back ``count`` requests that were granted and not made."""
        ...

    async def pauses(self) -> dict[str, Pause]:
        """Return all pauses by budget key, ended ones included until cleared."""
        ...

    async def set_pause(self, key: str, pause: Pause | None) -> None:
        """Set or clear the pause of a budget key."""
        ...
