-- name: create
-- Rows come sorted by their key, so that two processes that create the same numbers wait for each
-- other in one order.
with input as (
    select * from unnest(
        $1::uuid[], $2::bigint[], $3::bigint[], $4::text[], $5::text[],
        $6::integer[], $7::bigint[], $8::bigint[], $9::integer[], $10::boolean[],
        $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
        $17::bytea[], $18::bytea[], $19::bigint[], $20::text[], $21::bigint[]
    ) as i (
        id, world_id, created_at, number, page_token,
        version, updated_at, ordered_at, transit_days, is_archived,
        status, courier_code, order_id, order_number, origin, destination,
        body, rendition, due_at, due_reason, leased_until
    )
), created as (
    insert into tracking (
        id, world_id, created_at, number, page_token,
        version, updated_at, ordered_at, transit_days, is_archived,
        status, courier_code, order_id, order_number, origin, destination
    )
    select
        id, world_id, created_at, number, page_token,
        version, updated_at, ordered_at, transit_days, is_archived,
        status, courier_code, order_id, order_number, origin, destination
    from input
    on conflict (world_id, number, courier_code) do nothing
    returning id, world_id, status, is_archived
), docs as (
    insert into doc (tracking_id, body, rendition)
    select i.id, i.body, i.rendition from input i join created c on c.id = i.id
), polls as (
    insert into poll (
        tracking_id, world_id, courier_code, due_at, due_reason, leased_until,
        checks, last_outcome, last_detail
    )
    select i.id, i.world_id, i.courier_code, i.due_at, i.due_reason, i.leased_until, 0, '', ''
    from input i join created c on c.id = i.id
), counts as (
    insert into counter_change (world_id, difference, is_archived, metric)
    select world_id, count(*), is_archived, status from created group by 1, 3, 4
    union all
    select world_id, count(*), false, 'created' from created group by 1
)
select id from created

-- name: existing
select t.id, t.world_id, t.number, t.courier_code
from unnest($1::bigint[], $2::text[], $3::text[]) as k (world_id, number, courier_code)
join tracking t
    on t.world_id = k.world_id and t.number = k.number and t.courier_code = k.courier_code

-- name: lock_worlds
-- Two numbers, the first of them ours: the worlds whose quota is being counted.
select pg_advisory_xact_lock(1885434739, k) from unnest($1::integer[]) as k

-- name: created_totals
select world_id, sum(n)::bigint from (
    select world_id, total as n from counter
    where world_id = any($1::bigint[]) and metric = 'created'
    union all
    select world_id, difference from counter_change
    where world_id = any($1::bigint[]) and metric = 'created'
) as both_parts group by world_id

-- name: totals
select metric, is_archived, sum(n)::bigint from (
    select metric, is_archived, total as n from counter where world_id = $1
    union all
    select metric, is_archived, difference from counter_change where world_id = $1
) as both_parts group by metric, is_archived

-- name: fold_counts
with taken as (
    delete from counter_change where ctid = any(array(
        select ctid from counter_change limit $1 for update skip locked
    ))
    returning world_id, metric, is_archived, difference
), folded as (
    insert into counter (world_id, metric, is_archived, total)
    select world_id, metric, is_archived, sum(difference) from taken
    group by world_id, metric, is_archived order by world_id, metric, is_archived
    on conflict (world_id, metric, is_archived) do update set total = counter.total + excluded.total
)
select count(*) from taken

-- name: load
select d.body, p.due_at, p.due_reason, p.leased_until, p.checked_at, p.last_outcome,
    p.last_detail, p.checks, p.probe_courier, d.tracking_id
from poll p join doc d on d.tracking_id = p.tracking_id
where p.tracking_id = $1 and p.world_id = $2

-- name: load_many
select d.body, p.due_at, p.due_reason, p.leased_until, p.checked_at, p.last_outcome,
    p.last_detail, p.checks, p.probe_courier, d.tracking_id
from poll p join doc d on d.tracking_id = p.tracking_id
where p.tracking_id = any($1::uuid[])

-- name: find
select d.body, p.due_at, p.due_reason, p.leased_until, p.checked_at, p.last_outcome,
    p.last_detail, p.checks, p.probe_courier, d.tracking_id
from tracking t
join doc d on d.tracking_id = t.id
join poll p on p.tracking_id = t.id
where t.world_id = $1 and t.number = $2 and ($3::text is null or t.courier_code = $3)
order by t.created_at desc, t.id desc

-- name: find_by_page_token
select d.body, p.due_at, p.due_reason, p.leased_until, p.checked_at, p.last_outcome,
    p.last_detail, p.checks, p.probe_courier, d.tracking_id
from tracking t
join doc d on d.tracking_id = t.id
join poll p on p.tracking_id = t.id
where t.id = $1 and t.page_token = $2

-- name: stand_in
-- $1 tracking. The columns of ``store.unreadable``.
select id, world_id, number, courier_code, status, is_archived, created_at, updated_at, ordered_at,
    order_id, order_number, page_token
from tracking where id = $1

-- name: save
-- The row lock of the tracking comes first: whoever holds it decides alone about this tracking, and
-- its events take their positions in the order in which they are committed (see number_events).
with before as (
    select id, world_id, status, is_archived from tracking
    where id = $1 and world_id = $2 and version = $3 for update
), changed as (
    update tracking t set
        version = $4, updated_at = $5, ordered_at = $6, transit_days = $7, is_archived = $8,
        status = $9, courier_code = $10, order_id = $11, order_number = $12, origin = $13,
        destination = $14
    from before b where t.id = b.id
    returning t.id
), docs as (
    update doc set body = $15, rendition = $16 from before b where doc.tracking_id = b.id
), polls as (
    update poll p set
        courier_code = $10,
        due_at = case when $17::boolean then $18 else p.due_at end,
        due_reason = case when $17 then $19 else p.due_reason end,
        leased_until = case when $17 then $20 else p.leased_until end,
        checked_at = case when $17 then $21 else p.checked_at end,
        last_outcome = case when $17 then $22 else p.last_outcome end,
        last_detail = case when $17 then $23 else p.last_detail end,
        checks = case when $17 then $24 else p.checks end,
        probe_courier = case when $17 then $42 else p.probe_courier end,
        past_polls = substring($40::bytea || p.past_polls for $41::integer)
    from before b where p.tracking_id = b.id and ($17 or p.courier_code <> $10)
), events as (
    insert into pending_event (world_id, tracking_id, body)
    select b.world_id, b.id, $25::bytea from before b where $25 is not null
), told as (
    insert into message (
        id, endpoint_id, tracking_id, event_id, world_id, created_at, due_at, sequence,
        attempts, state, event_type, payload
    )
    select m.id, m.endpoint_id, m.tracking_id, m.event_id, m.world_id, m.created_at, m.created_at,
        m.sequence, 0,
        case when exists (select from endpoint where id = m.endpoint_id)
            then 'pending' else 'dead' end,
        m.event_type, m.payload
    from before cross join unnest(
        $26::uuid[], $27::uuid[], $28::uuid[], $29::uuid[], $30::bigint[], $31::bigint[],
        $32::integer[], $33::text[], $34::bytea[]
    ) as m (
        id, endpoint_id, tracking_id, event_id, world_id, created_at, sequence, event_type, payload
    )
    returning id, endpoint_id, tracking_id, sequence, created_at, state
), queued as (
    insert into pending_message (endpoint_id, tracking_id, sequence, message_id)
    select endpoint_id, tracking_id, sequence, id from told where state = 'pending'
), lanes as (
    insert into delivery_queue (endpoint_id, tracking_id, due_at, leased_until, pending_count)
    select endpoint_id, tracking_id, min(created_at), 0, count(*) from told
    where state = 'pending'
    group by endpoint_id, tracking_id order by endpoint_id, tracking_id
    on conflict (endpoint_id, tracking_id)
        do update set pending_count = delivery_queue.pending_count + excluded.pending_count
), raws as (
    insert into raw_response (tracking_id, at, connector, outcome, body)
    select b.id, $35::bigint, $36::text, $37::text, $38::bytea from before b where $38 is not null
), old_raws as (
    delete from raw_response r using before b
    where $38 is not null and r.tracking_id = b.id and r.position <= (
        select position from raw_response where tracking_id = $1
        order by position desc offset $39::integer - 1 limit 1
    )
), counts as (
    insert into counter_change (world_id, difference, is_archived, metric)
    select b.world_id, d.difference, d.is_archived, d.metric
    from before b cross join lateral (
        values (-1, b.is_archived, b.status), (1, $8, $9)
    ) as d (difference, is_archived, metric)
    where b.is_archived <> $8 or b.status <> $9
)
select b.is_archived <> $8 or b.status <> $9 from before b

-- name: hold_for_deletion
-- A statement of its own: what others have written who held these rows is seen only by statements
-- that begin afterwards.
select id from tracking where world_id = $1 and id = any($2::uuid[]) order by id for update

-- name: delete_polls
-- Before the raw answers, for the same reason: whoever stores one without changing the tracking
-- holds its poll.
with held as materialized (
    select tracking_id from poll where tracking_id = any($1::uuid[]) order by tracking_id for update
)
delete from poll p using held h where p.tracking_id = h.tracking_id

-- name: delete
-- $1 the ids, $2 the same as scopes of records. Events stay, whoever reads the feed must find what
-- happened; and so do messages, which were promised. Both end with the time that they are kept for.
with gone as (
    delete from tracking where id = any($1::uuid[]) returning world_id, status, is_archived
), docs as (
    delete from doc where tracking_id = any($1)
), raws as (
    delete from raw_response where tracking_id = any($1)
), records as (
    delete from record where scope = any($2::text[])
), others as (
    delete from record where tracking_id = any($1) and scope <> all($2)
)
insert into counter_change (world_id, difference, is_archived, metric)
select world_id, -count(*), is_archived, status from gone group by world_id, is_archived, status

-- name: raw_responses
select at, connector, outcome, body from raw_response
where tracking_id = $1 order by position desc limit $2

-- name: events_after
-- A last row without a cursor says that events of the world have none yet. Were the world given by
-- an equation, the planner might walk along the cursors of all worlds instead, for ever in one that
-- has been idle for long.
select cursor, body from (
    (
        select cursor, body from event
        where world_id >= $1 and world_id <= $1 and (world_id, cursor) > ($1, $2)
        order by world_id, cursor limit $3
    )
    union all
    (select null::bigint, null::bytea from pending_event where world_id = $1 limit 1)
) as both_parts order by cursor

-- name: number_events
-- Give cursors to the oldest $2 of a world's events that have none. They are committed already, so
-- nothing that was saved before can still appear; and whoever holds the world's head is alone until
-- the commit, so cursors of a world become visible in ascending order. Nobody who saves waits.
with head as (
    select world_id from feed_head where world_id = $1 for update
), sought as materialized (
    select position from pending_event where world_id = $1 order by position limit $2
), taken as (
    delete from pending_event p using head h
    where p.world_id = $1 and h.world_id = $1 and p.position in (select position from sought)
    returning p.position, p.tracking_id, p.body
), numbered as (
    insert into event (cursor, world_id, tracking_id, body)
    select nextval('event_cursor'), $1, t.tracking_id, t.body
    from (select position, tracking_id, body from taken order by position) as t
    returning cursor
), noted as (
    update feed_head set last_cursor = n.cursor
    from (select max(cursor) as cursor from numbered) as n
    where world_id = $1 and n.cursor is not null
)
select (select count(*) from head), (select count(*) from sought)

-- name: add_feed_head
insert into feed_head (world_id, last_cursor) values ($1, 0) on conflict do nothing

-- name: has_pending_events
select exists (select from pending_event where world_id = $1)

-- name: feed_ends
select world_id, last_cursor from feed_head
union all
select distinct world_id, null::bigint from pending_event

-- name: worlds_of_pending_events
select distinct world_id from pending_event order by world_id

-- name: events_of
-- Whoever saves holds the tracking's row, so that its events are committed in their order.
select cursor, body from event
where tracking_id = $2 and cursor < $3 and world_id = $1
order by cursor desc limit $4

-- name: past_polls
select past_polls, deferrals from poll where tracking_id = $1

-- name: oldest_events
select cursor, body from event where cursor > $1 order by cursor limit $2

-- name: delete_events
with gone as (
    delete from event where cursor = any($1::bigint[]) returning world_id, cursor
), marked as (
    insert into pruned_event
    select world_id, max(cursor) from gone group by world_id order by world_id
    on conflict (world_id) do update
    set cursor = greatest(pruned_event.cursor, excluded.cursor)
)
select count(*) from gone

-- name: pruned_cursor
select cursor from pruned_event where world_id = $1

-- name: first_cursor
-- The world is given as in events_after, for the same reason.
select cursor from event where world_id >= $1 and world_id <= $1 order by world_id, cursor limit 1

-- name: take_key
-- Waits for whoever holds the key; no row when it is taken.
insert into idempotency_record (world_id, key, fingerprint, at, status, body) values ($1, $2, $3, $4, 0, '')
on conflict do nothing returning 1

-- name: fill_key
update idempotency_record set status = $3, body = $4, sealed = $5 where world_id = $1 and key = $2

-- name: free_key
delete from idempotency_record where world_id = $1 and key = $2

-- name: find_idempotency_record
select fingerprint, at, status, body, sealed from idempotency_record where world_id = $1 and key = $2

-- name: prune_idempotency_records
with gone as (
    delete from idempotency_record where (world_id, key) in (
        select world_id, key from idempotency_record where at < $1 order by at limit $2 for update skip locked
    ) returning 1
)
select count(*) from gone

-- name: lane_history
select transit_days from tracking
where courier_code = $1 and origin = $2 and destination = $3 and world_id % 2 = $4
order by created_at desc limit $5

-- name: courier_counts
-- The newest of each status come from the index; only the newest of all are looked up.
select courier_code, count(*)
from tracking
where id in (
    select newest.id
    from unnest($2::text[]) as s (status)
    cross join (values (false), (true)) as a (is_archived)
    cross join lateral (
        select id, created_at from tracking
        where world_id = $1 and status = s.status and is_archived = a.is_archived
        order by created_at desc, id desc limit $3
    ) as newest
    order by newest.created_at desc, newest.id desc limit $3
)
group by courier_code
