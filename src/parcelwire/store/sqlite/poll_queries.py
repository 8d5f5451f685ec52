"""Every statement about polls, budgets and pauses, by name."""

from __future__ import annotations

from typing import Final

from parcelwire.store.past_polls import LONGEST_DEFERRED, LONGEST_TRAIL

# Blobs put together are a text to SQLite, with bytes that are none: hence the cast. And a part of
# an empty one is NULL.
SAVE_POLL: Final = f"""
UPDATE poll SET due_at = ?, due_reason = ?, leased_until = ?, checked_at = ?, last_outcome = ?,
    last_detail = ?, checks = ?, probe_courier = ?,
    past_polls = coalesce(substr(CAST(? || past_polls AS BLOB), 1, {LONGEST_TRAIL}), x'')
WHERE key = ?
"""  # noqa: S608  # a figure of ours
FINISH_POLL: Final = SAVE_POLL.replace(
    "WHERE key = ?",
    "WHERE key = (SELECT key FROM tracking WHERE id = ?)"
    " AND leased_until = ifnull(?, leased_until)",
)
PAST_POLLS: Final = """
SELECT past_polls, deferrals FROM poll WHERE key = (SELECT key FROM tracking WHERE id = ?)
"""
DUE_POLLS: Final = """
SELECT p.key, t.id, t.world_id, t.courier_code, p.due_at, p.due_reason, p.probe_courier
FROM poll p JOIN tracking t ON t.key = p.key
WHERE p.due_at <= :now AND (p.leased_until <= :now OR p.leased_until > :beyond)
    AND t.world_id / 2 NOT IN (SELECT number FROM account WHERE suspended_at IS NOT NULL)
ORDER BY p.due_at, p.key LIMIT :limit
"""
# The same of one world; ``asked`` 0: of those that were never asked about, 1: of the others.
DUE_POLLS_OF_WORLD: Final = """
SELECT p.key, t.id, t.world_id, t.courier_code, p.due_at, p.due_reason, p.probe_courier
FROM poll p INDEXED BY poll_by_world JOIN tracking t ON t.key = p.key
WHERE p.world_id = :world AND min(p.checks, 1) = :asked AND p.due_at <= :now
    AND p.world_id / 2 NOT IN (SELECT number FROM account WHERE suspended_at IS NOT NULL)
    AND (p.leased_until <= :now OR p.leased_until > :beyond)
ORDER BY p.due_at, p.key LIMIT :limit
"""
# From one world to the next by the index, one step each, however many polls they have.
DUE_WORLDS: Final = """
WITH RECURSIVE world (id) AS (
    SELECT -1
    UNION ALL
    SELECT (SELECT p.world_id FROM poll p INDEXED BY poll_by_world
        WHERE p.due_at IS NOT NULL AND p.world_id > world.id ORDER BY p.world_id LIMIT 1)
    FROM world WHERE world.id IS NOT NULL
)
SELECT id,
    EXISTS (SELECT 1 FROM poll INDEXED BY poll_by_world
        WHERE world_id = id AND min(checks, 1) = 0 AND due_at <= :now)
    OR EXISTS (SELECT 1 FROM poll INDEXED BY poll_by_world
        WHERE world_id = id AND min(checks, 1) = 1 AND due_at <= :now)
FROM world
WHERE id >= 0 AND id / 2 NOT IN (SELECT number FROM account WHERE suspended_at IS NOT NULL)
"""
DUE_POLLS_BUT: Final = """
SELECT p.key, t.id, t.world_id, t.courier_code, p.due_at, p.due_reason, p.probe_courier
FROM poll p JOIN tracking t ON t.key = p.key
WHERE p.due_at <= :now AND (p.leased_until <= :now OR p.leased_until > :beyond)
    AND t.world_id / 2 NOT IN (SELECT number FROM account WHERE suspended_at IS NOT NULL)
    AND (t.world_id || ' ' || t.courier_code) NOT IN (SELECT value FROM json_each(:skip))
ORDER BY p.due_at, p.key LIMIT :limit
"""
HAS_SUSPENDED: Final = "SELECT EXISTS (SELECT 1 FROM account WHERE suspended_at IS NOT NULL)"
FRONT_POLLS: Final = """
SELECT p.key, t.world_id / 2 IN (SELECT number FROM account WHERE suspended_at IS NOT NULL)
FROM poll p JOIN tracking t ON t.key = p.key
WHERE p.due_at <= :now AND (p.leased_until <= :now OR p.leased_until > :beyond)
ORDER BY p.due_at, p.key LIMIT :window
"""
# The key spreads them; what is added to it is prime to the span, so that neighbours lie apart.
HOLD_POLL: Final = """
UPDATE poll SET due_at = :now + :span + key * 7919 % :span, due_reason = :reason, leased_until = 0,
    probe_courier = ''
WHERE key = :key
"""
# What a clock ahead has written: found from the far end of the queue, or among the polls of a
# stretch of keys.
FAR_POLLS: Final = """
SELECT key FROM poll INDEXED BY poll_by_due WHERE due_at > :beyond ORDER BY due_at LIMIT :limit
"""
LAST_POLL: Final = "SELECT coalesce(max(key), 0) FROM poll"
AHEAD_POLLS: Final = """
SELECT key FROM poll WHERE key > :after AND key <= :last AND due_at IS NOT NULL
    AND (checked_at > :now OR due_at > :beyond)
"""
RECALL_POLLS: Final = """
UPDATE poll SET
    due_at = CASE
        WHEN checked_at > :now AND due_at - checked_at <= :beyond - :now
            THEN min(due_at, max(:now, due_at - (checked_at - :now)))
        ELSE :now
    END,
    checked_at = min(checked_at, :now)
WHERE key IN (SELECT value FROM json_each(:keys)) AND due_at IS NOT NULL
    AND (checked_at > :now OR due_at > :beyond)
"""
LEASE_POLL: Final = "UPDATE poll SET leased_until = ? WHERE key = ?"
LEASE_IF_FREE: Final = """
UPDATE poll SET leased_until = ?
WHERE key = (SELECT key FROM tracking WHERE id = ?) AND leased_until = ?
"""
POSTPONE_POLL: Final = f"""
UPDATE poll SET due_at = ?, due_reason = ?, leased_until = 0, probe_courier = '',
    deferrals = coalesce(substr(CAST(? || deferrals AS BLOB), 1, {LONGEST_DEFERRED}), x'')
WHERE key = (SELECT key FROM tracking WHERE id = ?)
"""  # noqa: S608  # a figure of ours
# Rows stand in the order of due_at, so the first one without a lease ends the search; only the
# leased ones before it are looked at.
NEXT_POLL: Final = """
WITH free AS (
    SELECT due_at FROM poll WHERE due_at IS NOT NULL AND leased_until <= due_at
    ORDER BY due_at LIMIT 1
)
SELECT min(at) FROM (
    SELECT min(max(due_at, leased_until)) AS at FROM poll
    WHERE due_at < coalesce((SELECT due_at FROM free), 9223372036854775807)
    UNION ALL
    SELECT due_at FROM free
)
"""
LOAD_BUDGET: Final = "SELECT tokens, at, day, used_today FROM budget WHERE key = ?"
SAVE_BUDGET: Final = "INSERT OR REPLACE INTO budget VALUES (?, ?, ?, ?, ?)"
RETURN_BUDGET: Final = """
UPDATE budget SET tokens = min(:most, tokens + :count), used_today = max(0, used_today - :count)
WHERE key = :key
"""
PAUSES: Final = "SELECT key, document FROM pause"
SAVE_PAUSE: Final = "INSERT OR REPLACE INTO pause VALUES (?, ?)"
DELETE_PAUSE: Final = "DELETE FROM pause WHERE key = ?"
