-- What the overview says of the whole city, beside its alerts and its plans.

-- name: calm
-- Sites without an open alert, for the map.
with standing as (
    select site_id from board_alert where condition = 'raised'
    union all
    select site_id from board_alert where condition = 'cleared' and handling not in ('false', 'closed')
)
select longitude, latitude, title_%(language)s as title, id as site
from board_site
where longitude is not null and %(in_regions)s and %(in_domains)s
  and id not in (select site_id from standing where site_id is not null)
order by id

-- name: alarmed
-- Sites with open alerts: the worst severity of each, the mildest first, so that the worst is drawn on top.
with standing as (
    select site_id, severity, id from board_alert where condition = 'raised'
    union all
    select site_id, severity, id from board_alert where condition = 'cleared' and handling not in ('false', 'closed')
), worst as (
    select site_id, min(severity) as severity, count(*) as alerts, first(id, severity) as alert
    from standing where site_id is not null group by site_id
)
select s.longitude, s.latitude, w.severity, s.title_%(language)s as title, w.alerts, s.id as site, w.alert
from (select * from board_site where longitude is not null and %(in_regions)s and %(in_domains)s) s
join worst w on w.site_id = s.id
order by w.severity desc, s.id

-- name: devices
-- Devices of each domain: how many are heard, silent or never were, and since when the first of them is silent.
select t.title_%(language)s as domain, count(*) as total, count(*) filter (where s.state = 'heard') as heard,
       count(*) filter (where s.state = 'silent') as silent, count(*) filter (where s.state = 'unheard') as unheard,
       min(s.since) as since
from (select id, domain_id from board_device where %(in_regions)s and %(in_domains)s) d
join board_device_state s on s.device_id = d.id join board_domain t on t.id = d.domain_id
group by t.id, t.title_%(language)s order by t.id

-- name: ledger
-- The account of the present hour and the 24 before it: received = stored + duplicate + quarantined.
select coalesce(sum(received), 0)::float8 as received, coalesce(sum(stored), 0)::float8 as stored,
       coalesce(sum(duplicate), 0)::float8 as duplicate, coalesce(sum(quarantined), 0)::float8 as quarantined,
       count(*) filter (where missing <> 0) as unbalanced
from board_ledger
where hour >= date_trunc('hour', now()) - interval '24 hours' and %(in_regions)s and %(in_domains)s

-- name: received
-- What came in each hour, by what became of it; of no more than the last two days of the span, for the account has a row
-- for each device and hour.
select hour as time, sum(stored)::float8 as stored, sum(duplicate)::float8 as duplicate,
       sum(quarantined)::float8 as quarantined
from board_ledger
where $__timeFilter(hour) and hour > $__timeTo()::timestamptz - interval '48 hours' and %(in_regions)s and %(in_domains)s
group by hour order by hour
