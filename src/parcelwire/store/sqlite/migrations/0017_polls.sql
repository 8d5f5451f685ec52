-- The word for a poll that was due and not made is "deferred".
ALTER TABLE poll RENAME COLUMN put_off TO deferrals;
