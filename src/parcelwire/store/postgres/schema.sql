-- The schema as all migrations together make it, for reading. Written by hand along with each
-- migration; a test compares what both make. Nothing loads this file in service.

create table schema_version (
    version integer primary key,
    name text not null,
    applied_at timestamptz not null default now()
);

create table tracking (
    id uuid primary key,
    world_id bigint not null,
    created_at bigint not null,
    updated_at bigint not null,
    ordered_at bigint,
    version integer not null,
    transit_days integer,
    is_archived boolean not null,
    status text collate "C" not null,
    number text collate "C" not null,
    courier_code text collate "C" not null,
    page_token text collate "C" not null,
    order_id text collate "C",
    order_number text collate "C",
    origin text collate "C",
    destination text collate "C"
) with (fillfactor = 90);

create unique index tracking_number on tracking (world_id, number, courier_code);
create index tracking_created on tracking (world_id, is_archived, created_at, id);
create index tracking_status on tracking (world_id, status, is_archived, created_at, id);
create index tracking_courier
    on tracking (world_id, courier_code, status, is_archived, created_at, id);
create index tracking_updated on tracking (world_id, updated_at);
create index tracking_ordered on tracking (world_id, ordered_at) where ordered_at is not null;
create index tracking_order_id on tracking (world_id, order_id) where order_id is not null;
create index tracking_order_number on tracking (world_id, order_number)
    where order_number is not null;
create index tracking_lane
    on tracking (courier_code, origin, destination, (world_id % 2), created_at)
    include (world_id, transit_days) where origin is not null and destination is not null;

-- The whole tracking and its rendition, packed. Already compressed, so never again (external); up
-- to 8 kB stay in the row, which saves the second look-up that TOAST costs.
create table doc (
    tracking_id uuid primary key,
    body bytea not null,
    rendition bytea not null
) with (toast_tuple_target = 8160, fillfactor = 85);
alter table doc alter column body set storage external;
alter table doc alter column rendition set storage external;

-- Narrow, because it is rewritten at every poll. A claim changes only leased_until, which no index
-- holds, so that it stays on its page (HOT).
create table poll (
    tracking_id uuid primary key,
    world_id bigint not null,
    due_at bigint,
    leased_until bigint not null,
    checked_at bigint,
    checks integer not null,
    courier_code text collate "C" not null,
    due_reason text collate "C" not null,
    last_outcome text collate "C" not null,
    last_detail text collate "C" not null,
    past_polls bytea not null default '',
    deferrals bytea not null default '',
    probe_courier text collate "C" not null default ''  -- asked next time; empty: the tracking's own
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);
create index poll_due on poll (due_at) where due_at is not null;
create index poll_world on poll (world_id, least(checks, 1), due_at) where due_at is not null;

-- Events as they were saved, until they get their cursors: a cursor that was taken within the saving
-- transaction could become visible after a larger one, and whoever follows the feed would pass over
-- it. Whoever reads the feed of a world gives the cursors first (see number_events).
create table pending_event (
    world_id bigint not null,
    position bigint not null generated always as identity,
    tracking_id uuid not null,
    body bytea not null,
    primary key (world_id, position)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- The feed of a world: whoever gives cursors holds the row's lock until the commit.
create table feed_head (
    world_id bigint primary key,
    last_cursor bigint not null
) with (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

create sequence event_cursor;
create table event (
    cursor bigint primary key,
    world_id bigint not null,
    tracking_id uuid not null,
    body bytea not null
);
alter sequence event_cursor owned by event.cursor;
create index event_world on event (world_id, cursor);
create index event_tracking on event (tracking_id, cursor);

-- The newest event of each world that is gone.
create table pruned_event (
    world_id bigint primary key,
    cursor bigint not null
);

create table raw_response (
    tracking_id uuid not null,
    position bigint not null generated always as identity,
    at bigint not null,
    connector text not null,
    outcome text not null,
    body bytea not null,
    primary key (tracking_id, position)
);
alter table raw_response alter column body set storage external;

create table endpoint (
    id uuid primary key,
    position bigint not null generated always as identity,
    world_id bigint not null,
    is_enabled boolean not null,
    created_at bigint not null,
    url text not null,
    dialect text not null,
    secret text not null,
    statuses text[] not null,
    disabled_reason text not null,
    description text not null,
    event_types text[] not null default '{}',
    is_paused boolean not null default false,
    previous_secret text not null default '',
    previous_secret_until bigint,
    headers text not null default '{}',  -- a JSON object
    rate_per_second double precision,
    concurrency integer,
    failing_since bigint,
    failing_reported_at bigint,
    -- Its secrets and own headers; empty: they lie in their columns.
    sealed bytea not null default '',
    failing_until bigint,
    failing_ms bigint not null default 0,
    failing_count integer not null default 0
);
create index endpoint_world on endpoint (world_id);

-- One fact to tell. No index holds what an attempt changes (state, attempts, due_at), but for those
-- that die.
create table message (
    id uuid primary key,
    endpoint_id uuid not null,
    tracking_id uuid not null,
    event_id uuid not null,
    world_id bigint not null,
    created_at bigint not null,
    due_at bigint not null,
    sequence integer not null,
    attempts integer not null,
    state text collate "C" not null,
    event_type text collate "C" not null,
    payload bytea not null,
    is_dead boolean not null generated always as (state = 'dead') stored,
    tried_at bigint
) with (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);
alter table message alter column payload set storage external;
create index message_world on message (world_id, created_at, id);
create index message_endpoint on message (endpoint_id, created_at, id);
create index message_tracking on message (tracking_id, created_at, id);
create index message_dead on message (world_id, created_at, id) where is_dead;
create index message_about_endpoint on message (world_id, created_at, id)
    where event_type like 'endpoint.%';

-- The messages that are still to be delivered; its smallest sequence is the one whose turn it is.
create table pending_message (
    endpoint_id uuid not null,
    tracking_id uuid not null,
    sequence integer not null,
    message_id uuid not null,
    primary key (endpoint_id, tracking_id, sequence, message_id)
) with (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);

-- One row per (endpoint, tracking) with pending messages: what is leased, so that at most one of
-- its messages is under way. Whoever changes a message's state holds its queue's row lock.
create table delivery_queue (
    endpoint_id uuid not null,
    tracking_id uuid not null,
    in_flight uuid,
    due_at bigint not null,
    leased_until bigint not null,
    pending_count integer not null,
    primary key (endpoint_id, tracking_id)
) with (
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0
);
create index delivery_queue_due on delivery_queue (endpoint_id, due_at);

-- Messages given up since the last delivered one of their queue, which the next one names. Almost
-- always empty, so that looking into it costs next to nothing.
create table skipped (
    endpoint_id uuid not null,
    tracking_id uuid not null,
    sequence integer not null,
    message_id uuid not null,
    primary key (endpoint_id, tracking_id, sequence, message_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create table attempt (
    message_id uuid not null,
    at bigint not null,
    id uuid not null,
    duration_ms integer not null,
    status integer not null,
    error text not null,
    response_body text not null,
    primary key (message_id, at, id)
);

-- What was answered under an idempotency key. Its row is taken first, empty, and filled when the
-- effect is done, so that two with one key wait for each other before either has done anything.
create table idempotency_record (
    world_id bigint not null,
    at bigint not null,
    status integer not null,
    key text collate "C" not null,
    fingerprint bytea not null,
    body bytea not null,
    sealed bytea not null default '',  -- what the answer tells once; empty for most
    primary key (world_id, key)
) with (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
alter table idempotency_record alter column body set storage external;
create index idempotency_record_at on idempotency_record (at);
create index idempotency_record_sealed on idempotency_record (at) where sealed <> '';

create table account (
    number integer primary key,
    created_at bigint not null,
    tracking_quota bigint,
    email text not null,
    email_key text collate "C" not null unique,
    name text not null,
    phone text,
    suspended_at bigint,
    suspended_reason text not null default ''
);
-- The suspended ones alone, nearly always none: every claim looks into it.
create index account_suspended on account (number) where suspended_at is not null;

create table api_key (
    digest bytea primary key,
    position bigint not null generated always as identity,
    account_number integer not null,
    is_test boolean not null,
    created_at bigint not null,
    revoked_at bigint,
    prefix text collate "C" not null,
    label text not null,
    scope text collate "C" not null,
    expires_at bigint
);
create index api_key_prefix on api_key (prefix);
create index api_key_account on api_key (account_number);

create table connection (
    id text collate "C" primary key,
    position bigint not null generated always as identity,
    account_number integer not null,
    created_at bigint not null,
    document bytea not null
);
create index connection_account on connection (account_number);

-- Totals per world: of a status ('transit', archived or not), and 'created' for all ever made.
-- Writers only ever add rows to counter_change, so that no two of them wait for one row; they are
-- folded into counter now and then, and a total is the sum of both.
create table counter (
    world_id bigint not null,
    metric text collate "C" not null,
    is_archived boolean not null,
    total bigint not null,
    primary key (world_id, metric, is_archived)
) with (fillfactor = 70);
create table counter_change (
    world_id bigint not null,
    difference bigint not null,
    is_archived boolean not null,
    metric text collate "C" not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index counter_change_world on counter_change (world_id);

create table budget (
    key text collate "C" primary key,
    tokens double precision not null,
    at bigint not null,
    day bigint not null,
    used_today bigint not null,
    granted integer not null
) with (fillfactor = 50);

create table pause (
    key text collate "C" primary key,
    until bigint not null,
    failures integer not null,
    reason text not null,
    since bigint not null
);

-- By digest, because a carrier's text can be longer than an index entry may be.
create table unmapped_code (
    connector text collate "C" not null,
    kind text collate "C" not null,
    digest bytea not null,
    value text not null,
    sample text not null,
    count bigint not null,
    last_seen_at bigint not null,
    primary key (connector, kind, digest)
);
create index unmapped_code_count on unmapped_code (count desc, last_seen_at desc);

create table remote_area (
    country text collate "C" not null,
    place text collate "C" not null,
    company text collate "C" not null,
    primary key (country, place, company)
);

-- Small documents of the rooms above the core, by kind, whose they are, and id.
create table record (
    at bigint not null,
    kind text collate "C" not null,
    scope text collate "C" not null,
    id text collate "C" not null,
    document bytea not null,
    tracking_id uuid,  -- what it belongs to, and goes with; null: to none
    primary key (kind, scope, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index record_at on record (kind, at);
-- What is said about a tracking goes with it.
create index record_scope on record (scope);
create index record_tracking on record (tracking_id) where tracking_id is not null;

-- What became of each parcel, for counting: written beside the saves, by whoever follows the events.
-- Days count from 1970-01-01. A journey that is stored while its tracking is being deleted goes with
-- it, whichever was first: hence the reference.
create table journey (
    tracking_id uuid primary key references tracking (id) on delete cascade,
    world_id bigint not null,
    created_on integer not null,
    version integer not null,
    ended_on integer,
    transit_days integer,
    promised_on integer,
    is_on_time boolean,
    is_first_attempt boolean,
    had_exception boolean not null,
    courier_code text collate "C" not null,
    origin text collate "C",
    destination text collate "C",
    status text collate "C" not null,
    reason text collate "C"
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index journey_world on journey (world_id, created_on);

-- Readiness writes here, durably: a database that is only read may be full, read-only or a standby.
create table heartbeat (
    id integer primary key check (id = 1),
    beats bigint not null,
    filler bytea not null
) with (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);
-- The filler is there to take up room.
alter table heartbeat alter column filler set storage external;

-- The keys that seal what is secret, by their fingerprints: a process whose key file holds others
-- seals nothing here. One is current; more than one while a rotation is under way.
create table sealing_key (
    fingerprint text collate "C" primary key,
    added_at bigint not null,
    is_current boolean not null
);
create unique index sealing_key_current on sealing_key (is_current) where is_current;
