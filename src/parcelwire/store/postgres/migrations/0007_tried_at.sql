-- When a message was last tried: after two jumps of the clock the newest attempt by its time need
-- not be the last one. Empty for what was tried before this column came.
alter table message add column tried_at bigint;
