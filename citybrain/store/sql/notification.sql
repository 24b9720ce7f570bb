-- Announcements on their way to those who are to be told.

-- name: undispatched
-- The oldest announcements for which no route has been chosen, with their region and all around it. One without a
-- region is the root's.
select n.id, n.severity, n.domain_id as domain, up.path
from announcement n
left join alert a on a.id = n.alert_id
cross join lateral (
    with recursive up as (
        select r.id, r.parent_id from region r
        where r.id = coalesce(n.region_id, a.region_id, (select min(id) from region where parent_id is null))
        union all
        select r.id, r.parent_id from region r join up on r.id = up.parent_id
    )
    select coalesce(array_agg(id), '{}') as path from up
) up
where n.dispatched_at is null
order by n.id
limit %(limit)s
for update of n skip locked

-- name: dispatch
-- The deliveries of announcements, and the note that their routes are chosen.
with chosen as (
    update announcement set dispatched_at = %(now)s where id = any(%(dispatched)s)
)
insert into delivery (announcement_id, route, created_at, next_try)
select announcement_id, route, %(now)s, due
from unnest(%(announcement)s::bigint[], %(route)s::text[], %(due)s::timestamptz[]) d (announcement_id, route, due)

-- name: take
-- What is due on routes that are free, the oldest first and no more of each than it has room for. It is due again
-- when the lease is over: so it is tried again if we die.
with taken as (
    select w.announcement_id, w.route
    from unnest(%(route)s::text[], %(room)s::int[]) r (route, room)
    cross join lateral (
        select d.announcement_id, d.route from delivery d
        where d.route = r.route and d.status = 'waiting' and d.next_try <= %(now)s
        order by d.announcement_id
        limit r.room
        for update skip locked
    ) w
)
update delivery d set attempts = d.attempts + 1, tried_at = %(now)s, next_try = %(now)s + %(lease)s
from taken t where d.announcement_id = t.announcement_id and d.route = t.route
returning d.route, d.announcement_id

-- name: announcements
-- Announcements with all that a message says of their alerts. One without a region is the root's.
select n.id, n.at, n.kind, n.severity, n.domain_id as domain, r.id as region,
       jsonb_build_object('zh', n.text_zh, 'en', n.text_en) as text, a.id as alert, a.rule, a.version, a.subject,
       case when a.id is not null and p.title_zh is not null
            then jsonb_build_object('zh', p.title_zh, 'en', p.title_en) end as place,
       case when a.id is not null then jsonb_build_object('zh', a.title_zh, 'en', a.title_en) end as title,
       case when a.advice_zh is not null then jsonb_build_object('zh', a.advice_zh, 'en', a.advice_en) end as advice,
       a.raised_at, a.cleared_at, a.values -> 'value' as value, coalesce(a.limits, '{}') as limits,
       n.event_id as event, t.longitude, t.latitude,
       (select coalesce(jsonb_agg(jsonb_build_object('event', e.id, 'at', e.at) order by e.id), '[]')
        from alert_event e
        where e.alert_id = n.alert_id and e.id <= n.event_id and e.kind = any(%(kinds)s)) as marks
from announcement n
left join alert a on a.id = n.alert_id
left join site t on t.id = a.site_id
cross join lateral (
    select coalesce(n.region_id, a.region_id, (select min(id) from region where parent_id is null), '-') as id
) r
left join region g on g.id = r.id
cross join lateral (
    select coalesce(t.title_zh, g.title_zh) as title_zh, coalesce(t.title_en, g.title_en) as title_en
) p
where n.id = any(%(ids)s)
order by n.id

-- name: record
-- How attempts ended; without an error it was taken. What failed is due again after a pause that doubles each time.
-- A late "taken" of an attempt that was given up counts; a late failure of what was sent meanwhile does not.
update delivery d set
    status = case when o.error is null then 'sent' else 'waiting' end,
    sent_at = case when o.error is null then %(now)s end,
    error = o.error,
    next_try = case when o.error is null then d.next_try
               else %(now)s + make_interval(secs => least(%(longest)s, %(first)s * power(2, d.attempts - 1))) end
from unnest(%(announcement)s::bigint[], %(route)s::text[], %(error)s::text[]) o (announcement_id, route, error)
where d.announcement_id = o.announcement_id and d.route = o.route
    and (d.status = 'waiting' or (d.status = 'failed' and o.error is null))

-- name: give_up
-- What has waited for too long is news no more.
update delivery set status = 'failed',
    error = coalesce(error, case when attempts = 0 then 'It was never tried: its route is gone, or was busy all the time.'
                                 else 'The process that sent it ended, and nobody knows how far it got.' end)
where status = 'waiting' and next_try <= %(now)s and created_at < %(now)s - %(patience)s
returning route
