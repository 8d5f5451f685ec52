"""Every statement about the events feed, by name."""

from __future__ import annotations

from typing import Final

EVENTS_AFTER: Final = """
SELECT cursor, packed FROM event WHERE world_id = ? AND cursor > ? ORDER BY cursor LIMIT ?
"""
# Two looks into the index for each world, however many events it has.
FEED_ENDS: Final = """
WITH RECURSIVE world(id) AS (
    SELECT min(world_id) FROM event
    UNION ALL
    SELECT (SELECT min(world_id) FROM event WHERE world_id > world.id)
    FROM world WHERE world.id IS NOT NULL
)
SELECT id, (SELECT max(cursor) FROM event WHERE world_id = world.id)
FROM world WHERE id IS NOT NULL
"""
EVENTS_OF: Final = """
SELECT cursor, packed FROM event WHERE tracking_id = ? AND cursor < ? AND world_id = ?
ORDER BY cursor DESC LIMIT ?
"""
OLDEST_EVENTS: Final = """
SELECT cursor, packed FROM event WHERE cursor > ? ORDER BY cursor LIMIT ?
"""
DELETE_EVENTS: Final = "DELETE FROM event WHERE cursor IN (SELECT value FROM json_each(?))"
MARK_PRUNED: Final = """
INSERT INTO pruned_event
SELECT world_id, max(cursor) FROM event WHERE cursor IN (SELECT value FROM json_each(?))
GROUP BY world_id
ON CONFLICT (world_id) DO UPDATE SET cursor = max(cursor, excluded.cursor)
"""
PRUNED_CURSOR: Final = "SELECT cursor FROM pruned_event WHERE world_id = ?"
FIRST_CURSOR: Final = "SELECT min(cursor) FROM event WHERE world_id = ?"
