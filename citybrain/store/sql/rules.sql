-- Rules: the set in force, what engines remember, and what they need to know of series.

-- name: in_use
-- The set in force and the version of the catalogue: when either changes, engines begin anew.
select (select coalesce(max(id), 0) from rule_set), catalogue_version from installation

-- name: newest_set
-- The set in force; no row before the first `rules apply`.
select id from rule_set order by id desc limit 1

-- name: set
-- What a set consists of besides its rules.
select calendars, vocabulary, plans from rule_set where id = %(set)s

-- name: members
-- The rules of a set, in the order of their files.
select m.rule, m.version, v.definition
from rule_set_member m join rule_version v using (rule, version)
where m.set_id = %(set)s
order by m.position

-- name: in_force
-- The rules in force, and how the newest run of a scheduled one went.
select rule, version, title_zh || ' / ' || title_en, last_run, took_ms, error from board_rule order by rule

-- name: add_set
insert into rule_set (applied_at, applied_by, calendars, vocabulary, plans)
values (%(now)s, %(by)s, %(calendars)s, %(vocabulary)s, %(plans)s)
returning id

-- name: add_version
insert into rule_version (rule, version, definition, title_zh, title_en, applied_at)
values (%(rule)s, %(version)s, %(definition)s, %(zh)s, %(en)s, %(now)s)

-- name: add_member
insert into rule_set_member (set_id, rule, version, position) values (%(set)s, %(rule)s, %(version)s, %(position)s)

-- name: versions
-- The newest version of every rule there ever was.
select distinct on (rule) rule, version, definition from rule_version order by rule, version desc

-- name: definitions
-- What two versions of a rule say.
select definition from rule_version where rule = %(rule)s and version in (%(one)s, %(other)s)

-- name: lock_apply
-- Two people who apply at once do so one after the other.
select pg_advisory_xact_lock(hashtextextended('citybrain rules apply', 0))

-- name: directory
-- Every series with what rules and alerts need to know of it. A device that others hang on is a gateway: `in` reads
-- these once, where `exists` would go through all devices for each series.
select s.id, m.name, d.domain_id, d.region_id, d.name, d.site_id, d.gateway, t.latitude, t.longitude, t.kind, t.attributes,
       (extract(epoch from m.expected_interval) * 1000000)::float8, m.reports = 'change', m.derived,
       (d.region_id, d.domain_id, d.name) in (
           select o.region_id, o.domain_id, o.gateway from device o where o.gateway is not null
       )
from series s join device d on d.id = s.device_id join metric m on m.id = s.metric_id left join site t on t.id = d.site_id

-- name: state
-- What is remembered of pairs of step and series.
select rule, severity, series_id, code, since, last, run, bits, bits_at from rule_state where series_id <> 0

-- name: subject_state
-- What is remembered of a scheduled rule's subjects.
select subject, severity, code, since, last, run, bits, bits_at from rule_state where series_id = 0 and rule = %(rule)s

-- name: save_state
insert into rule_state as r (rule, severity, series_id, subject, code, since, last, run, bits, bits_at)
select * from unnest(%(rule)s::text[], %(severity)s::int2[], %(series)s::int4[], %(subject)s::text[], %(code)s::int2[],
    %(since)s::int8[], %(last)s::int8[], %(run)s::int4[], %(bits)s::int8[], %(bits_at)s::int8[])
on conflict (rule, severity, series_id, subject) do update set code = excluded.code, since = excluded.since,
    last = excluded.last, run = excluded.run, bits = excluded.bits, bits_at = excluded.bits_at

-- name: drop_state
delete from rule_state r
using unnest(%(rule)s::text[], %(severity)s::int2[], %(series)s::int4[], %(subject)s::text[])
    k (rule, severity, series_id, subject)
where r.rule = k.rule and r.severity = k.severity and r.series_id = k.series_id and r.subject = k.subject

-- name: forget_subjects
-- What is remembered of one scheduled rule's subjects; it is written anew with each run.
delete from rule_state where series_id = 0 and rule = %(rule)s

-- name: forget_rules
-- What is remembered of scheduled rules that are gone.
delete from rule_state where series_id = 0 and rule <> all (%(rules)s)

-- name: engine
-- The set that a process has its state for; no row: none yet.
select set_id from rule_engine where unit = %(unit)s

-- name: set_engine
insert into rule_engine (unit, set_id) values (%(unit)s, %(set)s)
on conflict (unit) do update set set_id = excluded.set_id

-- name: newest
-- The newest good reading of each series.
copy (select series_id, good_time, good_value from series_state where good_time > '-infinity') to stdout (format binary)

-- name: history
-- Good readings that came in order, of each series from a time on; the bound excludes chunks.
select r.series_id, (extract(epoch from r.time) * 1000000)::int8, r.value
from unnest(%(series)s::int4[], %(since)s::timestamptz[]) k (series_id, since)
join reading r on r.series_id = k.series_id and r.time >= k.since
where r.time >= {low} and r.quality & 31 = 0
order by r.series_id, r.time

-- name: usual
-- The median of the hourly means `step` apart, up to `count` back, where at least half of them are there.
select k.position, percentile_cont(0.5) within group (order by h.mean)
from unnest(%(series)s::int4[], %(hour)s::timestamptz[], %(position)s::int4[]) k (series_id, hour, position)
cross join generate_series(1, %(count)s) back
cross join lateral (
    select sum(s) / nullif(sum(n), 0) as mean
    from (
        select r.s, r.n from rollup r
        where r.series_id = k.series_id and r.bucket = k.hour - back * %(step)s::interval
        union all
        select o.s, o.n from series_state o
        where o.series_id = k.series_id and o.bucket = k.hour - back * %(step)s::interval
    ) parts
) h
where h.mean is not null
group by k.position
having count(*) * 2 >= %(count)s

-- name: lock_runner
-- One process runs scheduled rules, announces and delivers; the others stand by.
select pg_try_advisory_lock(hashtextextended('citybrain rules', 0))

-- name: bound_time
-- What computes an indicator has as long as a rule's query.
set local statement_timeout = '5s'

-- name: runs
select rule, instant, version from rule_run

-- name: ran
-- How the newest run of a rule went.
insert into rule_run as r (rule, version, instant, took_ms, rows, error, failing_since)
values (%(rule)s, %(version)s, %(instant)s, %(took_ms)s, %(rows)s, %(error)s, case when %(error)s::text is not null then now() end)
on conflict (rule) do update set version = excluded.version, instant = excluded.instant, took_ms = excluded.took_ms, rows = excluded.rows,
    error = excluded.error,
    failing_since = case when excluded.error is not null then coalesce(r.failing_since, excluded.failing_since) end

-- name: forget_runs
-- Rules that are gone.
delete from rule_run where rule <> all (%(rules)s)

-- name: heard
-- Devices that the catalogue lists, with when each was heard last; null where not since then.
select d.region_id || '/' || d.domain_id || '/' || d.name, d.region_id, d.domain_id, d.site_id, d.name, d.gateway,
       exists (
           select from device o
           where o.gateway = d.name and o.region_id = d.region_id and o.domain_id = d.domain_id
       ),
       d.first_seen, max(nullif(l.heard, '-infinity')),
       (select min(m.expected_interval) from series s join metric m on m.id = s.metric_id where s.device_id = d.id)
from device d left join ledger l on l.device_id = d.id and l.hour >= date_trunc('hour', %(since)s::timestamptz)
where d.verified
group by d.id

-- name: heard_series
-- Series of listed devices that are expected at intervals, with when the newest reading came, whatever its time says:
-- the newest in order, or the furthest of a clock that is ahead. The bound excludes chunks.
select d.region_id || '/' || d.domain_id || '/' || d.name as device,
       d.region_id || '/' || d.domain_id || '/' || d.name || '/' || m.name as series,
       coalesce(r.heard, greatest(l.time, d.first_seen)), m.expected_interval
from series s join device d on d.id = s.device_id join metric m on m.id = s.metric_id
join series_state l on l.series_id = s.id
left join lateral (
    select max(time + make_interval(secs => lag_s)) as heard from reading
    where series_id = s.id and time in (l.time, l.ahead_until)
      and time >= %(since)s::timestamptz - interval '10 hours'
) r on true
where d.verified and m.expected_interval is not null

-- name: collectors
-- The collectors with the regions of each, none for all of them.
select c.unit, array(
    with recursive tree as (
        select id from region where id = c.unit
        union all
        select r.id from region r join tree t on r.parent_id = t.id
    )
    select id from tree
) as regions, c.heartbeat, c.connected, c.queued
from collector c
