-- An account that an operator has suspended: nothing is asked, sent or answered for it. The index
-- holds the suspended ones alone, nearly always none, so that every claim can look into it.
ALTER TABLE account ADD COLUMN suspended_at INTEGER;
ALTER TABLE account ADD COLUMN suspended_reason TEXT NOT NULL DEFAULT '';
CREATE INDEX account_suspended ON account (number) WHERE suspended_at IS NOT NULL;
