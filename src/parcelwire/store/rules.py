"""What both engines must decide alike: pure functions and figures, no database."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec.structs import asdict, replace

from parcelwire.domain.account import Endpoint
from parcelwire.domain.checkpoint import fold
from parcelwire.domain.clock import CLOCKS_DIFFER, DAY, HOUR, MINUTE, Instant
from parcelwire.polling.budget import burst, refill
from parcelwire.store.unreadable import check_readable
from parcelwire.tracking.ports import NewTracking, Save

T = TypeVar("T")

KEPT_RAW_RESPONSES: Final = 5
"""How many raw answers of one tracking are kept."""

DELETED_AT_ONCE: Final = 200
"""Trackings deleted in one transaction: others wait for the writer, or these rows, meanwhile."""

NAMED_SKIPPED: Final = 20
"""How many messages that were given up the next one of their line names: the newest."""

LANE_SAMPLE: Final = 10_000
"""How many parcels of a lane are looked at: the newest."""

LONGEST_LEASE: Final = HOUR
"""A lease that ends later than this from now was given by a clock that has since jumped back: it
counts as ended, or work would lie idle until the clock has caught up.
"""

RECALLED_AT_ONCE: Final = 500
"""Polls or messages brought back in one transaction, after a clock has jumped back."""

LOOKED_AT_ONCE: Final = 5_000
"""Rows looked through in one step when there may be many: polls, or messages that wait."""

HOLD_WINDOW: Final = 1_000
"""Due polls that a claim looks through at a time for those of suspended accounts."""
HOLD_ROUNDS: Final = 2
"""How often one claim does so. What then still stands at the front is for the next claim."""


def portions(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut a sequence into pieces of ``size``, in order; the last one may be shorter."""
    return (items[start : start + size] for start in range(0, len(items), size))


def check_new(new: Sequence[NewTracking]) -> None:
    """Check that all of a batch belong to one world.

    Raises:
        ValueError: when they do not.
    """
    if len({item.tracking.world_id for item in new}) > 1:
        msg = "the trackings of one batch must belong to one world"
        raise ValueError(msg)


def check_save(change: Save) -> None:
    """Check that a change's version follows the one it expects.

    Raises:
        ValueError: when it does not.
        UnreadableDocumentError: it was worked out from what stands in for a document.
    """
    if change.tracking.version != change.expected_version + 1:
        msg = f"version {change.tracking.version} does not follow {change.expected_version}"
        raise ValueError(msg)
    check_readable(change.tracking.id, change.expected_version)


def merge_endpoint(
    stored: Endpoint, endpoint: Endpoint, expected: Endpoint | None = None
) -> Endpoint:
    """Return what to store: of ``stored``, the fields that ``endpoint`` changed from ``expected``.

    All of ``endpoint`` when nothing is expected.
    """
    if expected is None:
        return endpoint
    before, after = asdict(expected), asdict(endpoint)
    return replace(stored, **{name: after[name] for name in after if after[name] != before[name]})


def prefix_end(prefix: str) -> str:
    """Return the smallest text that stands after every text with this prefix, by code points."""
    for place in range(len(prefix) - 1, -1, -1):
        code = ord(prefix[place])
        if code < sys.maxunicode:
            # What comes next must be a character: half surrogates cannot be stored.
            following = 0xE000 if code in range(0xD7FF, 0xE000) else code + 1
            return prefix[:place] + chr(following)
    return chr(sys.maxunicode) * (len(prefix) + 1)


def place_key(text: str) -> str:
    """Return a postcode or town for comparing: case, accents, blanks and hyphens do not matter."""
    return fold(text).replace(" ", "").replace("-", "")


class Budget(msgspec.Struct, frozen=True):
    """What is left of a carrier's budget: a bucket for the minute, a count for the UTC day."""

    tokens: float
    at: Instant
    day: int
    """Days since 1970-01-01 UTC."""
    used_today: int


def take_from_budget(
    budget: Budget | None, now: Instant, wanted: int, per_minute: int, per_day: int | None
) -> tuple[int, Budget]:
    """Return how many requests are granted, and what is left.

    The bucket starts full and refills smoothly, see ``polling.budget``. A clock that is a little
    behind is that of another process, and counts as the bucket's own time: going back and forth
    between the two must refill nothing. One that is further behind has jumped: the bucket goes on
    from there, so that a jump costs little more than a minute. A day's count ends with its date,
    whichever way the date changes.
    """
    most = float(burst(per_minute))
    if budget is None:
        budget = Budget(most, now, now // DAY, 0)
    if 0 < budget.at - now < CLOCKS_DIFFER:
        now = budget.at
    today = now // DAY
    tokens = min(most, budget.tokens + max(0, now - budget.at) * refill(per_minute) / MINUTE)
    used_today = budget.used_today if budget.day == today else 0
    granted = max(0, min(wanted, int(tokens + 1e-9)))
    if per_day is not None:
        granted = max(0, min(granted, per_day - used_today))
    return granted, Budget(tokens - granted, now, today, used_today + granted)
