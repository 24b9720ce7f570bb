-- Backtests: readings as they are stored, and what scheduled rules saw.

-- name: readings
-- The readings of some series over a span, as an array a column: a COPY has a message a row, which costs the reader
-- more than all else. The planner excludes the chunks outside of bounds that are literals.
select array_agg(series_id), array_agg(time), array_agg(value), array_agg(quality), array_agg(lag_s)
from reading
where series_id = any(%(series)s::int4[]) and time >= {low} and time < {high}

-- name: last_before
-- The newest reading of each series before a time that was good and came in order: 31 are the doubtful flags and late.
select r.series_id, r.time, r.value
from unnest(%(series)s::int4[]) k (series_id)
cross join lateral (
    select r.series_id, (extract(epoch from r.time) * 1000000)::int8 as time, r.value
    from reading r
    where r.series_id = k.series_id and r.time < {low} and r.quality & 31 = 0
    order by r.time desc
    limit 1
) r

-- name: extent
-- The times of the oldest and the newest reading of some series; null where there is none.
select min(oldest.time), max(newest.time)
from unnest(%(series)s::int4[]) k (series_id)
cross join lateral (select time from reading r where r.series_id = k.series_id order by time limit 1) oldest
cross join lateral (select time from reading r where r.series_id = k.series_id order by time desc limit 1) newest

-- name: as_of
-- A rule's query over what there was at :now. The views are named anew for it; not materialized, so that the
-- planner sees through them.
with rule_reading as not materialized (select * from rule_reading where time <= :now and arrived <= :now),
     rule_hour as not materialized (select * from rule_hour where hour <= :now),
     rule_ledger as not materialized (select * from rule_ledger where hour <= :now)
select * from (
{query}
) as what_there_was

-- name: course
-- The actual values of an indicator as they were recorded, day by day.
select day, region_id, actual from plan_course
where indicator = %(indicator)s and day between %(first)s and %(last)s and actual is not null
