-- A page of one courier and one status, or of a time of ordering, walked over all of the courier's
-- trackings, or over all. Couriers go on with the status, so that each combination lies together.
DROP INDEX tracking_by_courier;
CREATE INDEX tracking_by_courier
    ON tracking (world_id, courier_code, status, is_archived, created_at);
CREATE INDEX tracking_by_order_time ON tracking (world_id, ordered_at)
    WHERE ordered_at IS NOT NULL;
-- Of a lane the newest parcels are looked at, live ones and tests apart.
DROP INDEX tracking_by_lane;
CREATE INDEX tracking_by_lane
    ON tracking (courier_code, origin, destination, world_id % 2, created_at, transit_days)
    WHERE origin IS NOT NULL AND destination IS NOT NULL;
CREATE INDEX gap_by_count ON gap (count DESC, last_seen_at DESC);
