-- The dead letters of a world: few among many, and looked for by people. A column of its own, because
-- an index on the state itself would make every delivery write all indexes of the message: so only
-- those that die do.
alter table message add column is_dead boolean not null generated always as (state = 'dead') stored;
create index message_dead on message (world_id, created_at, id) where is_dead;
