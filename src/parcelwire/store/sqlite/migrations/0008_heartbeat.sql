-- Readiness writes here, durably: a database that is only read may be full, read-only or damaged.
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    beats INTEGER NOT NULL,
    filler BLOB NOT NULL
) STRICT;
