"""Every statement about messages that are looked back at, by name.

Those with conditions are put together in ``message_search``.
"""

from __future__ import annotations

from typing import Final

from parcelwire.store.sqlite.rows import MESSAGE

LOAD_MESSAGE: Final = f"""
SELECT {MESSAGE} FROM message m JOIN payload y ON y.key = m.key WHERE m.id = ? AND m.world_id = ?
"""  # noqa: S608  # our own column names
PLACE_OF_MESSAGE: Final = "SELECT created_at, key FROM message WHERE id = ? AND world_id = ?"
BEFORE_RESEND: Final = (
    "SELECT key, endpoint_id, tracking_id FROM message WHERE id = ? AND world_id = ?"
)
# Where a stretch of lines ends that begins after a line, and what waits too long in it.
END_OF_LINES: Final = """
SELECT endpoint_id, tracking_id FROM delivery_queue WHERE (endpoint_id, tracking_id) > (?, ?)
ORDER BY endpoint_id, tracking_id LIMIT 1 OFFSET ?
"""
LONG_WAITING: Final = """
SELECT m.key FROM (
    SELECT endpoint_id, tracking_id FROM delivery_queue WHERE (endpoint_id, tracking_id) > (?, ?)
    ORDER BY endpoint_id, tracking_id LIMIT ?
) l CROSS JOIN endpoint e ON e.id = l.endpoint_id AND e.is_enabled = 0
CROSS JOIN message m INDEXED BY message_pending
    ON m.endpoint_id = l.endpoint_id AND m.tracking_id = l.tracking_id AND m.state = 'pending'
WHERE m.created_at < ? LIMIT ?
"""
GIVE_UP_WAITING: Final = """
UPDATE message SET state = 'dead'
WHERE key IN (SELECT value FROM json_each(?)) AND state = 'pending'
    AND EXISTS (SELECT 1 FROM endpoint e WHERE e.id = message.endpoint_id AND e.is_enabled = 0)
RETURNING endpoint_id, tracking_id, sequence, id
"""
COUNT_WAITING: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM message INDEXED BY message_pending
    WHERE endpoint_id = ? AND state = 'pending' LIMIT ?
)
"""
COUNT_PENDING: Final = """
SELECT count(*) FROM (
    SELECT 1 FROM endpoint e CROSS JOIN message m INDEXED BY message_pending
        ON m.endpoint_id = e.id AND m.state = 'pending'
    WHERE e.world_id = :world AND e.id = ifnull(:endpoint, e.id) LIMIT :most
)
"""
STILL_REPLAYABLE: Final = """
SELECT m.key, m.endpoint_id, m.tracking_id FROM message m
WHERE m.key IN (SELECT value FROM json_each(?)) AND m.state <> 'pending'
    AND EXISTS (SELECT 1 FROM endpoint e WHERE e.id = m.endpoint_id)
ORDER BY m.key
"""
OLDEST_MESSAGES: Final = """
SELECT key, created_at, state FROM message WHERE key > ? ORDER BY key LIMIT ?
"""
DELETE_MESSAGES: Final = """
DELETE FROM message WHERE key IN (SELECT value FROM json_each(?)) AND state <> 'pending'
RETURNING key, id, endpoint_id, tracking_id, sequence
"""
DELETE_PAYLOAD: Final = "DELETE FROM payload WHERE key = ?"
DELETE_ATTEMPTS: Final = "DELETE FROM attempt WHERE message_key = ?"
DELETE_SKIPPED: Final = """
DELETE FROM skipped
WHERE endpoint_id = ? AND tracking_id = ? AND sequence = ? AND message_id = ?
"""
ATTEMPTS: Final = """
SELECT a.id, m.id, a.at, a.duration_ms, a.status, a.error, a.response_body
FROM message m JOIN attempt a ON a.message_key = m.key WHERE m.id = ? ORDER BY a.key
"""
