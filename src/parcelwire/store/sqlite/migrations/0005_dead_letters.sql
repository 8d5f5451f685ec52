-- The dead letters of a world: few among many, and looked for by people.
CREATE INDEX message_dead ON message (world_id, created_at) WHERE state = 'dead';
