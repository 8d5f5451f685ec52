-- Answers kept under idempotency keys, messages that were given up, and messages found by time.

-- What was answered under an idempotency key, stored with the effect that it tells of.
CREATE TABLE done (
    world_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (world_id, key)
) STRICT;

CREATE INDEX done_by_time ON done (at);

-- Messages given up since the last delivered one of their line, which the next one names. Almost
-- always empty, so that looking into it costs next to nothing.
CREATE TABLE skipped (
    endpoint_id ANY NOT NULL,
    tracking_id ANY NOT NULL,
    sequence INTEGER NOT NULL,
    message_id ANY NOT NULL,
    PRIMARY KEY (endpoint_id, tracking_id, sequence, message_id)
) STRICT, WITHOUT ROWID;

-- The same three indexes as before, each with the time of the message behind: a range of time is
-- found without walking over all that is younger.
DROP INDEX message_by_world;
DROP INDEX message_by_tracking;
DROP INDEX message_by_endpoint;
CREATE INDEX message_by_world ON message (world_id, created_at);
CREATE INDEX message_by_tracking ON message (tracking_id, created_at);
CREATE INDEX message_by_endpoint ON message (endpoint_id, created_at);
