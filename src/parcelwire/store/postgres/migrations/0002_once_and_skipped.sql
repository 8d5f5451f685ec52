-- Answers kept under idempotency keys, messages that were given up, and what more an endpoint says.

-- What was answered under an idempotency key. Its row is taken first, empty, and filled when the
-- effect is done, so that two with one key wait for each other before either has done anything.
create table done (
    world_id bigint not null,
    at bigint not null,
    status integer not null,
    key text collate "C" not null,
    fingerprint bytea not null,
    body bytea not null,
    primary key (world_id, key)
) with (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_cost_delay = 0
);
alter table done alter column body set storage external;
create index done_at on done (at);

-- Messages given up since the last delivered one of their lane, which the next one names. Almost
-- always empty, so that looking into it costs next to nothing.
create table skipped (
    endpoint_id uuid not null,
    tracking_id uuid not null,
    sequence integer not null,
    message_id uuid not null,
    primary key (endpoint_id, tracking_id, sequence, message_id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

alter table endpoint
    add column event_types text[] not null default '{}',
    add column is_paused boolean not null default false,
    add column previous_secret text not null default '',
    add column previous_secret_until bigint,
    add column headers text not null default '{}',
    add column rate_per_second double precision,
    add column concurrency integer,
    add column failing_since bigint,
    add column failing_told_at bigint;
