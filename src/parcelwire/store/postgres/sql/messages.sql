-- name: add_endpoint
insert into endpoint (
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
) values (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
    $21, $22, $23
)

-- name: save_endpoint
update endpoint set
    is_enabled = $3, created_at = $4, url = $5, dialect = $6, secret = $7, statuses = $8,
    disabled_reason = $9, description = $10, event_types = $11, is_paused = $12,
    previous_secret = $13, previous_secret_until = $14, headers = $15, rate_per_second = $16,
    concurrency = $17, failing_since = $18, failing_reported_at = $19, failing_until = $20,
    failing_ms = $21, failing_count = $22, sealed = $23
where id = $1 and world_id = $2

-- name: list_endpoints
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
from endpoint where world_id = $1 order by created_at, position

-- name: load_endpoint
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
from endpoint where world_id = $1 and id = $2

-- name: lock_endpoint
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
from endpoint where world_id = $1 and id = $2 for update

-- name: lock_endpoints
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed
from endpoint where id = any($1::uuid[]) order by id for update

-- name: endpoints_of_claim
-- And whether messages to them were given up lately.
select
    id, world_id, is_enabled, created_at, url, dialect, secret, statuses, disabled_reason,
    description, event_types, is_paused, previous_secret, previous_secret_until, headers,
    rate_per_second, concurrency, failing_since, failing_reported_at, failing_until, failing_ms,
    failing_count, sealed,
    exists (select from skipped k where k.endpoint_id = e.id)
from endpoint e where id = any($1::uuid[])

-- name: delete_endpoint
delete from endpoint where world_id = $1 and id = $2 returning id

-- name: drop_queues
delete from delivery_queue where endpoint_id = $1

-- name: drop_skipped
delete from skipped where endpoint_id = $1

-- name: bury_messages
-- Runs after the queues are gone, as a statement of its own, so that it sees what was queued while
-- it waited for them.
with gone as (
    delete from pending_message where endpoint_id = $1 returning message_id
)
update message m set state = 'dead' from gone g where m.id = g.message_id

-- name: end_of_queues
-- Where a stretch of queues ends that begins after $1 endpoint and $2 tracking; $3 how many are passed
-- over.
select endpoint_id, tracking_id from delivery_queue
where (endpoint_id, tracking_id) > ($1::uuid, $2::uuid)
order by endpoint_id, tracking_id offset $3 limit 1

-- name: long_waiting
-- Of the $3 queues after $1 endpoint and $2 tracking: messages to endpoints that are off, made before
-- $4; $5 limit.
select m.id from (
    select endpoint_id, tracking_id from delivery_queue
    where (endpoint_id, tracking_id) > ($1::uuid, $2::uuid)
    order by endpoint_id, tracking_id limit $3
) as l
join endpoint e on e.id = l.endpoint_id and not e.is_enabled
cross join lateral (
    select message_id from pending_message
    where endpoint_id = l.endpoint_id and tracking_id = l.tracking_id offset 0
) as w
cross join lateral (select id, created_at from message where id = w.message_id offset 0) as m
where m.created_at < $4 limit $5

-- name: give_up_waiting
-- $1 ids. Queues are locked first and in one order, as everywhere. A queue that is kept is due at
-- once: whoever claims finds out when its first message really is.
with held as materialized (
    select l.endpoint_id, l.tracking_id, l.pending_count from delivery_queue l
    where (l.endpoint_id, l.tracking_id) in (
        select endpoint_id, tracking_id from message where id = any($1::uuid[])
    )
    order by l.endpoint_id, l.tracking_id for update
), closed as (
    delete from pending_message w using message m, endpoint e
    where (select count(*) from held) >= 0 and m.id = any($1) and e.id = m.endpoint_id
        and not e.is_enabled
        and w.endpoint_id = m.endpoint_id and w.tracking_id = m.tracking_id
        and w.sequence = m.sequence and w.message_id = m.id
    returning w.endpoint_id, w.tracking_id, w.sequence, w.message_id
), dead as (
    update message m set state = 'dead' from closed c where m.id = c.message_id
), given_up as (
    insert into skipped (endpoint_id, tracking_id, sequence, message_id)
    select endpoint_id, tracking_id, sequence, message_id from closed on conflict do nothing
), left_over as materialized (
    select h.endpoint_id, h.tracking_id, h.pending_count - count(*) as pending_count
    from held h join closed c on c.endpoint_id = h.endpoint_id and c.tracking_id = h.tracking_id
    group by h.endpoint_id, h.tracking_id, h.pending_count
), emptied as (
    delete from delivery_queue l using left_over o
    where l.endpoint_id = o.endpoint_id and l.tracking_id = o.tracking_id and o.pending_count <= 0
), kept as (
    update delivery_queue l set pending_count = o.pending_count, due_at = 0 from left_over o
    where l.endpoint_id = o.endpoint_id and l.tracking_id = o.tracking_id and o.pending_count > 0
)
select count(*) from closed

-- name: add_messages
with told as (
    insert into message (
        id, endpoint_id, tracking_id, event_id, world_id, created_at, due_at, sequence,
        attempts, state, event_type, payload
    )
    select m.id, m.endpoint_id, m.tracking_id, m.event_id, m.world_id, m.created_at, m.created_at,
        m.sequence, 0,
        case when exists (select from endpoint where id = m.endpoint_id)
            then 'pending' else 'dead' end,
        m.event_type, m.payload
    from unnest(
        $1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::bigint[], $6::bigint[],
        $7::integer[], $8::text[], $9::bytea[]
    ) as m (
        id, endpoint_id, tracking_id, event_id, world_id, created_at, sequence, event_type, payload
    )
    on conflict (id) do nothing
    returning id, endpoint_id, tracking_id, sequence, created_at, state
), queued as (
    insert into pending_message (endpoint_id, tracking_id, sequence, message_id)
    select endpoint_id, tracking_id, sequence, id from told where state = 'pending'
)
insert into delivery_queue (endpoint_id, tracking_id, due_at, leased_until, pending_count)
select endpoint_id, tracking_id, min(created_at), 0, count(*) from told
where state = 'pending'
group by endpoint_id, tracking_id order by endpoint_id, tracking_id
on conflict (endpoint_id, tracking_id) do update set pending_count = delivery_queue.pending_count + excluded.pending_count

-- name: claim_messages
-- $1 now, $2 the lease's end, $3 limit, $4 per endpoint, $5 endpoints to pass over, $6 longest
-- lease. Endpoints are found one by one (each step one look into the index), so that a hundred
-- thousand queues of one cost as much as one; their order changes with every claim, so that none is
-- always last.
with recursive busy as (
    (select endpoint_id from delivery_queue order by endpoint_id limit 1)
    union all
    select (
        select l.endpoint_id from delivery_queue l where l.endpoint_id > b.endpoint_id
        order by l.endpoint_id limit 1
    )
    from busy b where b.endpoint_id is not null
), open as materialized (
    select e.id from busy b join endpoint e on e.id = b.endpoint_id
    where e.is_enabled and e.id <> all($5::uuid[])
        and e.world_id / 2 <> all (array(select number from account where suspended_at is not null))
    order by uuid_hash_extended(e.id, $1)
), due as materialized (
    select l.endpoint_id, l.tracking_id
    from open o cross join lateral (
        select endpoint_id, tracking_id from delivery_queue
        where endpoint_id = o.id and due_at <= $1
            and (leased_until <= $1 or leased_until > $1 + $6::bigint)
        order by due_at limit $4 for update skip locked
    ) as l
    limit $3
), head as materialized (
    -- Locked as well, so that a message delivered since this statement began is passed over.
    select d.endpoint_id, d.tracking_id, w.message_id, m.due_at
    from due d cross join lateral (
        select message_id from pending_message
        where endpoint_id = d.endpoint_id and tracking_id = d.tracking_id
        order by sequence, message_id limit 1 for update
    ) as w
    join message m on m.id = w.message_id
), leased as (
    update delivery_queue l set
        leased_until = case when h.due_at <= $1 then $2::bigint else 0 end,
        in_flight = case when h.due_at <= $1 then h.message_id end,
        due_at = case when h.due_at <= $1 then l.due_at else h.due_at end
    from head h where l.endpoint_id = h.endpoint_id and l.tracking_id = h.tracking_id
)
select m.id, m.endpoint_id, m.world_id, m.tracking_id, m.sequence, m.event_id, m.event_type,
    m.payload, m.created_at, m.state, m.attempts, m.due_at
from head h join message m on m.id = h.message_id
where h.due_at <= $1

-- name: far_queues
-- $1 beyond which no message that was tried can be due, $2 limit. One look into the index for each
-- endpoint that has queues.
with recursive busy as (
    (select endpoint_id from delivery_queue order by endpoint_id limit 1)
    union all
    select (
        select l.endpoint_id from delivery_queue l where l.endpoint_id > b.endpoint_id
        order by l.endpoint_id limit 1
    )
    from busy b where b.endpoint_id is not null
)
select l.endpoint_id, l.tracking_id from busy b cross join lateral (
    select endpoint_id, tracking_id from delivery_queue
    where endpoint_id = b.endpoint_id and due_at > $1 order by due_at limit $2
) as l
limit $2

-- name: queues_after
-- $1 now, $2 as above, $3 endpoint and $4 tracking of the queue after which to go on, $5 limit.
-- Whether a clock ahead has put off any message of each.
select l.endpoint_id, l.tracking_id, exists (
    select from pending_message w join message m on m.id = w.message_id
    cross join lateral (
        select coalesce(
            m.tried_at, (select max(a.at) from attempt a where a.message_id = m.id)
        ) as at
    ) t
    where w.endpoint_id = l.endpoint_id and w.tracking_id = l.tracking_id and m.due_at > $1::bigint
        and (m.attempts = 0 or m.due_at > $2::bigint or t.at <= m.due_at and 2 * t.at - m.due_at > $1)
)
from delivery_queue l where (l.endpoint_id, l.tracking_id) > ($3::uuid, $4::uuid)
order by l.endpoint_id, l.tracking_id limit $5

-- name: recall_messages
-- $1 now, $2 beyond which no message that was tried can be due; of the queues $3 endpoint, $4
-- tracking. Queues are locked first, in one order.
with held as materialized (
    select l.endpoint_id, l.tracking_id from delivery_queue l
    where (l.endpoint_id, l.tracking_id) in (select * from unnest($3::uuid[], $4::uuid[]))
    order by l.endpoint_id, l.tracking_id for update
), late as materialized (
    select m.id, m.endpoint_id, m.tracking_id,
        case
            when m.attempts = 0 then $1::bigint
            when t.at <= m.due_at and 2 * t.at - m.due_at > $1 and m.due_at - t.at <= $2 - $1
                then $1 + m.due_at - t.at
            when m.due_at > $2::bigint then $1
        end as due_at
    from held h
    join pending_message w on w.endpoint_id = h.endpoint_id and w.tracking_id = h.tracking_id
    join message m on m.id = w.message_id
    cross join lateral (
        select coalesce(
            m.tried_at, (select max(a.at) from attempt a where a.message_id = m.id)
        ) as at
    ) t
    where m.due_at > $1
), recalled as (
    update message m set due_at = b.due_at from late b
    where m.id = b.id and b.due_at is not null
    returning m.id
), woken as (
    -- No later than its first message; whoever claims finds out when that one really is due.
    update delivery_queue l set due_at = least(l.due_at, coalesce(b.due_at, $1))
    from held h left join (
        select endpoint_id, tracking_id, min(due_at) as due_at from late
        where due_at is not null group by endpoint_id, tracking_id
    ) b on b.endpoint_id = h.endpoint_id and b.tracking_id = h.tracking_id
    where l.endpoint_id = h.endpoint_id and l.tracking_id = h.tracking_id
)
select count(*) from recalled

-- name: finish_attempts
-- Queues are locked first and in one order; then nobody else changes these messages' states.
with input as materialized (
    select * from unnest(
        $1::uuid[], $2::uuid[], $3::bigint[], $4::integer[], $5::integer[], $6::text[], $7::text[],
        $8::text[], $9::bigint[]
    ) as i (message_id, attempt_id, at, duration_ms, status, error, response_body, state, next_at)
), subject as materialized (
    select m.id, m.endpoint_id, m.tracking_id, m.sequence, m.created_at,
        i.attempt_id, i.at, i.state, i.next_at
    from input i join message m on m.id = i.message_id
    for key share of m  -- against ``prune_messages`` alone: the attempt would stay behind
), locked as materialized (
    select l.endpoint_id, l.tracking_id, l.pending_count, l.in_flight from delivery_queue l
    where (l.endpoint_id, l.tracking_id) in (select endpoint_id, tracking_id from subject)
    order by l.endpoint_id, l.tracking_id for update
), tried as (
    insert into attempt (message_id, at, id, duration_ms, status, error, response_body)
    select i.message_id, i.at, i.attempt_id, i.duration_ms, i.status, i.error, i.response_body
    from input i join subject s on s.attempt_id = i.attempt_id
    on conflict do nothing
    returning message_id, id
), told as materialized (
    -- For the first time: what was told before has had its effect.
    select s.* from subject s join tried t on t.id = s.attempt_id
), closed as (
    delete from pending_message w using told s
    where (select count(*) from locked) >= 0 and s.state <> 'pending'
        and w.endpoint_id = s.endpoint_id and w.tracking_id = s.tracking_id
        and w.sequence = s.sequence and w.message_id = s.id
    returning w.endpoint_id, w.tracking_id, w.message_id
), changed as (
    update message m set
        attempts = m.attempts + t.tries,
        tried_at = s.at,
        state = case
            when s.state = 'delivered' then s.state
            when s.state = 'dead' and m.state = 'pending' then s.state
            else m.state
        end,
        due_at = case when m.state = 'pending' then coalesce(s.next_at, m.due_at) else m.due_at end
    from told s join (select message_id, count(*)::integer as tries from tried group by 1) as t
        on t.message_id = s.id
    where (select count(*) from locked) >= 0 and m.id = s.id
), settled as materialized (
    select l.endpoint_id, l.tracking_id,
        l.pending_count - count(distinct c.message_id) as pending_count,
        min(s.created_at) as created_at,
        coalesce(bool_or(s.id = l.in_flight), true) as ends_lease
    from locked l
    join told s on s.endpoint_id = l.endpoint_id and s.tracking_id = l.tracking_id
    left join closed c on c.message_id = s.id
    group by l.endpoint_id, l.tracking_id, l.pending_count
), emptied as (
    delete from delivery_queue l using settled s
    where l.endpoint_id = s.endpoint_id and l.tracking_id = s.tracking_id and s.pending_count <= 0
), kept as (
    update delivery_queue l set
        pending_count = s.pending_count,
        leased_until = case when s.ends_lease then 0 else l.leased_until end,
        in_flight = case when s.ends_lease then null else l.in_flight end,
        due_at = coalesce(n.due_at, s.created_at)
    from settled s left join lateral (
        -- Whose turn it is now. One that was queued since this statement began is not seen: then
        -- the queue is due at once, and the claim looks again. Locked, so that one which was
        -- delivered since is passed over.
        select coalesce((select next_at from told where id = m.id limit 1), m.due_at) as due_at
        from pending_message w join message m on m.id = w.message_id
        where w.endpoint_id = s.endpoint_id and w.tracking_id = s.tracking_id
            and w.message_id not in (select message_id from closed)
        order by w.sequence, w.message_id limit 1 for update of w
    ) as n on s.pending_count > 0
    where l.endpoint_id = s.endpoint_id and l.tracking_id = s.tracking_id and s.pending_count > 0
), given_up as (
    insert into skipped (endpoint_id, tracking_id, sequence, message_id)
    select s.endpoint_id, s.tracking_id, s.sequence, s.id
    from told s join closed c on c.message_id = s.id where s.state = 'dead'
    on conflict do nothing
), caught_up as (
    delete from skipped k using told s
    where s.state = 'delivered' and k.endpoint_id = s.endpoint_id
        and k.tracking_id = s.tracking_id and k.sequence <= s.sequence
)
select t.id, s.endpoint_id from tried t join subject s on s.attempt_id = t.id

-- name: next_message_due
-- $1 now, $2 longest lease. One row per endpoint that has queues, also for one that is gone.
with recursive busy as (
    (select endpoint_id from delivery_queue order by endpoint_id limit 1)
    union all
    select (
        select l.endpoint_id from delivery_queue l where l.endpoint_id > b.endpoint_id
        order by l.endpoint_id limit 1
    )
    from busy b where b.endpoint_id is not null
)
select b.endpoint_id, e.id is null, least(
    (select due_at from delivery_queue
        where endpoint_id = e.id and (leased_until <= $1 or leased_until > $1 + $2::bigint)
        order by due_at limit 1),
    (select min(greatest(f.due_at, f.leased_until)) from (
        select due_at, leased_until from delivery_queue where endpoint_id = e.id order by due_at limit 1000
    ) as f where f.leased_until > $1 and f.leased_until <= $1 + $2)
)
from busy b left join endpoint e on e.id = b.endpoint_id
where b.endpoint_id is not null and (e.id is null or e.is_enabled and e.world_id / 2 <> all (
    array(select number from account where suspended_at is not null)
))

-- name: load_message
select m.id, m.endpoint_id, m.world_id, m.tracking_id, m.sequence, m.event_id, m.event_type,
    m.payload, m.created_at, m.state, m.attempts, m.due_at
from message m where m.world_id = $1 and m.id = $2

-- name: list_attempts
select id, message_id, at, duration_ms, status, error, response_body from attempt
where message_id = $1 order by at, id

-- name: skipped_before
-- Of each message ($1 id, $2 endpoint, $3 tracking, $4 sequence) the newest $5.
select c.id, k.message_id, k.sequence
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[])
    as c (id, endpoint_id, tracking_id, sequence)
cross join lateral (
    select message_id, sequence from skipped
    where endpoint_id = c.endpoint_id and tracking_id = c.tracking_id and sequence < c.sequence
    order by sequence desc, message_id desc limit $5
) as k
order by c.id, k.sequence, k.message_id

-- name: open_queues
-- Locks the queues of messages, making those that are missing; in one order, as everywhere.
insert into delivery_queue (endpoint_id, tracking_id, due_at, leased_until, pending_count)
select distinct m.endpoint_id, m.tracking_id, $3::bigint, 0, 0
from message m join endpoint e on e.id = m.endpoint_id
where m.world_id = $1 and m.id = any($2::uuid[])
order by m.endpoint_id, m.tracking_id
on conflict (endpoint_id, tracking_id) do update set pending_count = delivery_queue.pending_count
returning endpoint_id, tracking_id

-- name: lock_messages
-- Of a world and in the queues ($3 endpoint, $4 tracking) that are held: $5 also those that wait.
select m.id from message m
where m.world_id = $1 and m.id = any($2::uuid[]) and ($5::boolean or m.state <> 'pending')
    and (m.endpoint_id, m.tracking_id) in (select * from unnest($3::uuid[], $4::uuid[]))
order by m.id for no key update

-- name: revive_messages
-- The rows are locked. $1 ids, $2 now; $3, $4 the queues.
with revived as (
    update message set state = 'pending', attempts = 0, due_at = $2 where id = any($1::uuid[])
    returning id, endpoint_id, tracking_id, sequence
), queued as (
    insert into pending_message (endpoint_id, tracking_id, sequence, message_id)
    select endpoint_id, tracking_id, sequence, id from revived
    on conflict do nothing returning endpoint_id, tracking_id
), counted as (
    select o.endpoint_id, o.tracking_id, count(q.endpoint_id) as more
    from unnest($3::uuid[], $4::uuid[]) as o (endpoint_id, tracking_id)
    left join queued q on q.endpoint_id = o.endpoint_id and q.tracking_id = o.tracking_id
    group by o.endpoint_id, o.tracking_id
)
update delivery_queue l set pending_count = l.pending_count + c.more from counted c
where l.endpoint_id = c.endpoint_id and l.tracking_id = c.tracking_id

-- name: settle_queues
-- $1, $2 queues that are held.
with emptied as (
    delete from delivery_queue l using unnest($1::uuid[], $2::uuid[]) as o (endpoint_id, tracking_id)
    where l.endpoint_id = o.endpoint_id and l.tracking_id = o.tracking_id and l.pending_count <= 0
)
update delivery_queue l set due_at = n.due_at
from unnest($1::uuid[], $2::uuid[]) as o (endpoint_id, tracking_id)
cross join lateral (
    select m.due_at from pending_message w join message m on m.id = w.message_id
    where w.endpoint_id = o.endpoint_id and w.tracking_id = o.tracking_id
    order by w.sequence, w.message_id limit 1
) as n
where l.endpoint_id = o.endpoint_id and l.tracking_id = o.tracking_id and l.pending_count > 0

-- name: replayable
-- $1 world, $2 limit. What is looked at is found by the index meant for it and by nothing else: hence
-- the offset, which keeps the two apart. See store.message_ways.
select m.created_at, m.id
from (select m.* from /* source */ m where /* stretch */ offset 0) as m
where /* conditions */ and m.state <> 'pending'
    and exists (select from endpoint e where e.id = m.endpoint_id)
/* order */ limit $2

-- name: count_pending
-- $1 world, $2 endpoint or null, $3 limit.
select count(*) from (
    select from endpoint e cross join lateral (
        select from pending_message where endpoint_id = e.id
        order by tracking_id, sequence, message_id limit $3
    ) as w
    where e.world_id = $1 and e.id = coalesce($2::uuid, e.id) limit $3
) as found

-- name: place_of_message
select created_at, id from message where id = $2 and world_id = $1

-- name: count_waiting
select count(*) from (
    select from pending_message where endpoint_id = $1 order by tracking_id, sequence, message_id limit $2
) as found

-- name: oldest_messages
select id, created_at, state from message where id > $1 order by id limit $2

-- name: hold_old_messages
-- A statement of its own: the next one sees the attempts of whoever held them.
select id from message where id = any($1::uuid[]) and state <> 'pending' order by id for update

-- name: delete_messages
-- The rows are locked.
with gone as (
    delete from message where id = any($1::uuid[])
    returning id, endpoint_id, tracking_id, sequence
), tries as (
    delete from attempt a using gone g where a.message_id = g.id
), forgotten as (
    delete from skipped k using gone g
    where k.endpoint_id = g.endpoint_id and k.tracking_id = g.tracking_id
        and k.sequence = g.sequence and k.message_id = g.id
)
select count(*) from gone

-- name: list_messages
-- $1 world, $2 limit: all of a stretch.
select m.id, m.endpoint_id, m.world_id, m.tracking_id, m.sequence, m.event_id, m.event_type,
    m.payload, m.created_at, m.state, m.attempts, m.due_at
from /* source */ m where m.world_id = $1 and /* stretch */ /* order */ limit $2

-- name: find_messages
-- $1 world, $2 limit: those of a stretch that fulfil conditions, see "replayable".
select m.id, m.endpoint_id, m.world_id, m.tracking_id, m.sequence, m.event_id, m.event_type,
    m.payload, m.created_at, m.state, m.attempts, m.due_at
from (select m.* from /* source */ m where /* stretch */ offset 0) as m
where /* conditions */ /* order */ limit $2

-- name: end_of_messages
-- Where a stretch ends: $1 world, $2 how many are passed over. The index tells it alone; and whether
-- they are this world's at all.
select f.created_at, f.id from (
    select m.created_at, m.id from /* source */ m where /* stretch */ /* order */ offset $2 limit 1
) as f
where exists (select from message m where m.id = f.id and m.world_id = $1)
