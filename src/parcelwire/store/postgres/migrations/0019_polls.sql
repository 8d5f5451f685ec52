-- The word for a poll that was due and not made is "deferred". Newer servers name the condition after
-- the column, and do not rename it along with it: so it is made anew.
alter table poll alter column put_off drop not null;
alter table poll rename column put_off to deferrals;
alter table poll alter column deferrals set not null;
-- Which courier is asked next time, when it is not the tracking's own: empty for nearly all.
alter table poll add column probe_courier text collate "C" not null default '';
