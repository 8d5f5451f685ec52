"""Totals without ``count(*)``: changes are added as rows, and folded together now and then."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from parcelwire.domain.status import Status
from parcelwire.store.port import StoreUnavailableError
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.queries import load_queries

_SQL: Final = load_queries("trackings.sql")
log = logging.getLogger(__name__)

FOLD_AFTER: Final = 256
"""Changes written by this process before it folds."""

FOLD_ROWS: Final = 5_000
"""Changes folded at a time."""


class Counters:
    """Totals per world of trackings by status, and of those ever created."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unfolded = 0
        self._folding: asyncio.Task[None] | None = None

    def note(self, changes: int = 1) -> None:
        """Tell that this process has written changes; folds in the background when many."""
        self._unfolded += changes
        if self._unfolded >= FOLD_AFTER and self._folding is None:
            self._unfolded = 0
            self._folding = asyncio.create_task(self._fold_quietly())

    async def fold(self) -> None:
        """Fold all changes that nobody else is folding."""
        while True:
            rows = await self._database.fetch(_SQL["fold_counts"], FOLD_ROWS, is_repeatable=False)
            if rows[0][0] < FOLD_ROWS:
                return

    async def totals(self, world_id: int) -> dict[tuple[Status, bool], int]:
        """Return how many trackings there are per status and archived or not."""
        rows = await self._database.fetch(_SQL["totals"], world_id)
        return {
            (Status(what), is_archived): total
            for what, is_archived, total in rows
            if what != "created"
        }

    async def created(self, world_id: int) -> int:
        """Return how many trackings the world ever created."""
        rows = await self._database.fetch(_SQL["created_totals"], [world_id])
        return int(rows[0][1]) if rows else 0

    async def finish(self) -> None:
        """Wait for folding under way."""
        if self._folding is not None:
            await asyncio.wait([self._folding])

    async def _fold_quietly(self) -> None:
        try:
            await self.fold()
        except StoreUnavailableError as error:
            # Nothing is lost: the changes stay and count, somebody folds them later.
            log.debug("counters are folded later: %s", error)
        finally:
            self._folding = None
