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
    """Store what was said in the first free slot; False where none is free, or the parcel is gone.

    Slots are numbered, and each is filled in a transaction of its own: of many that come at once no
    more are kept than of as many one after the other.
    """
    said = await store.list_records(KIND, tracking_id, limit=MOST_FEEDBACK)
    for slot in range(len(said), MOST_FEEDBACK):
        is_stored = False

        def take(before: bytes | None) -> bytes:
            nonlocal is_stored
            is_stored = before is None
            return document if before is None else before

        await store.change_record(
            KIND, tracking_id, str(slot), take, at=at, tracking_id=tracking_id
        )
        if is_stored:
            return True
    return False
