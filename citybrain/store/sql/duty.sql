-- Crews, who is on duty, and handovers. `regions` and `domains` are the scope of who asks; null: all.

-- ── crews ───────────────────────────────────────────────────────────────────────────────────────────────

-- name: add_crew
insert into crew (id, title_zh, title_en, regions, domains, longitude, latitude, contact, channel, created_at, created_by)
values (%(id)s, %(title_zh)s, %(title_en)s, %(regions)s, %(domains)s, %(longitude)s, %(latitude)s, %(contact)s,
        %(channel)s, %(now)s, %(by)s)

-- name: lock_crew
-- A crew stays as it is until the end of the transaction.
select from crew where id = %(id)s for update

-- name: crew
-- A crew, with all regions that it goes to.
select id, title_zh, title_en, regions, domains, longitude, latitude, contact, channel, active,
       case when regions is not null then regions_below(regions) end as reach
from crew where id = %(id)s

-- name: crews
-- Those that go to places, or about domains, of the scope, by id.
select id, title_zh, title_en, regions, domains, longitude, latitude, contact, channel, active,
       case when regions is not null then regions_below(regions) end as reach
from crew
where (%(regions)s::text[] is null or regions is null or regions_below(regions) && %(regions)s::text[])
  and (%(domains)s::text[] is null or domains is null or domains && %(domains)s::text[])
  and (%(active)s::bool is null or active = %(active)s)
  and (%(after)s::text is null or id > %(after)s)
order by id limit %(limit)s

-- name: change_crew
update crew
set title_zh = %(title_zh)s, title_en = %(title_en)s, regions = %(regions)s, domains = %(domains)s,
    longitude = %(longitude)s, latitude = %(latitude)s, contact = %(contact)s, channel = %(channel)s,
    active = %(active)s
where id = %(id)s

-- name: crew_orders
-- How many orders a crew has that it has not reported back on.
select count(*) from alert
where mode = 'live' and crew = %(id)s and handling in ('dispatched', 'accepted', 'handling')

-- name: is_active
-- Whether a crew that is listed may be sent; it does not retire until the end of the transaction.
select active from crew where id = %(id)s for share

-- name: crews_of_alert
-- The crews that go to an alert, each with its distance in metres, where both have a place, and its orders.
select c.id, c.title_zh, c.title_en, c.regions, c.domains, c.longitude, c.latitude, c.contact, c.channel, c.active,
       case when c.regions is not null then regions_below(c.regions) end as reach,
       metres(point(s.longitude, s.latitude), point(c.longitude, c.latitude)) as distance_m,
       coalesce(o.orders, 0) as orders
from alert a
join crew c on c.active
    and (c.regions is null or a.region_id = any(regions_below(c.regions)))
    and (c.domains is null or a.domain_id = any(c.domains))
left join site s on s.id = case when a.subject_kind = 'site' then a.subject else a.site_id end
left join (
    select crew, count(*) as orders from alert
    where mode = 'live' and handling in ('dispatched', 'accepted', 'handling')
      and (condition = 'raised' or handling not in ('false', 'closed'))  -- follows; an index asks for it
    group by crew
) o on o.crew = c.id
where a.id = %(alert)s

-- ── duty ────────────────────────────────────────────────────────────────────────────────────────────────

-- name: end_forgotten_duty
-- One that nobody ended has ended by itself.
update duty set ended_at = begun_at + %(longest)s
where person_id = %(person)s and ended_at is null and begun_at <= %(now)s - %(longest)s

-- name: begin_duty
-- Again changes nothing.
insert into duty (person_id, begun_at) values (%(person)s, %(now)s)
on conflict (person_id) where ended_at is null do nothing

-- name: end_duty
update duty set ended_at = greatest(begun_at, least(%(now)s, begun_at + %(longest)s))
where person_id = %(person)s and ended_at is null

-- name: on_duty
-- Who was on duty between two moments, of those who see something of the scope.
select p.name, coalesce(nullif(p.title, ''), p.name) as title, d.begun_at,
       coalesce(d.ended_at, case when d.begun_at <= %(now)s - %(longest)s then d.begun_at + %(longest)s end) as ended_at
from duty d join person p on p.id = d.person_id
where d.begun_at <= %(until)s and d.begun_at > %(since)s - %(longest)s
  and coalesce(d.ended_at, d.begun_at + %(longest)s) > %(since)s
  and p.active
  and (%(regions)s::text[] is null or p.regions is null or regions_below(p.regions) && %(regions)s::text[])
  and (%(domains)s::text[] is null or p.domains is null or p.domains && %(domains)s::text[])
order by d.begun_at, p.name

-- ── handovers ───────────────────────────────────────────────────────────────────────────────────────────

-- name: add_handover
insert into handover (regions, domains, made_at, made_by, content, digest)
values (%(regions)s, %(domains)s, %(now)s, %(by)s, %(content)s, %(digest)s) returning id

-- name: take_handover
insert into handover_taken (handover_id, taken_at, taken_by, title, note, digest)
values (%(id)s, %(now)s, %(by)s, %(title)s, %(note)s, %(digest)s)
on conflict do nothing
returning handover_id

-- name: handover
-- One whose whole scope is within the caller's.
select h.id, h.made_at, h.made_by, h.content, h.digest, t.taken_at, t.taken_by, t.title as taken_title,
       t.note as taken_note, t.digest as taken_digest
from handover h left join handover_taken t on t.handover_id = h.id
where h.id = %(id)s
  and (%(regions)s::text[] is null or h.regions <@ %(regions)s::text[])
  and (%(domains)s::text[] is null or h.domains <@ %(domains)s::text[])

-- name: handovers
-- Likewise, the newest first.
select h.id, h.made_at, h.made_by, h.content, h.digest, t.taken_at, t.taken_by, t.title as taken_title,
       t.note as taken_note, t.digest as taken_digest
from handover h left join handover_taken t on t.handover_id = h.id
where (%(regions)s::text[] is null or h.regions <@ %(regions)s::text[])
  and (%(domains)s::text[] is null or h.domains <@ %(domains)s::text[])
  and (%(taken)s::bool is null or (t.handover_id is not null) = %(taken)s)
  and (%(before)s::bigint is null or h.id < %(before)s)
order by h.id desc limit %(limit)s
