-- name: current_key
-- Held until the transaction ends: a rotation waits for whoever is sealing with the key before.
select fingerprint from sealing_key where is_current for share

-- name: lock_keys
lock table sealing_key in share row exclusive mode

-- name: keys
select fingerprint, added_at, is_current from sealing_key order by is_current desc, added_at

-- name: add_key
insert into sealing_key (fingerprint, added_at, is_current) values ($1, $2, $3)

-- name: step_down
update sealing_key set is_current = false where is_current

-- name: forget_old
delete from sealing_key where not is_current

-- name: old_endpoints
-- Bytes 4 to 7 of what is sealed are the id of its key; what lies open is empty.
select id, sealed from endpoint
where sealed <> '' and substr(sealed, 4, 4) <> $1 order by id limit $2 for update

-- name: open_endpoints
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
from endpoint where sealed = '' and id > $1 order by id limit $2 for update

-- name: all_open
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
from endpoint where sealed = '' order by id

-- name: seal_endpoint
update endpoint set secret = '', previous_secret = '', headers = '{}', sealed = $2 where id = $1

-- name: old_answers
select world_id, key, sealed from idempotency_record
where sealed <> '' and substr(sealed, 4, 4) <> $1 order by world_id, key limit $2 for update

-- name: seal_answer
update idempotency_record set sealed = $3 where world_id = $1 and key = $2

-- name: old_connections
select id, account_number, document from connection order by id for update

-- name: all_connections
select id, account_number, document from connection order by id

-- name: all_sealed
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
from endpoint where sealed <> '' order by id for update

-- name: lose_endpoint
update endpoint set sealed = '', is_enabled = false, is_paused = false, disabled_reason = $2
where id = $1

-- name: all_answers
select world_id, key, sealed from idempotency_record where sealed <> '' order by world_id, key for update

-- name: forget_all
delete from sealing_key

-- name: counts
select 'endpoint', encode(substr(sealed, 4, 4), 'hex'), count(*) from endpoint
where sealed <> '' group by 1, 2
union all
select 'answer', encode(substr(sealed, 4, 4), 'hex'), count(*) from idempotency_record
where sealed <> '' group by 1, 2
