"""Whether what belongs to a deleted tracking is gone with it, in every table that there is."""

from __future__ import annotations

from typing import Final

from parcelwire.domain.changes import Event
from parcelwire.store.sqlite.store import SqliteStore
from parcelwire.webhooks.ports import Message
from prove.worlds.ledger import Ledger
from tests.contract.store.holdings import columns_of, known_tables, rows_of

NOBODY: Final = "0" * 32
"""An id that no tracking has."""


async def judge_deletions(ledger: Ledger, store: SqliteStore) -> list[str]:
    """Judge what is left of all trackings that were deleted.

    Messages and events that were there at the deletion are promised and stay; later ones do not.
    """
    found = [
        f"nobody says what becomes of {table} when a tracking is deleted"
        for table in sorted(set(await columns_of(store)) - set(known_tables(store)))
    ]
    # Rows of nobody show for whatever is looked for.
    for tracking_id in (*ledger.deleted, NOBODY):
        left = await rows_of(store, tracking_id, kept=False)
        found += [
            f"tracking {tracking_id} was deleted, and {table} has {count} rows of it"
            for table, count in left.items()
            if count
        ]
    return found


def judge_late(ledger: Ledger, events: list[Event], messages: list[Message]) -> list[str]:
    """Judge what was told of trackings in one world: nothing that came after their deletion."""
    made = [("event", one.id, one.tracking_id) for one in events]
    made += [("message", one.id, one.tracking_id) for one in messages]
    return [
        f"{what} {one} of tracking {tracking_id} came after its deletion"
        for what, one, tracking_id in made
        if ledger.made_at[one] > ledger.deleted.get(tracking_id, ledger.now())
    ]
