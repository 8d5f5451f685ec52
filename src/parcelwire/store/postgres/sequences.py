"""Sequences that stand behind what they have given.

A dump carries them. Where rows were copied without them, as logical replication does, they begin
anew: the next events would get cursors that every reader of the feed is past already.
"""

from __future__ import annotations

from typing import Final

from parcelwire.store.postgres.migrating import LOCK, LONGEST_SECONDS
from parcelwire.store.postgres.pool import Link
from parcelwire.store.postgres.queries import load_queries

_SQL: Final = load_queries("sequences.sql")


async def advance_sequences(link: Link) -> None:
    """Advance all sequences beyond what stands in the tables, if one of them is behind.

    Called before anything is written. The largest cursor of each world is kept when its events are
    pruned, and the other tables that are looked at are small, so looking costs next to nothing.
    """
    if not await link.fetchval(_SQL["is_behind"]):
        return
    async with link.transaction():
        # Processes that start at once wait for each other, so that none sets a sequence back.
        await link.execute("select pg_advisory_xact_lock($1)", LOCK, timeout=LONGEST_SECONDS)
        await link.fetch(_SQL["advance"], timeout=LONGEST_SECONDS)
