-- Alerts and how they are handled. Open alerts are read in two parts, each of which the index of open alerts serves;
-- their OR is not one that it serves.

-- name: open
-- The first 100 open alerts: what is raised before what has cleared, the worst first. Cards are made of these only, so
-- they are looked up by id: joined, they would be made of all alerts.
with standing as (
    select id, region_id, domain_id, site_id, condition, attention, severity, due_at, raised_at from board_alert
    where condition = 'raised'
    union all
    select id, region_id, domain_id, site_id, condition, attention, severity, due_at, raised_at from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
), shown as (
    select id from standing
    where %(in_regions)s and %(in_domains)s and %(in_sites)s
    order by condition = 'raised' desc, attention, severity, due_at nulls last, raised_at desc, id limit 100
)
select severity, title_%(language)s as title, place_%(language)s as place, region_%(language)s as region,
       raised_at, handling, due_at, id, site
from board_alert_card
where id = any(array(select id from shown))
order by raised desc, attention, severity, due_at nulls last, raised_at desc, id

-- name: counts
-- Open alerts by severity, those that nobody has judged, and those whose deadline has passed.
with standing as (
    select region_id, domain_id, site_id, severity, condition, handling, due_at from board_alert
    where condition = 'raised'
    union all
    select region_id, domain_id, site_id, severity, condition, handling, due_at from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
)
select count(*) filter (where severity = 1) as red, count(*) filter (where severity = 2) as orange,
       count(*) filter (where severity = 3) as yellow, count(*) filter (where severity = 4) as blue,
       count(*) filter (where handling = 'new') as unjudged, count(*) filter (where due_at < now()) as overdue
from standing where %(in_regions)s and %(in_domains)s and %(in_sites)s

-- name: handling
-- Open alerts by what is to be done next.
with standing as (
    select region_id, domain_id, site_id, severity, handling from board_alert where condition = 'raised'
    union all
    select region_id, domain_id, site_id, severity, handling from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
)
select handling, count(*) filter (where severity = 1) as red, count(*) filter (where severity = 2) as orange,
       count(*) filter (where severity = 3) as yellow, count(*) filter (where severity = 4) as blue
from standing where %(in_regions)s and %(in_domains)s and %(in_sites)s
group by handling
order by array_position(
    array['new', 'confirmed', 'dispatched', 'accepted', 'handling', 'fed_back', 'returned', 'false', 'closed'], handling)

-- name: rate
-- Alerts that began in each 10 minutes, by severity.
select bucket as time, sum(alerts) filter (where severity = 1)::float8 as red,
       sum(alerts) filter (where severity = 2)::float8 as orange,
       sum(alerts) filter (where severity = 3)::float8 as yellow, sum(alerts) filter (where severity = 4)::float8 as blue
from board_alert_rate
where $__timeFilter(bucket) and %(in_regions)s and %(in_domains)s
group by bucket order by bucket

-- name: events
-- The newest 200 steps in the span: what happened, who did it and what they said.
select e.at, e.kind, a.severity, a.title_%(language)s as title, coalesce(p.title, e.actor) as actor, e.note, a.id
from board_alert_event e
join (
    select id, severity, title_%(language)s from board_alert where %(in_regions)s and %(in_domains)s and %(in_sites)s
) a on a.id = e.alert_id
left join board_person p on p.name = e.actor
where $__timeFilter(e.at)
order by e.id desc limit 200

-- name: priority
-- The share of each severity in the alerts of 30 days, beside the one that ISA-18.2 wants.
select severity, alerts, share, wanted from board_alert_priority order by severity

-- name: top
-- The ten most frequent alerts of 30 days.
select coalesce(r.title_%(language)s, t.rule) as rule, t.subject, t.alerts, t.share
from board_alert_top t left join board_rule r on r.rule = t.rule
where %(in_domains)s
order by t.alerts desc, t.rule, t.subject

-- name: chattering
-- Alerts that were raised more than twice in five minutes, in 30 days.
select coalesce(r.title_%(language)s, t.rule) as rule, t.subject, t.most, t.last_at
from board_alert_chattering t left join board_rule r on r.rule = t.rule
where %(in_domains)s
order by t.most desc, t.last_at desc limit 100

-- name: stale
-- Alerts that have been raised for more than a day.
select t.severity, coalesce(r.title_%(language)s, t.rule) as rule, t.subject, t.raised_at, t.id
from board_alert_stale t left join board_rule r on r.rule = t.rule
where %(in_regions)s and %(in_domains)s
order by t.severity, t.raised_at limit 100

-- name: floods
-- Floods of 30 days; `all` is the whole city, else a region.
select case f.scope when 'all' then %(whole_city)s else coalesce(r.title_%(language)s, f.scope) end as region, f.started_at,
       f.ended_at, f.most
from board_alert_flood f left join board_region r on r.id = f.scope
order by f.started_at desc limit 100

-- name: times
-- Mean times in seconds from the raise to judgement, dispatch and closing, of alerts of 30 days.
select d.title_%(language)s as domain, t.severity, t.alerts, extract(epoch from t.to_judge)::float8 as to_judge,
       extract(epoch from t.to_dispatch)::float8 as to_dispatch, extract(epoch from t.to_close)::float8 as to_close
from board_alert_times t left join board_domain d on d.id = t.domain_id
where %(in_domains)s
order by t.domain_id, t.severity

-- name: figures
-- What ISA-18.2 counts, of 30 days: alerts in the busiest 10 minutes of the span, the share of the ten most frequent,
-- alerts that chatter, that are stale, and the share of the time with a flood anywhere in the city.
select (
    select coalesce(max(alerts), 0)::float8
    from (select sum(alerts) as alerts from board_alert_rate where $__timeFilter(bucket) group by bucket) busy
) as peak, (
    select coalesce(sum(share), 0)::float8 from board_alert_top
) as top, (
    select count(*) from board_alert_chattering
) as chattering, (
    select count(*) from board_alert_stale
) as stale, (
    select coalesce(extract(epoch from sum(coalesce(ended_at, now()) - started_at)) / extract(epoch from interval '30 days'), 0)::float8
    from board_alert_flood where scope = 'all'
) as flooded

-- name: annotations
-- Alerts that were raised in the span or before and were not over when it began: at most 200, the worst first. What is
-- still raised has no end.
select raised_at as time, cleared_at as timeend,
       '<a href="${cockpit}/alerts/' || id || '">' || title_%(language)s || coalesce(' · ' || site_%(language)s, '') || '</a>'
           as text,
       concat_ws(',', (%(severities)s::text[])[severity], domain_id) as tags
from (
    select id, raised_at, cleared_at, severity, title_%(language)s, site_%(language)s, domain_id, region_id, site_id
    from board_alert
    where raised_at <= $__timeTo()::timestamptz and (cleared_at is null or cleared_at >= $__timeFrom()::timestamptz)
) held
where %(in_regions)s and %(in_domains)s and %(in_sites)s
order by severity, raised_at desc limit 200
