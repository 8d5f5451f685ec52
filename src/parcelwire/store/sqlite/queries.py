"""Every statement of the engine that is always the same, by name.

Lists with conditions are put together in ``listing``, from these words and never from a caller's.
"""

from __future__ import annotations

from typing import Final

from parcelwire.domain.status import CONFIRMED_STATUSES
from parcelwire.store.sqlite.rows import ACCOUNT, API_KEY, MESSAGE, STORED, TRACKING_COLUMNS
from parcelwire.store.unreadable import STAND_IN_COLUMNS

# --- trackings --------------------------------------------------------------------------------

CREATE_TRACKING: Final = f"""
INSERT INTO tracking (id, world_id, {", ".join(TRACKING_COLUMNS)})
VALUES (?, ?, {", ".join("?" * len(TRACKING_COLUMNS))})
ON CONFLICT (world_id, number, courier_code) DO NOTHING
"""  # noqa: S608  # our own column names
ADD_DOC: Final = "INSERT INTO doc (key, packed, rendition) VALUES (?, ?, ?)"
ADD_POLL: Final = """
INSERT INTO poll
    (key, world_id, due_at, due_reason, leased_until, checks, last_outcome, last_detail)
VALUES (?, ?, ?, ?, ?, 0, '', '')
"""
ID_OF_NUMBER: Final = (
    "SELECT id FROM tracking WHERE world_id = ? AND number = ? AND courier_code = ?"
)
CREATED_COUNT: Final = "SELECT created_count FROM world WHERE world_id = ?"
ADD_CREATED: Final = """
INSERT INTO world (world_id, created_count) VALUES (?, ?)
ON CONFLICT (world_id) DO UPDATE SET created_count = created_count + excluded.created_count
"""
COUNT_ONE: Final = """
INSERT INTO counter (world_id, status, is_archived, total) VALUES (?, ?, ?, ?)
ON CONFLICT (world_id, status, is_archived) DO UPDATE SET total = total + excluded.total
"""
BEFORE_SAVE: Final = f"""
SELECT key, {", ".join(TRACKING_COLUMNS)} FROM tracking WHERE id = ? AND world_id = ?
"""  # noqa: S608  # our own column names
SAVE_DOC: Final = "UPDATE doc SET packed = ?, rendition = ? WHERE key = ?"
KEY_OF_TRACKING: Final = "SELECT key FROM tracking WHERE id = ?"
ADD_EVENT: Final = "INSERT INTO event (world_id, tracking_id, packed) VALUES (?, ?, ?)"
ADD_RAW_RESPONSE: Final = """
INSERT INTO raw_response (tracking_key, at, connector, outcome, packed) VALUES (?, ?, ?, ?, ?)
"""
FORGET_RAW_RESPONSES: Final = """
DELETE FROM raw_response WHERE tracking_key = ?1 AND key <= (
    SELECT key FROM raw_response WHERE tracking_key = ?1 ORDER BY key DESC LIMIT 1 OFFSET ?2
)
"""
RAW_RESPONSES: Final = """
SELECT at, connector, outcome, packed FROM raw_response
WHERE tracking_key = (SELECT key FROM tracking WHERE id = ?)
ORDER BY key DESC LIMIT ?
"""
BEFORE_DELETE: Final = "SELECT key, status, is_archived FROM tracking WHERE id = ? AND world_id = ?"
DELETE_RECORDS: Final = "DELETE FROM record WHERE tracking_id = ?"
DELETE_RECORDS_OF_SCOPE: Final = "DELETE FROM record WHERE scope = ?"
DELETE_TRACKING: Final = "DELETE FROM tracking WHERE key = ?"
DELETE_DOC: Final = "DELETE FROM doc WHERE key = ?"
DELETE_POLL: Final = "DELETE FROM poll WHERE key = ?"
DELETE_RAW_RESPONSES: Final = "DELETE FROM raw_response WHERE tracking_key = ?"

_STORED_FROM: Final = f"""
SELECT {STORED} FROM tracking t JOIN doc d ON d.key = t.key JOIN poll p ON p.key = t.key
"""  # noqa: S608  # our own column names
LOAD: Final = f"{_STORED_FROM} WHERE t.id = ? AND t.world_id = ?"
LOAD_ANY_WORLD: Final = f"{_STORED_FROM} WHERE t.id = ?"
FIND: Final = f"{_STORED_FROM} WHERE t.world_id = ? AND t.number = ?"
FIND_WITH_COURIER: Final = (
    f"{_STORED_FROM} WHERE t.world_id = ? AND t.number = ? AND t.courier_code = ?"
)
# A rendition that was left for the reader to make comes with what it is made of.
RENDITION: Final = "d.rendition, iif(d.rendition = x'', d.packed, NULL)"
RENDITIONS_OF_NUMBER: Final = f"""
SELECT {RENDITION}
FROM tracking t INDEXED BY tracking_by_number JOIN doc d ON d.key = t.key WHERE t.world_id = ? AND
t.number = ?
"""  # noqa: S608  # our own column names
STAND_IN: Final = f"SELECT {STAND_IN_COLUMNS} FROM tracking WHERE key = ?"  # noqa: S608  # ours
FIND_BY_PAGE: Final = f"{_STORED_FROM} WHERE t.id = ? AND t.page_token = ?"

COUNTERS: Final = "SELECT status, is_archived, total FROM counter WHERE world_id = ?"
_NEWEST_OF_STATUS: Final = [
    f"""SELECT * FROM (
        SELECT key, created_at FROM tracking INDEXED BY tracking_by_status
        WHERE world_id = :world_id AND status = '{status}' AND is_archived = {is_archived}
        ORDER BY created_at DESC LIMIT :recent
    )"""  # noqa: S608  # our own words
    for status in CONFIRMED_STATUSES
    for is_archived in (0, 1)
]
LANE: Final = """
SELECT transit_days, count(*) FROM (
    SELECT transit_days FROM tracking INDEXED BY tracking_by_lane
    WHERE courier_code = ? AND origin = ? AND destination = ? AND world_id % 2 = ?
    ORDER BY created_at DESC LIMIT ?
) GROUP BY transit_days
"""
# The newest of each status come from the index alone; only those that are the newest of all are
# looked up.
COURIER_COUNTS: Final = f"""
SELECT t.courier_code, count(*) FROM (
    SELECT key FROM ({" UNION ALL ".join(_NEWEST_OF_STATUS)})
    ORDER BY created_at DESC, key DESC LIMIT :recent
) newest JOIN tracking t ON t.key = newest.key
GROUP BY t.courier_code
"""  # noqa: S608  # our own words

# --- endpoints and messages -------------------------------------------------------------------

ADD_ENDPOINT: Final = (
    "INSERT INTO endpoint (id, world_id, is_enabled, document, sealed) VALUES (?, ?, ?, ?, ?)"
)
ENDPOINTS: Final = "SELECT document, sealed FROM endpoint WHERE world_id = ? ORDER BY key"
LOAD_ENDPOINT: Final = "SELECT document, sealed FROM endpoint WHERE id = ? AND world_id = ?"
ENDPOINT_BY_ID: Final = "SELECT document, sealed FROM endpoint WHERE id = ?"
SAVE_ENDPOINT: Final = (
    "UPDATE endpoint SET is_enabled = ?, document = ?, sealed = ? WHERE id = ? AND world_id = ?"
)
DELETE_ENDPOINT: Final = "DELETE FROM endpoint WHERE id = ? AND world_id = ?"
DROP_LINES: Final = "DELETE FROM delivery_queue WHERE endpoint_id = ?"
KILL_PENDING: Final = """
UPDATE message SET state = 'dead' WHERE key IN (
    SELECT key FROM message INDEXED BY message_pending
    WHERE endpoint_id = ? AND state = 'pending' ORDER BY tracking_id, sequence LIMIT ?
) RETURNING tracking_id
"""
# Of the trackings from one to another, which are whole slices of an endpoint's messages.
DROP_EMPTY_LINES: Final = """
DELETE FROM delivery_queue WHERE endpoint_id = ?1 AND tracking_id BETWEEN ?2 AND ?3 AND NOT EXISTS (
    SELECT 1 FROM message m INDEXED BY message_pending
    WHERE m.endpoint_id = delivery_queue.endpoint_id AND m.tracking_id = delivery_queue.tracking_id
        AND m.state = 'pending'
)
"""

ADD_MESSAGE: Final = """
INSERT INTO message (id, endpoint_id, world_id, tracking_id, sequence, event_id, event_type,
    created_at, state, attempts, due_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)
"""
ADD_PAYLOAD: Final = "INSERT INTO payload (key, packed) VALUES (?, ?)"
HAS_ENDPOINT: Final = "SELECT 1 FROM endpoint WHERE id = ?"
OPEN_LINE: Final = """
INSERT INTO delivery_queue (endpoint_id, tracking_id, message_key, ready_at, leased_until)
VALUES (?, ?, ?, ?, 0)
ON CONFLICT (endpoint_id, tracking_id) DO NOTHING
"""
LINE: Final = """
SELECT message_key, leased_until FROM delivery_queue WHERE endpoint_id = ? AND tracking_id = ?
"""
FIRST_PENDING: Final = """
SELECT key, due_at FROM message
WHERE endpoint_id = ? AND tracking_id = ? AND state = 'pending'
ORDER BY sequence, key LIMIT 1
"""
SET_LINE: Final = "INSERT OR REPLACE INTO delivery_queue VALUES (?, ?, ?, ?, 0)"
CLOSE_LINE: Final = "DELETE FROM delivery_queue WHERE endpoint_id = ? AND tracking_id = ?"

ENDED_LEASES: Final = """
SELECT endpoint_id, tracking_id FROM delivery_queue
WHERE leased_until > 0 AND (leased_until <= ? OR leased_until > ?)
"""
READY_ENDPOINTS: Final = """
SELECT id, document, sealed, ready_at FROM (
    SELECT e.id, e.document, e.sealed,
        (SELECT min(l.ready_at) FROM delivery_queue l WHERE l.endpoint_id = e.id) AS ready_at
    FROM endpoint e
    WHERE e.is_enabled = 1 AND hex(e.id) NOT IN (SELECT value FROM json_each(?1))
        AND e.world_id / 2 NOT IN (SELECT number FROM account WHERE suspended_at IS NOT NULL)
)
WHERE ready_at <= ?2 ORDER BY ready_at
"""
COUNT_READY_LINES: Final = """
SELECT count(*) FROM (SELECT 1 FROM delivery_queue WHERE endpoint_id = ? AND ready_at <= ? LIMIT ?)
"""
# Both take the same lines: those that the index of ready lines names first.
READY_MESSAGES: Final = f"""
SELECT {MESSAGE} FROM delivery_queue l CROSS JOIN message m ON m.key = l.message_key
CROSS JOIN payload y ON y.key = m.key
WHERE l.endpoint_id = ? AND l.ready_at <= ? ORDER BY l.ready_at, l.tracking_id LIMIT ?
"""  # noqa: S608  # our own column names
LEASE_LINES: Final = """
UPDATE delivery_queue SET ready_at = ?1, leased_until = ?1
WHERE endpoint_id = ?2 AND tracking_id IN (
    SELECT tracking_id FROM delivery_queue
    WHERE endpoint_id = ?2 AND ready_at <= ?3 ORDER BY ready_at, tracking_id LIMIT ?4
)
"""


def _late(endpoint: str, tracking: str) -> str:
    """Select the messages of a line that a clock ahead has put off, and when they are due now.

    The last attempt counts: after two jumps of the clock the newest by its time need not be that.
    """
    return f"""
SELECT key, due_at FROM (
    SELECT key, CASE
        WHEN attempts = 0 THEN :now
        WHEN tried_at <= due_at AND 2 * tried_at - due_at > :now
                AND due_at - tried_at <= :beyond - :now
            THEN :now + due_at - tried_at
        WHEN due_at > :beyond THEN :now
    END AS due_at
    FROM (
        SELECT m.key, m.attempts, m.due_at, (
            SELECT a.at FROM attempt a WHERE a.message_key = m.key ORDER BY a.key DESC LIMIT 1
        ) AS tried_at
        FROM message m INDEXED BY message_pending
        WHERE m.endpoint_id = {endpoint} AND m.tracking_id = {tracking} AND m.state = 'pending'
            AND m.due_at > :now
    )
)
WHERE due_at IS NOT NULL
"""  # noqa: S608  # our own words


LATE_MESSAGES: Final = _late(":endpoint", ":tracking")
LINES_AFTER: Final = f"""
SELECT l.endpoint_id, l.tracking_id, EXISTS ({_late("l.endpoint_id", "l.tracking_id")})
FROM delivery_queue l WHERE (l.endpoint_id, l.tracking_id) > (:endpoint, :tracking)
ORDER BY l.endpoint_id, l.tracking_id LIMIT :limit
"""  # noqa: S608  # our own words
FAR_LINES: Final = """
SELECT l.endpoint_id, l.tracking_id
FROM endpoint e
CROSS JOIN delivery_queue l INDEXED BY delivery_queue_by_ready ON l.endpoint_id = e.id
WHERE l.ready_at > :beyond LIMIT :limit
"""
RECALL_MESSAGE: Final = "UPDATE message SET due_at = ? WHERE key = ?"
NEXT_READY: Final = """
SELECT min((SELECT min(l.ready_at) FROM delivery_queue l WHERE l.endpoint_id = e.id))
FROM endpoint e WHERE e.is_enabled = 1
    AND e.world_id / 2 NOT IN (SELECT number FROM account WHERE suspended_at IS NOT NULL)
"""
# A worker whose answer was lost tells the same attempt again.
BEFORE_FINISH: Final = """
SELECT key, endpoint_id, tracking_id, sequence, state,
    EXISTS (SELECT 1 FROM attempt a WHERE a.message_key = m.key AND a.id = ?1)
FROM message m WHERE m.id = ?2
"""
ADD_ATTEMPT: Final = """
INSERT INTO attempt (id, message_key, at, duration_ms, status, error, response_body)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
HAS_SKIPPED: Final = "SELECT EXISTS (SELECT 1 FROM skipped)"
HAS_SKIPPED_OF: Final = "SELECT EXISTS (SELECT 1 FROM skipped WHERE endpoint_id = ?)"
ADD_SKIPPED: Final = """
INSERT OR IGNORE INTO skipped (endpoint_id, tracking_id, sequence, message_id)
VALUES (?, ?, ?, ?)
"""
SKIPPED: Final = """
SELECT message_id, sequence FROM skipped
WHERE endpoint_id = ? AND tracking_id = ? AND sequence < ?
ORDER BY sequence DESC, message_id DESC LIMIT ?
"""
END_SKIPPED: Final = (
    "DELETE FROM skipped WHERE endpoint_id = ? AND tracking_id = ? AND sequence <= ?"
)
DROP_SKIPPED: Final = """
DELETE FROM skipped WHERE endpoint_id = ?1 AND (tracking_id, sequence, message_id) IN (
    SELECT tracking_id, sequence, message_id FROM skipped WHERE endpoint_id = ?1 LIMIT ?2
)
"""
COUNT_ATTEMPT: Final = "UPDATE message SET attempts = attempts + 1 WHERE key = ?"
FINISH_MESSAGE: Final = """
UPDATE message SET state = ?, attempts = attempts + 1, due_at = coalesce(?, due_at) WHERE key = ?
"""
RESEND: Final = "UPDATE message SET state = 'pending', attempts = 0, due_at = ? WHERE key = ?"

# --- idempotency keys -------------------------------------------------------------------------

FIND_DONE: Final = """
SELECT fingerprint, at, status, body, sealed FROM idempotency_record WHERE world_id = ? AND key = ?
"""
ADD_DONE: Final = """
INSERT INTO idempotency_record (world_id, key, fingerprint, at, status, body, sealed)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
PRUNE_DONE: Final = """
DELETE FROM idempotency_record WHERE rowid IN (
    SELECT rowid FROM idempotency_record WHERE at < ? ORDER BY at LIMIT ?
)
"""

# --- accounts and the operator's tables -------------------------------------------------------

ADD_ACCOUNT: Final = """
INSERT INTO account (email, email_key, name, created_at) VALUES (?, ?, ?, ?)
ON CONFLICT (email_key) DO NOTHING
"""
LOAD_ACCOUNT: Final = f"SELECT {ACCOUNT} FROM account a WHERE a.number = ?"  # noqa: S608  # ours
FIND_ACCOUNT: Final = f"SELECT {ACCOUNT} FROM account a WHERE a.email_key = ?"  # noqa: S608  # ours
ACCOUNTS: Final = f"SELECT {ACCOUNT} FROM account a ORDER BY a.number"  # noqa: S608  # ours
SAVE_ACCOUNT: Final = "UPDATE account SET name = ?, phone = ?, tracking_quota = ? WHERE number = ?"
# The first suspension's time stands until it is ended.
SUSPEND_ACCOUNT: Final = """
UPDATE account SET suspended_at = coalesce(suspended_at, ?), suspended_reason = ? WHERE number = ?
"""
RESUME_ACCOUNT: Final = """
UPDATE account SET suspended_at = NULL, suspended_reason = ''
WHERE number = ? AND suspended_at IS NOT NULL
"""
SUSPENDED_ACCOUNTS: Final = "SELECT number FROM account WHERE suspended_at IS NOT NULL"
ADD_KEY: Final = """
INSERT INTO api_key (digest, prefix, account_number, is_test, label, scope, created_at, revoked_at,
    expires_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
FIND_KEY: Final = f"""
SELECT {API_KEY}, {ACCOUNT} FROM api_key k JOIN account a ON a.number = k.account_number
WHERE k.digest = ?
"""  # noqa: S608  # our own column names
KEYS: Final = f"SELECT {API_KEY} FROM api_key k ORDER BY k.created_at, k.key"  # noqa: S608  # ours
KEYS_OF_ACCOUNT: Final = f"""
SELECT {API_KEY} FROM api_key k WHERE k.account_number = ? ORDER BY k.created_at, k.key
"""  # noqa: S608  # our own column names
REVOKE_KEY: Final = "UPDATE api_key SET revoked_at = ? WHERE prefix = ? AND revoked_at IS NULL"
SAVE_CONNECTION: Final = "INSERT OR REPLACE INTO connection VALUES (?, ?, ?, ?)"
CONNECTION: Final = "SELECT document FROM connection WHERE id = ?"
CONNECTIONS: Final = "SELECT document, id FROM connection ORDER BY created_at, id"
CONNECTIONS_OF_ACCOUNT: Final = (
    "SELECT document, id FROM connection WHERE account_number = ? ORDER BY created_at, id"
)
DELETE_CONNECTION: Final = "DELETE FROM connection WHERE account_number = ? AND id = ?"
COUNT_UNMAPPED_CODE: Final = """
INSERT INTO unmapped_code (connector, kind, value, count, sample, last_seen_at)
VALUES (?, ?, ?, 1, ?, ?)
ON CONFLICT (connector, kind, value) DO UPDATE SET
    count = count + 1,
    sample = CASE WHEN excluded.sample = '' THEN sample ELSE excluded.sample END,
    last_seen_at = max(last_seen_at, excluded.last_seen_at)
"""
UNMAPPED_CODES: Final = """
SELECT connector, kind, value, count, sample, last_seen_at FROM unmapped_code
ORDER BY count DESC, last_seen_at DESC, connector, kind, value LIMIT ?
"""
FORGET_REMOTE_AREAS: Final = "DELETE FROM remote_area"
ADD_REMOTE_AREA: Final = "INSERT OR IGNORE INTO remote_area VALUES (?, ?, ?)"
COUNT_REMOTE_AREAS: Final = "SELECT count(*) FROM remote_area"
REMOTE_AREA: Final = (
    "SELECT company FROM remote_area WHERE country = ? AND place = ? ORDER BY company"
)
HAS_REMOTE_AREAS: Final = "SELECT EXISTS (SELECT 1 FROM remote_area)"

# --- readiness --------------------------------------------------------------------------------

BEAT: Final = """
INSERT INTO heartbeat VALUES (1, 1, ?)
ON CONFLICT (id) DO UPDATE SET beats = beats + 1, filler = excluded.filler
"""
HEARTBEAT: Final = "SELECT beats FROM heartbeat WHERE id = 1"
