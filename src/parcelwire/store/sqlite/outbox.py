"""Messages inside the writer's transaction: lines, their heads, and who may be sent.

    message (pending) -> line per (endpoint, tracking) -> head -> leased -> attempt -> next head

Only the head of a line can be claimed, and the lease is the line's: that is the whole of the order
promise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import pack
from parcelwire.store.rules import LONGEST_LEASE, NAMED_SKIPPED
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.ids import id_value
from parcelwire.store.sqlite.rows import SEQUENCE_AT, TRACKING_AT
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import AttemptResult, MessageState

StoredId = bytes | str

Line = tuple[StoredId | int, StoredId | int]
"""An endpoint and a tracking."""

FIRST_LINE: Final[Line] = (0, 0)
"""Before all lines: numbers stand before texts, and these before bytes."""


class PreparedMessage(msgspec.Struct, frozen=True):
    """A message made ready for the writer."""

    message: NewMessage
    endpoint_id: StoredId
    tracking_id: StoredId
    packed: bytes


def prepared(message: NewMessage) -> PreparedMessage:
    """Make a message ready to be stored."""
    return PreparedMessage(
        message,
        id_value(message.endpoint_id),
        id_value(message.tracking_id),
        pack(message.payload),
    )


def add_message(connection: apsw.Connection, new: PreparedMessage) -> None:
    """Store a message, and put it at the end of its line.

    One whose endpoint was deleted meanwhile is dead from the start.
    """
    message, execute = new.message, connection.execute
    has_endpoint = bool(fetch(connection, queries.HAS_ENDPOINT, (new.endpoint_id,)))
    execute(
        queries.ADD_MESSAGE,
        (
            id_value(message.id),
            new.endpoint_id,
            message.world_id,
            new.tracking_id,
            message.sequence,
            id_value(message.event_id),
            message.event_type,
            message.created_at,
            (MessageState.PENDING if has_endpoint else MessageState.DEAD).value,
            message.created_at,
        ),
    )
    key = connection.last_insert_rowid()
    execute(queries.ADD_PAYLOAD, (key, new.packed))
    if not has_endpoint:
        return
    execute(queries.OPEN_LINE, (new.endpoint_id, new.tracking_id, key, message.created_at))
    if not connection.changes():
        # Others wait already. Should this one's number be smaller, it goes before them.
        line = _line(connection, new.endpoint_id, new.tracking_id)
        if line is not None and line[1] == 0:
            settle(connection, new.endpoint_id, new.tracking_id)


def settle(connection: apsw.Connection, endpoint_id: StoredId, tracking_id: StoredId) -> None:
    """Make the first pending message of a line its head, free to be sent; close an empty line."""
    line = (endpoint_id, tracking_id)
    pending = fetch(connection, queries.FIRST_PENDING, line)
    if pending:
        connection.execute(queries.SET_LINE, (*line, *pending[0]))
    else:
        connection.execute(queries.CLOSE_LINE, line)


def finish(
    connection: apsw.Connection, result: AttemptResult, *, has_skipped: bool
) -> StoredId | None:
    """Store an attempt and what follows for its message; return the message's endpoint.

    None when the message is gone or the attempt was told before: then nothing follows from it.
    ``has_skipped``: messages of any line are known to have been given up.
    """
    attempt, execute = result.attempt, connection.execute
    attempt_id, message_id = id_value(attempt.id), id_value(attempt.message_id)
    rows = fetch(connection, queries.BEFORE_FINISH, (attempt_id, message_id))
    if not rows:
        return None
    endpoint_id: StoredId
    key, endpoint_id, tracking_id, sequence, state, is_known = rows[0]
    if is_known:
        return None
    execute(
        queries.ADD_ATTEMPT,
        (
            attempt_id,
            key,
            attempt.at,
            attempt.duration_ms,
            attempt.status,
            attempt.error,
            attempt.response_body,
        ),
    )
    if state != MessageState.PENDING.value and result.state is not MessageState.DELIVERED:
        # Delivered by somebody else after this one's lease, or given up with its endpoint: a late
        # failure does not bring it back.
        execute(queries.COUNT_ATTEMPT, (key,))
    else:
        execute(queries.FINISH_MESSAGE, (result.state.value, result.next_at, key))
        if result.state is MessageState.DEAD:
            execute(queries.ADD_SKIPPED, (endpoint_id, tracking_id, sequence, message_id))
        elif has_skipped and result.state is MessageState.DELIVERED:
            execute(queries.END_SKIPPED, (endpoint_id, tracking_id, sequence))
    line = _line(connection, endpoint_id, tracking_id)
    if line is not None and line[0] == key:
        settle(connection, endpoint_id, tracking_id)
    return endpoint_id


def has_skipped(connection: apsw.Connection) -> bool:
    """Tell whether messages of any line were given up and not caught up with."""
    return _has(connection, queries.HAS_SKIPPED)


def revive(
    connection: apsw.Connection, keys: Sequence[tuple[int, StoredId, StoredId]], now: Instant
) -> None:
    """Make messages (key, endpoint, tracking) pending again, each in its place in its line.

    Their endpoints must be there.
    """
    for key, _, _ in keys:
        connection.execute(queries.RESEND, (now, key))
    for endpoint_id, tracking_id in dict.fromkeys((one[1], one[2]) for one in keys):
        line = _line(connection, endpoint_id, tracking_id)
        # While a message of the line is on its way, the line stays as it is; what follows is
        # settled when that one comes back or its lease ends.
        if line is None or not now < line[1] <= now + LONGEST_LEASE:
            settle(connection, endpoint_id, tracking_id)


def claim(
    connection: apsw.Connection,
    now: Instant,
    lease_until: Instant,
    endpoint_id: StoredId,
    count: int,
) -> list[Row]:
    """Lease the heads of the ``count`` lines of an endpoint that are due first; return messages."""
    rows = fetch(connection, queries.READY_MESSAGES, (endpoint_id, now, count))
    connection.execute(queries.LEASE_LINES, (lease_until, endpoint_id, now, count))
    return rows


def skipped_before(
    connection: apsw.Connection, endpoint_id: StoredId, rows: list[Row]
) -> dict[StoredId, list[Row]]:
    """Return what was given up before messages of one endpoint, newest first, by their ids."""
    if not _has(connection, queries.HAS_SKIPPED_OF, (endpoint_id,)):
        return {}
    return {
        row[0]: fetch(
            connection,
            queries.SKIPPED,
            (endpoint_id, row[TRACKING_AT], row[SEQUENCE_AT], NAMED_SKIPPED),
        )
        for row in rows
    }


def end_leases(connection: apsw.Connection, now: Instant) -> None:
    """Settle the lines whose lease has ended unanswered, or was given by a clock that jumped."""
    ended = fetch(connection, queries.ENDED_LEASES, (now, now + LONGEST_LEASE))
    for endpoint_id, tracking_id in ended:
        settle(connection, endpoint_id, tracking_id)


def recall(
    connection: apsw.Connection,
    lines: Sequence[tuple[StoredId, StoredId]],
    now: Instant,
    beyond: Instant,
) -> int:
    """Bring messages of lines back that a clock ahead of ``now`` has put off; return how many."""
    recalled = 0
    for endpoint_id, tracking_id in lines:
        line = {"endpoint": endpoint_id, "tracking": tracking_id, "now": now, "beyond": beyond}
        late = fetch(connection, queries.LATE_MESSAGES, line)
        for key, due_at in late:
            connection.execute(queries.RECALL_MESSAGE, (due_at, key))
        recalled += len(late)
    settle_idle(connection, lines, now)
    return recalled


def kill(connection: apsw.Connection, endpoint_id: StoredId, most: int) -> int:
    """Give up the first pending messages of an endpoint, line by line; return how many."""
    dead = fetch(connection, queries.KILL_PENDING, (endpoint_id, most))
    if dead:
        # The order in which RETURNING tells is not promised; SQLite sorts bytes after texts.
        lines = sorted((isinstance(tracking_id, bytes), tracking_id) for (tracking_id,) in dead)
        first, last = lines[0][1], lines[-1][1]
        connection.execute(queries.DROP_EMPTY_LINES, (endpoint_id, first, last))
        # Only the last line can have more. Should it be leased, it is settled when that ends.
        line = _line(connection, endpoint_id, last)
        if line is not None and line[1] == 0:
            settle(connection, endpoint_id, last)
    return len(dead)


def settle_idle(
    connection: apsw.Connection, lines: Iterable[tuple[StoredId, StoredId]], now: Instant
) -> None:
    """Settle lines (endpoint, tracking) of which nothing is on its way.

    One that is leased is settled when its message comes back or its lease ends.
    """
    for endpoint_id, tracking_id in lines:
        line = _line(connection, endpoint_id, tracking_id)
        if line is not None and not now < line[1] <= now + LONGEST_LEASE:
            settle(connection, endpoint_id, tracking_id)


def _line(
    connection: apsw.Connection, endpoint_id: StoredId, tracking_id: StoredId
) -> tuple[int, Instant] | None:
    rows = fetch(connection, queries.LINE, (endpoint_id, tracking_id))
    return rows[0] if rows else None


def _has(connection: apsw.Connection, sql: str, bindings: tuple[StoredId, ...] = ()) -> bool:
    return bool(fetch(connection, sql, bindings)[0][0])
