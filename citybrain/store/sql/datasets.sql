-- Shared datasets (数据目录): who was granted which, and what there is of each. `regions` and `domains` are the scope of who
-- asks; null: all.

-- name: known
-- No row: there is no such dataset.
select from metric where domain_id = %(domain)s and name = %(metric)s and verified

-- name: grantee
-- Who shall be granted it, if they still may come in.
select (select id from person where name = %(person)s and active) as person,
       (select id from token where name = %(token)s and revoked_at is null and expires_at > %(now)s) as token,
       %(region)s::text is null or exists (select from region where id = %(region)s) as region

-- name: add
insert into dataset_grant (domain_id, metric, region_id, person_id, token_id, reason, granted_at, granted_by, expires_at)
values (%(domain)s, %(metric)s, %(region)s, %(person)s, %(token)s, %(reason)s, %(now)s, %(by)s, %(expires)s)
returning id

-- name: grants
-- Grants after %(after)s within the scope, of a dataset and in force where that is asked for.
select g.id, g.domain_id as domain, g.metric, g.region_id as region, p.name as person, t.name as token, g.reason,
       g.granted_at, g.granted_by, g.expires_at, g.revoked_at, g.revoked_by
from dataset_grant g left join person p on p.id = g.person_id left join token t on t.id = g.token_id
where (%(regions)s::text[] is null or g.region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or g.domain_id = any(%(domains)s::text[]))
  and (%(domain)s::text is null or g.domain_id = %(domain)s)
  and (%(metric)s::text is null or g.metric = %(metric)s)
  and (%(id)s::int4 is null or g.id = %(id)s)
  and (%(in_force)s::boolean is null or (g.revoked_at is null and g.expires_at > %(now)s) = %(in_force)s)
  and g.id > %(after)s
order by g.id limit %(most)s

-- name: revoke
update dataset_grant set revoked_at = %(now)s, revoked_by = %(by)s
where id = %(id)s and revoked_at is null and expires_at > %(now)s

-- name: coverage
-- What there is of each metric that is in scope or shared: series, regions, and the time of the newest reading.
select s.domain_id as domain, s.metric, count(*) as series, array_agg(distinct s.region_id) as regions,
       max(l.time) as newest
from board_series s left join board_latest l on l.series_id = s.series_id
where (((%(regions)s::text[] is null or s.region_id = any(%(regions)s::text[]))
        and (%(domains)s::text[] is null or s.domain_id = any(%(domains)s::text[])))
       or exists (
           select from unnest(%(shared_domains)s::text[], %(shared_metrics)s::text[], %(shared_regions)s::text[])
               as shared (domain, metric, region)
           where shared.domain = s.domain_id and shared.metric = s.metric and shared.region in (s.region_id, '*')))
  and (%(domain)s::text is null or s.domain_id = %(domain)s)
  and (%(metric)s::text is null or s.metric = %(metric)s)
group by s.domain_id, s.metric

-- name: oldest
-- The time of the oldest reading of a metric, likewise; the look-up by series reads one row each.
select min(r.time) as time
from board_series s
cross join lateral (
    select time from board_reading where series_id = s.series_id order by time limit 1
) r
where (((%(regions)s::text[] is null or s.region_id = any(%(regions)s::text[]))
        and (%(domains)s::text[] is null or s.domain_id = any(%(domains)s::text[])))
       or exists (
           select from unnest(%(shared_domains)s::text[], %(shared_metrics)s::text[], %(shared_regions)s::text[])
               as shared (domain, metric, region)
           where shared.domain = s.domain_id and shared.metric = s.metric and shared.region in (s.region_id, '*')))
  and s.domain_id = %(domain)s and s.metric = %(metric)s

-- name: shared
-- How many grants of each dataset are in force.
select domain_id as domain, metric, count(*) as grants
from board_dataset_grant
where revoked_at is null and expires_at > %(now)s
  and (%(regions)s::text[] is null or region_id = any(%(regions)s::text[]))
  and (%(domains)s::text[] is null or domain_id = any(%(domains)s::text[]))
group by domain_id, metric
