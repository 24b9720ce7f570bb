-- What the page and the metrics read: board_* views, and what the server says of itself. Ages and spans are by the database's
-- clock, which also stamps heartbeats. `regions` and `domains` are the scope of who asks; null: all.

-- name: now
select now()

-- name: collectors
-- Who collects what; heard_s is the age of the last heartbeat in seconds.
select unit, since, extract(epoch from now() - heartbeat)::float8 as heard_s, connected, queued
from board_collector order by unit

-- name: ledger
-- The account of what was received since the full hour 24 hours ago. (Not of all time: the account grows with
-- devices and years, and this is asked for every few seconds.)
with span as (select date_trunc('hour', now()) - interval '24 hours' as since)
select span.since, coalesce(sum(received), 0)::bigint as received, coalesce(sum(stored), 0)::bigint as stored,
       coalesce(sum(duplicate), 0)::bigint as duplicate, coalesce(sum(quarantined), 0)::bigint as quarantined,
       coalesce(sum(revised), 0)::bigint as revised, count(*) filter (where missing <> 0) as unbalanced
from span left join board_ledger on hour >= span.since
  and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
group by span.since

-- name: quarantine
-- What waits, by reason.
select reason, count(*) as entries, max(received) as newest
from board_quarantine where replayed is null group by reason order by entries desc, reason

-- name: devices
-- How many devices there are, by domain and state.
select domain_id as domain, verified,
       case when online then 'online' when not online then 'offline' else 'unknown' end as state, count(*) as devices
from board_device
where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
group by 1, 2, 3 order by 1, 2, 3

-- name: newest
-- The newest measured reading of each domain, and its age in seconds.
select domain_id as domain, max(time) as time, extract(epoch from now() - max(time))::float8 as age_s
from board_latest
where not derived
  and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
group by domain_id order by 1

-- name: completeness
-- Of the readings that each domain's series should have sent in the last full hour, how many came. Derived series are
-- computed, not sent; a series that sends less often than hourly, or only when its value changes, owes no hour
-- anything. The lateral join looks one hour up per series, where a plain one would read all hours of all series.
with hour as (select date_trunc('hour', now()) - interval '1 hour' as start)
select s.domain_id as domain,
       sum(3600 / extract(epoch from s.expected_interval))::float8 as expected,
       sum(least(3600 / extract(epoch from s.expected_interval), coalesce(h.came, 0)))::float8 as came
from hour cross join board_series s
left join lateral (
    select n + n_doubtful as came from board_hour where series_id = s.series_id and board_hour.hour = hour.start
    offset 0  -- keeps the look-up a look-up: flattened, it would group all hours of all series first
) h on true
where not s.derived and s.expected_interval between interval '1 second' and interval '1 hour'
group by s.domain_id order by 1

-- name: places
-- Sites, and devices that belong to none, with the ids of their devices: the first %(each)s of each domain.
select domain, site, device, kind, region, region_zh, region_en, title_zh, title_en, verified, devices, of
from (
    select d.domain_id as domain, d.site_id as site, d.name as device, s.kind, d.region_id as region,
           r.title_zh as region_zh, r.title_en as region_en, coalesce(s.title_zh, d.name) as title_zh,
           coalesce(s.title_en, d.name) as title_en, d.verified, d.devices,
           count(*) over (partition by d.domain_id) as of,
           row_number() over (partition by d.domain_id order by d.site_id, d.region_id, d.name) as place
    from (
        select domain_id, site_id, region_id, case when site_id is null then name end as name,
               bool_and(verified) as verified, array_agg(id) as devices
        from board_device
        where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
          and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
        group by 1, 2, 3, 4
    ) d
    join board_region r on r.id = d.region_id
    left join board_site s on s.id = d.site_id
) ranked
where place <= %(each)s
order by domain, place

-- name: latest
-- The newest reading of each series of these devices.
select device_id, domain_id as domain, device, metric, title_zh, title_en, kind, unit, states,
       extract(epoch from expected_interval)::float8 as interval_s, derived, time, value, quality, good
from board_latest where device_id = any(%(devices)s) order by device_id, metric

-- name: extreme
-- The highest (%(sign)s = 1) or lowest (-1) value of a metric in a domain, of the series that are not overdue
-- (two intervals without a reading); where all are, of those.
select l.metric, l.title_zh, l.title_en, l.unit, l.value, l.time,
       extract(epoch from l.expected_interval)::float8 as interval_s,
       coalesce(s.title_zh, l.device) as place_zh, coalesce(s.title_en, l.device) as place_en
from board_latest l left join board_site s on s.id = l.site_id
where l.domain_id = %(domain)s and l.metric = %(metric)s and l.good
  and (%(regions)s::text[] is null or l.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or l.domain_id = any(%(domains)s::text[]))
order by now() - l.time <= 2 * l.expected_interval desc nulls last, %(sign)s * l.value desc
limit 1

-- name: trend
-- The highest (%(sign)s = 1) or lowest (-1) hourly mean of a metric in a domain, for each hour with a good reading of
-- the last 24, the present one included.
select h.hour, (%(sign)s * max(%(sign)s * h.mean))::float8 as value
from board_series s
cross join lateral (
    select hour, mean from board_hour
    where series_id = s.series_id and hour > now() - interval '24 hours' and hour <= now()
    offset 0  -- as above
) h
where s.domain_id = %(domain)s and s.metric = %(metric)s and h.mean is not null
  and (%(regions)s::text[] is null or s.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or s.domain_id = any(%(domains)s::text[]))
group by h.hour order by h.hour

-- name: trends
-- The hourly means of a metric of these devices, for each of the last 24 hours that has a good reading.
select s.device_id, h.hour, h.mean as value
from board_series s
cross join lateral (
    select hour, mean from board_hour
    where series_id = s.series_id and hour > now() - interval '24 hours' and hour <= now()
    offset 0  -- as above
) h
where s.device_id = any(%(devices)s) and s.metric = %(metric)s and h.mean is not null
order by s.device_id, h.hour

-- name: open_alerts
-- The first %(most)s open alerts. Each branch is one that the index of open alerts serves (their OR is not), and only
-- of those that are shown it is asked what silences them.
with standing as (
    select id, region_id, domain_id, condition, attention, severity, due_at, raised_at from board_alert
    where condition = 'raised'
    union all
    select id, region_id, domain_id, condition, attention, severity, due_at, raised_at from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
), ranked as (
    select id, row_number() over (
        order by condition = 'raised' desc, attention, severity, due_at nulls last, raised_at desc, id) as place
    from standing
    where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
    order by place limit %(most)s
), shown as (
    select array_agg(id order by place) as ids from ranked
)
select c.*, w.title_zh as crew_zh, w.title_en as crew_en
from board_alert_card c left join board_crew w on w.id = c.crew
where c.id = any((select ids from shown)::bigint[])  -- no join: the planner would make the cards of all first
order by array_position((select ids from shown), c.id)

-- name: alert_counts
-- How many alerts are open, by severity; failing: their rule fails, so that nobody judges them at present.
with standing as (
    select rule, region_id, domain_id, severity, condition, handling from board_alert where condition = 'raised'
    union all
    select rule, region_id, domain_id, severity, condition, handling from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
)
select severity, count(*) filter (where condition = 'raised') as raised,
       count(*) filter (where condition = 'raised' and handling = 'new') as unjudged,
       count(*) filter (where condition = 'cleared') as cleared,
       count(*) filter (where rule in (select rule from board_rule where failing_since is not null)) as failing
from standing
where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
group by severity order by severity

-- name: rules
-- How many rules are in force, and whether a process runs them: it holds the advisory lock of lock_runner (rules.sql),
-- and the server ends its session, and with it the lock, when it says nothing for some seconds.
select (select count(*) from board_rule) as in_force,
       exists (
           select from pg_locks
           where locktype = 'advisory' and granted and objsubid = 1
             and database = (select oid from pg_database where datname = current_database())
             and classid::int8 << 32 | objid::int8 = hashtextextended('citybrain rules', 0)
       ) as running

-- name: server
-- The database itself: its size, its chunks, and the locks held or waited for of those there is room for.
select pg_database_size(current_database()) as bytes,
       (select count(*) from timescaledb_information.chunks) as chunks,
       (select count(*) from pg_locks) as locks,
       current_setting('max_locks_per_transaction')::int
           * (current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int) as lock_room

-- name: unattended
-- Rules that fail at present, and raised alerts that did not change for a minute and that nobody was ever told of, though
-- nothing withholds them.
select (select count(*) from board_rule where failing_since is not null) as failing_rules,
       (select count(*) from board_alert
        where condition = 'raised' and told_at is null and withheld is null and not past
          and changed_at < now() - interval '1 minute') as untold_alerts

-- name: standbys
-- Who follows the server's log; by name, for one that comes back may be seen twice until the server has missed it.
select name, bool_or(streaming) as streaming, min(lag_bytes) as lag_bytes, min(lag_s) as lag_s
from standbys() group by name order by name

-- name: slots
-- What the server keeps of its log for somebody who will read it, in bytes, and whether they read at present.
select slot_name as name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::float8 as bytes
from pg_replication_slots where restart_lsn is not null and not temporary order by slot_name

-- name: log
-- The server's log of changes: bytes written in its life; where it is archived, how that goes (age in seconds of the
-- newest success). failing: the newest try failed.
select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as bytes, current_setting('archive_mode') <> 'off' as archived,
       failed_count as failures, extract(epoch from now() - last_archived_time)::float8 as age_s,
       coalesce(last_failed_time > last_archived_time, last_failed_time is not null) as failing
from pg_stat_archiver
