-- The feed no longer compares transaction ids, which mean nothing in another cluster and wait for
-- transactions of other databases: an event gets its cursor after it was committed.
create table pending_event (
    world_id bigint not null,
    position bigint not null generated always as identity,
    tracking_id uuid not null,
    body bytea not null,
    primary key (world_id, position)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

create table feed_head (
    world_id bigint primary key,
    last_cursor bigint not null
) with (fillfactor = 50, autovacuum_vacuum_cost_delay = 0);

-- Without the default, a process of the version before fails to save instead of giving a cursor
-- that readers could pass over.
alter table event drop column transaction_id;
alter table event alter column cursor drop default;

insert into feed_head (world_id, last_cursor)
select world_id, max(cursor) from event group by world_id;

-- The next cursor is above all that were given, and above those that followers have noted.
select setval('event_cursor', known.cursor)
from event_cursor, (
    select greatest(
        (select max(cursor) from event),
        (
            select max(
                substring(encode(document, 'escape') from '"cursor":([0-9]{1,18})')::bigint
            )
            from record where kind = 'cursor'
        )
    ) as cursor
) as known
where known.cursor > event_cursor.last_value;
