-- Series and their newest readings, as far as who asks may see them: in scope (`regions` and `domains`, null: all) or
-- shared with him (`shared_*`, in parallel; region * is everywhere).

-- name: series
select s.series_id as id, s.region_id || '/' || s.domain_id || '/' || s.device || '/' || s.metric as name,
       json_build_object('id', r.id, 'title', json_build_object('zh', r.title_zh, 'en', r.title_en)) as region,
       json_build_object('id', d.id, 'title', json_build_object('zh', d.title_zh, 'en', d.title_en)) as domain,
       case when t.id is not null then
           json_build_object('id', t.id, 'title', json_build_object('zh', t.title_zh, 'en', t.title_en)) end as site,
       s.device,
       json_build_object('id', s.metric, 'title', json_build_object('zh', s.title_zh, 'en', s.title_en)) as metric,
       s.kind, s.unit, extract(epoch from s.expected_interval)::float8 as interval_s, s.derived, s.verified
from board_series s join board_region r on r.id = s.region_id join board_domain d on d.id = s.domain_id
left join board_site t on t.id = s.site_id
where (((%(regions)s::text[] is null or s.region_id = any(%(regions)s::text[]))
        and (%(domains)s::text[] is null or s.domain_id = any(%(domains)s::text[])))
       or exists (
           select from unnest(%(shared_domains)s::text[], %(shared_metrics)s::text[], %(shared_regions)s::text[])
               as shared (domain, metric, region)
           where shared.domain = s.domain_id and shared.metric = s.metric and shared.region in (s.region_id, '*')))
  and (%(within)s::text[] is null or s.region_id = any(%(within)s::text[]))
  and (%(domain)s::text is null or s.domain_id = %(domain)s)
  and (%(metric)s::text is null or s.metric = %(metric)s)
  and (%(site)s::text is null or s.site_id = %(site)s)
  and (%(device)s::text is null or s.device = %(device)s)
  and (%(id)s::int4 is null or s.series_id = %(id)s) and s.series_id > %(after)s
order by s.series_id limit %(limit)s

-- name: chosen
-- The series of which readings are asked for: these ids, or all that the filters leave.
select s.series_id as id
from board_series s
where (((%(regions)s::text[] is null or s.region_id = any(%(regions)s::text[]))
        and (%(domains)s::text[] is null or s.domain_id = any(%(domains)s::text[])))
       or exists (
           select from unnest(%(shared_domains)s::text[], %(shared_metrics)s::text[], %(shared_regions)s::text[])
               as shared (domain, metric, region)
           where shared.domain = s.domain_id and shared.metric = s.metric and shared.region in (s.region_id, '*')))
  and (%(within)s::text[] is null or s.region_id = any(%(within)s::text[]))
  and (%(domain)s::text is null or s.domain_id = %(domain)s)
  and (%(metric)s::text is null or s.metric = %(metric)s)
  and (%(site)s::text is null or s.site_id = %(site)s)
  and (%(device)s::text is null or s.device = %(device)s)
  and (%(ids)s::int4[] is null or s.series_id = any(%(ids)s::int4[]))
order by s.series_id limit %(limit)s

-- name: chosen_regions
-- The regions of which a domain's metric is asked for: all that the filters leave.
select r.id
from board_region r
where (((%(regions)s::text[] is null or r.id = any(%(regions)s::text[]))
        and (%(domains)s::text[] is null or %(domain)s::text = any(%(domains)s::text[])))
       or exists (
           select from unnest(%(shared_domains)s::text[], %(shared_metrics)s::text[], %(shared_regions)s::text[])
               as shared (domain, metric, region)
           where shared.domain = %(domain)s::text and shared.metric = %(metric)s::text and shared.region in (r.id, '*')))
  and (%(within)s::text[] is null or r.id = any(%(within)s::text[]))
order by r.id

-- name: latest
select l.series_id as series, l.region_id as region, l.domain_id as domain, l.site_id as site, l.device, l.metric, l.unit,
       l.time, l.value, l.quality, extract(epoch from %(now)s - l.time)::float8 as age_s
from board_latest l
where (((%(regions)s::text[] is null or l.region_id = any(%(regions)s::text[]))
        and (%(domains)s::text[] is null or l.domain_id = any(%(domains)s::text[])))
       or exists (
           select from unnest(%(shared_domains)s::text[], %(shared_metrics)s::text[], %(shared_regions)s::text[])
               as shared (domain, metric, region)
           where shared.domain = l.domain_id and shared.metric = l.metric and shared.region in (l.region_id, '*')))
  and (%(within)s::text[] is null or l.region_id = any(%(within)s::text[]))
  and (%(domain)s::text is null or l.domain_id = %(domain)s)
  and (%(metric)s::text is null or l.metric = %(metric)s)
  and (%(site)s::text is null or l.site_id = %(site)s)
  and (%(device)s::text is null or l.device = %(device)s)
  and l.series_id > %(after)s
order by l.series_id limit %(limit)s
