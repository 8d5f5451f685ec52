-- So that what belongs to a tracking goes with it, wherever it lies: mails that wait in the queue of
-- their world, and those that went wrong.
ALTER TABLE record ADD COLUMN tracking_id ANY;
CREATE INDEX record_by_tracking ON record (tracking_id) WHERE tracking_id IS NOT NULL;

-- Their ids are a time of 13 digits, a dot, and the tracking's id.
UPDATE record SET tracking_id = unhex(substr(id, 15, 32))
WHERE kind IN ('notice-due', 'notice-trouble') AND substr(id, 47, 1) = '.'
    AND unhex(substr(id, 15, 32)) IS NOT NULL;

-- Until now, what was written after a tracking was deleted stayed.
DELETE FROM record WHERE tracking_id IS NOT NULL AND tracking_id NOT IN (SELECT id FROM tracking);
DELETE FROM record WHERE kind IN ('subscription', 'subscription-places', 'notice', 'feedback')
    AND length(scope) = 32 AND unhex(scope) IS NOT NULL
    AND unhex(scope) NOT IN (SELECT id FROM tracking);
