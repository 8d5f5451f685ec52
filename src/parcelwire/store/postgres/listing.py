"""From a ``TrackingFilter`` to SQL: the one place where a statement is put together."""

from __future__ import annotations

from typing import Any

from parcelwire.store.postgres.values import clean, key_of, within
from parcelwire.store.rules import prefix_end
from parcelwire.tracking.ports import TrackingFilter, TrackingPlace

Start = int | TrackingPlace
"""Where a page begins: after so many, or after a place."""

_POLL = (
    "p.due_at, p.due_reason, p.leased_until, p.checked_at, p.last_outcome, p.last_detail, p.checks,"
    " d.tracking_id"
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

    def __init__(self, world_id: int, where: TrackingFilter) -> None:
        self.arguments: list[Any] = []
        self._texts: list[str] = []
        self._add("world_id = {}", world_id)
        if where.numbers:
            self._add("number = any({}::text[])", [key_of(number) for number in where.numbers])
        if where.number_prefix:
            prefix = clean(where.number_prefix)
            self._add("number >= {}", prefix)
            self._add("number < {}", prefix_end(prefix))
        if where.courier_code is not None:
            self._add("courier_code = {}", key_of(where.courier_code))
        if where.order_ids:
            keys = [key_of(order_id) for order_id in where.order_ids]
            self._add("(order_id = any({0}::text[]) or order_number = any({0}))", keys)
        for column, least, most in (
            ("created_at", where.created_min, where.created_max),
            ("updated_at", where.updated_min, where.updated_max),
            ("ordered_at", where.ordered_min, where.ordered_max),
        ):
            if least is not None:
                self._add(f"{column} >= {{}}", within(least))
            if most is not None:
                self._add(f"{column} <= {{}}", within(most))
        if where.is_archived is not None:
            self._add("is_archived = {}", where.is_archived)

    def _add(self, text: str, argument: Any) -> None:
        self._texts.append(text.format(self.argument(argument)))

    def follow(self, place: TrackingPlace) -> None:
        """Begin after a place in the order of the list."""
        at, identity = self.argument(within(place.created_at)), self.argument(place.id)
        self._texts.append(f"(created_at, id) < ({at}, {identity})")

    def argument(self, value: Any) -> str:
        """Add an argument; return its place holder."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"

    @property
    def text(self) -> str:
        """All conditions."""
        return " and ".join(self._texts)


def stored_page(
    world_id: int, where: TrackingFilter, start: Start, limit: int
) -> tuple[str, list[Any]]:
    """Return the statement (and arguments) for a page of whole trackings with poll state."""
    page, arguments = _page(world_id, where, start, limit)
    return f"{_STORED}{page}{_STORED_END}", arguments


def rendition_page(
    world_id: int, where: TrackingFilter, offset: int, limit: int
) -> tuple[str, list[Any]]:
    """Return the statement for a page of renditions."""
    page, arguments = _page(world_id, where, offset, limit)
    return f"{_RENDITIONS}{page}{_RENDITIONS_END}", arguments


def status_counts(world_id: int, where: TrackingFilter) -> tuple[str, list[Any]]:
    """Return the statement that counts by status: rows of (status, count)."""
    conditions = _Conditions(world_id, where)
    text = conditions.text
    if where.statuses:
        text += f" and status = any({conditions.argument(_statuses(where))}::text[])"
    query = f"select status, count(*) from tracking where {text} group by status"  # noqa: S608
    return query, conditions.arguments


def _statuses(where: TrackingFilter) -> list[str]:
    return sorted({status.value for status in where.statuses})


def _page(world_id: int, where: TrackingFilter, start: Start, limit: int) -> tuple[str, list[Any]]:
    """Return the ids of one page, newest first.

    Only indexes are read for it. Several statuses are several ordered walks that are merged: one
    walk with a condition would pass over most of the table to find a rare status.
    """
    conditions = _Conditions(world_id, where)
    if isinstance(start, TrackingPlace):
        conditions.follow(start)
    base = f"select id, created_at from tracking where {conditions.text}"  # noqa: S608
    offset = start if isinstance(start, int) else 0
    first = conditions.argument(within(max(0, offset)))
    count = conditions.argument(within(max(0, limit)))
    order = "order by created_at desc, id desc"
    statuses = _statuses(where)
    if not statuses:
        page = f"{base} {order} offset {first} limit {count}"
    else:
        walks = [
            f"({base} and status = {conditions.argument(status)} "
            f"{order} limit {first}::bigint + {count}::bigint)"
            for status in statuses
        ]
        page = f"select id, created_at from ({' union all '.join(walks)}) s "  # noqa: S608
        page += f"{order} offset {first} limit {count}"
    return page, conditions.arguments
