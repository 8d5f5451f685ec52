-- Lists are merged of walks along one index each: trackings that are archived, of a status, or of a
-- courier and a status, lie together in the order of the list.
drop index tracking_created;
create index tracking_created on tracking (world_id, is_archived, created_at, id);
drop index tracking_status;
create index tracking_status on tracking (world_id, status, is_archived, created_at, id);
create index tracking_courier
    on tracking (world_id, courier_code, status, is_archived, created_at, id);
-- A page token begins with the tracking's id, which finds it.
drop index tracking_page_token;
-- Of a lane the newest parcels are looked at, live ones and tests apart.
drop index tracking_lane;
create index tracking_lane
    on tracking (courier_code, origin, destination, (world_id % 2), created_at)
    include (world_id, transit_days) where origin is not null and destination is not null;
create index gap_seen on gap (seen desc, seen_at desc);
