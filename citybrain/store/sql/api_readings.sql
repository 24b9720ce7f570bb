-- Readings of many series, one series after the other, each from a time of its own on (`starts`, beside `series`): so a
-- page can begin in the midst of one. `start` is the earliest of them; it excludes chunks. The lateral joins look each
-- series up and stop where the page is full. Doubtful readings never enter a mean; `all` counts and tells them.

-- name: crowded
-- Whether any of the series has more than %(points)s readings there.
select exists (
    select from unnest(%(series)s::int4[], %(starts)s::timestamptz[]) as k (id, start)
    cross join lateral (
        select count(*) as n from (
            select from board_reading
            where series_id = k.id and time >= k.start and time >= %(start)s and time < %(end)s and (%(all)s or good)
            limit %(points)s + 1
        ) few
    ) counted
    where counted.n > %(points)s
)

-- name: raw
select k.id, r.time, r.value, r.quality
from (select id, start from unnest(%(series)s::int4[], %(starts)s::timestamptz[]) as u (id, start) order by id) k
cross join lateral (
    select time, value, quality from board_reading
    where series_id = k.id and time >= k.start and time >= %(start)s and time < %(end)s and (%(all)s or good)
    order by time limit %(limit)s
) r
order by k.id, r.time limit %(limit)s

-- name: bucket
select k.id, r.time, r.mean, r.low, r.high, r.n, r.n_doubtful
from (select id, start from unnest(%(series)s::int4[], %(starts)s::timestamptz[]) as u (id, start) order by id) k
cross join lateral (
    select time_bucket(%(step)s::interval, time) as time, avg(value) filter (where good) as mean,
           min(value) filter (where good) as low, max(value) filter (where good) as high,
           count(*) filter (where good) as n, count(*) filter (where not good) as n_doubtful
    from board_reading
    where series_id = k.id and time >= k.start and time >= %(start)s and time < %(end)s and (%(all)s or good)
    group by 1 order by 1 limit %(limit)s
) r
order by k.id, r.time limit %(limit)s

-- name: hour
-- Hours, or several at once: then buckets begin at round times of the zone; null: of UTC.
select k.id, h.time, h.mean, h.low, h.high, h.n, h.n_doubtful
from (select id, start from unnest(%(series)s::int4[], %(starts)s::timestamptz[]) as u (id, start) order by id) k
cross join lateral (
    select case when %(zone)s::text is null then time_bucket(%(step)s::interval, hour)
                else time_bucket(%(step)s::interval, hour, %(zone)s::text) end as time,
           sum(s) / nullif(sum(n), 0) as mean, min(low) as low, max(high) as high, sum(n)::int8 as n,
           sum(n_doubtful)::int8 as n_doubtful
    from (
        select hour, s, n, n_doubtful, low, high from board_hour_closed
        where series_id = k.id and hour >= k.start and hour >= %(start)s and hour < %(end)s
        union all
        select hour, s, n, n_doubtful, low, high from board_hour_open
        where series_id = k.id and hour >= k.start and hour >= %(start)s and hour < %(end)s
    ) parts
    group by 1 having %(all)s or sum(n) > 0 order by 1 limit %(limit)s
) h
order by k.id, h.time limit %(limit)s

-- name: mean
-- The mean of all good readings of all of the series, in buckets as above. Each part is summed up by itself first, which
-- an index alone and several processors can do; least and greatest would make it half as long again.
select case when %(zone)s::text is null then time_bucket(%(step)s::interval, hour)
            else time_bucket(%(step)s::interval, hour, %(zone)s::text) end as time,
       sum(s) / nullif(sum(n), 0) as mean, sum(n)::int8 as n
from (
    select hour, sum(s) as s, sum(n) as n
    from board_hour_closed where series_id = any(%(series)s::int4[]) and hour >= %(start)s and hour < %(end)s group by hour
    union all
    select hour, sum(s), sum(n)
    from board_hour_open where series_id = any(%(series)s::int4[]) and hour >= %(start)s and hour < %(end)s group by hour
) parts
group by 1 having %(all)s or sum(n) > 0 order by 1 limit %(limit)s

-- name: region_mean
-- Likewise of all series of a domain's metric in these regions.
select case when %(zone)s::text is null then time_bucket(%(step)s::interval, hour)
            else time_bucket(%(step)s::interval, hour, %(zone)s::text) end as time,
       sum(s) / nullif(sum(n), 0) as mean, sum(n)::int8 as n
from board_region_hour
where region_id = any(%(regions)s::text[]) and domain_id = %(domain)s and metric = %(metric)s
  and hour >= %(start)s and hour < %(end)s
group by 1 having %(all)s or sum(n) > 0 order by 1 limit %(limit)s
