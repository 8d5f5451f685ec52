-- The word for a poll that was due and not made is "deferred". Newer servers name the condition after
-- the column, and do not rename it along with it: so it is made anew.
alter table poll alter column put_off drop not null;
alter table poll rename column put_off to deferrals;
alter table poll alter column deferrals set not null;
