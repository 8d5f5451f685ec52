-- What each poll brought, the newest in front, see store.past_polls: with the state that every poll
-- writes anyway. Last in the row, so that what is asked for all the time is read without it.
ALTER TABLE poll ADD COLUMN asked BLOB NOT NULL DEFAULT x'';
ALTER TABLE poll ADD COLUMN put_off BLOB NOT NULL DEFAULT x'';

-- The events of one tracking. The program finds out whose the old ones are (tracking_of_event).
ALTER TABLE event ADD COLUMN tracking_id ANY;
UPDATE event SET tracking_id = tracking_of_event(packed);
CREATE INDEX event_by_tracking ON event (tracking_id);
