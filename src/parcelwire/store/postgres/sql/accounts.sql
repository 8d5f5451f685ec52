-- name: lock_accounts
lock table account in share row exclusive mode

-- name: add_account
insert into account (number, created_at, email, email_key, name)
select coalesce(max(number), 0) + 1, $1, $2, $3, $4 from account
on conflict (email_key) do nothing
returning number, email, name, created_at, tracking_quota, phone, suspended_at, suspended_reason

-- name: load_account
select number, email, name, created_at, tracking_quota, phone, suspended_at, suspended_reason
from account where number = $1

-- name: find_account
select number, email, name, created_at, tracking_quota, phone, suspended_at, suspended_reason
from account where email_key = $1

-- name: list_accounts
select number, email, name, created_at, tracking_quota, phone, suspended_at, suspended_reason
from account order by number

-- name: save_account
update account set name = $2, phone = $3, tracking_quota = $4 where number = $1

-- name: suspend_account
-- The first suspension's time stands until it is ended.
update account set suspended_at = coalesce(suspended_at, $2), suspended_reason = $3
where number = $1

-- name: resume_account
-- Since when endpoints fail begins anew: while nothing was sent, none of them could recover.
with resumed as (
    update account set suspended_at = null, suspended_reason = ''
    where number = $1 and suspended_at is not null returning number
)
update endpoint set
    failing_since = null, failing_reported_at = null, failing_until = null, failing_ms = 0,
    failing_count = 0
where world_id in ($1::integer * 2::bigint, $1::integer * 2::bigint + 1)
    and exists (select from resumed)

-- name: suspended_accounts
select number from account where suspended_at is not null

-- name: add_key
insert into api_key (
    digest, account_number, is_test, created_at, revoked_at, expires_at, prefix, label, scope
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)

-- name: find_key
select k.digest, k.prefix, k.account_number, k.is_test, k.label, k.scope, k.created_at,
    k.revoked_at, k.expires_at, a.number, a.email, a.name, a.created_at, a.tracking_quota, a.phone,
    a.suspended_at, a.suspended_reason
from api_key k join account a on a.number = k.account_number where k.digest = $1

-- name: list_keys
select digest, prefix, account_number, is_test, label, scope, created_at, revoked_at, expires_at
from api_key where $1::integer is null or account_number = $1 order by created_at, position

-- name: revoke_key
update api_key set revoked_at = $2 where prefix = $1 and revoked_at is null returning prefix

-- name: save_connection
insert into connection (id, account_number, created_at, document) values ($1, $2, $3, $4)
on conflict (id) do update set
    account_number = excluded.account_number, created_at = excluded.created_at,
    document = excluded.document

-- name: lock_connection
select document from connection where id = $1 for update

-- name: list_connections
select document, id from connection where $1::integer is null or account_number = $1
order by created_at, position

-- name: delete_connection
delete from connection where account_number = $1 and id = $2 returning id
