-- Tables and columns take the names that they keep. Nothing is rewritten but small indexes, whose names
-- SQLite cannot change, and small documents.
ALTER TABLE line RENAME TO delivery_queue;
DROP INDEX line_by_ready;
DROP INDEX line_by_lease;
CREATE INDEX delivery_queue_by_ready ON delivery_queue (endpoint_id, ready_at);
CREATE INDEX delivery_queue_by_lease ON delivery_queue (leased_until) WHERE leased_until > 0;

ALTER TABLE gap RENAME TO unmapped_code;
DROP INDEX gap_by_count;
CREATE INDEX unmapped_code_by_count ON unmapped_code (count DESC, last_seen_at DESC);

ALTER TABLE done RENAME TO idempotency_record;
DROP INDEX done_by_time;
DROP INDEX done_sealed;
CREATE INDEX idempotency_record_by_time ON idempotency_record (at);
CREATE INDEX idempotency_record_sealed ON idempotency_record (at) WHERE sealed <> x'';

ALTER TABLE raw_answer RENAME TO raw_response;
DROP INDEX raw_answer_by_tracking;
CREATE INDEX raw_response_by_tracking ON raw_response (tracking_key);

ALTER TABLE attempt RENAME COLUMN answer TO response_body;
ALTER TABLE poll RENAME COLUMN asked TO past_polls;

-- A quotation mark before a colon ends the name of a member: within a text it would follow a backslash.
UPDATE endpoint SET document = CAST(replace(replace(CAST(document AS TEXT),
    '"disabled_why":', '"disabled_reason":'),
    '"failing_told_at":', '"failing_reported_at":') AS BLOB)
WHERE instr(document, CAST('"disabled_why":' AS BLOB)) > 0
    OR instr(document, CAST('"failing_told_at":' AS BLOB)) > 0;
UPDATE connection SET document = CAST(
    replace(CAST(document AS TEXT), '"broken_why":', '"broken_reason":') AS BLOB)
WHERE instr(document, CAST('"broken_why":' AS BLOB)) > 0;
UPDATE pause SET document = CAST(
    replace(CAST(document AS TEXT), '"why":', '"reason":') AS BLOB)
WHERE instr(document, CAST('"why":' AS BLOB)) > 0;

-- Answers of calls that may be repeated for some hours still, and that are read before they are given
-- again, as far as they are not packed (their first byte is 0).
UPDATE idempotency_record SET body = CAST(x'00' || CAST(
    replace(replace(replace(replace(replace(replace(CAST(substr(body, 2) AS TEXT),
    '"disabled_why":', '"disabled_reason":'), '"is_own":', '"is_current":'),
    '"answer":', '"response_body":'), '"status":', '"status_code":'),
    '"waiting":', '"pending_count":'),
    '"previous_secret_until":', '"previous_secret_expires_at":') AS BLOB) AS BLOB)
WHERE substr(body, 1, 1) = x'00' AND (
    instr(body, CAST('"disabled_why":' AS BLOB)) > 0 OR instr(body, CAST('"is_own":' AS BLOB)) > 0
    OR instr(body, CAST('"answer":' AS BLOB)) > 0
);
