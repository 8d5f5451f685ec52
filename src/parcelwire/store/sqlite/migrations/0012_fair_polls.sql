-- Whose each poll is, so that workers can claim from worlds in turn: of each world, what was never
-- asked about before the rest.
ALTER TABLE poll ADD COLUMN world_id INTEGER NOT NULL DEFAULT 0;
UPDATE poll SET world_id =
    coalesce((SELECT t.world_id FROM tracking t WHERE t.key = poll.key), 0);
CREATE INDEX poll_by_world ON poll (world_id, min(checks, 1), due_at) WHERE due_at IS NOT NULL;
