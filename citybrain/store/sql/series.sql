-- Which series there are, and the limits of plausibility of their metrics.

-- name: version
-- Changes whenever the catalogue is written.
select catalogue_version from installation

-- name: regions
select id from region

-- name: metrics
select domain_id, name, id, kind, states, unit, verified, derived,
       coalesce(low, '-Infinity'), coalesce(high, 'Infinity'), coalesce(max_step, 'Infinity'),
       coalesce(extract(epoch from stuck_after), 'Infinity')::float8, coalesce(extract(epoch from expected_interval), 'Infinity')::float8,
       revises, feeds
from metric

-- name: domains
select id from domain

-- name: devices
select region_id, domain_id, name, id, verified from device

-- name: series
select s.device_id, m.domain_id, m.name, s.id from series s join metric m on m.id = s.metric_id

-- name: unverified
-- Series of devices or metrics that the catalogue does not know.
select count(*) from series s join device d on d.id = s.device_id join metric m on m.id = s.metric_id
where not d.verified or not m.verified

-- name: add_device
insert into device (region_id, domain_id, name, verified, first_seen)
values (%(region)s, %(domain)s, %(name)s, false, %(now)s)
on conflict (region_id, domain_id, name) do update set name = excluded.name
returning id

-- name: add_metric
-- A metric nobody described: it has no unit, no limits and its own name for a title.
insert into metric (domain_id, name, title_zh, title_en, kind, verified)
values (%(domain)s, %(name)s, %(name)s, %(name)s, 'number', false)
on conflict (domain_id, name) do update set name = excluded.name
returning id

-- name: add_series
with made as (
    insert into series (device_id, metric_id) values (%(device)s, %(metric)s)
    on conflict (device_id, metric_id) do update set device_id = excluded.device_id
    returning id
), state as (
    insert into series_state (series_id) select id from made on conflict do nothing
)
select id from made

-- name: device_status
-- What a device, or its last will, says of itself.
update device set online = k.online, status_at = k.at
from unnest(%(device)s::int4[], %(online)s::bool[], %(at)s::timestamptz[]) k (id, online, at)
where device.id = k.id
