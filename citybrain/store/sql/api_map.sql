-- What maps show. `regions` and `domains` are the scope of who asks, null: all. Sites are in the order of their ids.

-- name: sites
-- All sites, and what they are called where that is asked for.
select id, region_id, domain_id, kind, longitude, latitude, case when %(titles)s then title_zh end,
       case when %(titles)s then title_en end
from board_site
where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
order by id

-- name: states
-- How they are: one byte each, and one for each open alert at a site of them. Bits 0 to 2 are the severity, 8: unjudged,
-- 16: cleared, 32: stale, 64: no data yet, 128: silenced. A site is stale when each of its measured series that has an
-- interval has been silent for two of them.
with seen as materialized (
    select id, row_number() over (order by id) - 1 as place
    from board_site
    where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
), heard as (
    select device_id, bool_or(time > now() - 2 * expected_interval) as lately
    from board_latest
    where not derived
    group by device_id
), manned as (
    select d.site_id, bool_or(h.device_id is not null) as ever, bool_or(h.lately) as lately
    from board_device d left join heard h on h.device_id = d.id
    where d.site_id is not null
    group by d.site_id
), alerts as materialized (
    select a.id, s.place, a.severity,
           a.severity + 8 * (a.handling = 'new')::int + 16 * (a.condition = 'cleared')::int
               + 128 * (a.shelved_until is not null or a.maintained_until is not null)::int as state
    from board_alert a
    join seen s on s.id = coalesce(a.site_id, case when a.subject_kind = 'site' then a.subject end)
    where a.open
      and (%(regions)s::text[] is null or a.region_id = any(%(regions)s::text[]))
      and (%(domains)s::text[] is null or a.domain_id = any(%(domains)s::text[]))
), worst as (
    -- What is silenced comes last; of the same severity first what holds, then what nobody has judged.
    select distinct on (place) place, state from alerts
    order by place, state & 128, severity, state & 16, state & 8 desc
), every as (
    select s.id, coalesce(w.state, 0) + case when not m.ever then 64 when not m.lately then 32 else 0 end as state
    from seen s
    left join manned m on m.site_id = s.id
    left join worst w on w.place = s.place
    order by s.place
)
-- The aggregates take the rows in the order that they come in.
select md5(coalesce(string_agg(id, ','), '')) as of,
       (select newest from board_event_number) as event,
       coalesce(string_agg(set_byte('\x00', 0, state), ''), '') as states,
       (select coalesce(array_agg(id order by id), '{}') from alerts) as alert,
       (select coalesce(array_agg(place order by id), '{}') from alerts) as site,
       (select coalesce(array_agg(state order by id), '{}') from alerts) as state
from every

-- name: extent
-- The box around all sites: west, south, east, north; nulls where there are none.
select min(longitude) as west, min(latitude) as south, max(longitude) as east, max(latitude) as north
from board_site
where (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
