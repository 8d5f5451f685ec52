-- The word for a poll that was due and not made is "deferred".
ALTER TABLE poll RENAME COLUMN put_off TO deferrals;
-- Which courier is asked next time, when it is not the tracking's own: empty for nearly all.
ALTER TABLE poll ADD COLUMN probe_courier TEXT NOT NULL DEFAULT '';
