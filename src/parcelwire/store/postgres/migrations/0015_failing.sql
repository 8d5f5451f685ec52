-- How long an endpoint really failed: the time in which attempts were made, not the time that passed.
alter table endpoint add column failing_until bigint;
alter table endpoint add column failing_ms bigint not null default 0;
alter table endpoint add column failing_count integer not null default 0;
