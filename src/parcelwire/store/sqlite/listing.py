"""Lists of trackings: pages and counts under conditions.

A page is found on an index alone (keys, in order), and only its own documents are read. Where the
order of the list and the condition need different columns first, the ranges of one index that
satisfy the condition are merged, which SQLite does lazily.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from parcelwire.domain.status import Status
from parcelwire.store.codec import decode_tracking
from parcelwire.store.rules import prefix_end
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.connection import Row
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.reading import Reading
from parcelwire.store.sqlite.rows import STORED, name_of
from parcelwire.store.unreadable import UNREADABLE
from parcelwire.tracking.ports import Stored, TrackingFilter, TrackingPlace
from parcelwire.tracking.slices import in_slices

SHORT_PAGE: Final = 200
SHORT_OFFSET: Final = 5_000
SHORT_NUMBERS: Final = 50
"""Up to these, a list is a short read (see ``reader``)."""

FEW: Final = 10_000
"""Up to so many trackings within the bounds of an update time, or under a number's beginning, are
sorted; of more, the walk in the order of the list finds a page sooner.
"""


Start = int | TrackingPlace | None
"""Where a page begins: after so many, after a place, or at the newest (then with places)."""


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
        return sum((await self.count_by_status(world_id, where)).values())

    async def count_by_status(self, world_id: int, where: TrackingFilter) -> dict[Status, int]:
        """See ``TrackingStore``."""
        totals = dict.fromkeys(Status, 0)
        if where.is_plain:
            for status, is_archived, total in await self._reader.rows(
                queries.COUNTERS, (world_id,)
            ):
                is_wanted = not where.statuses or status in where.statuses
                if is_wanted and where.is_archived in (None, bool(is_archived)):
                    totals[Status(status)] += total
            return totals
        conditions = _Conditions(world_id, where)
        if where.number_prefix and not conditions.index:
            conditions.index = "INDEXED BY tracking_by_number"
        sql = (
            f"SELECT t.status, count(*) FROM tracking t {conditions.index} "  # noqa: S608  # ours
            f"WHERE {conditions.sql()} GROUP BY t.status"
        )
        read = self._reader.rows if conditions.is_short else self._reader.scan
        for status, total in await read(sql, conditions.bindings):
            totals[Status(status)] = total
        return totals

    async def _page(self, world_id: int, where: TrackingFilter, start: Start, limit: int) -> _Page:
        if isinstance(start, TrackingPlace):
            # One bound of that column, or SQLite might seek by the one that is further away.
            most = start.created_at if where.created_max is None else where.created_max
            where = replace(where, created_max=min(most, start.created_at))
        conditions = _Conditions(world_id, where)
        if where.number_prefix and not conditions.index:
            prefixed = {**conditions.bindings, "most": FEW + 1}
            ((matches,),) = await self._reader.scan(queries.COUNT_PREFIX, prefixed)
            if matches <= FEW:
                conditions.index = "INDEXED BY tracking_by_number"
        if where.updated_min is not None or where.updated_max is not None:
            bounds = {
                "world": world_id,
                "least": where.updated_min or 0,
                "most": (1 << 62) if where.updated_max is None else where.updated_max,
                "few": FEW + 1,
            }
            ((updates,),) = await self._reader.scan(queries.COUNT_UPDATES, bounds)
            if not conditions.index and updates <= FEW:
                conditions.is_by_update = True
        return _Page(conditions, where, start=start, limit=limit)

    async def _read(self, page: _Page, columns: str, joins: str) -> list[Row]:
        sql = (
            f"SELECT {columns} FROM ({page.sql}) page "  # noqa: S608  # our own words
            f"CROSS JOIN doc d ON d.key = page.key {joins} "
            f"ORDER BY page.created_at DESC, page.{page.tie} DESC"
        )
        read = self._reader.rows if page.is_short else self._reader.scan
        return await read(sql, page.bindings)


class _Conditions:
    """A filter as SQL over ``tracking t``, with named bindings."""

    def __init__(self, world_id: int, where: TrackingFilter) -> None:
        self.bindings: dict[str, Any] = {"world": world_id}
        self._all = ["t.world_id = :world"]
        self._where = where
        self.index = ""
        """What finds the few that satisfy the filter, when few do: they are sorted then."""
        self.is_by_update = False
        """The same for those whose last update lies within the filter's bounds."""
        if where.numbers:
            self.index = "INDEXED BY tracking_by_number"
        elif where.order_ids:
            self.index = "NOT INDEXED"  # by key, which a list of orders gives
        self._add_values("number", where.numbers)
        if where.number_prefix:
            self._add(
                "t.number >= :prefix AND t.number < :prefix_end",
                prefix=where.number_prefix,
                prefix_end=prefix_end(where.number_prefix),
            )
        if where.courier_code is not None:
            self._add("t.courier_code = :courier", courier=where.courier_code)
        if where.order_ids:
            self._add(
                "t.key IN ("
                "SELECT key FROM tracking WHERE world_id = :world"
                " AND order_id IN (SELECT value FROM json_each(:orders))"
                " UNION SELECT key FROM tracking WHERE world_id = :world"
                " AND order_number IN (SELECT value FROM json_each(:orders)))",
                orders=_json(where.order_ids),
            )
        for column, least, most in (
            ("created_at", where.created_min, where.created_max),
            ("updated_at", where.updated_min, where.updated_max),
            ("ordered_at", where.ordered_min, where.ordered_max),
        ):
            if least is not None:
                self._add(f"t.{column} >= :{column}_min", **{f"{column}_min": least})
            if most is not None:
                self._add(f"t.{column} <= :{column}_max", **{f"{column}_max": most})

    @property
    def is_short(self) -> bool:
        """Whether reading is sure to be quick."""
        wanted = len(self._where.numbers) + len(self._where.order_ids)
        return 0 < wanted <= SHORT_NUMBERS

    def sql(self) -> str:
        """Return all conditions."""
        whole = list(self._all)
        if self._where.statuses:
            self.bindings["statuses"] = _json(tuple(self._where.statuses))
            whole.append("t.status IN (SELECT value FROM json_each(:statuses))")
        if self._where.is_archived is not None:
            whole.append(f"t.is_archived = {int(self._where.is_archived)}")
        return " AND ".join(whole)

    def ranges(self) -> list[str]:
        """Return the conditions once per range of an index, which the list is merged of."""
        archived = (0, 1) if self._where.is_archived is None else (int(self._where.is_archived),)
        if self.is_by_update:
            # Those that never changed are not in the index of updates: they came then.
            untouched = " AND ".join(
                f"t.created_at {sign} :updated_at_{bound}"
                for sign, bound in ((">=", "min"), ("<=", "max"))
                if f"updated_at_{bound}" in self.bindings
            )
            return [
                f"tracking_by_update WHERE {self.sql()} AND t.updated_at <> t.created_at",
                *(
                    f"tracking_by_age WHERE {self.sql()} AND t.is_archived = {flag}"
                    f" AND t.updated_at = t.created_at AND {untouched}"
                    for flag in archived
                ),
            ]
        if self._where.courier_code is not None:
            return [f"tracking_by_courier WHERE {self.sql()}"]
        rest = " AND ".join(self._all)
        if not self._where.statuses:
            return [f"tracking_by_age WHERE {rest} AND t.is_archived = {flag}" for flag in archived]
        statuses = dict.fromkeys(self._where.statuses)
        return [
            f"tracking_by_status WHERE {rest} AND t.status = '{status.value}'"
            f" AND t.is_archived = {flag}"
            for status in statuses
            for flag in archived
        ]

    def _add(self, sql: str, **bindings: Any) -> None:
        self._all.append(sql)
        self.bindings.update(bindings)

    def _add_values(self, column: str, values: tuple[str, ...]) -> None:
        if len(values) == 1:
            self._add(f"t.{column} = :{column}", **{column: values[0]})
        elif values:
            self._add(
                f"t.{column} IN (SELECT value FROM json_each(:{column}))",  # noqa: S608  # our own words
                **{column: _json(values)},
            )


class _Page:
    """Which keys stand on a page, newest created first.

    Those of one millisecond stand in the order of their keys, which every index ends in. A page
    that begins at a place has them in the order of their ids: the place names one, and its key is
    not known any more when that tracking was deleted. The few of a millisecond are sorted for it.
    """

    def __init__(
        self, conditions: _Conditions, where: TrackingFilter, *, start: Start, limit: int
    ) -> None:
        offset = start if isinstance(start, int) else 0
        self.tie = "key" if isinstance(start, int) else "id"
        bounds: dict[str, Any] = {}
        condition = ""
        if isinstance(start, TrackingPlace):
            bounds = {"place_at": start.created_at, "place_id": id_value(start.id)}
            condition = " AND (t.created_at < :place_at OR t.id < :place_id)"
        columns = "t.key AS key, t.created_at AS created_at"
        if self.tie == "id":
            columns += ", t.id AS id"
        ways = (
            [f"{conditions.index} WHERE {conditions.sql()}"]
            if conditions.index
            else [f"INDEXED BY {one}" for one in conditions.ranges()]
        )
        source = " UNION ALL ".join(
            f"SELECT {columns} FROM tracking t {way}{condition}"  # noqa: S608  # our own words
            for way in ways
        )
        self.sql = f"{source} ORDER BY created_at DESC, {self.tie} DESC LIMIT :limit OFFSET :offset"
        self.bindings = {**conditions.bindings, **bounds, "limit": limit, "offset": offset}
        # What is left are conditions that an index answers alone, in the order of the list.
        free = replace(where, created_min=None, created_max=None)
        is_indexed = free in (
            TrackingFilter(statuses=where.statuses, is_archived=where.is_archived),
            TrackingFilter(courier_code=where.courier_code),
        )
        self.is_short = conditions.is_short or (
            is_indexed and limit <= SHORT_PAGE and offset <= SHORT_OFFSET
        )


def _json(values: tuple[str, ...]) -> str:
    return msgspec.json.encode(values).decode()
