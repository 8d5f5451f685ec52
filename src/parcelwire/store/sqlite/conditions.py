"""A ``TrackingFilter`` as SQL: which index finds its trackings, and which of a page."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from parcelwire.store import walks
from parcelwire.store.rules import prefix_end
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.walks import Walk, walks_of
from parcelwire.tracking.ports import TrackingFilter, TrackingPlace

SHORT_PAGE: Final = 200
SHORT_OFFSET: Final = 5_000
SHORT_NUMBERS: Final = 50
"""Up to these, a list is a short read (see ``reader``)."""

Start = int | TrackingPlace | None
"""Where a page begins: after so many, after a place, or at the newest (then with places)."""


class Few(NamedTuple):
    """A condition that has an index of its own."""

    counting: str
    """Counts at most ``:few`` trackings that satisfy it."""
    ways: list[str]
    """How those are found, when they are few: indexes and conditions."""


class Conditions:
    """A filter as SQL over ``tracking t``, with named bindings."""

    def __init__(self, world_id: int, where: TrackingFilter) -> None:
        self.bindings: dict[str, Any] = {"world": world_id}
        self.ways: list[str] = []
        """What finds the few that satisfy the filter, when few do: they are sorted then."""
        self._where = where
        self._walked = ["t.world_id = :world"]
        """What an index answers on the way, beside status, archived and the time of creation."""
        self._other: list[str] = []
        """What it does not."""
        if where.courier_code is not None:
            self._walked.append("t.courier_code = :courier")
            self.bindings["courier"] = where.courier_code
        self._created = self._bounds("created_at", where.created_min, where.created_max)
        self._updated = self._bounds("updated_at", where.updated_min, where.updated_max)
        self._ordered = self._bounds("ordered_at", where.ordered_min, where.ordered_max)
        self._beginning: list[str] = []
        if where.number_prefix:
            self._beginning = ["t.number >= :prefix", "t.number < :prefix_end"]
            self.bindings["prefix"] = where.number_prefix
            self.bindings["prefix_end"] = prefix_end(where.number_prefix)
        self._other += self._updated + self._ordered + self._beginning
        self._add_named(where)
        if where.statuses:
            self.bindings["statuses"] = _json(tuple(where.statuses))

    def _add_named(self, where: TrackingFilter) -> None:
        if len(where.numbers) == 1:
            self._other.append("t.number = :number")
            self.bindings["number"] = where.numbers[0]
        elif where.numbers:
            self._other.append("t.number IN (SELECT value FROM json_each(:number))")
            self.bindings["number"] = _json(where.numbers)
        if where.order_ids:
            self._other.append(
                "t.key IN ("
                "SELECT key FROM tracking WHERE world_id = :world"
                " AND order_id IN (SELECT value FROM json_each(:orders))"
                " UNION SELECT key FROM tracking WHERE world_id = :world"
                " AND order_number IN (SELECT value FROM json_each(:orders)))"
            )
            self.bindings["orders"] = _json(where.order_ids)
        if where.numbers:
            self.ways = [f"INDEXED BY tracking_by_number WHERE {self.sql()}"]
        elif where.order_ids:
            # By key, which a list of orders gives.
            self.ways = [f"NOT INDEXED WHERE {self.sql()}"]

    @property
    def is_short(self) -> bool:
        """Whether reading is sure to be quick."""
        wanted = len(self._where.numbers) + len(self._where.order_ids)
        return 0 < wanted <= SHORT_NUMBERS

    def few(self) -> list[Few]:
        """Return the conditions that have an index of their own."""
        found = []
        count = "SELECT count(*) FROM ({} LIMIT :few)"
        one = "SELECT 1 FROM tracking t INDEXED BY {} WHERE t.world_id = :world AND {}"
        for index, conditions in (
            ("tracking_by_number", self._beginning),
            ("tracking_by_order_time", self._ordered),
        ):
            if conditions:
                counting = count.format(one.format(index, " AND ".join(conditions)))
                found.append(Few(counting, [f"INDEXED BY {index} WHERE {self.sql()}"]))
        if self._updated:
            found.append(self._few_updates(count, one))
        return found

    def _few_updates(self, count: str, one: str) -> Few:
        """Those that never changed are not in the index of updates: they came then."""
        changed = ["t.updated_at <> t.created_at", *self._updated]
        least = max(self._where.created_min or 0, self._where.updated_min or 0)
        came = [
            "t.updated_at = t.created_at",
            *self._bounds("created_at", least, self._where.created_max, name="came"),
        ]
        ends = [[*came, f"t.is_archived = {flag}"] for flag in (0, 1)]
        counted = [
            one.format("tracking_by_update", " AND ".join(changed)),
            *(one.format("tracking_by_age", " AND ".join(end[1:])) for end in ends),
        ]
        ways = [
            f"INDEXED BY tracking_by_update WHERE {self.sql()} AND {changed[0]}",
            *(
                f"INDEXED BY tracking_by_age WHERE {' AND '.join([self.sql(created=[]), *end])}"
                for end in ends
            ),
        ]
        return Few(count.format(" UNION ALL ".join(counted)), ways)

    def sql(self, created: list[str] | None = None) -> str:
        """Return all conditions; ``created``: in place of those on the time of creation."""
        whole = self._walked + self._other + (self._created if created is None else created)
        if self._where.statuses:
            whole.append("t.status IN (SELECT value FROM json_each(:statuses))")
        if self._where.is_archived is not None:
            whole.append(f"t.is_archived = {int(self._where.is_archived)}")
        return " AND ".join(whole)

    def walks(self) -> list[str]:
        """Return the walks along indexes that the list is merged of."""
        rest = "".join(f" AND {text}" for text in self._other)
        return [f"{self._walk(walk)}{rest}" for walk in walks_of(self._where)]

    def count(self) -> str:
        """Return the statement that counts: the few by status, or rows of ``counts_of``."""
        if self.ways:
            found = " UNION ALL ".join(
                f"SELECT t.status FROM tracking t {way}"  # noqa: S608  # our own words
                for way in self.ways
            )
            return f"SELECT status, count(*) FROM ({found}) GROUP BY status"  # noqa: S608
        is_wanted = " AND ".join(self._other) or "1"
        return " UNION ALL ".join(
            f"SELECT '{walk.status}', count(*), coalesce(sum(is_wanted), 0), max(at), min(at),"  # noqa: S608  # our own words
            f" (SELECT min(t.created_at) FROM tracking t {self._walk(walk)})"
            f" FROM (SELECT t.created_at AS at, {is_wanted} AS is_wanted"
            f" FROM tracking t {self._walk(walk)}"
            f" ORDER BY t.created_at DESC LIMIT {walks.MOST_COUNTED + 1})"
            for walk in walks_of(self._where, by_status=True)
        )

    def _walk(self, walk: Walk) -> str:
        status = "" if walk.status is None else f" AND t.status = '{walk.status}'"
        index = (
            "tracking_by_courier"
            if self._where.courier_code is not None
            else "tracking_by_status"
            if status
            else "tracking_by_age"
        )
        return (
            f"INDEXED BY {index} WHERE {' AND '.join(self._walked + self._created)}{status}"
            f" AND t.is_archived = {int(walk.is_archived)}"
        )

    def _bounds(
        self, column: str, least: int | None, most: int | None, *, name: str = ""
    ) -> list[str]:
        """Return conditions on a column, their bindings named after it or by ``name``."""
        name = name or column
        texts = []
        for end, sign, value in (("min", ">=", least), ("max", "<=", most)):
            if value is not None:
                texts.append(f"t.{column} {sign} :{name}_{end}")
                self.bindings[f"{name}_{end}"] = value
        return texts


class Page:
    """Which keys stand on a page, newest created first.

    Those of one millisecond stand in the order of their keys, which every index ends in. A page
    that begins at a place has them in the order of their ids: the place names one, and its key is
    not known any more when that tracking was deleted. The few of a millisecond are sorted for it.
    """

    def __init__(
        self, conditions: Conditions, where: TrackingFilter, *, start: Start, limit: int
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
        ways = conditions.ways or conditions.walks()
        source = " UNION ALL ".join(
            f"SELECT {columns} FROM tracking t {way}{condition}"  # noqa: S608  # our own words
            for way in ways
        )
        self.sql = f"{source} ORDER BY created_at DESC, {self.tie} DESC LIMIT :limit OFFSET :offset"
        self.bindings = {**conditions.bindings, **bounds, "limit": limit, "offset": offset}
        # What is left are conditions that an index answers alone, in the order of the list.
        free = replace(where, created_min=None, created_max=None)
        is_indexed = free == TrackingFilter(
            statuses=where.statuses, is_archived=where.is_archived, courier_code=where.courier_code
        )
        self.is_short = conditions.is_short or (
            is_indexed and limit <= SHORT_PAGE and offset <= SHORT_OFFSET // len(ways)
        )


def _json(values: tuple[str, ...]) -> str:
    return msgspec.json.encode(values).decode()
