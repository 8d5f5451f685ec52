"""Statements that look for messages, put together from these words and never from a caller's."""

from __future__ import annotations

from typing import Any, Final

from parcelwire.domain.clock import Instant
from parcelwire.store.message_ways import Search, Way, size_of
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.rows import MESSAGE

Place = tuple[Instant, int]
"""Time and key of a message."""

Query = tuple[str, list[Any]]
_Condition = tuple[str, list[Any]]

_SOURCES: Final = {
    Way.WORLD: "message m INDEXED BY message_by_world",
    Way.ENDPOINT: "message m INDEXED BY message_by_endpoint",
    Way.TRACKING: "message m INDEXED BY message_by_tracking",
    Way.DEAD: "message m INDEXED BY message_dead",
    Way.ABOUT_ENDPOINTS: "message m INDEXED BY message_about_endpoint",
    Way.WAITING: "endpoint e CROSS JOIN message m INDEXED BY message_pending "
    "ON m.endpoint_id = e.id AND m.state = 'pending'",
}
_NOT_PENDING: Final[_Condition] = ("m.state <> 'pending'", [])
_HAS_ENDPOINT: Final[_Condition] = (
    "EXISTS (SELECT 1 FROM endpoint e WHERE e.id = m.endpoint_id)",
    [],
)


class MessageSearch(Search):
    """Looks for the messages of a filter, newest first or oldest first.

    Each statement looks from after a place (None: from the end of the list); ``end`` finds out how
    far, the others look as far as that.
    """

    def end(self, place: Place | None, limit: int) -> Query:
        """Find the last message (time, key, id) that is looked at for ``limit``.

        None when the list ends before.
        """
        columns = "m.created_at, m.key, m.id, m.world_id"
        sql, bindings = self._select(columns, self._stretch(place, None), 1)
        # A tracking or an endpoint may be somebody else's.
        sql = f"SELECT created_at, key, id FROM ({sql} OFFSET ?) WHERE world_id = ?"  # noqa: S608  # our own words
        return sql, [*bindings, size_of(limit) - 1, self._world_id]

    def page(self, place: Place | None, end: Place | None, limit: int) -> Query:
        """Find the first ``limit`` messages."""
        return self._select(MESSAGE, self._wanted(place, end), limit)

    def replayable(self, place: Place | None, end: Place | None, limit: int) -> Query:
        """Find time and key of the first ``limit`` that are not pending, of endpoints there are."""
        conditions = [*self._wanted(place, end), _NOT_PENDING, _HAS_ENDPOINT]
        return self._select("m.created_at, m.key", conditions, limit)

    def _select(self, columns: str, conditions: list[_Condition], limit: int) -> Query:
        payload = "CROSS JOIN payload y ON y.key = m.key " if columns == MESSAGE else ""
        sql = (
            f"SELECT {columns} FROM {_SOURCES[self._way]} {payload}"  # noqa: S608  # our own words
            f"WHERE {' AND '.join(text for text, _ in conditions)} "
            f"ORDER BY m.created_at {self._order}, m.key {self._order} LIMIT ?"
        )
        return sql, [*(value for _, values in conditions for value in values), limit]

    def _wanted(self, place: Place | None, end: Place | None) -> list[_Condition]:
        return [*self._stretch(place, end), *self._conditions()]

    def _stretch(self, place: Place | None, end: Place | None) -> list[_Condition]:
        """Return the conditions that the index of the way knows."""
        where, way, world_id = self._where, self._way, self._world_id
        found: list[_Condition] = []
        if way is Way.TRACKING:
            found.append(("m.tracking_id = ?", [id_value(where.tracking_id or "")]))
        elif way is Way.ENDPOINT:
            found.append(("m.endpoint_id = ?", [id_value(where.endpoint_id or "")]))
        elif way is Way.WAITING:
            found.append(("e.world_id = ?", [world_id]))
            if where.endpoint_id is not None:
                found.append(("e.id = ?", [id_value(where.endpoint_id)]))
        else:
            found.append(("m.world_id = ?", [world_id]))
        # In the words of the index, or SQLite would not know that it fits.
        if way is Way.DEAD:
            found.append(("m.state = 'dead'", []))
        elif way is Way.ABOUT_ENDPOINTS:
            found.append(("m.event_type GLOB 'endpoint.*'", []))
        if where.created_min is not None:
            found.append(("m.created_at >= ?", [where.created_min]))
        if where.created_max is not None:
            found.append(("m.created_at <= ?", [where.created_max]))
        for bound, sign in ((place, self._after), (end, self._until)):
            if bound is not None:
                found.append((f"(m.created_at, m.key) {sign} (?, ?)", [*bound]))
        return found

    def _conditions(self) -> list[_Condition]:
        """Return the conditions that each message is asked for."""
        rest = self._rest
        found: list[_Condition] = [("m.world_id = ?", [self._world_id])]
        if rest.endpoint_id is not None:
            found.append(("m.endpoint_id = ?", [id_value(rest.endpoint_id)]))
        if rest.states:
            marks = ", ".join("?" * len(rest.states))
            found.append((f"m.state IN ({marks})", [state.value for state in rest.states]))
        if rest.event_types:
            marks = ", ".join("?" * len(rest.event_types))
            found.append((f"m.event_type IN ({marks})", [*rest.event_types]))
        return found
