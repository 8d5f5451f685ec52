"""Bugs that show when processes, clocks and what they stand on are not as they should be."""

from __future__ import annotations

from typing import Any, Final

from parcelwire.domain.clock import Instant
from parcelwire.webhooks.ports import ClaimedMessage
from prove.worlds.planted.bug import Bug
from prove.worlds.process import Parts
from prove.worlds.stores import WorldStore


class _EndsLeases(WorldStore):
    """A lease on a message ends as soon as it is given."""

    async def claim_messages(
        self, now: Instant, *, lease_until: Instant, **options: Any
    ) -> list[ClaimedMessage]:
        return await super().claim_messages(now, lease_until=now + 1, **options)


class _RecallsNothing(WorldStore):
    """What a clock ahead has put off stays put off."""

    async def recall_messages(self, now: Instant, *, beyond: Instant) -> int:
        return 0


BUGS: Final = (
    Bug("a lease not honoured", Parts(store=_EndsLeases), 3),
    Bug("a retry lost when the clock goes back", Parts(store=_RecallsNothing), 3),
)
