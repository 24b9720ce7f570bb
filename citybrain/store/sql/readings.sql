-- Readings, the newest of each series, and the hourly rollup.

-- name: copy
-- Straight into the hypertable: what is stored already was found by `stored` before.
copy reading (time, value, series_id, quality, lag_s) from stdin (format binary)

-- name: prefer_indexes
-- Statements that join an array of keys with a table: an index probe a key. Without statistics, as after a crash,
-- the planner takes a table for small and reads it once a key; with them it would rather hash a whole chunk.
select set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('enable_bitmapscan', 'off', true)

-- name: stored
-- Which of these keys are stored, with what value. The bounds are literals so that all other chunks are
-- excluded when the statement is planned; they span one chunk interval.
select k.position, r.value
from unnest(%(series)s::int4[], %(time)s::timestamptz[], %(position)s::int4[]) k (series_id, time, position)
join reading r on r.series_id = k.series_id and r.time = k.time
where r.time >= {low} and r.time < {high}

-- name: revise
-- A later value replaces the stored one, which stays in its place: what came in order counts as in order. The bounds
-- as above.
update reading r set value = k.value, quality = k.quality | (r.quality & 1), lag_s = k.lag_s
from unnest(%(series)s::int4[], %(time)s::timestamptz[], %(value)s::float8[], %(quality)s::int2[], %(lag_s)s::int2[])
    k (series_id, time, value, quality, lag_s)
where r.series_id = k.series_id and r.time = k.time and r.time >= {low} and r.time < {high}

-- name: hours_again
-- The rollup of these hours, computed anew from their readings.
select k.position, count(*) filter (where r.quality & 30 = 0)::int4 as n,
       count(*) filter (where r.quality & 30 <> 0)::int4 as n_doubtful,
       coalesce(sum(r.value) filter (where r.quality & 30 = 0), 0) as s,
       coalesce(min(r.value) filter (where r.quality & 30 = 0), 'Infinity') as mn,
       coalesce(max(r.value) filter (where r.quality & 30 = 0), '-Infinity') as mx
from unnest(%(series)s::int4[], %(bucket)s::timestamptz[], %(position)s::int4[]) k (series_id, bucket, position)
join reading r on r.series_id = k.series_id and r.time >= k.bucket and r.time < k.bucket + interval '1 hour'
where r.time >= {low} and r.time < {high}
group by k.position

-- Hours of series, below, are written together with the hours of their regions, in one statement, so that neither is
-- ever without the other. A region's metric has one writer, as each of its series has: no collector waits for another
-- here. Rows are taken in the order of the key all the same, so that two that did meet could not wait for each other.

-- name: add_rollup
-- Contributions to closed hours, added to what is there.
with k as (
    select * from unnest(%(series)s::int4[], %(bucket)s::timestamptz[], %(n)s::int4[], %(n_doubtful)s::int4[],
        %(s)s::float8[], %(mn)s::float8[], %(mx)s::float8[]) k (series_id, bucket, n, n_doubtful, s, mn, mx)
), regions as (
    insert into region_hour as h (metric_id, region_id, bucket, n, n_doubtful, s)
    select metric_id, region_id, bucket, sum(n), sum(n_doubtful), sum(s)
    from k join series on series.id = series_id join device on device.id = device_id
    group by metric_id, region_id, bucket order by metric_id, region_id, bucket
    on conflict (metric_id, region_id, bucket) do update set n = h.n + excluded.n,
        n_doubtful = h.n_doubtful + excluded.n_doubtful, s = h.s + excluded.s
)
insert into rollup as r (series_id, bucket, n, n_doubtful, s, mn, mx)
select series_id, bucket, n, n_doubtful, s, nullif(mn, 'Infinity'), nullif(mx, '-Infinity') from k
on conflict (series_id, bucket) do update set n = r.n + excluded.n, n_doubtful = r.n_doubtful + excluded.n_doubtful,
    s = r.s + excluded.s, mn = least(r.mn, excluded.mn), mx = greatest(r.mx, excluded.mx)

-- name: set_rollup
-- Hours computed anew, in place of what is there; their regions get the difference. The bounds, here and below, are
-- those of the hours, as literals for the same reason as above.
with k as (
    select * from unnest(%(series)s::int4[], %(bucket)s::timestamptz[], %(n)s::int4[], %(n_doubtful)s::int4[],
        %(s)s::float8[], %(mn)s::float8[], %(mx)s::float8[]) k (series_id, bucket, n, n_doubtful, s, mn, mx)
), change as (
    select k.series_id, k.bucket, k.n - coalesce(r.n, 0) as n, k.n_doubtful - coalesce(r.n_doubtful, 0) as n_doubtful,
           k.s - coalesce(r.s, 0) as s
    from k left join rollup r on r.series_id = k.series_id and r.bucket = k.bucket
        and r.bucket >= {low} and r.bucket < {high}
), regions as (
    insert into region_hour as h (metric_id, region_id, bucket, n, n_doubtful, s)
    select metric_id, region_id, bucket, sum(n), sum(n_doubtful), sum(s)
    from change join series on series.id = series_id join device on device.id = device_id
    group by metric_id, region_id, bucket order by metric_id, region_id, bucket
    on conflict (metric_id, region_id, bucket) do update set n = h.n + excluded.n,
        n_doubtful = h.n_doubtful + excluded.n_doubtful, s = h.s + excluded.s
)
insert into rollup as r (series_id, bucket, n, n_doubtful, s, mn, mx)
select series_id, bucket, n, n_doubtful, s, nullif(mn, 'Infinity'), nullif(mx, '-Infinity') from k
on conflict (series_id, bucket) do update set n = excluded.n, n_doubtful = excluded.n_doubtful, s = excluded.s,
    mn = excluded.mn, mx = excluded.mx

-- name: drop_rollup
with gone as (
    delete from rollup r using unnest(%(series)s::int4[], %(bucket)s::timestamptz[]) k (series_id, bucket)
    where r.series_id = k.series_id and r.bucket = k.bucket and r.bucket >= {low} and r.bucket < {high}
    returning r.series_id, r.bucket, r.n, r.n_doubtful, r.s
)
insert into region_hour as h (metric_id, region_id, bucket, n, n_doubtful, s)
select metric_id, region_id, bucket, -sum(n), -sum(n_doubtful), -sum(s)
from gone join series on series.id = series_id join device on device.id = device_id
group by metric_id, region_id, bucket order by metric_id, region_id, bucket
on conflict (metric_id, region_id, bucket) do update set n = h.n + excluded.n,
    n_doubtful = h.n_doubtful + excluded.n_doubtful, s = h.s + excluded.s

-- name: load_state
-- Every series' newest reading and open hour, in the column order of citybrain.store.state.ROW.
copy (
    select series_id, time, value, quality, before, same_since, good_time, good_value, ahead_until, bucket, n,
           n_doubtful, s, mn, mx
    from series_state
) to stdout (format binary)

-- name: save_state
-- The series that a batch touched; absolute values, for a series has one writer.
update series_state t set time = k.time, value = k.value, quality = k.quality, before = k.before,
    same_since = k.same_since, good_time = k.good_time, good_value = k.good_value, ahead_until = k.ahead_until,
    bucket = k.bucket, n = k.n, n_doubtful = k.n_doubtful, s = k.s, mn = k.mn, mx = k.mx
from unnest(%(series_id)s::int4[], %(time)s::timestamptz[], %(value)s::float8[], %(quality)s::int2[],
    %(before)s::float8[], %(same_since)s::timestamptz[], %(good_time)s::timestamptz[], %(good_value)s::float8[],
    %(ahead_until)s::timestamptz[], %(bucket)s::timestamptz[], %(n)s::int4[], %(n_doubtful)s::int4[], %(s)s::float8[],
    %(mn)s::float8[], %(mx)s::float8[])
    k (series_id, time, value, quality, before, same_since, good_time, good_value, ahead_until, bucket, n,
       n_doubtful, s, mn, mx)
where t.series_id = k.series_id

-- name: chunk_span
-- Length of a chunk of readings in microseconds.
select (extract(epoch from time_interval) * 1000000)::bigint
from timescaledb_information.dimensions where hypertable_name = 'reading'
