-- name: lock
select pg_advisory_xact_lock(hashtextextended($1::text, 7))

-- name: hold_tracking
-- To the end of the transaction nobody deletes it; whoever is deleting it is waited for.
select 1 from tracking where id = $1::uuid for key share

-- name: load
select document from record where kind = $1 and scope = $2 and id = $3

-- name: list
select id, document from record where kind = $1 and scope = $2 and id > $3 order by id limit $4

-- name: scopes
-- Each step is one look into the primary key, however many records a scope has.
with recursive found as (
    (select scope from record where kind = $1 and scope > $2 order by scope limit 1)
    union all
    select (
        select r.scope from record r where r.kind = $1 and r.scope > f.scope
        order by r.scope limit 1
    )
    from found f where f.scope is not null
)
select scope from found where scope is not null limit $3

-- name: save
insert into record as r (kind, scope, id, at, document, tracking_id)
values ($1, $2, $3, $4, $5, $6)
on conflict (kind, scope, id) do update set
    at = excluded.at, document = excluded.document,
    tracking_id = coalesce(excluded.tracking_id, r.tracking_id)

-- name: delete
delete from record where kind = $1 and scope = $2 and id = $3

-- name: delete_kind
with gone as (delete from record where kind = $1 and scope = $2 returning 1)
select count(*) from gone

-- name: prune
with old as (
    select kind, scope, id from record where kind = $1 and at < $2 order by at limit $3
    for update skip locked
), gone as (
    delete from record r using old
    where r.kind = old.kind and r.scope = old.scope and r.id = old.id returning 1
)
select count(*) from gone
