"""From a ``TrackingFilter`` to SQL: the one place where a statement is put together."""

from __future__ import annotations

from typing import Any, Final

from parcelwire.store import walks
from parcelwire.store.postgres.values import clean, key_of, within
from parcelwire.store.rules import prefix_end
from parcelwire.store.walks import Walk, bounded, walks_of
from parcelwire.tracking.ports import TrackingFilter, TrackingPlace

Start = int | TrackingPlace
"""Where a page begins: after so many, or after a place."""

Query = tuple[str, list[Any]]
"""A statement and its arguments."""

NARROW: Final = {"number_prefix": "number", "ordered": "ordered_at", "updated": "updated_at"}
"""Conditions that have an index of their own, and the column that it stands in the order of."""

_POLL = (
    "p.due_at, p.due_reason, p.leased_until, p.checked_at, p.last_outcome, p.last_detail, p.checks,"
    " p.probe_courier, d.tracking_id"
)
# Constants and place holders only, here and below.
_STORED = f"select d.body, {_POLL} from ("  # noqa: S608
_STORED_END = (
    ") t join doc d on d.tracking_id = t.id join poll p on p.tracking_id = t.id "
    "order by t.created_at desc, t.id desc"
)
_RENDITIONS = "select d.rendition, d.tracking_id from ("
_RENDITIONS_END = ") t join doc d on d.tracking_id = t.id order by t.created_at desc, t.id desc"


class _Conditions:
    """Conditions and their arguments, numbered as they come."""

    def __init__(self, world_id: int, where: TrackingFilter, narrow: str = "") -> None:
        """``narrow``: the condition that few trackings satisfy; these are collected first."""
        self.arguments: list[Any] = []
        self.found: list[str] = []
        """What finds the few; without them, the whole world's."""
        self._walked = [self._text("world_id = {}", world_id)]
        """What an index answers on the way, beside status and archived."""
        self._other: list[str] = []
        """What it does not."""
        self._place = ""
        self._where = where
        self._narrow = narrow
        if where.courier_code is not None:
            self._walked.append(self._text("courier_code = {}", key_of(where.courier_code)))
        self._walked += self._bounds("created_at", where.created_min, where.created_max)
        # Of what is not to be sought by, no index is offered: a column that is reckoned with.
        for name, column, ends in (
            ("updated", "updated_at", (where.updated_min, where.updated_max)),
            ("ordered", "ordered_at", (where.ordered_min, where.ordered_max)),
        ):
            if name == narrow:
                self.found += self._bounds(column, *ends)
            else:
                self._other += self._bounds(f"{column} + 0", *ends)
        if where.number_prefix:
            prefix = clean(where.number_prefix)
            is_sought = narrow == "number_prefix"
            column = "number" if is_sought else "number || ''"
            (self.found if is_sought else self._other).extend(
                (
                    self._text(f"{column} >= {{}}", prefix),
                    self._text(f"{column} < {{}}", prefix_end(prefix)),
                )
            )
        if where.numbers:
            keys = [key_of(number) for number in where.numbers]
            self.found.append(self._text("number = any({}::text[])", keys))
        if where.order_ids:
            keys = [key_of(order_id) for order_id in where.order_ids]
            text = "(order_id = any({0}::text[]) or order_number = any({0}))"
            self.found.append(self._text(text, keys))

    def follow(self, place: TrackingPlace) -> None:
        """Begin after a place in the order of the list."""
        at, identity = self.argument(within(place.created_at)), self.argument(place.id)
        self._place = f" and (created_at, id) < ({at}, {identity})"

    def argument(self, value: Any) -> str:
        """Add an argument; return its place holder."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    def few(self) -> str:
        """Return the table and the conditions of the few, for when something finds them."""
        texts = self._walked + self._other
        if self._where.statuses:
            texts.append(self._text("status = any({}::text[])", _statuses(self._where)))
        if self._where.is_archived is not None:
            texts.append(self._text("is_archived = {}", self._where.is_archived))
        if not self._narrow:
            return f"tracking where {' and '.join(texts + self.found)}{self._place}"
        return f"{self.collected(walks.FEW)} where {' and '.join(texts)}{self._place}"

    def collected(self, most: int) -> str:
        """Return at most so many that satisfy the narrow condition, in the order of its index: or
        the planner might take another one.
        """
        found = " and ".join([self._walked[0], *self.found])
        columns = "id, world_id, created_at, updated_at, ordered_at"
        columns += ", number, courier_code, status, is_archived"
        return (
            f"(select {columns} from tracking where {found}"  # noqa: S608
            f" order by {NARROW[self._narrow]} limit {most}) found"
        )

    def walk(self, walk: Walk) -> str:
        """Return the conditions of one walk along an index."""
        texts = [*self._walked, f"is_archived = {walk.is_archived}"]
        if walk.status is not None:
            texts.append(f"status = '{walk.status}'")
        return " and ".join(texts) + self._place

    @property
    def other(self) -> list[str]:
        """The conditions that a walk has to look at each tracking for."""
        return self._other

    def _text(self, text: str, argument: Any) -> str:
        return text.format(self.argument(argument))

    def _bounds(self, column: str, least: int | None, most: int | None) -> list[str]:
        return [
            self._text(f"{column} {sign} {{}}", within(value))
            for sign, value in ((">=", least), ("<=", most))
            if value is not None
        ]


def stored_page(
    world_id: int, where: TrackingFilter, start: Start, limit: int, *, narrow: str = ""
) -> Query:
    """Return the statement for a page of whole trackings with poll state.

    ``narrow``: one of ``NARROW`` that few trackings satisfy, if any.
    """
    page, arguments = _page(world_id, where, start, limit, narrow=narrow)
    return f"{_STORED}{page}{_STORED_END}", arguments


def rendition_page(
    world_id: int, where: TrackingFilter, offset: int, limit: int, *, narrow: str = ""
) -> Query:
    """Return the statement for a page of renditions."""
    page, arguments = _page(world_id, where, offset, limit, narrow=narrow)
    return f"{_RENDITIONS}{page}{_RENDITIONS_END}", arguments


def narrow_counts(world_id: int, where: TrackingFilter, most: int) -> dict[str, Query]:
    """Return for each of ``NARROW`` that is asked for the statement that counts at most ``most``
    trackings that satisfy it.
    """
    if where.numbers or where.order_ids:
        return {}
    found = {}
    for name in NARROW:
        conditions = _Conditions(world_id, _only(name, where), name)
        if conditions.found:
            query = f"select count(*) from {conditions.collected(most)}"  # noqa: S608
            found[name] = (query, conditions.arguments)
    return found


def _only(name: str, where: TrackingFilter) -> TrackingFilter:
    if name == "number_prefix":
        return TrackingFilter(number_prefix=where.number_prefix)
    if name == "ordered":
        return TrackingFilter(ordered_min=where.ordered_min, ordered_max=where.ordered_max)
    return TrackingFilter(updated_min=where.updated_min, updated_max=where.updated_max)


def status_counts(world_id: int, where: TrackingFilter, *, narrow: str = "") -> Query:
    """Return the statement that counts few trackings: rows of (status, count)."""
    conditions = _Conditions(world_id, bounded(where), narrow)
    query = f"select status, count(*) from {conditions.few()} group by status"  # noqa: S608
    return query, conditions.arguments


def walk_counts(world_id: int, where: TrackingFilter) -> Query:
    """Return the statement that counts many: rows of ``counts_of``."""
    conditions = _Conditions(world_id, bounded(where))
    is_wanted = " and ".join(conditions.other) or "true"
    query = " union all ".join(
        f"select '{walk.status}', count(*), count(*) filter (where is_wanted), max(at), min(at),"  # noqa: S608
        " (select created_at from tracking"
        f" where {conditions.walk(walk)} order by created_at, id limit 1)"
        f" from (select created_at as at, {is_wanted} as is_wanted"
        f" from tracking where {conditions.walk(walk)}"
        f" order by created_at desc, id desc limit {walks.MOST_COUNTED + 1}) w"
        for walk in walks_of(where, by_status=True)
    )
    return query, conditions.arguments


def _statuses(where: TrackingFilter) -> list[str]:
    return sorted({status.value for status in where.statuses})


def _page(
    world_id: int, where: TrackingFilter, start: Start, limit: int, *, narrow: str = ""
) -> Query:
    """Return the ids of one page, newest first.

    Several walks are merged: one walk with a condition would pass over most of the table to find a
    rare status.
    """
    conditions = _Conditions(world_id, bounded(where), narrow)
    if isinstance(start, TrackingPlace):
        conditions.follow(start)
    offset = start if isinstance(start, int) else 0
    order = "order by created_at desc, id desc"
    first, count = within(max(0, offset)), within(max(0, limit))
    ends = f"offset {conditions.argument(first)} limit {conditions.argument(count)}"
    if conditions.found:
        page = f"select id, created_at from {conditions.few()} {order} {ends}"  # noqa: S608
        return page, conditions.arguments
    most = conditions.argument(within(first + count))
    other = "".join(f" and {text}" for text in conditions.other)
    merged = [
        f"(select id, created_at from tracking where {conditions.walk(walk)}{other} "  # noqa: S608
        f"{order} limit {most})"
        for walk in walks_of(where)
    ]
    page = f"select id, created_at from ({' union all '.join(merged)}) s {order} {ends}"  # noqa: S608
    return page, conditions.arguments
