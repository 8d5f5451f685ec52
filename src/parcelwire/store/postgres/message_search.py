"""Statements that look for messages on PostgreSQL, put together from words of our own."""

from __future__ import annotations

from typing import Any, Final

from parcelwire.domain.clock import Instant
from parcelwire.store.message_ways import FEW_WAITING, Search, Way, size_of
from parcelwire.store.postgres.queries import load_queries
from parcelwire.store.postgres.values import clean, within
from parcelwire.webhooks.ports import MessageFilter

_SQL: Final = load_queries("messages.sql")

# In the order of the index, or an endpoint that is like the average one would seem to have so many
# that the whole table is read.
_OF_WAITING: Final = f"""(
    select * from message where id = any(array(
        select w.message_id from endpoint e cross join lateral (
            select message_id from pending_message where endpoint_id = e.id
            order by tracking_id, sequence, message_id limit {FEW_WAITING}
        ) as w
        where e.world_id = $1 {{}}
    )) offset 0
)"""  # noqa: S608  # a figure of ours

Place = tuple[Instant, Any]
"""Time and id of a message."""

Query = tuple[str, list[Any]]


class MessageSearch(Search):
    """Looks for the messages of a filter, newest first or oldest first.

    Each statement looks from after a place (None: from the end of the list); ``end`` finds out how
    far, the others look as far as that.
    """

    def end(self, place: Place | None, limit: int) -> Query:
        """Find the last message (time, id) that is looked at for ``limit``.

        None when the list ends before.
        """
        arguments = [self._world_id, within(size_of(limit)) - 1]
        return self._made("end_of_messages", place, None, arguments), arguments

    def page(self, place: Place | None, end: Place | None, limit: int) -> Query:
        """Find the first ``limit`` messages."""
        name = "list_messages" if self._rest == MessageFilter() else "find_messages"
        return self._found(name, place, end, limit)

    def replayable(self, place: Place | None, end: Place | None, limit: int) -> Query:
        """Find time and id of the first ``limit`` that are not pending, of endpoints there are."""
        return self._found("replayable", place, end, limit)

    def _found(self, name: str, place: Place | None, end: Place | None, limit: int) -> Query:
        arguments: list[Any] = [self._world_id, within(max(0, limit))]
        sql = self._made(name, place, end, arguments)
        return sql.replace("/* conditions */", self._conditions(arguments)), arguments

    def _made(self, name: str, place: Place | None, end: Place | None, arguments: list[Any]) -> str:
        order = f"order by m.created_at {self._order}, m.id {self._order}"
        sql = _SQL[name].replace("/* source */", self._source(arguments))
        sql = sql.replace("/* stretch */", self._stretch(place, end, arguments))
        return sql.replace("/* order */", order)

    def _source(self, arguments: list[Any]) -> str:
        if self._way is not Way.WAITING:
            return "message"
        endpoint_id = self._where.endpoint_id
        of_one = "" if endpoint_id is None else _with("and e.id = {}", endpoint_id, arguments)
        return _OF_WAITING.format(of_one)

    def _stretch(self, place: Place | None, end: Place | None, arguments: list[Any]) -> str:
        """Return the conditions that the index of the way knows."""
        where, way = self._where, self._way
        if way is Way.TRACKING:
            texts = [_with("m.tracking_id = {}", where.tracking_id, arguments)]
        elif way is Way.ENDPOINT:
            texts = [_with("m.endpoint_id = {}", where.endpoint_id, arguments)]
        else:
            texts = ["m.world_id = $1"]
        if way is Way.DEAD:
            texts.append("m.is_dead")
        elif way is Way.ABOUT_ENDPOINTS:
            texts.append("m.event_type like 'endpoint.%'")  # in the words of the index
        if where.created_min is not None:
            texts.append(_with("m.created_at >= {}", within(where.created_min), arguments))
        if where.created_max is not None:
            texts.append(_with("m.created_at <= {}", within(where.created_max), arguments))
        for bound, sign in ((place, self._after), (end, self._until)):
            if bound is not None:
                at, message_id = (_with("{}", value, arguments) for value in bound)
                texts.append(f"(m.created_at, m.id) {sign} ({at}, {message_id})")
        return " and ".join(texts)

    def _conditions(self, arguments: list[Any]) -> str:
        """Return the conditions that each message is asked for."""
        rest = self._rest
        texts = ["m.world_id = $1"]
        if rest.endpoint_id is not None:
            texts.append(_with("m.endpoint_id = {}", rest.endpoint_id, arguments))
        if rest.states:
            states = [state.value for state in rest.states]
            texts.append(_with("m.state = any({}::text[])", states, arguments))
        if rest.event_types:
            types = [clean(one) for one in rest.event_types]
            texts.append(_with("m.event_type = any({}::text[])", types, arguments))
        return " and ".join(texts)


def _with(text: str, value: Any, arguments: list[Any]) -> str:
    """Add an argument and return the text in which it stands."""
    arguments.append(value)
    return text.format(f"${len(arguments)}")
