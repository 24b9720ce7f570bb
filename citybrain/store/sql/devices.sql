-- Devices, and which of them have credentials for the broker.

-- name: alone
-- One change of credentials at a time: what is read below must still hold when the broker has done its part.
select pg_advisory_xact_lock(hashtextextended('citybrain devices', 1))

-- name: asked
-- What is known of what devices shall be, in their order.
select exists (select from region r where r.id = k.region), exists (select from domain m where m.id = k.domain),
       t.region_id, t.domain_id, exists (select from device g
           where g.region_id = k.region and g.domain_id = k.domain and g.name = k.gateway),
       d.gateway, c.device_id is not null, c.revoked_at is not null
from unnest(%(regions)s::text[], %(domains)s::text[], %(names)s::text[], %(sites)s::text[], %(gateways)s::text[])
    with ordinality k (region, domain, name, site, gateway, place)
left join site t on t.id = k.site
left join device d on d.region_id = k.region and d.domain_id = k.domain and d.name = k.name
left join device_credential c on c.device_id = d.id
order by k.place

-- name: add
-- What is not given stays as it was.
with made as (
    insert into device (region_id, domain_id, name, site_id, gateway, verified, first_seen)
    select k.region, k.domain, k.name, k.site, k.gateway, true, %(now)s
    from unnest(%(regions)s::text[], %(domains)s::text[], %(names)s::text[], %(sites)s::text[], %(gateways)s::text[])
        k (region, domain, name, site, gateway)
    on conflict (region_id, domain_id, name) do update
        set site_id = coalesce(excluded.site_id, device.site_id),
            gateway = coalesce(excluded.gateway, device.gateway), verified = true
    returning id, region_id, domain_id, name
)
insert into device_credential (device_id, username, created_at, created_by)
select id, concat_ws('/', region_id, domain_id, name), %(now)s, %(by)s from made

-- name: behind
-- Devices that hang on a gateway of one of these names, wherever.
select region_id, domain_id, gateway, name from device where gateway = any(%(names)s::text[])

-- name: credentials
-- All credentials: who has them, and whether they are revoked.
select d.region_id, d.domain_id, d.name, c.revoked_at is not null
from device_credential c join device d on d.id = c.device_id
order by d.region_id, d.domain_id, d.name

-- name: having
-- Those of these devices that have credentials.
select d.region_id, d.domain_id, d.name
from device d join device_credential c on c.device_id = d.id
join unnest(%(regions)s::text[], %(domains)s::text[], %(names)s::text[]) k (region, domain, name)
    on d.region_id = k.region and d.domain_id = k.domain and d.name = k.name

-- name: rotated
update device_credential c set rotated_at = %(now)s, revoked_at = null, revoked_by = null
from device d join unnest(%(regions)s::text[], %(domains)s::text[], %(names)s::text[]) k (region, domain, name)
    on d.region_id = k.region and d.domain_id = k.domain and d.name = k.name
where d.id = c.device_id

-- name: revoked
update device_credential c set revoked_at = coalesce(c.revoked_at, %(now)s), revoked_by = coalesce(c.revoked_by, %(by)s)
from device d
where d.id = c.device_id and d.region_id = %(region)s and d.domain_id = %(domain)s and d.name = %(name)s

-- name: list
-- A page of devices in the order of their names, those after (%(after_region)s, %(after_domain)s, %(after_name)s). By
-- %(sort)s = since, of the silent ones the longest first, those after (%(after_since)s, %(after_id)s).
select d.id, d.region_id as region, r.title_zh as region_zh, r.title_en as region_en,
       d.domain_id as domain, m.title_zh as domain_zh, m.title_en as domain_en, d.name,
       d.site_id as site, s.title_zh as site_zh, s.title_en as site_en, d.gateway, d.verified, d.first_seen,
       d.online, d.status_at, c.created_at, c.rotated_at, c.revoked_at,
       case when c.device_id is null then 'none' when c.revoked_at is null then 'active' else 'revoked' end as credentials,
       h.state, h.heard_at, h.since
from board_device d
join board_device_state h on h.device_id = d.id
join board_region r on r.id = d.region_id
join board_domain m on m.id = d.domain_id
left join board_site s on s.id = d.site_id
left join board_credential c on c.device_id = d.id
where (%(regions)s::text[] is null or d.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or d.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or d.region_id = any(%(within)s::text[]))
  and (%(domain)s::text is null or d.domain_id = %(domain)s)
  and (%(site)s::text is null or d.site_id = %(site)s)
  and (%(gateway)s::text is null or d.gateway = %(gateway)s)
  and (%(online)s::bool is null or coalesce(d.online, false) = %(online)s)
  and (%(verified)s::bool is null or d.verified = %(verified)s)
  and (%(credentials)s::text is null or %(credentials)s =
       case when c.device_id is null then 'none' when c.revoked_at is null then 'active' else 'revoked' end)
  and (%(text)s::text is null or position(lower(%(text)s) in lower(d.name)) > 0
       or position(lower(%(text)s) in lower(coalesce(s.title_zh || ' ' || s.title_en, ''))) > 0)
  and (%(state)s::text is null or h.state = %(state)s)
  and (%(name)s::text is null or d.name = %(name)s)
  and (%(after_region)s::text is null
       or (d.region_id, d.domain_id, d.name) > (%(after_region)s, %(after_domain)s, %(after_name)s))
  and (%(after_id)s::int4 is null or (coalesce(h.since, '9999-12-31T23:59:59.999999Z'), d.id) > (%(after_since)s::timestamptz, %(after_id)s))
order by case when %(sort)s::text = 'since' then coalesce(h.since, '9999-12-31T23:59:59.999999Z') end,
         case when %(sort)s::text = 'since' then d.id end, d.region_id, d.domain_id, d.name
limit %(limit)s

-- name: series
select s.series_id as id, s.metric, s.title_zh, s.title_en, s.unit, s.derived, l.time, l.value, l.good
from board_series s left join board_latest l on l.series_id = s.series_id
where s.device_id = %(device)s
order by s.metric

-- name: day
select hour, received, stored, duplicate, quarantined
from board_ledger where device_id = %(device)s and hour >= %(since)s
order by hour
