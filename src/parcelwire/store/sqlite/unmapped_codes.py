"""What carriers said and no status table knows."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from parcelwire.domain.clock import Instant
from parcelwire.domain.report import UnmappedCode
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.base import Part


class UnmappedCodes(Part):
    """Counts unmapped codes and texts, and lists them for the operator."""

    async def add_unmapped_codes(
        self, connector: str, gaps: Sequence[UnmappedCode], at: Instant
    ) -> None:
        """See ``TrackingStore``."""
        items = [(connector, gap.kind, gap.value, gap.sample, at) for gap in gaps]

        def work(connection: apsw.Connection) -> None:
            connection.executemany(queries.COUNT_UNMAPPED_CODE, items)

        if items:
            await self._write(work)

    async def list_unmapped_codes(
        self, limit: int = 100
    ) -> list[tuple[str, str, str, int, str, Instant]]:
        """See ``InstallationStore``."""
        rows = await self._reader.rows(queries.UNMAPPED_CODES, (limit,))
        return [
            (connector, kind, value, count, sample, at)
            for connector, kind, value, count, sample, at in rows
        ]
