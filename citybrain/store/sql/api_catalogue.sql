-- The catalogue as the API lists it. A title is an object of zh and en; `regions` and `domains` are the scope of who
-- asks, null: all.

-- name: below
-- A region with all below it.
with recursive below as (
    select id from board_region where id = %(region)s
    union
    select r.id from board_region r join below b on r.parent_id = b.id
)
select id from below order by id

-- name: regions
-- The regions in scope and, so that the tree can be drawn, all above them; one of them, or the page after a key.
with recursive seen as (
    select id, parent_id from board_region
    where %(regions)s::text[] is null or id = any(%(regions)s::text[])
    union
    select r.id, r.parent_id from board_region r join seen s on r.id = s.parent_id
)
select id, level, parent_id as parent, json_build_object('zh', title_zh, 'en', title_en) as title,
       %(regions)s::text[] is null or id = any(%(regions)s::text[]) as in_scope
from board_region
where id in (select id from seen) and (%(id)s::text is null or id = %(id)s) and id > %(after)s
order by id limit %(limit)s

-- name: place
-- The city in which most sites are; no row where no site is in a city.
with recursive up as (
    select region_id as id, count(*) as sites from board_site group by region_id
    union all
    select r.parent_id, u.sites from up u join board_region r on r.id = u.id
)
select r.title_zh as zh, r.title_en as en
from up u join board_region r on r.id = u.id
where r.level = 'city'
group by r.id, r.title_zh, r.title_en order by sum(u.sites) desc, r.id limit 1

-- name: domains
select id, json_build_object('zh', title_zh, 'en', title_en) as title
from board_domain
where (%(id)s::text is null or id = %(id)s) and id > %(after)s
order by id limit %(limit)s

-- name: metrics
select m.name as id, m.domain_id as domain, json_build_object('zh', m.title_zh, 'en', m.title_en) as title, m.kind, m.unit,
       m.low, m.high, m.max_step, extract(epoch from m.stuck_after)::float8 as stuck_after_s,
       extract(epoch from m.expected_interval)::float8 as interval_s, m.reports, m.revises, m.derived, m.verified,
       coalesce((select json_agg(json_build_object('id', key, 'code', value) order by value, key)
                 from jsonb_each(m.states)), '[]') as states
from board_metric m
where (%(domain)s::text is null or m.domain_id = %(domain)s)
  and (m.domain_id, m.name) > (%(after_domain)s, %(after)s)
order by m.domain_id, m.name limit %(limit)s

-- name: sites
-- Sites in scope by id, in which numbers count as such: 2 before 10. For that each is written with ten digits, as in the
-- index site_order.
-- `box` is west, south, east, north in degrees.
with page as (
    select regexp_replace(regexp_replace(%(after)s::text, '\d+', '000000000\&', 'g'), '\d*(\d{10})', '\1', 'g') as after
)
select s.id, json_build_object('zh', s.title_zh, 'en', s.title_en) as title,
       json_build_object('id', r.id, 'title', json_build_object('zh', r.title_zh, 'en', r.title_en)) as region,
       json_build_object('id', d.id, 'title', json_build_object('zh', d.title_zh, 'en', d.title_en)) as domain,
       s.kind, s.longitude, s.latitude, s.attributes
from board_site s join board_region r on r.id = s.region_id join board_domain d on d.id = s.domain_id
cross join lateral (
    select regexp_replace(regexp_replace(s.id, '\d+', '000000000\&', 'g'), '\d*(\d{10})', '\1', 'g') as own
) k
where (%(regions)s::text[] is null or s.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or s.domain_id = any(%(domains)s::text[]))
  and (%(within)s::text[] is null or s.region_id = any(%(within)s::text[]))
  and (%(domain)s::text is null or s.domain_id = %(domain)s)
  and (%(kind)s::text is null or s.kind = %(kind)s)
  and (%(text)s::text is null or position(lower(%(text)s) in lower(s.title_zh)) > 0
       or position(lower(%(text)s) in lower(s.title_en)) > 0)
  and (%(box)s::float8[] is null
       or (s.longitude between (%(box)s::float8[])[1] and (%(box)s::float8[])[3]
           and s.latitude between (%(box)s::float8[])[2] and (%(box)s::float8[])[4]))
  and (%(id)s::text is null or s.id = %(id)s) and (k.own, s.id) > ((select after from page), %(after)s::text)
order by k.own, s.id limit %(limit)s

-- name: devices
-- The devices of a site, as far as they are in scope.
select name, gateway, verified, online, status_at
from board_device
where site_id = %(site)s
  and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
order by name limit %(limit)s
