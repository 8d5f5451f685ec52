-- Readiness writes here, durably: a database that is only read may be full, read-only or a standby.
create table heartbeat (
    id integer primary key check (id = 1),
    beats bigint not null,
    filler bytea not null
) with (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);
-- The filler is there to take up room.
alter table heartbeat alter column filler set storage external;
