-- name: lock_remote_areas
lock table remote_area in share row exclusive mode

-- name: clear_remote_areas
delete from remote_area

-- name: remote_area
select company from remote_area where country = $1 and place = $2 order by company

-- name: has_remote_areas
select exists(select from remote_area)
