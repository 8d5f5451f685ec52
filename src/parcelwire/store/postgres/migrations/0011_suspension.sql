-- An account that an operator has suspended: nothing is asked, sent or answered for it. The index
-- holds the suspended ones alone, nearly always none, so that every claim can look into it.
alter table account add column suspended_at bigint;
alter table account add column suspended_reason text not null default '';
create index account_suspended on account (number) where suspended_at is not null;
