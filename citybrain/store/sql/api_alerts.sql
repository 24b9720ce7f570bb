-- Alerts as the API lists, counts and opens them. `regions` and `domains` are the scope of who asks, narrowed to what
-- is asked for; null: all. What is not asked for is null, too.

-- name: page
-- One page in the order {order}, of what comes {after} the page before. All but what is shown is left to the card, which
-- is dear: it asks what silences an alert.
with page as (
    select id, attention, due_by, age, raised_at, changed_at
    from board_alert a
    where (open or not %(open)s)
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
      and (%(site)s::text is null or site_id = %(site)s)
      and (%(device)s::text is null or region_id || '/' || domain_id || '/' || device = %(device)s)
      and (%(rule)s::text is null or matches_pattern(%(rule)s, rule))
      and (%(severity)s::int[] is null or severity = any(%(severity)s::int[]))
      and (%(attention)s::int[] is null or attention = any(%(attention)s::int[]))
      and (%(handling)s::text[] is null or handling = any(%(handling)s::text[]))
      and (%(condition)s::text is null or condition = %(condition)s)
      and (%(crew)s::text is null or crew = %(crew)s)
      and (%(watcher)s::int is null or exists (
               select from board_alert_watch h where h.alert_id = a.id and h.person_id = %(watcher)s))
      and (%(overdue)s::bool is null or (missed_step is not null) = %(overdue)s)
      and (%(shelved)s::bool is null or %(shelved)s = exists (
               select from board_shelf s
               where s.until > now() and s.at <= now()
                 and matches_pattern(s.rule, a.rule) and matches_pattern(s.subject, a.subject)
                 and (s.regions is null or a.region_id = any(s.regions))
                 and (s.domains is null or a.domain_id = any(s.domains))))
      and (%(since)s::timestamptz is null or raised_at >= %(since)s)
      and (%(until)s::timestamptz is null or raised_at < %(until)s)
      and (%(text)s::text is null
           or strpos(lower(concat_ws(' ', title_zh, title_en, subject, site_zh, site_en)), lower(%(text)s)) > 0)
      and {after}
    order by {order}
    limit %(limit)s
), shown as (
    select array_agg(id order by {order}) as ids from page
)
select c.*, w.title_zh as crew_zh, w.title_en as crew_en
from board_alert_card c left join board_crew w on w.id = c.crew
where c.id = any((select ids from shown)::bigint[])  -- no join: the planner would make the cards of all first
order by array_position((select ids from shown), c.id)

-- name: counts
-- How many alerts are open, by severity, by region and by domain.
with standing as (
    select region_id, domain_id, severity, condition, handling, rule from board_alert
    where open
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
), counted as (
    select grouping(severity) = 0 as by_severity, grouping(region_id) = 0 as by_region, severity,
           region_id as region, domain_id as domain,
           count(*) filter (where condition = 'raised') as raised,
           count(*) filter (where condition = 'raised' and handling = 'new') as unjudged,
           count(*) filter (where condition = 'cleared') as cleared,
           count(*) filter (where rule in (select rule from board_rule where failing_since is not null)) as failing
    from standing group by grouping sets ((severity), (region_id), (domain_id))
)
select c.*, coalesce(r.title_zh, d.title_zh, c.domain) as title_zh, coalesce(r.title_en, d.title_en, c.domain) as title_en
from counted c
left join board_region r on r.id = c.region
left join board_domain d on d.id = c.domain
order by severity, region, domain

-- name: one
-- One alert, its newest event, what others call who has it in hand, and whether a person watches it.
select c.*, w.title_zh as crew_zh, w.title_en as crew_en,
       (select max(e.id) from board_alert_event e where e.alert_id = c.id) as newest_event,
       coalesce(p.title, c.operator) as operator_title,
       exists (select from board_alert_watch h where h.alert_id = c.id and h.person_id = %(person)s) as watched
from board_alert_card c
left join board_crew w on w.id = c.crew
left join board_person p on p.name = c.operator
where c.id = %(id)s
  and (%(regions)s::text[] is null or c.region = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or c.domain = any(%(domains)s::text[]))

-- name: exists
-- Whether there is such an alert for who asks.
select exists (
    select from board_alert
    where id = %(id)s
      and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
)

-- name: timeline
-- Its events, as they happened.
select e.id, e.at, e.kind, e.event_time, e.past, e.severity, e.version, e.reason, e.handling, e.actor,
       coalesce(p.title, e.actor) as actor_title, e.note, e.crew, e.operator,
       coalesce(o.title, e.operator) as operator_title, e.announcement_id as announcement
from board_alert_event e
left join board_person p on p.name = e.actor
left join board_person o on o.name = e.operator
where e.alert_id = %(id)s and e.id > %(after)s
order by e.id limit %(limit)s

-- name: state
-- What an alert is as its newest event of these kinds left it, as an announcement tells it.
select newest.id as event, newest.at, newest.kind, a.severity, coalesce(a.region_id, root.id, '-') as region,
       a.domain_id as domain, a.id as alert, a.rule, a.version, a.subject, a.missed_step,
       coalesce(a.site_zh, r.title_zh, a.subject) as place_zh, coalesce(a.site_en, r.title_en, a.subject) as place_en,
       a.title_zh, a.title_en, a.advice_zh, a.advice_en, a.raised_at, a.cleared_at, a.values -> 'value' as value,
       a.limits, s.longitude, s.latitude,
       (select coalesce(jsonb_agg(jsonb_build_object('event', e.id, 'at', e.at) order by e.id), '[]')
        from board_alert_event e
        where e.alert_id = a.id and e.kind = any(%(kinds)s)) as marks
from board_alert a
cross join lateral (
    select e.id, e.at, e.kind from board_alert_event e
    where e.alert_id = a.id and e.kind = any(%(kinds)s) order by e.id desc limit 1
) newest
left join board_region r on r.id = a.region_id
left join board_site s on s.id = a.site_id
cross join lateral (select min(id) as id from board_region where parent_id is null) root
where a.id = %(id)s
  and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))

-- name: shelves
-- Shelves that may touch what who asks sees, the newest first; over: those that have ended, too.
select id, rule, subject, until, reason, by, at, ended_by, regions, domains from board_shelf
where (%(over)s or until > %(now)s)
  and (%(before)s::bigint is null or id < %(before)s)
  and (%(regions)s::text[] is null or regions is null or regions && %(regions)s::text[])
  and (%(domains)s::text[] is null or domains is null or domains && %(domains)s::text[])
order by id desc limit %(limit)s

-- name: windows
-- Maintenance windows that may touch what who asks sees, the newest first; `around` are their regions and all that
-- these lie in. A window for a site or a device lies where that lies.
select w.id, w.region_id as region, w.domain_id as domain, w.site_id as site, w.device, w.start_at, w.end_at, w.reason,
       w.by, w.at
from board_maintenance w
left join board_site s on s.id = w.site_id
cross join lateral (
    select coalesce(w.region_id, s.region_id, nullif(split_part(coalesce(w.device, ''), '/', 1), '')) as region,
           coalesce(w.domain_id, s.domain_id, nullif(split_part(coalesce(w.device, ''), '/', 2), '')) as domain
) lies
where (%(over)s or w.end_at > %(now)s)
  and (%(before)s::bigint is null or w.id < %(before)s)
  and (%(around)s::text[] is null or lies.region is null or lies.region = any(%(around)s::text[]))
  and (%(domains)s::text[] is null or lies.domain is null or lies.domain = any(%(domains)s::text[]))
order by w.id desc limit %(limit)s

-- name: happened
-- How often what happened to alerts between two moments, by their severity then.
select coalesce(e.severity, a.severity) as severity,
       count(*) filter (where e.kind = 'raised') as raised,
       count(*) filter (where e.kind = 'reopened') as reopened,
       count(*) filter (where e.kind = 'cleared') as cleared,
       count(*) filter (where e.kind = 'confirm') as confirmed,
       count(*) filter (where e.kind = 'refute') as refuted,
       count(*) filter (where e.kind in ('dispatch', 'reassign')) as dispatched,
       count(*) filter (where e.kind = 'feed_back') as fed_back,
       count(*) filter (where e.kind = 'close') as closed,
       count(*) filter (where e.kind = 'overdue') as overdue
from board_alert_event e join board_alert a on a.id = e.alert_id
where e.at >= %(since)s and e.at < %(until)s
  and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))
group by 1 order by 1
