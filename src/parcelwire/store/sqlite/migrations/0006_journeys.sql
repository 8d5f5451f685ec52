-- What became of each parcel, for counting: written beside the saves, by whoever follows the events.
-- In the order of its days, so that a month lies together. Days count from 1970-01-01.
CREATE TABLE journey (
    world_id INTEGER NOT NULL,
    created_on INTEGER NOT NULL,
    key INTEGER NOT NULL,  -- the tracking's
    version INTEGER NOT NULL,
    courier_code TEXT NOT NULL,
    origin TEXT,
    destination TEXT,
    status TEXT NOT NULL,
    ended_on INTEGER,
    transit_days INTEGER,
    promised_on INTEGER,
    is_on_time INTEGER,
    is_first_attempt INTEGER,
    reason TEXT,
    had_exception INTEGER NOT NULL,
    PRIMARY KEY (world_id, created_on, key)
) STRICT, WITHOUT ROWID;
