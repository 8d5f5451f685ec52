-- Messages about endpoints are few among those about parcels: they are found without a walk over all,
-- and no other message costs a write more.
create index message_about_endpoint on message (world_id, created_at, id)
    where event_type like 'endpoint.%';
