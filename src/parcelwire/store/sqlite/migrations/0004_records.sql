-- Small documents of the rooms above the core, by kind, whose they are, and id.
CREATE TABLE record (
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (kind, scope, id)
) STRICT;

CREATE INDEX record_by_age ON record (kind, at);
-- What is said about a tracking goes with it.
CREATE INDEX record_by_scope ON record (scope);
