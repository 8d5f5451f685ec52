-- How far the events of each world were pruned, so that the feed can tell a cursor whose events are
-- gone from one after which nothing was. What went before this is not known: the worst is assumed.
create table pruned_event (
    world_id bigint primary key,
    cursor bigint not null
);
insert into pruned_event select world_id, min(cursor) - 1 from event group by world_id;
insert into pruned_event
select distinct t.world_id, case when s.is_called then s.last_value else 0 end
from tracking t, event_cursor s
where not exists (select from event e where e.world_id = t.world_id);
