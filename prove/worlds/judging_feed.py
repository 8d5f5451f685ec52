"""Whether the events feed reaches back as far as it promises, and not much farther."""

from __future__ import annotations

from itertools import accumulate
from typing import Final

from parcelwire.domain.changes import Event
from parcelwire.domain.clock import DAY, HOUR, Instant
from prove.worlds.process import KEPT_DAYS, Ground
from prove.worlds.sky import BEGIN

SLACK: Final = 3 * DAY
"""By how much an event may outlive its time: a day after a clock jumped ahead, and some rounds."""
SKEW: Final = 3 * HOUR
"""How far the clock of one of several machines may be ahead of the database's."""


def judge_kept(ground: Ground, world_id: int, kept: list[tuple[int, Event]]) -> list[str]:
    """Judge which events of a world are kept, and which of those that were read are gone.

    What a clock far ahead has dated stays until its time has come, and hides no other.
    """
    now = ground.clock.now()
    found = [
        f"event {event.id} of world {world_id} is kept, {(now - event.at) / DAY:.1f} days old"
        for _, event in kept
        if event.at < now - KEPT_DAYS * DAY - SLACK
    ]
    cursors = {cursor for cursor, _ in kept}
    latest = _latest_time(ground) + SKEW
    found += [
        f"event {event.id} of world {world_id} is gone, and its time has not come"
        for cursor, event in ground.ledger.pruned[world_id].items()
        if cursor not in cursors and event.at > latest - KEPT_DAYS * DAY
    ]
    return found


def _latest_time(ground: Ground) -> Instant:
    """Return the latest time that the world's clock has ever shown."""
    jumps = ground.plan.jumps
    ends = [*(at for at, _ in jumps), ground.ledger.now()]
    ahead = accumulate((by for _, by in jumps), initial=0)
    return BEGIN + max(end + by for end, by in zip(ends, ahead, strict=True))
