-- Today's layout as a whole, for people to read. It is not run: a file comes to it by the migrations,
-- and a test holds the two equal. Why things are as they are is told in the migrations.

CREATE TABLE schema_version (
    version INTEGER PRIMARY KEY,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE world (
    world_id INTEGER PRIMARY KEY,
    created_count INTEGER NOT NULL  -- ever, deleted ones included: what a quota counts
) STRICT;

-- Narrow, typed, only what is searched. All else is in doc.
CREATE TABLE tracking (
    key INTEGER PRIMARY KEY,
    id ANY NOT NULL,
    world_id INTEGER NOT NULL,
    number TEXT NOT NULL,
    courier_code TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    is_archived INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ordered_at INTEGER,
    order_id TEXT,
    order_number TEXT,
    page_token TEXT NOT NULL,
    origin TEXT,
    destination TEXT,
    transit_days INTEGER
) STRICT;

CREATE UNIQUE INDEX tracking_by_id ON tracking (id);
CREATE UNIQUE INDEX tracking_by_number ON tracking (world_id, number, courier_code);
-- The key, which every index ends in, breaks ties of created_at: pages need one order, always.
CREATE INDEX tracking_by_age ON tracking (world_id, is_archived, created_at);
CREATE INDEX tracking_by_status ON tracking (world_id, status, is_archived, created_at);
CREATE INDEX tracking_by_courier
    ON tracking (world_id, courier_code, status, is_archived, created_at);
CREATE INDEX tracking_by_update ON tracking (world_id, updated_at)
    WHERE updated_at <> created_at;
CREATE INDEX tracking_by_order_time ON tracking (world_id, ordered_at)
    WHERE ordered_at IS NOT NULL;
CREATE INDEX tracking_by_order_id ON tracking (world_id, order_id)
    WHERE order_id IS NOT NULL;
CREATE INDEX tracking_by_order_number ON tracking (world_id, order_number)
    WHERE order_number IS NOT NULL;
CREATE INDEX tracking_by_lane
    ON tracking (courier_code, origin, destination, world_id % 2, created_at, transit_days)
    WHERE origin IS NOT NULL AND destination IS NOT NULL;

CREATE TABLE doc (
    key INTEGER PRIMARY KEY,
    packed BLOB NOT NULL,  -- the whole tracking, see store.codec
    rendition BLOB NOT NULL  -- ready to be sent; empty: readers make it from what is packed
) STRICT;

-- Apart from tracking, because most polls change nothing but this row.
CREATE TABLE poll (
    key INTEGER PRIMARY KEY,
    due_at INTEGER,
    leased_until INTEGER NOT NULL,
    checked_at INTEGER,
    checks INTEGER NOT NULL,
    due_reason TEXT NOT NULL,
    last_outcome TEXT NOT NULL,
    last_detail TEXT NOT NULL,
    past_polls BLOB NOT NULL DEFAULT x'',
    deferrals BLOB NOT NULL DEFAULT x'',
    world_id INTEGER NOT NULL DEFAULT 0,
    probe_courier TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX poll_by_due ON poll (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX poll_by_world ON poll (world_id, min(checks, 1), due_at) WHERE due_at IS NOT NULL;

CREATE TABLE raw_response (
    key INTEGER PRIMARY KEY,
    tracking_key INTEGER NOT NULL,
    at INTEGER NOT NULL,
    connector TEXT NOT NULL,
    outcome TEXT NOT NULL,
    packed BLOB NOT NULL
) STRICT;

CREATE INDEX raw_response_by_tracking ON raw_response (tracking_key);

-- How many trackings there are, so that no page waits for count(*).
CREATE TABLE counter (
    world_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    is_archived INTEGER NOT NULL,
    total INTEGER NOT NULL,
    PRIMARY KEY (world_id, status, is_archived)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    world_id INTEGER NOT NULL,
    packed BLOB NOT NULL,
    tracking_id ANY
) STRICT;

CREATE INDEX event_by_world ON event (world_id);
CREATE INDEX event_by_tracking ON event (tracking_id);

-- The newest event of each world that is gone.
CREATE TABLE pruned_event (
    world_id INTEGER PRIMARY KEY,
    cursor INTEGER NOT NULL
) STRICT;

-- What of it is secret is sealed; empty: it lies in the document still.
CREATE TABLE endpoint (
    key INTEGER PRIMARY KEY,
    id ANY NOT NULL,
    world_id INTEGER NOT NULL,
    is_enabled INTEGER NOT NULL,
    document BLOB NOT NULL,
    sealed BLOB NOT NULL DEFAULT x''
) STRICT;

CREATE UNIQUE INDEX endpoint_by_id ON endpoint (id);
CREATE INDEX endpoint_by_world ON endpoint (world_id);

CREATE TABLE message (
    key INTEGER PRIMARY KEY,
    id ANY NOT NULL,
    world_id INTEGER NOT NULL,
    endpoint_id ANY NOT NULL,
    tracking_id ANY NOT NULL,
    sequence INTEGER NOT NULL,
    event_id ANY NOT NULL,
    event_type TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX message_by_id ON message (id);
CREATE INDEX message_by_world ON message (world_id, created_at);
CREATE INDEX message_by_tracking ON message (tracking_id, created_at);
CREATE INDEX message_by_endpoint ON message (endpoint_id, created_at);
CREATE INDEX message_dead ON message (world_id, created_at) WHERE state = 'dead';
CREATE INDEX message_about_endpoint ON message (world_id, created_at)
    WHERE event_type GLOB 'endpoint.*';
CREATE INDEX message_pending ON message (endpoint_id, tracking_id, sequence)
    WHERE state = 'pending';

CREATE TABLE payload (
    key INTEGER PRIMARY KEY,  -- the message's
    packed BLOB NOT NULL
) STRICT;

-- One row per (endpoint, tracking) with something to send: its head is the only message of the two
-- that may be on its way, so the lease is the queue's. Behind the head any number may wait unseen,
-- and the queues of one endpoint are found without walking over those of another.
CREATE TABLE delivery_queue (
    endpoint_id ANY NOT NULL,
    tracking_id ANY NOT NULL,
    message_key INTEGER NOT NULL,
    ready_at INTEGER NOT NULL,  -- the head's due_at, or the end of its lease
    leased_until INTEGER NOT NULL,
    PRIMARY KEY (endpoint_id, tracking_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX delivery_queue_by_ready ON delivery_queue (endpoint_id, ready_at);
CREATE INDEX delivery_queue_by_lease ON delivery_queue (leased_until) WHERE leased_until > 0;

-- Messages given up since the last delivered one of their queue, which the next one names. Almost
-- always empty, so that looking into it costs next to nothing.
CREATE TABLE skipped (
    endpoint_id ANY NOT NULL,
    tracking_id ANY NOT NULL,
    sequence INTEGER NOT NULL,
    message_id ANY NOT NULL,
    PRIMARY KEY (endpoint_id, tracking_id, sequence, message_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
    key INTEGER PRIMARY KEY,
    id ANY NOT NULL,
    message_key INTEGER NOT NULL,
    at INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    status INTEGER NOT NULL,
    error TEXT NOT NULL,
    response_body TEXT NOT NULL
) STRICT;

CREATE INDEX attempt_by_message ON attempt (message_key);

-- What was answered under an idempotency key, stored with the effect that it tells of; what is told
-- once is sealed beside the body (empty for most).
CREATE TABLE idempotency_record (
    world_id INTEGER NOT NULL,
    key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    at INTEGER NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    sealed BLOB NOT NULL DEFAULT x'',
    PRIMARY KEY (world_id, key)
) STRICT;

CREATE INDEX idempotency_record_by_time ON idempotency_record (at);
CREATE INDEX idempotency_record_sealed ON idempotency_record (at) WHERE sealed <> x'';

CREATE TABLE account (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL,
    email_key TEXT NOT NULL,  -- for comparing: case folded
    name TEXT NOT NULL,
    phone TEXT,
    created_at INTEGER NOT NULL,
    tracking_quota INTEGER,
    suspended_at INTEGER,
    suspended_reason TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE UNIQUE INDEX account_by_email ON account (email_key);
-- The suspended ones alone, nearly always none: every claim looks into it.
CREATE INDEX account_suspended ON account (number) WHERE suspended_at IS NOT NULL;

CREATE TABLE api_key (
    key INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    prefix TEXT NOT NULL,
    account_number INTEGER NOT NULL REFERENCES account (number),
    is_test INTEGER NOT NULL,
    label TEXT NOT NULL,
    scope TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    expires_at INTEGER
) STRICT;

CREATE UNIQUE INDEX api_key_by_digest ON api_key (digest);
CREATE INDEX api_key_by_account ON api_key (account_number);
CREATE INDEX api_key_by_prefix ON api_key (prefix);

CREATE TABLE connection (
    id TEXT PRIMARY KEY,
    account_number INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE budget (
    key TEXT PRIMARY KEY,
    tokens REAL NOT NULL,
    at INTEGER NOT NULL,
    day INTEGER NOT NULL,
    used_today INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
    key TEXT PRIMARY KEY,
    document BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE unmapped_code (
    connector TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    count INTEGER NOT NULL,
    sample TEXT NOT NULL,
    last_seen_at INTEGER NOT NULL,
    PRIMARY KEY (connector, kind, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX unmapped_code_by_count ON unmapped_code (count DESC, last_seen_at DESC);

CREATE TABLE remote_area (
    country TEXT NOT NULL,
    place TEXT NOT NULL,  -- postcode or town, for comparing: see store.rules.place_key
    company TEXT NOT NULL,
    PRIMARY KEY (country, place, company)
) STRICT, WITHOUT ROWID;

-- Small documents of the rooms above the core, by kind, whose they are, and id.
CREATE TABLE record (
    kind TEXT NOT NULL,
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    document BLOB NOT NULL,
    tracking_id ANY,
    PRIMARY KEY (kind, scope, id)
) STRICT;

CREATE INDEX record_by_age ON record (kind, at);
-- What is said about a tracking goes with it.
CREATE INDEX record_by_scope ON record (scope);
CREATE INDEX record_by_tracking ON record (tracking_id) WHERE tracking_id IS NOT NULL;

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

-- Readiness writes here, durably: a database that is only read may be full, read-only or damaged.
CREATE TABLE heartbeat (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    beats INTEGER NOT NULL,
    filler BLOB NOT NULL
) STRICT;

-- The keys that seal what is secret, by their fingerprints: a process whose key file holds others
-- seals nothing here. One is current; more than one while a rotation is under way.
CREATE TABLE sealing_key (
    fingerprint TEXT PRIMARY KEY,
    added_at INTEGER NOT NULL,
    is_current INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sealing_key_current ON sealing_key (is_current) WHERE is_current = 1;
