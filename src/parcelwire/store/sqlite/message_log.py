"""Messages looked back at: lists, attempts, sending again, and forgetting."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.store.sqlite import outbox, queries
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.done import Doings
from parcelwire.store.sqlite.ids import id_value, public_id
from parcelwire.store.sqlite.rows import MESSAGE, shown_message_of
from parcelwire.store.sweeping import Looked
from parcelwire.tracking.ports import Once
from parcelwire.webhooks.ports import Attempt, Message, MessageFilter, MessageState

REPLAYED_AT_ONCE: Final = 500
"""Messages taken up again in one transaction: others wait for the writer meanwhile."""

PRUNED_AT_ONCE: Final = 250
"""Messages deleted in one transaction."""

Place = tuple[Instant, int] | tuple[()]
"""Time and key of the message after which a portion begins; empty: from the oldest."""

WINDOW: Final = 2_000
"""Messages looked at in one step when old ones are sought."""


class MessageLog(Doings):
    """The part of ``MessageStore`` that looks back."""

    async def load_message(self, world_id: int, message_id: str) -> Message | None:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.LOAD_MESSAGE, (id_value(message_id), world_id))
        return shown_message_of(rows[0], self._unreadable) if rows else None

    async def list_messages(
        self,
        world_id: int,
        where: MessageFilter,
        *,
        before: str | None = None,
        limit: int = 50,
    ) -> list[Message]:
        """See ``MessageStore``."""
        conditions = _Conditions(world_id, where)
        if before is not None:
            conditions.add(
                "(m.created_at, m.key) < "
                "(SELECT created_at, key FROM message WHERE id = ? AND world_id = ?)",
                id_value(before),
                world_id,
            )
        sql = (
            f"SELECT {MESSAGE} FROM message m {conditions.index} "  # noqa: S608  # our own words
            "JOIN payload y ON y.key = m.key "
            f"WHERE {conditions.text} ORDER BY m.created_at DESC, m.key DESC LIMIT ?"
        )
        # Messages of one state, or of one type, may lie far apart.
        read = self._reader.scan if where.states or where.event_types else self._reader.rows
        rows = await read(sql, (*conditions.bindings, limit))
        return [shown_message_of(row, self._unreadable) for row in rows]

    async def count_waiting(self, endpoint_id: str, *, most: int = 10_000) -> int:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.COUNT_WAITING, (id_value(endpoint_id), most))
        return int(rows[0][0])

    async def list_attempts(self, message_id: str) -> list[Attempt]:
        """See ``MessageStore``."""
        rows = await self._reader.rows(queries.ATTEMPTS, (id_value(message_id),))
        return [
            Attempt(
                id=public_id(identity),
                message_id=public_id(message),
                at=at,
                duration_ms=duration_ms,
                status=status,
                error=error,
                answer=answer,
            )
            for identity, message, at, duration_ms, status, error, answer in rows
        ]

    async def resend(
        self, world_id: int, message_id: str, now: Instant, *, once: Once | None = None
    ) -> bool:
        """See ``MessageStore``."""
        identity = id_value(message_id)

        def work(connection: apsw.Connection) -> bool:
            rows = fetch(connection, queries.BEFORE_RESEND, (identity, world_id))
            if not rows or not fetch(connection, queries.HAS_ENDPOINT, (rows[0][1],)):
                return False
            outbox.revive(connection, rows, now)
            return True

        return await self._write_once(work, once)

    async def replay(
        self,
        world_id: int,
        where: MessageFilter,
        now: Instant,
        *,
        limit: int = 10_000,
        once: Once | None = None,
    ) -> int:
        """See ``MessageStore``.

        Without ``once`` it is done in portions, each durable by itself, so that nobody waits long
        for the writer.
        """
        if once is not None:
            whole = replay_query(world_id, where, (), limit)
            return await self._write_once(
                lambda connection: len(_replay(connection, whole, now)), once
            )
        taken = 0
        place: Place = ()
        while taken < limit:
            portion = min(REPLAYED_AT_ONCE, limit - taken)
            query = replay_query(world_id, where, place, portion)
            rows = await self._write(partial(_replay, query=query, now=now))
            taken += len(rows)
            if len(rows) < portion:
                break
            key, *_, created_at = rows[-1]
            place = (created_at, key)
        return taken

    async def give_up_waiting(self, now: Instant, *, before: Instant, limit: int = 1_000) -> int:
        """See ``MessageStore``."""
        # Sought by a reader, so that the writer has only to write.
        keys = [key for (key,) in await self._reader.scan(queries.LONG_WAITING, (before, limit))]

        def give_up(connection: apsw.Connection, wanted: str) -> int:
            rows = fetch(connection, queries.GIVE_UP_WAITING, (wanted,))
            for row in rows:
                connection.execute(queries.ADD_SKIPPED, row)
            outbox.settle_idle(connection, dict.fromkeys(row[:2] for row in rows), now)
            return len(rows)

        gone = 0
        for first in range(0, len(keys), PRUNED_AT_ONCE):
            wanted = msgspec.json.encode(keys[first : first + PRUNED_AT_ONCE]).decode()
            gone += await self._write(partial(give_up, wanted=wanted))
        return gone

    async def prune_messages(self, before: Instant, *, limit: int = 1_000) -> int:
        """See ``MessageStore``."""

        async def look(after: int) -> Looked:
            rows = await self._reader.scan(queries.OLDEST_MESSAGES, (after, WINDOW))
            return [
                (key, created_at < before, state != MessageState.PENDING.value)
                for key, created_at, state in rows
            ]

        async def delete(old: list[int]) -> int:
            gone = 0
            for first in range(0, len(old), PRUNED_AT_ONCE):
                gone += await self._delete_messages(old[first : first + PRUNED_AT_ONCE])
            return gone

        return await self._message_sweep.prune(look, delete, limit=limit)

    async def _delete_messages(self, keys: list[int]) -> int:
        wanted = msgspec.json.encode(keys).decode()

        def work(connection: apsw.Connection) -> int:
            rows = fetch(connection, queries.DELETE_MESSAGES, (wanted,))
            for key, identity, endpoint_id, tracking_id, sequence in rows:
                connection.execute(queries.DELETE_PAYLOAD, (key,))
                connection.execute(queries.DELETE_ATTEMPTS, (key,))
                line = (endpoint_id, tracking_id, sequence, identity)
                connection.execute(queries.DELETE_SKIPPED, line)
            return len(rows)

        return await self._write(work)


class _Conditions:
    """A ``MessageFilter`` as SQL over ``message m``."""

    def __init__(self, world_id: int, where: MessageFilter) -> None:
        self.bindings: list[Any] = []
        self._texts: list[str] = []
        self.index = "INDEXED BY " + (
            "message_by_tracking"
            if where.tracking_id is not None
            else "message_dead"
            if where.states == (MessageState.DEAD,)
            else "message_by_endpoint"
            if where.endpoint_id is not None
            else "message_by_world"
        )
        self.add("m.world_id = ?", world_id)
        if where.tracking_id is not None:
            self.add("m.tracking_id = ?", id_value(where.tracking_id))
        if where.endpoint_id is not None:
            self.add("m.endpoint_id = ?", id_value(where.endpoint_id))
        if where.states == (MessageState.DEAD,):
            self.add("m.state = 'dead'")  # in its words, or SQLite would not know the index fits
        elif where.states:
            self._add_any("state", [state.value for state in where.states])
        if where.event_types:
            self._add_any("event_type", list(where.event_types))
        if where.created_min is not None:
            self.add("m.created_at >= ?", where.created_min)
        if where.created_max is not None:
            self.add("m.created_at <= ?", where.created_max)

    @property
    def text(self) -> str:
        """All conditions."""
        return " AND ".join(self._texts)

    def add(self, text: str, *bindings: Any) -> None:
        """Add a condition."""
        self._texts.append(text)
        self.bindings += bindings

    def _add_any(self, column: str, values: list[str]) -> None:
        self.add(f"m.{column} IN ({', '.join('?' * len(values))})", *values)


def replay_query(
    world_id: int, where: MessageFilter, place: Place, limit: int
) -> tuple[str, list[Any]]:
    """Return the statement that finds the oldest matching messages after a place, and bindings."""
    conditions = _Conditions(world_id, where)
    conditions.add("m.state <> 'pending'")
    conditions.add("EXISTS (SELECT 1 FROM endpoint e WHERE e.id = m.endpoint_id)")
    if place:
        conditions.add("(m.created_at, m.key) > (?, ?)", *place)
    sql = (
        "SELECT m.key, m.endpoint_id, m.tracking_id, m.created_at "  # noqa: S608  # our own words
        f"FROM message m {conditions.index} WHERE {conditions.text} "
        "ORDER BY m.created_at, m.key LIMIT ?"
    )
    return sql, [*conditions.bindings, limit]


def _replay(
    connection: apsw.Connection,
    query: tuple[str, list[Any]],
    now: Instant,
) -> list[Row]:
    """Take up again what ``replay_query`` finds; return its rows."""
    rows = fetch(connection, *query)
    outbox.revive(connection, [row[:3] for row in rows], now)
    return rows
