"""Messages inside the writer's transaction: lines, their heads, and who may be sent.

    message (pending) -> line per (endpoint, tracking) -> head -> leased -> attempt -> next head

Only the head of a line can be claimed, and the lease is the line's: that is the whole of the order
promise.
"""

from __future__ import annotations

import apsw
import msgspec

from parcelwire.domain.clock import Instant
from parcelwire.store.codec import pack
from parcelwire.store.rules import LONGEST_LEASE
from parcelwire.store.sqlite import queries
from parcelwire.store.sqlite.connection import Row, fetch
from parcelwire.store.sqlite.ids import id_value
from parcelwire.tracking.ports import NewMessage
from parcelwire.webhooks.ports import AttemptResult, MessageState

StoredId = bytes | str


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


def finish(connection: apsw.Connection, result: AttemptResult) -> StoredId | None:
    """Store an attempt and what follows for its message; return the message's endpoint."""
    attempt, execute = result.attempt, connection.execute
    rows = fetch(connection, queries.BEFORE_FINISH, (id_value(attempt.message_id),))
    if not rows:
        return None
    endpoint_id: StoredId
    key, endpoint_id, tracking_id, state = rows[0]
    execute(
        queries.ADD_ATTEMPT,
        (
            id_value(attempt.id),
            key,
            attempt.at,
            attempt.duration_ms,
            attempt.status,
            attempt.error,
            attempt.answer,
        ),
    )
    if state != MessageState.PENDING.value and result.state is not MessageState.DELIVERED:
        # Delivered by somebody else after this one's lease, or given up with its endpoint: a late
        # failure does not bring it back.
        execute(queries.COUNT_ATTEMPT, (key,))
    else:
        execute(queries.FINISH_MESSAGE, (result.state.value, result.next_at, key))
    line = _line(connection, endpoint_id, tracking_id)
    if line is not None and line[0] == key:
        settle(connection, endpoint_id, tracking_id)
    return endpoint_id


def resend(connection: apsw.Connection, world_id: int, message_id: StoredId, now: Instant) -> bool:
    """Make a message pending again, in its place in the line."""
    rows = fetch(connection, queries.BEFORE_RESEND, (message_id, world_id))
    if not rows:
        return False
    key, endpoint_id, tracking_id = rows[0]
    if not fetch(connection, queries.HAS_ENDPOINT, (endpoint_id,)):
        return False
    connection.execute(queries.RESEND, (now, key))
    line = _line(connection, endpoint_id, tracking_id)
    # While a message of the line is on its way, the line stays as it is; what follows is settled
    # when that one comes back or its lease ends.
    if line is None or not now < line[1] <= now + LONGEST_LEASE:
        settle(connection, endpoint_id, tracking_id)
    return True


def claim(
    connection: apsw.Connection, lease_until: Instant, endpoint_id: StoredId, lines: list[Row]
) -> list[Row]:
    """Lease the heads of ``lines`` (tracking and message key) of one endpoint; return messages."""
    rows: list[Row] = []
    for tracking_id, key in lines:
        connection.execute(queries.LEASE_LINE, (lease_until, lease_until, endpoint_id, tracking_id))
        rows += fetch(connection, queries.MESSAGE_BY_KEY, (key,))
    return rows


def end_leases(connection: apsw.Connection, now: Instant) -> None:
    """Settle the lines whose lease has ended unanswered, or was given by a clock that jumped."""
    ended = fetch(connection, queries.ENDED_LEASES, (now, now + LONGEST_LEASE))
    for endpoint_id, tracking_id in ended:
        settle(connection, endpoint_id, tracking_id)


def _line(
    connection: apsw.Connection, endpoint_id: StoredId, tracking_id: StoredId
) -> tuple[int, Instant] | None:
    rows = fetch(connection, queries.LINE, (endpoint_id, tracking_id))
    return rows[0] if rows else None
