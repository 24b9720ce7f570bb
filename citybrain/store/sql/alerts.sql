-- Alerts, their events, what is announced of them, and what keeps it from being announced.

-- ── writing ─────────────────────────────────────────────────────────────────────────────────────────────

-- name: lock
-- All that write alerts take it first and hold it until they commit: events get their numbers in commit order, two
-- writers never raise one alert twice, and none waits for a row that another holds.
select pg_advisory_xact_lock(hashtextextended('citybrain alerts', 0))

-- name: standing
-- The open alerts of these rules and subjects.
select a.* from unnest(%(rules)s::text[], %(subjects)s::text[]) as wanted (rule, subject)
join alert a using (rule, subject)
where a.condition = 'raised' or (a.mode = 'live' and a.handling not in ('false', 'closed'))

-- name: numbers
select nextval('alert_id_seq') from generate_series(1, %(count)s)

-- name: add
insert into alert select * from jsonb_populate_recordset(null::alert, %(rows)s::jsonb)

-- name: save
update alert a set
    mode = r.mode, version = r.version, title_zh = r.title_zh, title_en = r.title_en, advice_zh = r.advice_zh,
    advice_en = r.advice_en, severity = r.severity, worst = r.worst, condition = r.condition,
    raised_at = r.raised_at, cleared_at = r.cleared_at, clear_reason = r.clear_reason, last_time = r.last_time,
    changed_at = r.changed_at, past = r.past, reopened = r.reopened, step = r.step, series_id = r.series_id,
    values = r.values, limits = r.limits, handling = r.handling, revision = r.revision, operator = r.operator,
    crew = r.crew, due_step = r.due_step, due_at = r.due_at, missed_step = r.missed_step, missed = r.missed,
    told_severity = r.told_severity, told_step = r.told_step, told_at = r.told_at, look_at = r.look_at,
    withheld = r.withheld
from jsonb_populate_recordset(null::alert, %(rows)s::jsonb) r
where a.id = r.id

-- name: add_events
-- In the order of the list; one for each request key of an alert.
insert into alert_event (alert_id, at, kind, event_time, past, severity, version, reason, handling, actor, note, crew,
    operator, key, announcement_id, values)
select alert_id, at, kind, event_time, past, severity, version, reason, handling, actor, note, crew, operator, key,
       announcement_id, values
from rows from (jsonb_to_recordset(%(rows)s::jsonb) as (
    alert_id bigint, at timestamptz, kind text, event_time timestamptz, past boolean, severity smallint, version int,
    reason text, handling text, actor text, note text, crew text, operator text, key text, announcement_id bigint,
    values jsonb
)) with ordinality as r (alert_id, at, kind, event_time, past, severity, version, reason, handling, actor, note, crew,
    operator, key, announcement_id, values, position)
order by position

-- name: on_trial
-- Raised alerts of rules that were on trial, whose subject has no open alert of its own.
select * from alert trial
where mode = 'shadow' and condition = 'raised' and rule = any(%(rules)s) and not exists (
    select from alert a
    where a.rule = trial.rule and a.subject = trial.subject and a.mode = 'live'
      and (a.condition = 'raised' or a.handling not in ('false', 'closed'))
)

-- name: raised
-- What an engine must know when it starts.
select rule, subject, subject_kind, severity::int, version, (extract(epoch from last_time) * 1000000)::bigint as last_us,
       past and told_at is null as past, region_id
from alert where condition = 'raised'

-- name: mark_current
update alert a set past = false, look_at = case when a.mode = 'live' then %(now)s::timestamptz end
from unnest(%(rules)s::text[], %(subjects)s::text[]) as current (rule, subject)
where a.rule = current.rule and a.subject = current.subject and a.condition = 'raised' and a.past

-- ── announcing ──────────────────────────────────────────────────────────────────────────────────────────

-- name: is_news
-- Whether anything is to be decided at all; asked each second.
select exists (select from alert where look_at <= %(now)s) or exists (select from flood where ended_at is null)

-- name: news
-- Alerts of which there may be something to tell.
select * from alert where look_at <= %(now)s order by severity, id limit %(limit)s

-- name: silences
-- Until when each of these alerts is shelved or in maintenance.
select a.id, shelved_until(a, %(now)s), maintained_until(a, %(now)s) from alert a
where a.id = any(%(ids)s)
  and (exists (select from shelf where until > %(now)s)
       or exists (select from maintenance_window where end_at > %(now)s and start_at <= %(now)s))

-- name: inhibitors
-- Alerts of these rules that are raised, or that ended after %(since)s. Nobody is silenced by a rule on trial, or by
-- an alert that was judged false.
select id, rule,
       case when condition = 'raised' and handling <> 'false' then null
            else greatest(changed_at, judged_at) end as ended_at
from (
    select a.id, a.rule, a.condition, a.handling, a.changed_at,
           (select max(e.at) from alert_event e
            where a.handling = 'false' and e.alert_id = a.id and e.kind = 'refute') as judged_at
    from alert a
    where a.rule = any(%(rules)s) and a.mode = 'live' and (a.condition = 'raised' or a.changed_at > %(since)s)
) inhibitor

-- name: places
-- What these alerts hang on, and what the site is called.
select p.alert_id, p.device, p.gateway, p.site, p.region, p.attributes, t.title_zh, t.title_en
from alert_place p left join site t on t.id = p.site where p.alert_id = any(%(ids)s)

-- name: recently_told
-- How many alerts of each region were announced after %(since)s, singly or in a digest.
select coalesce(a.region_id, '') as region, count(*)
from alert_event e join alert a on a.id = e.alert_id
where e.kind = 'announced' and e.at > %(since)s group by 1

-- name: floods
select region_id from flood where ended_at is null

-- name: begin_flood
insert into flood (region_id, started_at) values (%(region)s, %(now)s)

-- name: end_flood
update flood set ended_at = %(now)s where region_id = %(region)s and ended_at is null

-- name: newest_digests
-- When the newest digest of each region and domain was announced, of those after %(since)s. Those of this very moment
-- don't count: in a great flood they are the first of several.
select coalesce(region_id, '') as region, domain_id, max(at) from announcement
where kind = 'flood' and at > %(since)s and at < %(now)s group by 1, 2

-- name: newest_events
-- The newest event of each alert that changed its condition, or missed a deadline.
select alert_id, max(id) from alert_event
where alert_id = any(%(ids)s) and kind in ('raised', 'reopened', 'escalated', 'downgraded', 'cleared', 'overdue')
group by alert_id

-- name: announce
-- In the order of the list; the numbers come back in that order.
insert into announcement (alert_id, event_id, kind, severity, region_id, domain_id, at, text_zh, text_en)
select alert_id, event_id, kind, severity, region_id, domain_id, at, text_zh, text_en
from rows from (jsonb_to_recordset(%(rows)s::jsonb) as (
    alert_id bigint, event_id bigint, kind text, severity smallint, region_id text, domain_id text, at timestamptz,
    text_zh text, text_en text
)) with ordinality as r (alert_id, event_id, kind, severity, region_id, domain_id, at, text_zh, text_en, position)
order by position
returning id

-- ── handling ────────────────────────────────────────────────────────────────────────────────────────────

-- name: one
select * from alert where id = %(id)s

-- name: request
-- What a request that comes again did the first time.
select kind, actor, at from alert_event where alert_id = %(id)s and key = %(key)s

-- name: may_have
-- Whether a person may have in hand what belongs to that region and domain: an operator at least, and of no crew.
select exists (
    select from person p
    where p.name = %(name)s and p.active and p.role <> 'viewer' and p.crew is null
      and (p.regions is null or %(region)s = any(regions_below(p.regions)))
      and (p.domains is null or %(domain)s = any(p.domains))
)

-- name: newest_handling
-- Who changed the handling last, or handed it over, and what others call them.
select e.kind as action, e.actor, coalesce(nullif(p.title, ''), e.actor) as title, e.at
from alert_event e left join person p on p.name = e.actor
where e.alert_id = %(id)s and (e.handling is not null or e.kind = 'assign') and e.actor is not null
order by e.id desc limit 1

-- name: watch
insert into alert_watch (person_id, alert_id) values (%(person)s, %(id)s) on conflict do nothing

-- name: unwatch
delete from alert_watch where person_id = %(person)s and alert_id = %(id)s

-- name: newest_event
select coalesce(max(id), 0) from alert_event where alert_id = %(id)s

-- name: is_due
-- Whether any deadline is to be set or was missed; asked each second.
select exists (
    select from alert
    where mode = 'live' and due_at is null and told_at is not null and handling not in ('false', 'closed')
      and (condition = 'raised' or handling <> 'new')
) or exists (select from alert where due_at <= %(now)s and missed_step is null)

-- name: without_deadline
-- Told alerts whose next step has no deadline yet. One that cleared before anybody judged it gets none.
select * from alert
where mode = 'live' and due_at is null and told_at is not null and handling not in ('false', 'closed')
  and (condition = 'raised' or handling <> 'new')
order by severity, id limit %(limit)s

-- name: overdue
select * from alert
where due_at <= %(now)s and missed_step is null order by due_at limit %(limit)s

-- ── silence ─────────────────────────────────────────────────────────────────────────────────────────────

-- name: shelve
insert into shelf (rule, subject, until, reason, by, at, regions, domains)
values (%(rule)s, %(subject)s, %(until)s, %(reason)s, %(by)s, %(now)s, %(regions)s, %(domains)s) returning id

-- name: shelf
-- A shelf that is not over: its patterns and how far it reaches.
select rule, subject, regions, domains from shelf where id = %(id)s and until > %(now)s

-- name: unshelve
update shelf set until = %(now)s, ended_by = %(by)s where id = %(id)s

-- name: matching
-- Open alerts that a shelf is about.
select * from alert
where mode = 'live' and (condition = 'raised' or handling not in ('false', 'closed'))
  and matches_pattern(%(rule)s, rule) and matches_pattern(%(subject)s, subject)
  and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))

-- name: open_window
insert into maintenance_window (region_id, domain_id, site_id, device, start_at, end_at, reason, by, at)
values (%(region)s, %(domain)s, %(site)s, %(device)s, %(start)s, %(end)s, %(reason)s, %(by)s, %(now)s) returning id

-- name: window
-- A maintenance window that is not over.
select start_at as start, end_at as end, region_id as region, domain_id as domain, site_id as site, device
from maintenance_window where id = %(id)s and end_at > %(now)s

-- name: site
-- The region and domain of a site.
select region_id, domain_id from site where id = %(site)s

-- name: device
-- The region and domain of a device, by its path.
select region_id, domain_id from device where region_id || '/' || domain_id || '/' || name = %(device)s

-- name: close_window
-- One that has not begun is over, too.
update maintenance_window set start_at = least(start_at, %(now)s - interval '1 microsecond'), end_at = %(now)s
where id = %(id)s and end_at > %(now)s

-- name: look_again
-- A silence ended early: what it withheld is to be decided about now.
update alert set look_at = %(now)s where look_at > %(now)s

-- ── looking ─────────────────────────────────────────────────────────────────────────────────────────────

-- name: list
-- Alerts by what needs attention first: severity, then deadline, then age.
select id, attention, title_zh, coalesce(site_zh, subject) as place, values -> 'value' as value, limits, condition,
       raised_at, handling, due_step, due_at, missed_step is not null as overdue, shelved_until, maintained_until
from board_alert
where (open or %(all)s)
  and (%(domain)s::text is null or domain_id = %(domain)s)
  and (%(region)s::text is null or lies_in(region_id, %(region)s))
  and (%(rule)s::text is null or matches_pattern(%(rule)s, rule))
  and (%(handling)s::text is null or handling = %(handling)s)
order by attention, due_at nulls last, raised_at desc
limit %(limit)s

-- name: events
select at, kind, event_time, past, severity, version, reason, handling, actor, note, crew, announcement_id
from alert_event where alert_id = %(id)s order by id

-- name: told
-- What was announced of an alert, singly or in a digest, and what became of it on each route.
select n.id, n.at, n.kind, n.text_zh, n.text_en, d.route, d.status, d.attempts, d.sent_at, d.error
from alert_event e join announcement n on n.id = e.announcement_id
left join delivery d on d.announcement_id = n.id
where e.alert_id = %(id)s order by n.id, d.route

-- name: definition
-- The rule as it was when it raised an alert.
select definition from rule_version where rule = %(rule)s and version = %(version)s

-- name: series
select region_id || '/' || domain_id || '/' || device || '/' || metric, unit from board_series
where series_id = %(series)s

-- name: readings
-- The newest readings up to the moment, of a week at most, and those that followed within a day, oldest first.
(select time, value, good from board_reading
 where series_id = %(series)s and time <= %(at)s and time > %(at)s - interval '7 days'
 order by time desc limit %(before)s)
union all
(select time, value, good from board_reading
 where series_id = %(series)s and time > %(at)s and time < %(at)s + interval '1 day'
 order by time limit %(after)s)
order by time

-- ── statistics of the last 30 days, within regions and domains (null: all) ──────────────────────────────
-- They count as the views board_alert_* do, which are of the whole city.

-- name: rate
-- Activations per 10 minutes, or since the first: mean, most, and share of windows with more than 10.
with bucket as (
    select time_bucket(interval '10 minutes', at) as bucket, count(*) as n from alert_activation
    where at > now() - interval '30 days'
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
    group by 1
), span as (
    select greatest(1, ceil(extract(epoch from now() - min(bucket)) / 600)) as windows from bucket
)
select coalesce(sum(n) / max(windows), 0)::float8, coalesce(max(n), 0)::int,
       coalesce(count(*) filter (where n > 10) / max(windows), 0)::float8
from bucket, span

-- name: flooded
-- Share of that time in flood: from more than 10 activations in 10 minutes until fewer than 5.
with activation as (
    select at from alert_activation
    where at > now() - interval '30 days'
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
), counted as (
    select moment, sum(sum(step)) over (order by moment) as n
    from activation
    cross join lateral (values (at, 1), (at + interval '10 minutes', -1)) as c (moment, step)
    group by moment
), marked as (
    select moment, case when n > 10 then true when n < 5 then false end as mark,
           count(*) filter (where n > 10 or n < 5) over (order by moment) as part
    from counted
), judged as (
    select moment, bool_or(mark) over (partition by part) as flooded from marked
), lasting as (
    select flooded, least(lead(moment) over (order by moment), now()) - least(moment, now()) as lasts from judged
)
select coalesce(
    extract(epoch from sum(lasts) filter (where flooded))
    / nullif(extract(epoch from now() - time_bucket(interval '10 minutes', (select min(at) from activation))), 0), 0
)::float8
from lasting

-- name: top
-- The ten most frequent, with their share of all, and what the newest of each is called, and where it is.
select c.rule, c.subject, c.alerts, c.share, a.title_zh, a.title_en, coalesce(t.title_zh, r.title_zh, c.subject) as place_zh,
       coalesce(t.title_en, r.title_en, c.subject) as place_en
from (
    select *, (alerts / sum(alerts) over ())::float8 as share
    from (
        select rule, subject, count(*) as alerts, max(alert_id) as newest from alert_activation
        where at > now() - interval '30 days'
          and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
          and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
        group by rule, subject
    ) counted
    order by alerts desc, rule, subject limit 10
) c
join alert a on a.id = c.newest
left join site t on t.id = a.site_id
left join region r on r.id = a.region_id
order by c.alerts desc, c.rule, c.subject

-- name: counts
-- How many alerts chatter (raised more than twice in 5 minutes), and how many are stale (raised for a day).
select (
    select count(*) from (
        select from (
            select rule, subject,
                   count(*) over (partition by rule, subject order by at range interval '5 minutes' preceding) as near
            from alert_activation
            where at > now() - interval '30 days'
              and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
              and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
        ) counted
        where near > 2 group by rule, subject
    ) chattering
), (
    select count(*) from alert
    where mode = 'live' and condition = 'raised' and raised_at < now() - interval '24 hours'
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
)

-- name: priority
-- The share of each severity, and the share that is wanted.
select s.severity, s.wanted::float8, count(a.id) as alerts,
       coalesce(count(a.id) / nullif(sum(count(a.id)) over (), 0), 0)::float8 as share
from (values (4, 0.80), (3, 0.15), (2, 0.05), (1, 0.01)) as s (severity, wanted)
left join alert_activation a on a.severity = s.severity and a.at > now() - interval '30 days'
  and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))
group by s.severity, s.wanted
order by s.severity desc

-- name: times
-- Mean times from the raise to judgement, dispatch and closing, by domain and worst severity, of what was news.
select a.domain_id, a.severity, count(*) as alerts,
       avg(t.judged - a.raised) as to_judge, avg(t.dispatched - a.raised) as to_dispatch,
       avg(t.closed - a.raised) as to_close
from (
    select a.id, a.domain_id, a.worst as severity, min(e.at) as raised
    from alert a join alert_event e on e.alert_id = a.id and e.kind = 'raised'
    where a.mode = 'live' and not e.past and e.at > now() - interval '30 days'
      and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))
    group by a.id
) a cross join lateral (
    select min(at) filter (where kind in ('confirm', 'refute')) as judged,
           min(at) filter (where kind = 'dispatch') as dispatched,
           max(at) filter (where kind = 'close') as closed
    from alert_event where alert_id = a.id
) t
group by a.domain_id, a.severity
order by 1, 2
