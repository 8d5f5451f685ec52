-- Messages about endpoints are few among those about parcels: they are found without a walk over all,
-- and no other message costs a write more.
CREATE INDEX message_about_endpoint ON message (world_id, created_at)
    WHERE event_type GLOB 'endpoint.*';
