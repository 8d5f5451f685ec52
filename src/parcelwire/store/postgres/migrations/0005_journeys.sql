-- What became of each parcel, for counting: written beside the saves, by whoever follows the events.
-- Days count from 1970-01-01. A journey that is stored while its tracking is being deleted goes with
-- it, whichever was first: hence the reference.
create table journey (
    tracking_id uuid primary key references tracking (id) on delete cascade,
    world_id bigint not null,
    created_on integer not null,
    version integer not null,
    ended_on integer,
    transit_days integer,
    promised_on integer,
    is_on_time boolean,
    is_first_attempt boolean,
    had_exception boolean not null,
    courier_code text collate "C" not null,
    origin text collate "C",
    destination text collate "C",
    status text collate "C" not null,
    reason text collate "C"
) with (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 0);
create index journey_world on journey (world_id, created_on);
