-- What each poll brought, the newest in front, see store.past_polls: with the state that every poll
-- writes anyway, and short enough to stay in its row.
alter table poll
    add column asked bytea not null default '',
    add column put_off bytea not null default '';

-- The events of one tracking.
create index event_tracking on event (tracking_id, cursor);
