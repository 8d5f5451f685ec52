-- A tracking that never changed was updated when it was created, which tracking_by_age tells: one index
-- less to write at every create.
DROP INDEX tracking_by_update;
CREATE INDEX tracking_by_update ON tracking (world_id, updated_at)
    WHERE updated_at <> created_at;
