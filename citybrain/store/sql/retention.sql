-- Dropping what the settings no longer keep. TimescaleDB's own retention policy would do it in the community
-- edition; this is the one way in both, because what is dropped has to be counted for the ledger.

-- name: old_chunks
-- Chunks of a hypertable that lie before a time as a whole.
select chunk_schema, chunk_name, range_end
from timescaledb_information.chunks
where hypertable_name = %(table)s and range_end <= %(before)s
order by range_end

-- name: count_readings
-- What the ledger can no longer compare with the table.
insert into expired as e (series_id, readings, rollup_readings)
select series_id, count(*), 0 from reading where time < {high} group by series_id
on conflict (series_id) do update set readings = e.readings + excluded.readings

-- name: count_rollups
-- Likewise; the hours of regions, which are sums of these, go with them.
with regions as (
    delete from region_hour where bucket < {high}
)
insert into expired as e (series_id, readings, rollup_readings)
select series_id, 0, sum(n + n_doubtful) from rollup where bucket < {high} group by series_id
on conflict (series_id) do update set rollup_readings = e.rollup_readings + excluded.rollup_readings

-- name: drop
select count(*) from drop_chunks({table}, older_than => {high})

-- name: sessions
delete from session where expires_at <= %(now)s

-- name: requests
-- A repetition is known for a day.
delete from request_key where at <= %(now)s::timestamptz - interval '1 day'

-- name: estimate
-- How many entries there are, as the planner knows them.
analyze rollup

-- name: loose_indexes
-- Indexes of rollups that take half as much room again as their entries need, or more. Hours come one by one for each
-- of many series, so that pages split in half again and again: what is read together lies apart. An entry has 56 bytes
-- and 4 for its place in the page, and a page made anew is nine tenths full. Small ones are not worth it.
select stat.schemaname, stat.indexrelname
from pg_stat_all_indexes stat join pg_class index on index.oid = stat.indexrelid
join timescaledb_information.chunks chunk on chunk.chunk_schema = stat.schemaname and chunk.chunk_name = stat.relname
where chunk.hypertable_name = 'rollup' and indexrelname like '%%rollup_key'
  and index.relpages > %(pages)s and index.relpages * 8192.0 > 1.5 * index.reltuples * 60 / 0.9
order by 1
