-- Tables and columns take the names that they keep. Nothing is rewritten but small documents.
alter table lane rename to delivery_queue;
alter table delivery_queue rename column waiting to pending_count;
alter table delivery_queue rename constraint lane_pkey to delivery_queue_pkey;
alter index lane_due rename to delivery_queue_due;

alter table waiting rename to pending_message;
alter table pending_message rename constraint waiting_pkey to pending_message_pkey;

alter table gap rename to unmapped_code;
alter table unmapped_code rename column seen to count;
alter table unmapped_code rename column seen_at to last_seen_at;
alter table unmapped_code rename constraint gap_pkey to unmapped_code_pkey;
alter index gap_seen rename to unmapped_code_count;

alter table done rename to idempotency_record;
alter table idempotency_record rename constraint done_pkey to idempotency_record_pkey;
alter index done_at rename to idempotency_record_at;
alter index done_sealed rename to idempotency_record_sealed;

alter table raw_answer rename to raw_response;
alter table raw_response rename constraint raw_answer_pkey to raw_response_pkey;
alter sequence raw_answer_position_seq rename to raw_response_position_seq;

alter table attempt rename column answer to response_body;
alter table poll rename column asked to past_polls;
alter table pause rename column why to reason;
alter table counter rename column what to metric;
alter table counter_change rename column what to metric;
alter table endpoint rename column disabled_why to disabled_reason;
alter table endpoint rename column failing_told_at to failing_reported_at;

-- From PostgreSQL 18 on a column that must not be null has a constraint with a name, which goes by the
-- table and the column of the time when it was made.
do $$
declare
    old record;
begin
    for old in
        select k.conrelid::regclass as of_table, k.conname as name,
            c.relname || '_' || a.attname || '_not_null' as new_name
        from pg_constraint k
        join pg_class c on c.oid = k.conrelid
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
        where k.contype = 'n' and k.conrelid in (
            'delivery_queue'::regclass, 'pending_message'::regclass, 'unmapped_code'::regclass,
            'idempotency_record'::regclass, 'raw_response'::regclass, 'attempt'::regclass,
            'poll'::regclass, 'pause'::regclass, 'counter'::regclass, 'counter_change'::regclass,
            'endpoint'::regclass
        ) and k.conname <> c.relname || '_' || a.attname || '_not_null'
    loop
        execute format(
            'alter table %s rename constraint %I to %I', old.of_table, old.name, old.new_name
        );
    end loop;
end $$;

-- A quotation mark before a colon ends the name of a member: within a text it would follow a backslash.
-- By their hexadecimal digits, because a document may be damaged, and is no text then.
update connection set document = decode(replace(
    encode(document, 'hex'), encode('"broken_why":', 'hex'), encode('"broken_reason":', 'hex')
), 'hex')
where position('"broken_why":'::bytea in document) > 0;

-- Answers of calls that may be repeated for some hours still, and that are read before they are given
-- again, as far as they are not packed (their first byte is 0).
update idempotency_record set body = decode(replace(replace(replace(replace(replace(replace(
    encode(body, 'hex'),
    encode('"disabled_why":', 'hex'), encode('"disabled_reason":', 'hex')),
    encode('"is_own":', 'hex'), encode('"is_current":', 'hex')),
    encode('"answer":', 'hex'), encode('"response_body":', 'hex')),
    encode('"status":', 'hex'), encode('"status_code":', 'hex')),
    encode('"waiting":', 'hex'), encode('"pending_count":', 'hex')),
    encode('"previous_secret_until":', 'hex'), encode('"previous_secret_expires_at":', 'hex')
), 'hex')
where substr(body, 1, 1) = '\x00'::bytea and (
    position('"disabled_why":'::bytea in body) > 0 or position('"is_own":'::bytea in body) > 0
    or position('"answer":'::bytea in body) > 0
);
