-- What live streams tell. Every block reads views of boards alone.

-- name: newest_event
select newest from board_event_number

-- name: events
-- Events of alerts after %(after)s and up to %(until)s, in the order of their commits, each with its alert as that stands
-- now. (What silences the alert is not asked: it would cost a search for each row.)
select e.id, e.kind, e.at, e.event_time, e.past, e.severity as event_severity, e.handling as event_handling, e.actor,
       coalesce(p.title, e.actor) as actor_title, e.note, e.alert_id, a.rule, a.subject, a.title_zh, a.title_en, a.region_id as region,
       r.title_zh as region_zh, r.title_en as region_en, a.domain_id as domain,
       coalesce(a.site_id, case when a.subject_kind = 'site' then a.subject end) as site, a.device, s.metric,
       coalesce(a.site_zh, case when a.subject_kind = 'region' then r.title_zh end, a.subject) as place_zh,
       coalesce(a.site_en, case when a.subject_kind = 'region' then r.title_en end, a.subject) as place_en,
       a.severity, a.attention, a.condition, a.handling, a.open, a.revision, a.crew, w.title_zh as crew_zh, w.title_en as crew_en, a.raised_at, a.cleared_at,
       a.changed_at, a.due_step, a.due_at
from (
    select * from board_alert_event
    where id > %(after)s and id <= %(until)s order by id limit %(limit)s
) e
join board_alert a on a.id = e.alert_id
left join board_region r on r.id = a.region_id
left join board_series s on s.series_id = a.series_id
left join board_crew w on w.id = a.crew
left join board_person p on p.name = e.actor
order by e.id

-- name: regions_below
-- These regions with all below them.
with recursive below as (
    select id from board_region where id = any(%(regions)s)
    union
    select r.id from board_region r join below b on r.parent_id = b.id
)
select id from below

-- name: moment
-- The oldest transaction that is under way, or the next one. What is written from now on is written by it or by a
-- later one.
select pg_snapshot_xmin(pg_current_snapshot())::xid::text

-- name: changes
-- Newest values that were written by the transaction %(since)s or later ones.
select version::text, series_id as series, device, region_id as region, domain_id as domain, site_id as site, metric,
       unit, time, value, quality, good
from board_latest_version where age(version) <= age(%(since)s::xid)

-- name: values
-- The newest values that somebody may see and wants to, by series, after %(after)s; null: all regions and so on.
select series_id as series, device, region_id as region, domain_id as domain, site_id as site, metric,
       unit, time, value, quality, good
from board_latest_version
where series_id > %(after)s
  and (%(wanted_regions)s::text[] is null or region_id = any(%(wanted_regions)s::text[]))
  and (%(wanted_domains)s::text[] is null or domain_id = any(%(wanted_domains)s::text[]))
  and (%(wanted_metrics)s::text[] is null or metric = any(%(wanted_metrics)s::text[]))
  and (%(wanted_sites)s::text[] is null or site_id = any(%(wanted_sites)s::text[]))
  and ((%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
       and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
       or exists (
           select from unnest(%(shared_domains)s::text[], %(shared_metrics)s::text[], %(shared_regions)s::text[])
               as shared (domain, metric, region)
           where shared.domain = domain_id and shared.metric = board_latest_version.metric
             and shared.region in ('*', region_id)))
order by series_id limit %(limit)s

-- name: attend
-- Tells whoever listens that somebody looks at an alert, where there is such an alert for them; nothing is kept.
select pg_notify(%(channel)s, json_build_object(
    'alert', a.id, 'place', json_build_array(a.region_id, a.domain_id, s.metric, a.site_id),
    'who', json_build_object('name', %(name)s::text, 'title', %(title)s::text))::text)
from board_alert a left join board_series s on s.series_id = a.series_id
where a.id = %(id)s
  and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))
