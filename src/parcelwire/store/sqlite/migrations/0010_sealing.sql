-- The keys that seal what is secret, by their fingerprints: a process whose key file holds others
-- seals nothing here. One is current; more than one while a rotation is under way.
CREATE TABLE sealing_key (
    fingerprint TEXT PRIMARY KEY,
    added_at INTEGER NOT NULL,
    is_current INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX sealing_key_current ON sealing_key (is_current) WHERE is_current = 1;

-- Secrets and own headers of an endpoint, sealed. Empty: they still lie open in the document, until
-- a server has sealed them at its start.
ALTER TABLE endpoint ADD COLUMN sealed BLOB NOT NULL DEFAULT x'';

-- What an answer tells once, beside the answer. Empty for most.
ALTER TABLE done ADD COLUMN sealed BLOB NOT NULL DEFAULT x'';
CREATE INDEX done_sealed ON done (at) WHERE sealed <> x'';
