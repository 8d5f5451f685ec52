-- name: add_unmapped_codes
insert into unmapped_code (connector, kind, digest, value, sample, count, last_seen_at)
select $1, kind, digest, value, sample, seen, $7
from unnest($2::text[], $3::bytea[], $4::text[], $5::text[], $6::bigint[])
    as g (kind, digest, value, sample, seen)
on conflict (connector, kind, digest) do update set
    count = unmapped_code.count + excluded.count,
    sample = case
        when excluded.last_seen_at >= unmapped_code.last_seen_at then excluded.sample
        else unmapped_code.sample
    end,
    last_seen_at = greatest(unmapped_code.last_seen_at, excluded.last_seen_at)

-- name: list_unmapped_codes
select connector, kind, value, count, sample, last_seen_at from unmapped_code
order by count desc, last_seen_at desc, connector, kind, value limit $1
