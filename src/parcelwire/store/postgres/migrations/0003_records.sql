-- Small documents of the rooms above the core, by kind, whose they are, and id.
create table record (
    at bigint not null,
    kind text collate "C" not null,
    scope text collate "C" not null,
    id text collate "C" not null,
    document bytea not null,
    primary key (kind, scope, id)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index record_at on record (kind, at);
-- What is said about a tracking goes with it.
create index record_scope on record (scope);
