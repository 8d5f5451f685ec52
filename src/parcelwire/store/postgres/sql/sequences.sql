-- name: is_behind
-- Answers are many and have no index of their places: of theirs only a sequence that was never used
-- is noticed here.
select
    coalesce((select max(last_cursor) from feed_head), 0)
        > coalesce(pg_sequence_last_value('event_cursor'), 0)
    or coalesce((select max(position) from pending_event), 0)
        > coalesce(pg_sequence_last_value('pending_event_position_seq'), 0)
    or coalesce((select max(position) from endpoint), 0)
        > coalesce(pg_sequence_last_value('endpoint_position_seq'), 0)
    or coalesce((select max(position) from api_key), 0)
        > coalesce(pg_sequence_last_value('api_key_position_seq'), 0)
    or coalesce((select max(position) from connection), 0)
        > coalesce(pg_sequence_last_value('connection_position_seq'), 0)
    or (
        pg_sequence_last_value('raw_response_position_seq') is null
        and exists (select from raw_response)
    )

-- name: advance
select setval(s.sequence, s.largest)
from (
    select 'event_cursor'::regclass as sequence, greatest(
        (select max(cursor) from event), (select max(last_cursor) from feed_head)
    ) as largest
    union all
    select 'pending_event_position_seq', (select max(position) from pending_event)
    union all
    select 'raw_response_position_seq', (select max(position) from raw_response)
    union all
    select 'endpoint_position_seq', (select max(position) from endpoint)
    union all
    select 'api_key_position_seq', (select max(position) from api_key)
    union all
    select 'connection_position_seq', (select max(position) from connection)
) as s
where s.largest > coalesce(pg_sequence_last_value(s.sequence), 0)
