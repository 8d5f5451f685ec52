-- name: save
-- One row for each place of the arrays. The tracking is locked against deletion until the end.
with wanted as (
    select * from unnest(
        $1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[], $8::int[],
        $9::int[], $10::boolean[], $11::boolean[], $12::text[], $13::boolean[], $14::int[]
    ) as row (
        id, version, courier_code, origin, destination, status, ended_on, transit_days,
        promised_on, is_on_time, is_first_attempt, reason, had_exception, created_on
    )
), here as (
    select t.id, t.world_id from tracking t where t.id = any($1::uuid[])
    order by t.id for key share
), saved as (
    insert into journey (
        tracking_id, world_id, created_on, version, ended_on, transit_days, promised_on, is_on_time,
        is_first_attempt, had_exception, courier_code, origin, destination, status, reason
    )
    select w.id, h.world_id, w.created_on, w.version, w.ended_on, w.transit_days, w.promised_on,
        w.is_on_time, w.is_first_attempt, w.had_exception, w.courier_code, w.origin, w.destination,
        w.status, w.reason
    from wanted w join here h on h.id = w.id order by w.id
    on conflict (tracking_id) do update set
        version = excluded.version, ended_on = excluded.ended_on,
        transit_days = excluded.transit_days, promised_on = excluded.promised_on,
        is_on_time = excluded.is_on_time, is_first_attempt = excluded.is_first_attempt,
        had_exception = excluded.had_exception, courier_code = excluded.courier_code,
        origin = excluded.origin, destination = excluded.destination, status = excluded.status,
        reason = excluded.reason
    where journey.version <= excluded.version
    returning 1
)
select count(*) from saved
