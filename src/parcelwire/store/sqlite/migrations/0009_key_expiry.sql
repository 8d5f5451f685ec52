-- A key may end by itself; NULL: it does not.
ALTER TABLE api_key ADD COLUMN expires_at INTEGER;
