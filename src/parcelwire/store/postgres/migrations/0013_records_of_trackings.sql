-- So that what belongs to a tracking goes with it, wherever it lies: mails that wait in the queue of
-- their world, and those that went wrong.
alter table record add column tracking_id uuid;
create index record_tracking on record (tracking_id) where tracking_id is not null;

update record set tracking_id = split_part(id, '.', 2)::uuid
where kind in ('notice-due', 'notice-trouble') and split_part(id, '.', 2) ~ '^[0-9a-f]{32}$';

-- Until now, what was written while a tracking was being deleted, or afterwards, stayed.
delete from record r where r.tracking_id is not null
    and not exists (select from tracking t where t.id = r.tracking_id);
delete from record r where r.kind in ('subscription', 'subscription-places', 'notice', 'feedback')
    and r.scope ~ '^[0-9a-f]{32}$'
    and not exists (select from tracking t where replace(t.id::text, '-', '') = r.scope);
delete from raw_answer r
where not exists (select from tracking t where t.id = r.tracking_id);
