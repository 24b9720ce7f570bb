-- Who collects what.

-- name: secret
select session_secret from installation

-- name: lock_all
-- All of city/: nobody else may collect anything.
select pg_try_advisory_lock(hashtextextended('citybrain collect', 0))

-- name: lock_some
-- One region: nobody may collect all of city/ ...
select pg_try_advisory_lock_shared(hashtextextended('citybrain collect', 0))

-- name: lock_region
-- ... nor this region.
select pg_try_advisory_lock(hashtextextended('citybrain collect ' || %(region)s, 0))

-- name: below
-- A region and all under it.
with recursive tree as (
    select id from region where id = %(region)s
    union all
    select r.id from region r join tree t on r.parent_id = t.id
)
select id from tree order by id

-- name: seen
-- Whether the unit has been collected before, so that the broker should know its session.
select exists (select from collector where unit = %(unit)s)

-- name: heartbeat
-- Also keeps the session from being idle: a holder that stops for 8 seconds loses its lock.
insert into collector (unit, holder, since, heartbeat, connected, queued)
values (%(unit)s, %(holder)s, %(since)s, now(), %(connected)s, %(queued)s)
on conflict (unit) do update set holder = excluded.holder, since = excluded.since, heartbeat = excluded.heartbeat,
    connected = excluded.connected, queued = excluded.queued
returning (select catalogue_version from installation)

-- name: units
select unit, holder, since, heartbeat, connected, queued from collector order by unit

-- name: forget
delete from collector where unit = %(unit)s
