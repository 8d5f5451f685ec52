-- The keys that seal what is secret, by their fingerprints: a process whose key file holds others
-- seals nothing here. One is current; more than one while a rotation is under way.
create table sealing_key (
    fingerprint text collate "C" primary key,
    added_at bigint not null,
    is_current boolean not null
);
create unique index sealing_key_current on sealing_key (is_current) where is_current;

-- Secrets and own headers of an endpoint, sealed. Empty: they still lie open in their columns, until
-- a server has sealed them at its start.
alter table endpoint add column sealed bytea not null default '';

-- What an answer tells once, beside the answer. Empty for most.
alter table done add column sealed bytea not null default '';
create index done_sealed on done (at) where sealed <> '';
