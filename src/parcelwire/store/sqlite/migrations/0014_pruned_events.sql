-- How far the events of each world were pruned, so that the feed can tell a cursor whose events are
-- gone from one after which nothing was. What went before this is not known: the worst is assumed.
CREATE TABLE pruned_event (
    world_id INTEGER PRIMARY KEY,
    cursor INTEGER NOT NULL
) STRICT;
INSERT INTO pruned_event SELECT world_id, min(cursor) - 1 FROM event GROUP BY world_id;
INSERT INTO pruned_event
SELECT DISTINCT world_id, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'event'), 0)
FROM tracking WHERE world_id NOT IN (SELECT world_id FROM event);
