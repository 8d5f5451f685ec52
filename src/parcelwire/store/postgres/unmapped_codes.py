"""What carriers said and no status table knows, on PostgreSQL."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

from parcelwire.domain.clock import Instant
from parcelwire.domain.report import UnmappedCode
from parcelwire.store.postgres.database import Database
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import clean

_SQL: Final = load_queries("unmapped_codes.sql")


class UnmappedCodes:
    """Counts unmapped codes and texts, and lists them for the operator."""

    _database: Database

    async def add_unmapped_codes(
        self, connector: str, gaps: Sequence[UnmappedCode], at: Instant
    ) -> None:
        """See ``TrackingStore``."""
        if not gaps:
            return
        # One row per gap, the newest sample of it, and all in one order.
        newest = {(clean(gap.kind), clean(gap.value)): clean(gap.sample) for gap in gaps}
        seen = Counter((clean(gap.kind), clean(gap.value)) for gap in gaps)
        keys = sorted(newest)
        await self._database.fetch(
            _SQL["add_unmapped_codes"],
            clean(connector),
            [kind for kind, _ in keys],
            [hashlib.sha256(value.encode()).digest() for _, value in keys],
            [value for _, value in keys],
            [newest[key] for key in keys],
            [seen[key] for key in keys],
            at,
            is_repeatable=False,
        )

    async def list_unmapped_codes(
        self, limit: int = 100
    ) -> list[tuple[str, str, str, int, str, Instant]]:
        """See ``InstallationStore``."""
        rows = await self._database.fetch(_SQL["list_unmapped_codes"], limit)
        return [(row[0], row[1], row[2], row[3], row[4], row[5]) for row in rows]
