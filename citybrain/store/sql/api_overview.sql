-- What the overview says in one answer. `regions` and `domains` are the scope of who asks, `within` the regions that are
-- asked for; null: all.

-- name: alerts
-- Open alerts by domain, severity and age: 0 below 15 minutes, 1 below an hour, 2 below 4, 3 below a day, 4 older.
with standing as (
    select region_id, domain_id, severity, condition, handling, raised_at, due_at from board_alert
    where condition = 'raised'
    union all
    select region_id, domain_id, severity, condition, handling, raised_at, due_at from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
)
select domain_id as domain, severity,
       width_bucket(extract(epoch from %(now)s - raised_at), array[900, 3600, 14400, 86400]) as age, count(*) as open,
       count(*) filter (where condition = 'raised') as raised, count(*) filter (where handling = 'new') as unjudged,
       count(*) filter (where due_at < %(now)s) as overdue
from standing
where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or region_id = any(%(within)s::text[]))
group by 1, 2, 3

-- name: worst
-- Of each domain the open alert that needs attention first, in the order of the list of alerts.
with standing as (
    select id, region_id, domain_id, condition, attention, severity, due_at, raised_at from board_alert
    where condition = 'raised'
    union all
    select id, region_id, domain_id, condition, attention, severity, due_at, raised_at from board_alert
    where condition = 'cleared' and handling not in ('false', 'closed')
), first as (
    select distinct on (domain_id) id
    from standing
    where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
      and (%(within)s::text[] is null or region_id = any(%(within)s::text[]))
    order by domain_id, condition = 'raised' desc, attention, severity, due_at nulls last, raised_at desc, id
)
select id, domain, severity, title_zh, title_en, place_zh, place_en, raised_at
from board_alert_card where id = any(array(select id from first)::bigint[])

-- name: devices
-- Devices of each domain; `since` is when the first of those that are silent fell silent.
select d.domain_id as domain, count(*) as total, count(*) filter (where d.online) as online,
       count(*) filter (where s.state = 'heard') as heard, count(*) filter (where s.state = 'silent') as silent,
       count(*) filter (where s.state = 'unheard') as unheard, min(s.since) as since
from board_device d join board_device_state s on s.device_id = d.id
where (%(regions)s::text[] is null or d.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or d.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or d.region_id = any(%(within)s::text[]))
group by d.domain_id

-- name: flood
-- Alerts that began to be raised in the last 10 minutes and were news, and since when announcements are folded.
select (
    select count(*)
    from board_alert_event e join board_alert a on a.id = e.alert_id
    where e.kind in ('raised', 'reopened') and not e.past and e.at > %(now)s - interval '10 minutes'
      and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))
      and (%(within)s::text[] is null or a.region_id = any(%(within)s::text[]))
) as rate, (
    select min(started_at) from board_flood
    where ended_at is null and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(within)s::text[] is null or region_id = any(%(within)s::text[]))
) as since

-- name: closed
-- When somebody closed an alert last; null: nobody has.
select (
    select e.at
    from board_alert_event e join board_alert a on a.id = e.alert_id
    where e.kind = 'close'
      and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))
      and (%(within)s::text[] is null or a.region_id = any(%(within)s::text[]))
    order by e.id desc limit 1
) as closed_at

-- name: ledger
-- The account of this hour and the 24 before, and what came in this one and the one before it.
select %(hour)s - interval '24 hours' as since, coalesce(sum(received), 0)::bigint as received,
       coalesce(sum(stored), 0)::bigint as stored, coalesce(sum(duplicate), 0)::bigint as duplicate,
       coalesce(sum(quarantined), 0)::bigint as quarantined, count(*) filter (where missing <> 0) as unbalanced,
       coalesce(sum(received) filter (where hour >= %(hour)s - interval '1 hour'), 0)::bigint as recent
from board_ledger
where hour >= %(hour)s - interval '24 hours'
  and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or region_id = any(%(within)s::text[]))

-- name: quarantined
-- How much waits in quarantine.
select count(*) from board_quarantine where replayed is null
