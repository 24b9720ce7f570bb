-- Which derived hours and days are to be computed, and when.

-- name: mark
-- A mark that waits gets the later time and a new version, by which the runner sees that something came meanwhile.
insert into derivation_due as d (function, device_id, span, time, due)
select %(function)s, device_id, %(span)s, time, due
from unnest(%(device)s::int4[], %(time)s::timestamptz[], %(due)s::timestamptz[]) k (device_id, time, due)
on conflict (function, device_id, span, time) do update set due = excluded.due, version = d.version + 1

-- name: due
-- The oldest marks that are due, of one function and span; of a month at most, for all between is read at once.
select device_id, (extract(epoch from time) * 1000000)::bigint as time, (extract(epoch from due) * 1000000)::bigint as due,
       version
from derivation_due
where function = %(function)s and span = %(span)s and due <= %(now)s and time < interval '31 days' + (
    select min(time) from derivation_due where function = %(function)s and span = %(span)s and due <= %(now)s
)
order by time, device_id
limit %(limit)s

-- name: done
-- These marks, unless they were renewed since they were read.
delete from derivation_due d
using unnest(%(device)s::int4[], %(time)s::timestamptz[], %(version)s::int4[]) k (device_id, time, version)
where d.function = %(function)s and d.span = %(span)s and d.device_id = k.device_id and d.time = k.time
    and d.version = k.version

-- name: lock
-- One process computes; the others stand by.
select pg_try_advisory_lock(hashtextextended('citybrain derive', 0))

-- name: hours
-- Valid hourly means of some devices' metrics: at least 45 minutes of the hour were sampled (GB 3095-2012,
-- table 4), where a reading stands for its expected interval.
select s.device_id, (extract(epoch from h.bucket) * 1000000)::bigint as time, m.name as metric, h.s / h.n as mean
from series s
join metric m on m.id = s.metric_id
join lateral (
    select r.bucket, sum(r.s) as s, sum(r.n) as n
    from (
        select bucket, s, n from rollup
        where series_id = s.id and bucket >= {low} and bucket < {high}
        union all
        select bucket, s, n from series_state
        where series_id = s.id and bucket >= {low} and bucket < {high}
    ) r
    group by r.bucket
) h on h.n * coalesce(m.expected_interval, interval '1 hour') >= interval '45 minutes'
where s.device_id = any(%(devices)s) and m.name = any(%(metrics)s)

-- name: readings
-- Good readings of some devices' metrics, each in some hours; the bounds let the planner exclude chunks.
select s.device_id, (extract(epoch from r.time) * 1000000)::bigint as time, m.name as metric, r.value
from unnest(%(device)s::int4[], %(time)s::timestamptz[]) k (device_id, hour)
join series s on s.device_id = k.device_id
join metric m on m.id = s.metric_id and m.name = any(%(metrics)s)
join lateral (
    select time, value from reading
    where series_id = s.id and time >= k.hour and time < k.hour + interval '1 hour'
        and time >= {low} and time < {high} and quality & {doubtful} = 0
) r on true

-- name: stations
-- The devices of the regions and domains of some that have any of the metrics, and whether they share an input.
select d.id as station, d.region_id as region, bool_or(m.name = any(%(shared)s)) as shares, t.attributes
from device d
join series s on s.device_id = d.id
join metric m on m.id = s.metric_id and m.name = any(%(metrics)s)
left join site t on t.id = d.site_id
where (d.region_id, d.domain_id) in (select region_id, domain_id from device where id = any(%(devices)s))
group by d.id, t.id
