"""Lists of trackings: pages and counts under conditions.

A page is found on an index alone (keys, in order), and only its own documents are read. Where the
order of the list and the condition need different columns first, the ranges of one index that
satisfy the condition are merged, which SQLite does lazily.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

from parcelwire.domain.status import Status
from parcelwire.store import walks
from parcelwire.store.codec import decode_tracking
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.conditions import Conditions, Page, Start
from parcelwire.store.sqlite.connection import Row
from parcelwire.store.sqlite.reading import Reading
from parcelwire.store.sqlite.rows import STORED, name_of
from parcelwire.store.unreadable import UNREADABLE
from parcelwire.store.walks import bounded, counts_of
from parcelwire.tracking.ports import StatusCounts, Stored, TrackingFilter, TrackingPlace
from parcelwire.tracking.slices import in_slices


class Listing(Reading):
    """The part of ``TrackingStore`` that handles many trackings at a time."""

    async def list_trackings(
        self, world_id: int, where: TrackingFilter, *, offset: int, limit: int
    ) -> list[Stored]:
        """See ``TrackingStore``."""
        page = await self._page(world_id, where, offset, limit)
        rows = await self._read(page, STORED, "JOIN poll p ON p.key = page.key")
        return await self._stored(rows)

    async def page_trackings(
        self,
        world_id: int,
        where: TrackingFilter,
        *,
        after: TrackingPlace | None = None,
        limit: int = 50,
    ) -> list[Stored]:
        """See ``TrackingStore``."""
        page = await self._page(world_id, where, after, limit)
        rows = await self._read(page, STORED, "JOIN poll p ON p.key = page.key")
        return await self._stored(rows)

    async def list_renditions(
        self, world_id: int, where: TrackingFilter, *, offset: int, limit: int
    ) -> list[bytes]:
        """See ``TrackingStore``."""
        if len(where.numbers) == 1 and where == TrackingFilter(numbers=where.numbers):
            # The most frequent read of all. The index alone leads to the document; only where two
            # couriers share the number does their order ask for more.
            rows = await self._reader.rows(
                queries.RENDITIONS_OF_NUMBER, (world_id, where.numbers[0])
            )
            if len(rows) <= 1:
                with suppress(*UNREADABLE):
                    return [self._made(*row) for row in rows[offset : offset + limit]]
        page = await self._page(world_id, where, offset, limit)
        rows = await self._read(page, f"{queries.RENDITION}, d.key", "")
        return await self._renditions(rows)

    async def _renditions(self, rows: list[Row]) -> list[bytes]:
        try:
            return await in_slices(lambda row: self._made(row[0], row[1]), rows)
        except UNREADABLE:
            found = await in_slices(self._rendition, rows)
        shown = []
        for one, row in zip(found, rows, strict=True):
            if one is not None:
                shown.append(one)
            elif (tracking := await self._stand_in(row)) is not None:
                shown.append(self._render(tracking))
        return shown

    def _rendition(self, row: Row) -> bytes | None:
        return self._unreadable.read(lambda row: self._made(row[0], row[1]), row, name_of)

    def _made(self, rendition: bytes, packed: bytes | None) -> bytes:
        return rendition if packed is None else self._render(decode_tracking(packed))

    async def count_trackings(self, world_id: int, where: TrackingFilter) -> int:
        """See ``TrackingStore``."""
        return (await self.count_by_status(world_id, where)).total

    async def count_by_status(self, world_id: int, where: TrackingFilter) -> StatusCounts:
        """See ``TrackingStore``."""
        if where.is_plain:
            counts: Counter[Status] = Counter()
            for status, is_archived, total in await self._reader.rows(
                queries.COUNTERS, (world_id,)
            ):
                is_wanted = not where.statuses or status in where.statuses
                if is_wanted and where.is_archived in (None, bool(is_archived)):
                    counts[Status(status)] += total
            return StatusCounts(counts)
        conditions = await self._conditions(world_id, bounded(where))
        read = self._reader.rows if conditions.is_short else self._reader.scan
        rows = await read(conditions.count(), conditions.bindings)
        if not conditions.ways:
            return counts_of(rows)
        return StatusCounts({Status(status): total for status, total in rows})

    async def _conditions(self, world_id: int, where: TrackingFilter) -> Conditions:
        conditions = Conditions(world_id, where)
        for few in () if conditions.ways else conditions.few():
            ((found,),) = await self._reader.scan(
                few.counting, {**conditions.bindings, "few": walks.FEW + 1}
            )
            if found <= walks.FEW:
                conditions.ways = few.ways
                break
        return conditions

    async def _page(self, world_id: int, where: TrackingFilter, start: Start, limit: int) -> Page:
        # One bound of a column, or SQLite might seek by the one that is further away.
        where = bounded(where, start)
        conditions = await self._conditions(world_id, where)
        return Page(conditions, where, start=start, limit=limit)

    async def _read(self, page: Page, columns: str, joins: str) -> list[Row]:
        sql = (
            f"SELECT {columns} FROM ({page.sql}) page "  # noqa: S608  # our own words
            f"CROSS JOIN doc d ON d.key = page.key {joins} "
            f"ORDER BY page.created_at DESC, page.{page.tie} DESC"
        )
        read = self._reader.rows if page.is_short else self._reader.scan
        return await read(sql, page.bindings)
