"""Many messages that were delivered, written down in six statements instead of five for each.

Every statement lets go of the interpreter and wants it back, while the event loop uses it for the
next messages; that costs more than the statement itself. So what nearly all attempts are, plain
deliveries, goes through a table in memory, and whatever else happened takes the long way
(``outbox.finish``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import apsw

from parcelwire.store.codec import encode_json
from parcelwire.store.sqlite import outbox
from parcelwire.store.sqlite.connection import fetch
from parcelwire.store.sqlite.ids import id_value
from parcelwire.webhooks.failing import says_something
from parcelwire.webhooks.ports import AttemptResult, MessageState

_TABLE: Final = """
CREATE TEMP TABLE IF NOT EXISTS told (
    key INTEGER NOT NULL,  -- the message's
    id ANY NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL,
    response_body TEXT NOT NULL,
    endpoint_id ANY NOT NULL,
    tracking_id ANY NOT NULL
) STRICT
"""
"""Lives in memory, one for each connection that writes; its rows never outlive a transaction."""

# A worker whose answer was lost tells the same attempt again: that one is known.
_TELL: Final = """
INSERT INTO temp.told
SELECT m.key, unhex(j.value ->> 0), j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5,
    j.value ->> 6, m.endpoint_id, m.tracking_id
FROM json_each(?) j CROSS JOIN message m ON m.id = unhex(j.value ->> 1)
WHERE NOT EXISTS (
    SELECT 1 FROM attempt a WHERE a.message_key = m.key AND a.id = unhex(j.value ->> 0)
)
"""
_ADD_ATTEMPTS: Final = """
INSERT INTO attempt (id, message_key, at, duration_ms, status, error, response_body)
SELECT id, key, at, duration_ms, status, error, response_body FROM temp.told
"""
_FINISH_MESSAGES: Final = """
UPDATE message SET state = 'delivered', attempts = attempts + t.tries
FROM (SELECT key, count(*) AS tries FROM temp.told GROUP BY key) t WHERE message.key = t.key
"""
_CLOSE_LINES: Final = """
DELETE FROM delivery_queue
WHERE (endpoint_id, tracking_id) IN (SELECT endpoint_id, tracking_id FROM temp.told)
    AND message_key IN (SELECT key FROM temp.told)
    AND NOT EXISTS (
        SELECT 1 FROM message m INDEXED BY message_pending
        WHERE m.endpoint_id = delivery_queue.endpoint_id
            AND m.tracking_id = delivery_queue.tracking_id
            AND m.state = 'pending'
    )
"""
_OPEN_LINES: Final = """
SELECT DISTINCT t.endpoint_id, t.tracking_id
FROM temp.told t CROSS JOIN delivery_queue l ON l.endpoint_id = t.endpoint_id
    AND l.tracking_id = t.tracking_id AND l.message_key = t.key
"""
_FORGET: Final = "DELETE FROM temp.told"


def is_plain(result: AttemptResult) -> bool:
    """Tell whether an attempt delivered its message and says nothing else."""
    return (
        result.state is MessageState.DELIVERED
        and not says_something(result)
        and not result.notices
        # Words that are no ids are stored as they are, and JSON knows no bytes.
        and isinstance(id_value(result.attempt.id), bytes)
        and isinstance(id_value(result.attempt.message_id), bytes)
        # SQLite's own JSON reader ends a text at a zero.
        and "\x00" not in result.attempt.error + result.attempt.response_body
    )


def document_of(results: Sequence[AttemptResult]) -> str:
    """Return plain results as ``finish_plain`` takes them."""
    attempts = [one.attempt for one in results]
    return encode_json(
        [
            (
                one.id,
                one.message_id,
                one.at,
                one.duration_ms,
                one.status,
                one.error,
                one.response_body,
            )
            for one in attempts
        ]
    ).decode()


def finish_plain(connection: apsw.Connection, document: str) -> None:
    """Store attempts that delivered their messages, and settle the lines.

    Nothing may have been given up in any of these lines.
    """
    execute = connection.execute
    execute(_TABLE)
    execute(_TELL, (document,))
    execute(_ADD_ATTEMPTS)
    execute(_FINISH_MESSAGES)
    execute(_CLOSE_LINES)
    for endpoint_id, tracking_id in fetch(connection, _OPEN_LINES):
        outbox.settle(connection, endpoint_id, tracking_id)
    execute(_FORGET)
