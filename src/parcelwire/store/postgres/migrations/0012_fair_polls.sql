-- So that workers can claim from worlds in turn: of each world, what was never asked about before
-- the rest.
create index poll_world on poll (world_id, least(checks, 1), due_at) where due_at is not null;
