-- name: claim_polls
-- $1 now, $2 the lease's end, $3 limit, $4/$5 worlds and couriers to pass over, $6 longest lease.
with due as (
    select tracking_id from poll
    where due_at <= $1 and (leased_until <= $1 or leased_until > $1 + $6::bigint)
        and world_id / 2 <> all (array(select number from account where suspended_at is not null))
        and (world_id, courier_code) not in (select * from unnest($4::bigint[], $5::text[]))
    order by due_at limit $3 for update skip locked
), leased as (
    update poll p set leased_until = $2 from due d where p.tracking_id = d.tracking_id
    returning p.tracking_id, p.world_id, p.courier_code, p.due_at, p.due_reason, p.probe_courier
)
select tracking_id, world_id, courier_code, due_at, due_reason, probe_courier from leased
order by due_at, tracking_id

-- name: claim_any_polls
-- The same when nothing is to be passed over, which is nearly always.
with due as (
    select tracking_id from poll
    where due_at <= $1 and (leased_until <= $1 or leased_until > $1 + $4::bigint)
        and world_id / 2 <> all (array(select number from account where suspended_at is not null))
    order by due_at limit $3 for update skip locked
), leased as (
    update poll p set leased_until = $2 from due d where p.tracking_id = d.tracking_id
    returning p.tracking_id, p.world_id, p.courier_code, p.due_at, p.due_reason, p.probe_courier
)
select tracking_id, world_id, courier_code, due_at, due_reason, probe_courier from leased
order by due_at, tracking_id

-- name: claim_polls_of_worlds
-- $1 now, $2 the lease's end, $3 how many of each world, $4 longest lease, $5 worlds. Of each, what
-- was never asked about goes first.
with due as (
    select d.tracking_id from unnest($5::bigint[]) as w (world_id) cross join lateral (
        select u.tracking_id from (
            select n.tracking_id from (
                select p.tracking_id from poll p
                where p.world_id = w.world_id and least(p.checks, 1) = 0 and p.due_at <= $1
                    and (p.leased_until <= $1 or p.leased_until > $1 + $4::bigint)
                order by p.due_at limit $3 for update skip locked
            ) as n
            union all
            select a.tracking_id from (
                select p.tracking_id from poll p
                where p.world_id = w.world_id and least(p.checks, 1) = 1 and p.due_at <= $1
                    and (p.leased_until <= $1 or p.leased_until > $1 + $4::bigint)
                order by p.due_at limit $3 for update skip locked
            ) as a
        ) as u limit $3
    ) as d
    where w.world_id / 2 <> all (array(select number from account where suspended_at is not null))
), leased as (
    update poll p set leased_until = $2 from due d where p.tracking_id = d.tracking_id
    returning p.tracking_id, p.world_id, p.courier_code, p.due_at, p.due_reason, p.probe_courier
)
select tracking_id, world_id, courier_code, due_at, due_reason, probe_courier from leased

-- name: due_worlds
-- From one world to the next by the index, one step each, however many polls they have; and whether
-- anything of it is due: not asked with "exists", for which the planner might collect all that is
-- due of all worlds.
with recursive world (id) as (
    (select world_id from poll where due_at is not null order by world_id limit 1)
    union all
    select (
        select p.world_id from poll p where p.due_at is not null and p.world_id > w.id
        order by p.world_id limit 1
    ) from world w where w.id is not null
)
select id,
    coalesce(
        (select true from poll p
            where p.world_id = w.id and least(p.checks, 1) = 0 and p.due_at <= $1 limit 1),
        (select true from poll p
            where p.world_id = w.id and least(p.checks, 1) = 1 and p.due_at <= $1 limit 1),
        false
    )
from world w
where id is not null
    and id / 2 <> all (array(select number from account where suspended_at is not null))

-- name: hold_suspended_polls
-- $1 now, $2 longest lease, $3 window, $4 span, $5 reason. Of the polls that are due first, those of
-- suspended accounts are put off by one to two spans; left where they are, a hundred thousand of
-- them would be walked over by every claim. Says how many were looked at, and how many of these are
-- not suspended. While nobody is suspended, nothing is looked at.
with suspended as materialized (
    select number from account where suspended_at is not null
), front as materialized (
    select tracking_id, world_id / 2 in (select number from suspended) as is_held from poll
    where due_at <= $1 and (leased_until <= $1 or leased_until > $1 + $2::bigint)
        and (select exists (select from suspended))
    order by due_at limit $3
), held as (
    select p.tracking_id from poll p join front f on f.tracking_id = p.tracking_id
    where f.is_held order by p.tracking_id for update of p skip locked
), deferred as (
    update poll p set
        due_at = $1 + $4::bigint + abs(hashtextextended(p.tracking_id::text, 0) % $4),
        due_reason = $5, leased_until = 0, probe_courier = ''
    from held h where p.tracking_id = h.tracking_id
)
select count(*), count(*) filter (where not is_held) from front

-- name: postpone_polls
update poll set due_at = $2, due_reason = $3, leased_until = 0, probe_courier = '',
    deferrals = substring($4::bytea || deferrals for $5::integer)
where tracking_id = any($1::uuid[])

-- name: far_polls
-- $1 the latest due time that is believed, $2 limit: from the far end of the queue.
select tracking_id from poll where due_at > $1 order by due_at limit $2

-- name: polls_after
-- $1 now, $2 the latest due time that is believed, $3 after which one, $4 limit. Whether each one
-- was written by a clock that was ahead.
select tracking_id, due_at is not null and (coalesce(checked_at > $1, false) or due_at > $2)
from poll where tracking_id > $3 order by tracking_id limit $4

-- name: recall_polls
-- $1 now, $2 the latest due time that is believed, $3 which. What somebody else holds is being
-- written by the clock of today.
with held as (
    select tracking_id from poll
    where tracking_id = any($3::uuid[]) and due_at is not null
        and (checked_at > $1::bigint or due_at > $2::bigint)
    for update skip locked
), recalled as (
    update poll p set
        due_at = case
            when checked_at > $1 and due_at - checked_at <= $2 - $1
                then least(due_at, greatest($1, due_at - (checked_at - $1)))
            else $1
        end,
        checked_at = case when checked_at > $1 then $1 else checked_at end
    from held h where p.tracking_id = h.tracking_id
    returning 1
)
select count(*) from recalled

-- name: next_poll_due
-- $1 now, $2 longest lease. The first free one, or a leased one before it: those wait for the end
-- of their lease. Only the front of the queue is looked at, in order: without the limit the planner
-- would read the whole table.
select least(
    (select due_at from poll
        where due_at is not null and (leased_until <= $1 or leased_until > $1 + $2::bigint)
        order by due_at limit 1),
    (select min(greatest(f.due_at, f.leased_until)) from (
        select due_at, leased_until from poll where due_at is not null order by due_at limit 1000
    ) as f where f.leased_until > $1 and f.leased_until <= $1 + $2)
)

-- name: save_polls
with input as (
    select * from unnest(
        $1::uuid[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
        $8::integer[], $9::bigint[], $10::bytea[], $12::text[]
    ) as i (
        tracking_id, due_at, due_reason, leased_until, checked_at, last_outcome, last_detail,
        checks, lease, past, probe_courier
    )
)
update poll p set
    due_at = i.due_at, due_reason = i.due_reason, leased_until = i.leased_until,
    checked_at = i.checked_at, last_outcome = i.last_outcome, last_detail = i.last_detail,
    checks = i.checks, probe_courier = i.probe_courier,
    past_polls = substring(i.past || p.past_polls for $11::integer)
from input i
where p.tracking_id = i.tracking_id and p.leased_until = coalesce(i.lease, p.leased_until)

-- name: lease_poll
-- $1 tracking, $2 the lease that it has, $3 the new one.
update poll set leased_until = $3 where tracking_id = $1 and leased_until = $2
returning tracking_id

-- name: add_raw_responses
insert into raw_response (tracking_id, at, connector, outcome, body)
select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bytea[])

-- name: drop_old_raw_responses
delete from raw_response r using (
    select k.tracking_id, (
        select position from raw_response a where a.tracking_id = k.tracking_id
        order by position desc offset $2::integer limit 1
    ) as newest_to_drop
    from unnest($1::uuid[]) as k (tracking_id)
) as o
where r.tracking_id = o.tracking_id and r.position <= o.newest_to_drop

-- name: take_budget
-- $1 key, $2 now, $3 wanted, $4 what the bucket holds, $5 per day or null, $6 what comes back in a
-- minute, $7 how much clocks differ. The same sums as store.rules.take_from_budget, in one statement so that processes share
-- the row without a race.
insert into budget as b (key, tokens, at, day, used_today, granted)
select $1, $4::integer - g.granted, $2::bigint, $2 / 86400000, g.granted, g.granted
from (select greatest(0, least($3::integer, $4, coalesce($5::integer, $3))) as granted) as g
on conflict (key) do update set (tokens, at, day, used_today, granted) = (
    select l.tokens - g.granted, l.at, l.at / 86400000, l.used_today + g.granted, g.granted
    from (
        select
            t.at,
            least($4::double precision,
                b.tokens + greatest(0, t.at - b.at) * $6::double precision / 60000) as tokens,
            case when b.day = t.at / 86400000 then b.used_today else 0 end as used_today
        from (
            select case
                when b.at - $2 > 0 and b.at - $2 < $7::bigint then b.at else $2
            end as at
        ) as t
    ) as l cross join lateral (
        select greatest(0, least($3, floor(l.tokens + 1e-9)::integer,
            coalesce($5 - l.used_today, $3)))::integer as granted
    ) as g
)
returning granted

-- name: return_budget
update budget set
    tokens = least($3::double precision, tokens + $2::integer),
    used_today = greatest(0, used_today - $2)
where key = $1

-- name: pauses
select key, until, failures, reason, since from pause

-- name: set_pause
insert into pause (key, until, failures, reason, since) values ($1, $2, $3, $4, $5)
on conflict (key) do update set
    until = excluded.until, failures = excluded.failures, reason = excluded.reason,
    since = excluded.since

-- name: clear_pause
delete from pause where key = $1
