"""What recipients say about a delivery: a few records for each parcel."""

from __future__ import annotations

from typing import Final

from parcelwire.domain.clock import Instant
from parcelwire.pages.house import PageStore

KIND: Final = "feedback"
MOST_FEEDBACK: Final = 3
"""How often something may be said about one parcel."""


async def keep_feedback(
    store: PageStore, tracking_id: str, document: bytes, *, at: Instant
) -> bool:
    """Store what was said in the first place that is free; False where none is.

    Places are numbered, and taken in one transaction each: of many at one moment, no more are kept
    than of as many one after the other.
    """
    said = await store.list_records(KIND, tracking_id, limit=MOST_FEEDBACK)
    for place in range(len(said), MOST_FEEDBACK):
        is_taken = False

        def take(before: bytes | None) -> bytes:
            nonlocal is_taken
            is_taken = before is None
            return document if before is None else before

        await store.change_record(KIND, tracking_id, str(place), take, at=at)
        if is_taken:
            return True
    return False
