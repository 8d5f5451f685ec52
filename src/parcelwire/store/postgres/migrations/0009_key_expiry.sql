-- A key may end by itself; null: it does not.
alter table api_key add column expires_at bigint;
